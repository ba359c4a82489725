//! Documents as they are written: overlays, constant parts, the hash of the ETag.

use std::sync::Arc;

use crate::node::{Node, NodeId};
use crate::profile::built_in;
use crate::profile::overlay::Overlay;
use crate::redfish::constants::{Constants, Part};
use crate::redfish::doc::Doc;
use crate::seed::Seed;

fn text(overlay: Option<&str>, write: impl FnOnce(&mut Doc<'_>)) -> String {
    text_at(false, overlay, write)
}

fn text_at(own: bool, overlay: Option<&str>, write: impl FnOnce(&mut Doc<'_>)) -> String {
    let overlay = overlay.map(|o| Overlay::parse(o).unwrap());
    let profile = built_in("generic").unwrap();
    let node = Node::new(NodeId(0), Seed(1), profile);
    let mut doc = Doc::new(overlay.as_ref(), Some((&node, own)));
    write(&mut doc);
    String::from_utf8(doc.finish().0).unwrap()
}

fn sample(d: &mut Doc<'_>) {
    d.put("Id", "1");
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", "OK");
    });
    d.array("Links", |d| {
        d.item_link(&["/redfish", "/v1"]);
        d.item_link(&["/x"]);
    });
    d.put("Count", 3u32);
    d.null("Gone");
}

#[test]
fn a_document_is_what_it_reads_like() {
    let plain = r#"{"Id":"1","Status":{"State":"Enabled","Health":"OK"},"Links":[{"@odata.id":"/redfish/v1"},{"@odata.id":"/x"}],"Count":3,"Gone":null}"#;
    assert_eq!(text(None, sample), plain);
}

/// The overlay has the effect of RFC 7396 on the finished document.
#[test]
fn an_overlay_is_a_merge_patch() {
    let patches = [
        r#"{"Id": "2", "Count": null, "New": [1, {"a": "b"}]}"#,
        r#"{"Status": {"Health": "Warning", "State": null, "More": {"Deep": true, "Not": null}}}"#,
        r#"{"Count": {"Now": "an object"}, "Links": {"Too": 1}, "Status": 7}"#,
        r#"{"Fresh": {"Inner": {"Leaf": 1}}, "Absent": null}"#,
    ];
    for patch in patches {
        let mut expected: serde_json::Value = serde_json::from_str(&text(None, sample)).unwrap();
        merge(&mut expected, &serde_json::from_str(patch).unwrap());
        let ours: serde_json::Value = serde_json::from_str(&text(Some(patch), sample)).unwrap();
        assert_eq!(ours, expected, "{patch}");
    }
}

fn merge(target: &mut serde_json::Value, patch: &serde_json::Value) {
    let serde_json::Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

#[test]
fn facts_are_filled_in() {
    assert_eq!(text(Some(r#"{"HostName": "ilo-{name}"}"#), |_| ()), r#"{"HostName":"ilo-generic-0"}"#);
}

#[test]
fn ids_are_those_of_the_service_root() {
    let overlay = Some(r#"{"Oem": "{system} {manager} {chassis}"}"#);
    assert_eq!(text_at(true, overlay, |_| ()), r#"{"Oem":"1 1 1"}"#);
    let shared = text(overlay, |_| ());
    assert_eq!(shared.matches("-").count(), 12, "three UUIDs: {shared}");
}

#[test]
fn texts_are_escaped_as_serde_does() {
    let nasty = "a\"b\\c\nd\u{1}é";
    assert_eq!(text(None, |d| d.put("x", nasty)), serde_json::json!({"x": nasty}).to_string());
}

#[test]
fn a_constant_part_is_rendered_once_and_copied_for_other_nodes() {
    let constants = Constants::new(2);
    let overlay = Overlay::parse(r#"{"A": "patched", "C": "own-{serial}", "D": 4}"#).unwrap();
    let profile = built_in("generic").unwrap();
    let nodes: Vec<_> = (0..16).map(|id| Node::new(NodeId(id), Seed(1), Arc::clone(&profile))).collect();
    let spec = |id: u32| nodes[id as usize].spec();
    let (mut rendered, mut hashes) = (0, Vec::new());
    let mut render = |row: usize, id: u32, keys: [&'static str; 2]| {
        let uuid = spec(id).uuid().to_string();
        let parts = constants.of(&profile, row, false).map(|parts| (parts, uuid.as_str()));
        let mut d = Doc::new(Some(&overlay), Some((&nodes[id as usize], false))).with_constants(parts);
        d.cached(Part::Description, |d| {
            rendered += 1;
            keys.iter().for_each(|key| d.put(key, 1u8));
            d.link("Y", &["/x/", &uuid, "/Y"]);
        });
        d.put("Z", id);
        let (text, hash) = d.finish();
        hashes.push(hash);
        (String::from_utf8(text).unwrap(), rendered)
    };
    let link = |id: u32| format!(r#""Y":{{"@odata.id":"/x/{}/Y"}}"#, spec(id).uuid());
    let text = |id: u32| {
        let serial = spec(id).serial();
        format!(r#"{{"A":"patched","B":1,{},"Z":{id},"C":"own-{serial}","D":4}}"#, link(id))
    };
    assert_eq!(render(0, 7, ["A", "B"]), (text(7), 1));
    assert_eq!(render(0, 8, ["A", "B"]), (text(8), 1), "copied");
    let own = |id: u32| {
        let serial = spec(id).serial();
        format!(r#"{{"A":"patched","C":"own-{serial}",{},"Z":{id},"D":4}}"#, link(id))
    };
    assert_eq!(render(1, 7, ["A", "C"]), (own(7), 2));
    assert_eq!(render(1, 8, ["A", "C"]), (own(8), 3), "a fact of one node is not copied to another");
    assert_eq!(render(0, 7, ["A", "B"]), (text(7), 3));
    assert_eq!(hashes[0], hashes[4], "the ETag of a copied part is that of the rendered one");
    assert_ne!(hashes[0], hashes[1], "what follows the part differs");
}

#[test]
fn moving_parts_do_not_change_the_hash() {
    let hash = |reading: u32| {
        let mut d = Doc::new(None, None);
        d.put("Id", "1");
        d.moving(|d| d.put("Reading", reading));
        d.put("Name", "x");
        d.finish().1
    };
    assert_eq!(hash(1), hash(2));
    let mut other = Doc::new(None, None);
    other.put("Id", "2");
    assert_ne!(other.finish().1, hash(1));
}
