//! Secure boot and its databases.

use super::*;

const PEM: &str = include_str!("../../../tests/it/documents/certificate.pem");

#[test]
fn secure_boot_changes_at_the_next_boot() {
    let mut bench = Bench::new();
    let uri = format!("{}/SecureBoot", bench.system);
    assert_eq!(bench.write("PATCH", &uri, &json!({"SecureBootEnable": true})).status, 204);
    let shown = bench.get(&uri).json;
    assert_eq!(
        (&shown["SecureBootEnable"], &shown["SecureBootCurrentBoot"]),
        (&json!(true), &json!("Disabled"))
    );
    bench.reset("On");
    bench.wait(60_000);
    assert_eq!(bench.get(&uri).json["SecureBootCurrentBoot"], "Enabled");
    let reset = format!("{uri}/Actions/SecureBoot.ResetKeys");
    assert_eq!(bench.write("POST", &reset, &json!({"ResetKeysType": "DeleteAllKeys"})).status, 204);
    assert_eq!(bench.get(&uri).json["SecureBootMode"], "SetupMode");
    let legacy = json!({"Boot": {"BootSourceOverrideMode": "Legacy"}});
    assert_eq!(bench.write("PATCH", &bench.system, &legacy).message_ids(), ["PropertyValueConflict"]);
}

/// The URI of a database.
fn database(bench: &Bench, id: &str) -> String {
    format!("{}/SecureBoot/SecureBootDatabases/{id}", bench.system)
}

#[test]
fn a_platform_has_another_owner_after_its_key_was_replaced() {
    let mut bench = Bench::new();
    let (secure_boot, own) = (format!("{}/SecureBoot", bench.system), database(&bench, "PK"));
    let mode = |bench: &Bench| bench.get(&secure_boot).json["SecureBootMode"].clone();
    let new = json!({"CertificateString": PEM, "CertificateType": "PEM"});
    let refused = bench.write("POST", &format!("{own}/Certificates"), &new);
    assert_eq!(refused.message_ids(), ["CreateLimitReachedForResource"]);
    let first = bench.get(&format!("{own}/Certificates/1")).json;
    assert_eq!((&first["Subject"]["CommonName"], mode(&bench)), (&json!("Platform Key"), json!("UserMode")));
    assert_eq!(bench.write("DELETE", &format!("{own}/Certificates/1"), &Value::Null).status, 204);
    assert_eq!(mode(&bench), "SetupMode");
    bench.write("PATCH", &secure_boot, &json!({"SecureBootEnable": true}));
    bench.reset("On");
    bench.wait(60_000);
    assert_eq!(bench.get(&secure_boot).json["SecureBootCurrentBoot"], "Disabled");
    let created = bench.write("POST", &format!("{own}/Certificates"), &new);
    assert_eq!((created.status, mode(&bench)), (201, json!("UserMode")));
    let shown = bench.get(created.header("Location")).json;
    let sent = crate::tls::Shown::of_pem(PEM).unwrap();
    assert_eq!(
        (&shown["Fingerprint"], &shown["SerialNumber"]),
        (&json!(sent.fingerprint), &json!(sent.serial))
    );
    // The file has a private key beside the certificate.
    let text = shown["CertificateString"].as_str().unwrap();
    assert!(PEM.contains(text.trim()) && !text.contains("PRIVATE"), "{text}");
    assert!(shown.get("UefiSignatureOwner").is_none());
    bench.reset("ForceRestart");
    bench.wait(60_000);
    assert_eq!(bench.get(&secure_boot).json["SecureBootCurrentBoot"], "Enabled");
}

