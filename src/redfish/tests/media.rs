//! Virtual media: images that are inserted by PATCH, and certificates of their servers.

use super::*;

const PEM: &str = include_str!("../../../tests/it/documents/certificate.pem");

fn slot(bench: &Bench) -> String {
    bench.get(&format!("{}/VirtualMedia", bench.system)).json["Members"][0]["@odata.id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_patch_inserts_changes_and_ejects_an_image_as_the_actions_do() {
    let bench = Bench::new();
    let slot = slot(&bench);
    let patch = |body: Value| bench.write("PATCH", &slot, &body);
    let shown = |keys: [&str; 3]| {
        let json = bench.get(&slot).json;
        keys.map(|key| json[key].clone())
    };
    let image = "https://images.example/a.iso";
    // The body of sushy's `insert_media`.
    let insert = json!({"Image": image, "Inserted": true, "WriteProtected": true});
    assert_eq!(patch(insert.clone()).status, 204);
    assert_eq!(
        shown(["Image", "Inserted", "TransferProtocolType"]),
        [json!(image), json!(true), json!("HTTPS")]
    );
    assert_eq!(patch(insert).status, 204, "it is there already");
    let other = json!({"Image": "http://images.example/b.iso"});
    assert_eq!((patch(other.clone()).status, patch(other).message_ids()), (409, vec!["ResourceInUse"]));
    let action = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    assert_eq!(bench.write("POST", &action, &json!({"Image": image})).message_ids(), ["ResourceInUse"]);
    assert_eq!(patch(json!({"WriteProtected": false, "UserName": "u", "Password": "p"})).status, 204);
    assert_eq!(shown(["WriteProtected", "UserName", "Password"]), [json!(false), json!("u"), Value::Null]);
    assert_eq!(patch(json!({"UserName": null})).status, 204);
    assert_eq!(shown(["Image", "UserName", "WriteProtected"]), [json!(image), Value::Null, json!(false)]);
    assert_eq!(patch(json!({"Image": null, "Inserted": false, "WriteProtected": true})).status, 204);
    assert_eq!(shown(["Image", "Inserted", "UserName"]), [Value::Null, json!(false), Value::Null]);
    assert_eq!(patch(json!({"Inserted": false})).status, 204, "the slot is already empty");
}

#[test]
fn a_patch_that_contradicts_itself_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    let slot = slot(&bench);
    let refused = |body: Value| {
        let before = bench.get(&slot).json;
        let answer = bench.write("PATCH", &slot, &body);
        assert_eq!((answer.status, &bench.get(&slot).json), (400, &before), "{body}");
        let info = &answer.json["error"]["@Message.ExtendedInfo"][0];
        let id = info["MessageId"].as_str().unwrap().trim_start_matches("Base.1.22.");
        format!("{id} {}", info["RelatedProperties"][0].as_str().unwrap())
    };
    let image = "http://images.example/a.iso";
    for (body, expected) in [
        (json!({"Image": image, "Inserted": false}), "PropertyValueConflict #/Inserted"),
        (json!({"Image": null, "Inserted": true}), "PropertyValueConflict #/Inserted"),
        (json!({"Inserted": true}), "PropertyValueConflict #/Inserted"),
        (json!({"WriteProtected": true}), "PropertyValueConflict #/WriteProtected"),
        (json!({"Password": "p"}), "PropertyValueConflict #/Password"),
        (json!({"Image": "nfs://host/a.iso"}), "PropertyValueFormatError #/Image"),
        (
            json!({"Image": image, "TransferProtocolType": "NFS"}),
            "PropertyValueNotInList #/TransferProtocolType",
        ),
        (json!({"VerifyCertificate": "yes"}), "PropertyValueTypeError #/VerifyCertificate"),
        (json!({"VerifyCertificate": true, "ImageName": "x"}), "PropertyNotWritable #/ImageName"),
    ] {
        assert_eq!(refused(body), expected);
    }
}

#[test]
fn certificates_of_an_image_server_are_kept_for_each_slot() {
    let bench = Bench::new();
    let slot = slot(&bench);
    let (collection, body) =
        (format!("{slot}/Certificates"), json!({"CertificateString": PEM, "CertificateType": "PEM"}));
    assert_eq!(bench.get(&slot).json["VerifyCertificate"], false);
    assert_eq!(bench.write("PATCH", &slot, &json!({"VerifyCertificate": true})).status, 204);
    let created = bench.write("POST", &collection, &body);
    assert_eq!((created.status, created.header("Location")), (201, &*format!("{collection}/1")));
    assert_eq!(created.json["Subject"]["CommonName"], "bmc.example");
    assert_eq!(bench.write("POST", &collection, &body).message_ids(), ["ResourceAlreadyExists"]);
    // The same slot below the manager.
    let of_manager = created.header("Location").replace("Systems", "Managers");
    assert_eq!(bench.get(&of_manager).json["Fingerprint"], created.json["Fingerprint"]);
    let other = bench.get(&format!("{}/VirtualMedia", bench.system)).json["Members"][1]["@odata.id"].clone();
    let other = format!("{}/Certificates", other.as_str().unwrap());
    assert_eq!(bench.get(&other).json["Members@odata.count"], 0);
    for n in 2..=crate::node::bmc::media_trust::MediaTrust::MAX_CERTIFICATES {
        let subject = crate::tls::Subject::named(&format!("server {n}"));
        let pem = crate::tls::factory_certificate(&subject, "seed", false).unwrap();
        let body = json!({"CertificateString": pem, "CertificateType": "PEM"});
        assert_eq!(bench.write("POST", &collection, &body).status, 201);
    }
    let subject = crate::tls::Subject::named("one more");
    let pem = crate::tls::factory_certificate(&subject, "seed", false).unwrap();
    let more = bench.write("POST", &collection, &json!({"CertificateString": pem, "CertificateType": "PEM"}));
    assert_eq!(more.message_ids(), ["CreateLimitReachedForResource"]);
    assert_eq!(bench.write("DELETE", &of_manager, &Value::Null).status, 204);
    assert_eq!(bench.get(created.header("Location")).status, 404);
}
