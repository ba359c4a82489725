//! What a client sees and changes of a machine: its media, its firmware, its volumes.

use serde_json::json;

use super::Bench;

#[test]
fn a_password_in_the_uri_of_an_image_is_used_and_never_shown() {
    let bench = Bench::new();
    let slot = format!("{}/VirtualMedia/Cd", bench.system);
    let image = json!({"Image": "http://user:secret@images.example/boot.iso?a=b"});
    assert_eq!(bench.write("POST", &format!("{slot}/Actions/VirtualMedia.InsertMedia"), &image).status, 204);
    let media = bench.get(&slot).json;
    assert_eq!(media["Image"], "http://user@images.example/boot.iso?a=b");
    assert_eq!(media["ImageName"], "boot.iso");
    let kept = bench
        .redfish
        .fleet
        .look(crate::node::NodeId(0), |node, _| node.bmc().media.get(0).unwrap().insertion.image.to_string());
    assert_eq!(kept.as_deref(), Some("http://user:secret@images.example/boot.iso?a=b"));
    let uri = json!({"Boot": {"HttpBootUri": "https://user:secret@images.example/boot.efi"}});
    assert_eq!(bench.write("PATCH", &bench.system, &uri).status, 204);
    assert_eq!(bench.get(&bench.system).json["Boot"]["HttpBootUri"], "https://user@images.example/boot.efi");
}