#[test]
fn a_key_that_does_not_fit_its_database_is_refused() {
    let bench = Bench::new();
    let at = |id: &str, rest: &str| format!("{}/{rest}", database(&bench, id));
    let refused = |uri: &str, body: &Value| {
        let answer = bench.write("POST", uri, body);
        assert!(answer.status >= 400, "{uri} {body}: {}", answer.json);
        let info = &answer.json["error"]["@Message.ExtendedInfo"];
        let about: Vec<String> = info
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let id = one["MessageId"].as_str().unwrap().trim_start_matches("Base.1.22.").to_owned();
                one["RelatedProperties"][0]
                    .as_str()
                    .map_or_else(|| id.clone(), |property| format!("{id} {property}"))
            })
            .collect();
        about.join(", ")
    };
    let certificate = |change: Value| {
        let mut body = json!({"CertificateString": PEM, "CertificateType": "PEM"});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        refused(&at("db", "Certificates"), &body)
    };
    let none = refused(&at("db", "Certificates"), &json!({"UefiSignatureOwner": null}));
    assert_eq!(none, "PropertyMissing #/CertificateString, PropertyMissing #/CertificateType");
    assert_eq!(
        certificate(json!({"CertificateString": "x"})),
        "PropertyValueFormatError #/CertificateString"
    );
    let twice = format!("{PEM}\n{PEM}");
    assert_eq!(
        certificate(json!({"CertificateString": twice})),
        "PropertyValueFormatError #/CertificateString"
    );
    let long = "x".repeat(crate::tls::MAX_PEM + 1);
    assert_eq!(certificate(json!({"CertificateString": long})), "PropertyValueError #/CertificateString");
    assert_eq!(certificate(json!({"CertificateType": "PKCS7"})), "PropertyValueNotInList #/CertificateType");
    for owner in ["x", "28d5e212165b4ca0909bc86b9cee0112"] {
        let answer = certificate(json!({"UefiSignatureOwner": owner}));
        assert_eq!(answer, "PropertyValueFormatError #/UefiSignatureOwner");
    }
    let first = bench.get(&at("db", "Certificates/1")).json["CertificateString"].clone();
    let again = certificate(json!({"CertificateString": first}));
    assert_eq!(again, "ResourceAlreadyExists #/CertificateString");

    let signature = |id: &str, change: Value| {
        let mut body = json!({"SignatureTypeRegistry": "UEFI", "SignatureType": "EFI_CERT_SHA256_GUID", "SignatureString": "0a".repeat(32)});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        refused(&at(id, "Signatures"), &body)
    };
    for digits in ["0a".repeat(31), "0x".repeat(32)] {
        let answer = signature("db", json!({"SignatureString": digits}));
        assert_eq!(answer, "PropertyValueFormatError #/SignatureString");
    }
    assert_eq!(
        signature("db", json!({"SignatureTypeRegistry": "OEM"})),
        "PropertyValueNotInList #/SignatureTypeRegistry"
    );
    assert_eq!(
        signature("db", json!({"SignatureType": "EFI_CERT_X509_GUID"})),
        "PropertyValueNotInList #/SignatureType"
    );
    assert_eq!(signature("dbDefault", json!({})), "OperationNotAllowed");
    assert_eq!(signature("KEK", json!({})), "ResourceMissingAtURI");
    let known =
        bench.get(&at("dbx", "Signatures/1")).json["SignatureString"].as_str().unwrap().to_lowercase();
    assert_eq!(
        signature("dbx", json!({"SignatureString": known})),
        "ResourceAlreadyExists #/SignatureString"
    );

    assert_eq!(bench.write("DELETE", &at("PKDefault", "Certificates/1"), &Value::Null).status, 405);
    let reset = at("PKDefault", "Actions/SecureBootDatabase.ResetKeys");
    assert_eq!(refused(&reset, &json!({"ResetKeysType": "DeleteAllKeys"})), "ResourceMissingAtURI");
    let reset = at("PK", "Actions/SecureBootDatabase.ResetKeys");
    let answer = refused(&reset, &json!({"ResetKeysType": "DeletePK"}));
    assert_eq!(answer, "ActionParameterValueNotInList #/ResetKeysType");
    assert_eq!(bench.get(&format!("{}/SecureBoot", bench.system)).json["SecureBootMode"], "UserMode");
}

#[test]
fn subscribers_hear_of_keys_that_come_and_go() {
    let bench = Bench::new();
    let subscription = events::subscribe(&bench, &json!({"RegistryPrefixes": ["ResourceEvent"]}));
    let own = database(&bench, "PK");
    bench.write("DELETE", &format!("{own}/Certificates/1"), &Value::Null);
    let reset = format!("{own}/Actions/SecureBootDatabase.ResetKeys");
    bench.write("POST", &reset, &json!({"ResetKeysType": "ResetAllKeysToDefault"}));
    let heard: Vec<_> = events::take(&bench, &subscription)
        .iter()
        .skip(1)
        .map(|event| {
            let of = event["OriginOfCondition"]["@odata.id"].as_str().unwrap();
            let id = event["MessageId"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
            (id, of.trim_start_matches(&bench.system).to_owned())
        })
        .collect();
    let (key, secure_boot) = ("/SecureBoot/SecureBootDatabases/PK/Certificates/1", "/SecureBoot");
    let expected = [
        ("ResourceChanged", secure_boot),
        ("ResourceRemoved", key),
        ("ResourceChanged", secure_boot),
        ("ResourceCreated", key),
    ];
    assert_eq!(heard, expected.map(|(id, of)| (id.to_owned(), of.to_owned())));
}
