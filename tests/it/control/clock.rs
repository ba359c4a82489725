//! `fauxmetal clock`.

use fauxmetal::admin::api::{Clock, Stepped};
use serde::de::DeserializeOwned;

use super::{all_said, daemon, fauxmetal, said};

/// The document that a command prints.
fn json<T: DeserializeOwned>(server: &str, arguments: &[&str]) -> T {
    let output = fauxmetal(server, &[arguments, &["-o", "json"]].concat()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn the_clock_is_held_stepped_and_released() {
    let (daemon, url) = daemon(&["--nodes", "3", "--timing", "power_on=5s", "--timing", "post=30s"]);
    let held: Clock = json(&url, &["clock", "hold"]);
    assert!(held.held && held.next.is_none(), "{held:?}");
    assert_eq!(daemon.metric("fauxmetal_clock_held"), 1.0);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["clock", "hold"],
            &["clock", "show"],
            &["fleet"],
            &["clock", "next"],
            &["clock", "jump", "2100-01-01T00:00:00Z"],
            &["node", "power", "on", "generic-1"],
            &["node", "show", "generic-1"],
            &["clock", "show"],
            &["clock", "next"],
            &["clock", "step", "1h"],
            &["node", "wait", "--for", "state=no-boot-device", "generic-1"],
            &["clock", "speed", "60"],
            &["clock", "run"],
            &["clock", "run"],
        ]
    ));
    let log = daemon.log();
    for said in [
        "the clock is held",
        "the clock was stepped",
        "the clock has another speed",
        "the clock has jumped",
        "the clock is released",
    ] {
        assert_eq!(log.matches(said).count(), if said.contains("stepped") { 2 } else { 1 }, "{said}: {log}");
    }
    assert_eq!((daemon.metric("fauxmetal_clock_held"), daemon.metric("fauxmetal_clock_speed")), (0.0, 60.0));
    assert!(daemon.metric("fauxmetal_clock_ahead_seconds") > 0.0);
}

#[test]
fn a_step_ends_exactly_where_it_should() {
    let (_daemon, url) = daemon(&["--nodes", "2"]);
    let before: Clock = json(&url, &["clock", "hold"]);
    let stepped: Stepped = json(&url, &["clock", "step", "1m30.5s"]);
    let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(stepped.from, before.now);
    let passed = moment(&stepped.clock.now).duration_since(moment(&before.now));
    assert_eq!((passed, stepped.complete), (jiff::SignedDuration::from_millis(90_500), true));
    assert_eq!(json::<Clock>(&url, &["clock", "show"]).now, stepped.clock.now, "it stands still");
    let yaml = said(&mut fauxmetal(&url, &["clock", "jump", "2h", "-o", "yaml"]));
    let now = moment(&stepped.clock.now).checked_add(jiff::SignedDuration::from_hours(2)).unwrap();
    assert_eq!(moment(&json::<Clock>(&url, &["clock", "show"]).now), now, "{yaml}");
}

#[test]
fn a_wrong_or_impossible_change_is_refused() {
    let (_daemon, url) = daemon(&["--nodes", "1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["clock", "step", "90s"],
            &["clock", "next"],
            &["clock", "jump", "2001-01-01T00:00:00Z"],
            &["clock", "jump", "9999-12-31T00:00:00Z"],
            &["clock", "jump", "tomorrow"],
            &["clock", "step", "90"],
            &["clock", "step", "0s"],
            &["clock", "step", "367d"],
            &["clock", "speed", "0"],
            &["clock", "speed", "fast"],
        ]
    ));
}
