//! `VerifyCertificate`: whose certificates a delivery accepts.

use serde_json::json;

use super::*;

/// A file with the CA of a receiver.
fn ca_file(receiver: &Receiver) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &receiver.ca_pem).unwrap();
    file
}

#[test]
fn a_verified_receiver_gets_events_if_its_ca_is_trusted() {
    let receiver = Receiver::start();
    let ca = ca_file(&receiver);
    let site = Site::start(RootOf::All, &["--ironic-ca", ca.path().to_str().unwrap()]);
    site.subscribe(
        &receiver.url("/"),
        &json!({"VerifyCertificate": true, "HttpHeaders": [{"X-Lab": "Rack 7"}]}),
    );
    site.submit("Fence");
    await_at(&receiver, "/", "Fence");
    let first = &receiver.deliveries("/")[0];
    assert!(first.head.starts_with("post / http/1.1\r\n"), "{}", first.head);
    assert!(first.head.contains("\r\nx-lab: rack 7\r\n"), "{}", first.head);
    assert_eq!(receiver.broken(), 0);
}

#[test]
fn a_verified_receiver_whose_ca_is_unknown_gets_nothing_until_its_certificate_counts_no_more() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        site.retry_twice();
        let verified = site.subscribe(&receiver.url("/verified"), &json!({"VerifyCertificate": true}));
        site.subscribe(&receiver.url("/unverified"), &json!({"VerifyCertificate": false}));
        site.subscribe(&receiver.url("/default"), &json!({}));
        site.submit("First");
        for path in ["/unverified", "/default"] {
            await_at(&receiver, path, "First");
        }
        eventually("suspension", || site.get(&verified)["Status"]["State"] == "Disabled");
        assert_eq!(site.get(&verified)["Status"]["Health"], "Warning");
        eventually("one attempt and two retries", || receiver.broken() >= 3);
        assert!(
            receiver.deliveries("/verified").is_empty(),
            "nothing is sent before the certificate is verified"
        );
        site.write("PATCH", &verified, &json!({"VerifyCertificate": false}));
        site.act(&verified, "Resume", &json!({}));
        await_at(&receiver, "/verified", "First");
        assert_eq!(site.get(&verified)["Status"]["Health"], "OK");
        assert_eq!(receiver.broken(), 3, "one attempt and two retries, at the root of {root:?}");
    }
}

#[test]
fn the_name_in_the_certificate_counts() {
    let receiver = Receiver::with_certificate_for("receiver.example");
    let ca = ca_file(&receiver);
    let site = Site::start(RootOf::All, &["--ironic-ca", ca.path().to_str().unwrap()]);
    site.retry_twice();
    let subscription = site.subscribe(&receiver.url("/"), &json!({"VerifyCertificate": true}));
    eventually("suspension", || site.get(&subscription)["Status"]["State"] == "Disabled");
    assert!(receiver.deliveries("/").is_empty());
}
