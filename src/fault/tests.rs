//! Rules as text: what is accepted, what is refused, and how.

use serde_json::{Value, json};

use super::*;

fn read(rule: Value) -> Result<Rule, String> {
    let rule: Rule = serde_json::from_value(rule).map_err(|error| error.to_string())?;
    rule.check().map_err(|error| error.to_string())?;
    Ok(rule)
}

#[test]
fn a_rule_is_written_as_it_is_read() {
    let rule = json!({
        "name": "idrac-on",
        "who": {"selector": "rack=r7", "mode": {"percent": 5.0}},
        "when": {
            "requests": {"methods": ["POST"], "path": "*/Actions/ComputerSystem.Reset", "body": {"ResetType": "On"}},
            "after": {"state": "off"},
            "for": "1m",
            "window": {"from": "10m", "until": "2027-01-01T00:00:00.000Z"},
            "first": 2,
            "per": "operation",
            "probability": 0.5,
            "limitPerNode": 3
        },
        "what": {"status": {"code": 409, "message": "ResourceInUse", "retryAfter": "10s"}}
    });
    assert_eq!(serde_json::to_value(read(rule.clone()).unwrap()).unwrap()["when"], rule["when"]);
    let short = read(json!({"name": "a", "who": {"all": true}, "what": "post-hangs"})).unwrap();
    assert_eq!(
        serde_json::to_value(&short).unwrap(),
        json!({"name": "a", "who": {"all": true}, "when": {}, "what": {"post-hangs": {}}})
    );
}

#[test]
fn a_wrong_rule_is_refused_with_field_value_and_what_is_allowed() {
    let base = json!({"name": "a", "who": {"all": true}, "when": {}, "what": "status"});
    let with = |pointer: &str, value: Value| {
        let mut rule = base.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        rule.pointer_mut(parent).unwrap()[name] = value;
        read(rule).unwrap_err()
    };
    let of_commands =
        |when: Value| read(json!({"name": "a", "who": {"all": true}, "when": when, "what": "command-hangs"}));
    let filtered = of_commands(json!({"commands": {"name": "clean.*", "step": "erase_*"}})).unwrap();
    let written = serde_json::to_value(&filtered).unwrap();
    assert_eq!(written["when"], json!({"commands": {"name": "clean.*", "step": "erase_*"}}));
    let refusals = [
        with("/name", json!("No Name")),
        with("/who", json!({})),
        with("/who", json!({"selector": "rack=r1", "all": true})),
        with("/who", json!({"selector": "power=on"})),
        with("/who", json!({"selector": "rack in ("})),
        with("/who", json!({"all": true, "mode": {"percent": 0}})),
        with("/who", json!({"all": true, "mode": {"number": 0}})),
        with("/when/first", json!(0)),
        with("/when/probability", json!(1.5)),
        with("/when/for", json!("soon")),
        with("/when/after", json!({"state": "asleep"})),
        with("/when/window", json!({"from": "2h", "until": "1h"})),
        with("/when/window", json!({"from": "then"})),
        with("/when/requests", json!({"methods": ["LIST"]})),
        with("/what", json!({"status": {"code": 200}})),
        with("/what", json!({"nothing-known": {}})),
        with("/what", json!({"status": {"cod": 500}})),
        with("/what", json!({"document": {}})),
        with("/what", json!({"document": {"remove": ["PowerState"]}})),
        with("/what", json!({"wrong-boot-source": {"boots": "Tape"}})),
        with("/what", json!({"power-on-hangs": {"takes": "2d"}})),
        with("/what", json!("timing")),
        with("/what", json!({"timing": {"post": "1m", "lunch": "1h"}})),
        with("/what", json!({"timing": {"post": "soon"}})),
        with("/what", json!({"timing": {"boot_os": "3m..2m"}})),
        with("/what", json!({"timing": {"post": "1m..25h"}})),
        with("/what", json!({"timing": {"post": 5}})),
        with("/what", json!({"timing": "5m"})),
        serde_json::from_str::<What>(r#"{"timing": {"post": "5m", "post": "6m"}}"#).unwrap_err().to_string(),
        read(json!({"name": "a", "who": {"all": true}, "when": {"per": "operation"}, "what": "post-hangs"}))
            .unwrap_err(),
        read(json!({"name": "a", "who": {"all": true}, "what": "post-hangs", "extra": 1})).unwrap_err(),
        with("/when/commands", json!({"name": "clean.*"})),
        with("/what", json!({"command-fails": {"code": 200}})),
        with("/what", json!({"command-fails": {"type": "No Class"}})),
        with("/what", json!({"command-fails": {"details": "x".repeat(2049)}})),
        with("/what", json!({"agent-calls-late": {"by": "25h"}})),
        with("/what", json!({"heartbeats-late": {"by": "0"}})),
        with("/what", json!({"slow-download": {"takes": "3d"}})),
        with("/what", json!({"cut-download": {"percent": 100}})),
        with("/what", json!({"token-wrong": {"token": "a b"}})),
        with("/what", json!({"other-hardware": {"missingDisk": ""}})),
        with("/what", json!({"other-hardware": {"memoryPercent": 100}})),
        with("/what", json!({"other-hardware": {"renamedNic": {"name": "a name"}}})),
        of_commands(json!({"commands": {"step": ""}})).unwrap_err(),
        of_commands(json!({"commands": {"nam": "x"}})).unwrap_err(),
        of_commands(json!({"requests": {"methods": ["GET"]}})).unwrap_err(),
    ];
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn chance_is_a_function_of_seed_rule_node_and_occasion() {
    let rule = |name: &str, probability: f64| {
        read(json!({"name": name, "who": {"all": true}, "when": {"probability": probability}, "what": "status"}))
            .unwrap()
    };
    let dice = |seed, node| Dice { seed: crate::seed::Seed(seed), node };
    let firings = rule("a", 0.2).firings(dice(1, 1), 10_000, 10_000);
    assert!((1800..2200).contains(&firings.len()), "{}", firings.len());
    assert_eq!(firings, rule("a", 0.2).firings(dice(1, 1), 10_000, 10_000));
    for other in [
        rule("b", 0.2).firings(dice(1, 1), 10_000, 10_000),
        rule("a", 0.2).firings(dice(2, 1), 10_000, 10_000),
        rule("a", 0.2).firings(dice(1, 2), 10_000, 10_000),
    ] {
        assert_ne!(firings, other);
    }
}
