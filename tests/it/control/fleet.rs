//! `fauxmetal fleet`.

use super::{all_said, daemon, fauxmetal};

#[test]
fn the_fleet_is_shown() {
    let (_daemon, url) = daemon(&["--profile", "generic=4", "--profile", "hpe-dl380-gen11=1"]);
    insta::assert_snapshot!(all_said(&url, &[&["node", "label", "-l", "index<3", "rack=r7"], &["fleet"],]));
    let json = fauxmetal(&url, &["fleet", "-o", "json"]).output().unwrap();
    let fleet: fauxmetal::admin::api::Fleet = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((fleet.nodes, fleet.labels.len()), (5, 1));
}
