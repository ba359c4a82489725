//! Random rules: each fault, for some machines, at some occasions.

use fauxmetal::fault::{Commands, Occasion, Per, Requests, Rule, What};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// The largest number of rules at the same time. A rule with the name of another one takes its place.
const NAMES: usize = 8;

/// Other parameters than the defaults that make a difference.
fn others(name: &str) -> Vec<Value> {
    match name {
        "document" => vec![
            json!({"remove": ["/Status", "/Members/0"], "set": {"/PowerState": 7, "/Id": null}}),
            json!({"memberMissing": 0}),
            json!({"memberTwice": 0}),
        ],
        "status" => vec![
            json!({"code": 401}),
            json!({"code": 599, "retryAfter": "10s"}),
            json!({"code": 500, "apply": true}),
        ],
        "task-fails" => vec![json!({"percent": 0})],
        "power-on-hangs" | "post-hangs" => vec![json!({"takes": "20s"})],
        "part-fails" => {
            ["disk", "dimm", "fan", "psu"].map(|part| json!({"part": part, "number": 1})).to_vec()
        }
        "power-lost" => ["alwaysOff", "alwaysOn"].map(|restore| json!({"restore": restore})).to_vec(),
        "wrong-boot-source" => vec![json!({"boots": "BiosSetup"})],
        "command-fails" => vec![json!({"type": "DeviceNotFound", "details": "none"})],
        "other-hardware" => {
            vec![json!({"missingDisk": "*", "memoryPercent": 1, "renamedNic": {"number": 1}})]
        }
        "timing" => vec![json!({"post": "1s..2m", "manager_reset": "0s", "command": "20s", "volume": "1h"})],
        "slow-download" => vec![json!({"takes": "10s"})],
        "heartbeats-late" => vec![json!({"by": "24h"})],
        _ => Vec::new(),
    }
}

/// Any fault, with its defaults or with other parameters.
fn any_what() -> impl Strategy<Value = What> {
    (select(What::NAMES), any::<Index>()).prop_map(|(name, which)| {
        let mut all: Vec<_> = others(name).into_iter().map(|parameters| json!({name: parameters})).collect();
        // These need parameters.
        all.extend((!["document", "timing"].contains(&name)).then(|| json!(name)));
        serde_json::from_value(which.get(&all).clone()).unwrap()
    })
}

fn any_when() -> impl Strategy<Value = Value> {
    let states =
        ["off", "powering-on", "post", "booting", "no-boot-device", "starting", "serving", "working"];
    let after = (prop::option::of(select(states.to_vec())), select(vec!["0s", "2s", "1m"])).prop_map(
        |(state, from)| {
            let mut after = json!({"from": from});
            if let Some(state) = state {
                after["state"] = json!(state);
            }
            after
        },
    );
    let some = |values: Vec<Value>| prop::option::weighted(0.08, select(values)).boxed();
    let parts = vec![
        prop::option::weighted(0.25, after).boxed(),
        some(["1s", "1m", "1h"].map(Value::from).to_vec()),
        some(vec![json!({"until": "10m"}), json!({"from": "1m"}), json!({"from": "1s", "until": "1h"})]),
        some([0, 1, 3].map(Value::from).to_vec()),
        some([1, 2].map(Value::from).to_vec()),
        some([1, 2].map(Value::from).to_vec()),
        some([0.3, 0.7].map(Value::from).to_vec()),
        some([1, 4].map(Value::from).to_vec()),
        some([1, 3].map(Value::from).to_vec()),
        some(vec![json!("operation")]),
        some(vec![
            json!({"methods": ["GET"]}),
            json!({"methods": ["POST", "PATCH", "DELETE"]}),
            json!({"path": "*/Actions/*"}),
            json!({"path": "*/Bios*", "methods": ["PATCH"]}),
            json!({"body": {"ResetType": "On"}}),
        ]),
        some(vec![json!({"name": "clean.*"}), json!({"step": "erase*"})]),
    ];
    let names = [
        "after",
        "for",
        "window",
        "skip",
        "first",
        "every",
        "probability",
        "limit",
        "limitPerNode",
        "per",
        "requests",
        "commands",
    ];
    parts.prop_map(move |values| {
        let given = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    })
}

/// The machines of a rule. The first one of them most of all, so that the others often have none.
fn any_who() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => Just(json!({"selector": "index=0"})),
        1 => Just(json!({"selector": "index=1"})),
        1 => Just(json!({"all": true})),
        1 => Just(json!({"all": true, "mode": "one"})),
        1 => Just(json!({"all": true, "mode": {"number": 2}})),
        1 => Just(json!({"all": true, "mode": {"percent": 50.0}})),
    ]
}

/// The name of a rule.
pub(super) fn any_name() -> impl Strategy<Value = String> {
    (0..NAMES).prop_map(|number| format!("rule-{number}"))
}

pub(super) fn any_rule() -> impl Strategy<Value = Rule> {
    (any_name(), any_who(), any_when(), any_what(), prop::bool::weighted(0.05)).prop_map(
        |(name, who, when, what, paused)| {
            let rule = json!({"name": name, "who": who, "when": when, "what": what, "paused": paused});
            let mut rule: Rule = serde_json::from_value(rule).unwrap();
            // Conditions about requests and commands are for the faults of these only.
            if !rule.what.occasion().is_request() {
                (rule.when.requests, rule.when.per) = (Requests::default(), Per::Node);
            }
            if rule.what.occasion() != Occasion::Command {
                rule.when.commands = Commands::default();
            }
            rule.check().unwrap();
            rule
        },
    )
}
