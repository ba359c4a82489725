//! Conversion of states that earlier versions have stored.
//!
//! Each format has a fixture beside this file, `state-format-<number>.json`: a state as a version with that format wrote
//! it. All later versions must read it completely, so a fixture is never changed. A change of the format adds a fixture.
//!
//! The formats:
//!
//! 1. The first one.
//! 2. The BMC by part, media by slot, and the data of an agent in its phase. [`from_1`] converts a state of format 1.
//! 3. The number of changes, labels, the disk with the system, plugs, an agent that has crashed, and an installation on a certain
//!    disk. All of them have defaults, so a state of format 2 is read without a conversion. The number is higher all the same:
//!    a version that knows format 2 only would lose the labels and call a crashed agent damaged, so it must refuse the file.
//! 4. Accounts, roles and their rules; tasks; account and client of a session. All of them have defaults, so a state of format 3
//!    is read without a conversion. A version that knows format 3 only would lose them, so it must refuse the file.
//! 5. Logs; subscriptions; the environment with its alarms; the power limit; the last application of BIOS settings; updates that reset
//!    at once. All of them have defaults, so a state of format 4 is read without a conversion. Later builds add telemetry,
//!    diagnostic data with the task that collects it, and POST codes. They have defaults, too, and a fixture of their own,
//!    `state-format-5-later.json`: a state of an earlier build is read as before.
//! 6. The rules of a node with their memory, which have a default. A version that knows format 5 only would lose them, and what they
//!    hold, so it must refuse the file.
//! 7. The identities of imported nodes, in the description of the fleet. The state of a node is that of format 6. A version that
//!    knows format 6 only would give these nodes other identities, so it must refuse the file.
//! 8. Network settings of the BMC, settings of the system, the moments of the last restarts, the certificate of the BMC with its keys, the keys of
//!    secure boot, licenses and the tasks that fetch them, the hours with power, and settings that few clients change: the asset tag of the chassis, disabled boot options. All of them have defaults, so a state of
//!    format 7 is read without a conversion. A version that knows format 7 only would lose them, so it must refuse the file.

use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// Converts a state of format 1. Format 2 groups the fields of the BMC by part, stores media by slot, and stores the
/// data of a serving agent in its phase and the job of a running command in its status.
pub(super) fn from_1(mut state: Value) -> Value {
    if let Some(agent) = state.pointer_mut("/host/Running/what/Agent").and_then(Value::as_object_mut) {
        agent_from_1(agent);
    }
    if let Some(bmc) = state.get_mut("bmc").and_then(Value::as_object_mut) {
        bmc_from_1(bmc);
    }
    state
}

fn agent_from_1(agent: &mut Object) {
    let mut take = |key: &str| agent.remove(key).unwrap_or_default();
    let (node_uuid, token, job) = (take("node_uuid"), take("token"), take("job"));
    let mut records = take("commands");
    for record in records.as_array_mut().into_iter().flatten() {
        if let Some(status) = record.get_mut("status") {
            let running = status.as_str() == Some("Running");
            *status = if running { json!({ "Running": job }) } else { json!({ "Ended": status }) };
        }
    }
    let commands = json!({ "records": records, "taken": take("taken") });
    let (timeout, md5, uuids) = (take("heartbeat_timeout_s"), take("md5_enabled"), take("partition_uuids"));
    let Some(phase) = agent.get_mut("phase").and_then(Value::as_object_mut) else { return };
    if let Some(look_up) = phase.get_mut("LookingUp").and_then(Value::as_object_mut) {
        look_up.extend([("node_uuid".to_owned(), node_uuid), ("token".to_owned(), token)]);
    } else if let Some(serving) = phase.get_mut("Serving").and_then(Value::as_object_mut) {
        let heartbeat = serving.remove("call").unwrap_or_default();
        for (key, value) in [
            ("node_uuid", node_uuid),
            ("token", token),
            ("heartbeat_timeout_s", timeout),
            ("md5_enabled", md5),
            ("heartbeat", heartbeat),
            ("commands", commands),
            ("partition_uuids", uuids),
        ] {
            serving.insert(key.to_owned(), value);
        }
    }
}

fn bmc_from_1(bmc: &mut Object) {
    let mut slots = Object::new();
    for mut media in bmc.remove("media").and_then(|m| m.as_array().cloned()).unwrap_or_default() {
        if let Some(slot) = media.get_mut("insertion").and_then(|i| i.as_object_mut()?.remove("slot")) {
            slots.insert(slot.to_string(), media);
        }
    }
    bmc.insert("media".to_owned(), json!({ "slots": slots }));
    for (old, part, new) in [
        ("bios", "bios", "current"),
        ("bios_pending", "bios", "pending"),
        ("insertions", "media", "insertions"),
        ("system_led", "leds", "system"),
        ("chassis_led", "leds", "chassis"),
        ("drive_leds", "leds", "drives"),
        ("clock_ahead_ms", "clock", "ahead_ms"),
        ("clock_offset_minutes", "clock", "offset_minutes"),
    ] {
        // A missing field has its default in both formats.
        if let Some(value) = bmc.remove(old) {
            let part = bmc.entry(part).or_insert_with(|| json!({}));
            if let Some(part) = part.as_object_mut() {
                part.insert(new.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sparse::Sparse;
    use super::super::{Node, NodeId, State};
    use super::*;
    use crate::seed::Seed;
    use crate::time::SimTime;

    const FORMAT_1: &str = include_str!("state-format-1.json");
    const FORMAT_2: &str = include_str!("state-format-2.json");
    const FORMAT_3: &str = include_str!("state-format-3.json");
    const FORMAT_4: &str = include_str!("state-format-4.json");
    const FORMAT_5: &str = include_str!("state-format-5.json");
    /// A state of a build with telemetry, diagnostic data and POST codes.
    const FORMAT_5_LATER: &str = include_str!("state-format-5-later.json");
    /// Format 7 changes the description of the fleet only, so this is the fixture of format 6 again.
    const FORMAT_7: &str = include_str!("state-format-7.json");
    const FORMAT_8: &str = include_str!("state-format-8.json");

    fn read(format: u64, text: &str) -> State {
        State::read(format, text.as_bytes()).unwrap()
    }

    /// Asserts that `now` contains everything that `then` contains.
    fn assert_contains(place: &str, then: &Value, now: &Value) {
        match (then, now) {
            (Value::Object(then), Value::Object(now)) => {
                for (key, value) in then {
                    assert_contains(&format!("{place}.{key}"), value, now.get(key).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
                then.iter().zip(now).for_each(|(then, now)| assert_contains(place, then, now));
            }
            (then, now) => assert_eq!(then, now, "{place}"),
        }
    }

    /// Asserts that a state which is read from `text` contains everything that `text` contains, and returns it.
    fn assert_read_completely(format: u64, text: &str) -> State {
        let state = read(format, text);
        assert_contains("", &serde_json::from_str(text).unwrap(), &serde_json::to_value(&state).unwrap());
        assert!(read(format, "{}").is_new(), "all fields have a default");
        state
    }

    #[test]
    fn the_newest_format_has_a_fixture_and_is_read_completely() {
        assert_eq!(State::FORMAT, 8, "a new format needs a fixture and a test here");
        let state = serde_json::to_value(assert_read_completely(8, FORMAT_8)).unwrap();
        // An earlier version would lose a field that it does not know, so a new field needs a new format, too.
        assert_contains(
            "the state has a field that its fixture lacks: ",
            &state,
            &serde_json::from_str(FORMAT_8).unwrap(),
        );
    }

    #[test]
    fn a_state_of_format_7_is_read_completely_and_is_new_in_what_format_8_adds() {
        let state = assert_read_completely(7, FORMAT_7);
        assert_eq!(state, read(8, FORMAT_7), "there is no conversion");
        assert!(state.bmc.network == Sparse::NEW && state.bmc.system == Sparse::NEW);
        assert!(state.bmc.host_reset.is_none() && state.bmc.manager_reset.is_none());
        assert!(state.bmc.extras == Sparse::NEW && state.bmc.https == Sparse::NEW);
        assert!(state.bmc.hours == Sparse::NEW);
    }

    #[test]
    fn a_state_of_the_last_build_of_format_5_is_read_completely_and_has_no_rules() {
        assert!(assert_read_completely(5, FORMAT_5_LATER).faults == Sparse::NEW);
    }

    #[test]
    fn a_state_of_the_first_build_of_format_5_is_read_completely_and_is_new_in_what_later_builds_add() {
        let state = assert_read_completely(5, FORMAT_5);
        assert!(state.bmc.telemetry == Sparse::NEW);
        assert!(state.bmc.diagnostics == Sparse::NEW && state.bmc.post_codes == Sparse::NEW);
        // A log service keeps the number by which stored events name it.
        let logs = crate::profile::built_in("generic").unwrap().logs.clone();
        assert_eq!(logs.iter().map(|log| &*log.id).collect::<Vec<_>>()[..3], ["SEL", "Log", "AuditLog"]);
    }

    #[test]
    fn a_state_of_format_4_is_read_completely_and_is_new_in_what_format_5_adds() {
        let state = assert_read_completely(4, FORMAT_4);
        assert_eq!(state, read(5, FORMAT_4), "there is no conversion");
        let bmc = &state.bmc;
        assert!(
            bmc.logs == Sparse::NEW && bmc.subscriptions == Sparse::NEW && bmc.environment == Sparse::NEW
        );
        assert!(bmc.power_limit == Sparse::NEW && bmc.telemetry == Sparse::NEW && bmc.bios.applied.is_none());
        assert!(bmc.diagnostics == Sparse::NEW && bmc.post_codes == Sparse::NEW);
    }

    #[test]
    fn a_state_of_format_3_is_read_completely_and_is_new_in_what_format_4_adds() {
        let state = assert_read_completely(3, FORMAT_3);
        assert_eq!(state, read(4, FORMAT_3), "there is no conversion");
        assert!(state.bmc.accounts == Sparse::NEW && state.bmc.tasks == Sparse::NEW);
        let sessions: Vec<_> = state.bmc.sessions.live(SimTime::from_ms(0)).collect();
        assert_eq!((sessions[0].account, sessions[0].client), (1, None), "the session of the one account");
    }

    /// An agent has one phase and one running job. These are the ones that the fixture of format 3 does not have.
    #[test]
    fn other_agents_of_format_3_are_read_too() {
        let with = |pointer: &str, part: Value| {
            let mut state: Value = serde_json::from_str(FORMAT_3).unwrap();
            *state.pointer_mut(&format!("/host/Running/what/Agent/phase{pointer}")).unwrap() = part;
            assert_read_completely(3, &state.to_string());
        };
        with("", json!({ "Closed": "Crashed" }));
        let call = json!({ "At": 7 });
        with("", json!({ "Inspecting": { "failed": 1, "call": call } }));
        let uuid = "00000000-0000-0000-0000-000000000000";
        let look_up =
            json!({ "failed": 2, "call": call, "give_up": 9, "node_uuid": uuid, "token": "secret" });
        with("", json!({ "LookingUp": look_up }));
        let partitions = json!({
            "devices": [["root", "/dev/sda1"]], "root_uuid": uuid, "efi_uuid": uuid, "root_mib": 100,
        });
        let image = json!({
            "id": "x", "urls": ["http://images/x"], "format": "raw", "stream": true, "device": "/dev/sda",
            "checksum": { "algorithm": "sha256", "value": "ab" }, "credentials": ["u", "p"], "authorization": "Bearer t",
            "proxies": [["http", "http://proxy"]], "no_proxy": "images", "partitions": partitions,
            "configdrive_url": "http://images/drive", "node_uuid": uuid, "step": ["deploy", "{}"],
        });
        let job = json!({ "Image": { "call": call, "image": image } });
        with("/Serving/commands/records/3/status/Running", job);
    }

    #[test]
    fn a_state_of_format_2_is_read_completely_and_is_new_in_what_format_3_adds() {
        let state = assert_read_completely(2, FORMAT_2);
        assert_eq!(state, read(3, FORMAT_2), "there is no conversion");
        assert_eq!((state.generation, state.system_disk), (0, None));
        assert!(state.labels.is_empty() && state.bmc.plugs == Sparse::NEW);
    }

    /// The fixture has a Boolean for a BIOS attribute that is an enumeration today.
    #[test]
    fn a_restored_node_has_bios_values_that_its_profile_accepts() {
        let profile = crate::profile::built_in("generic").unwrap();
        let node = Node::restore(NodeId(0), Seed(1), profile, read(2, FORMAT_2));
        assert_eq!(serde_json::to_value(&node.bmc().bios.current).unwrap(), json!({ "NumLock": "Disabled" }));
    }

    #[test]
    fn a_state_of_format_1_is_read_completely() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&read(1, FORMAT_1)).unwrap());
        assert!(read(1, "{}").is_new());
        assert_eq!(read(1, r#"{"bmc": {}}"#), read(2, r#"{"bmc": {}}"#));
    }

    /// Every shape that format 1 could have, beside the one in its fixture.
    #[test]
    fn other_agents_of_format_1_are_read_too() {
        let with = |phase: Value, changes: Value| {
            let mut state: Value = serde_json::from_str(FORMAT_1).unwrap();
            let agent = state.pointer_mut("/host/Running/what/Agent").unwrap();
            agent["phase"] = phase;
            agent.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            serde_json::to_value(read(1, &state.to_string())).unwrap()["host"]["Running"]["what"]["Agent"]["phase"]
                .clone()
        };
        let starting = json!({ "Starting": { "until": 7 } });
        assert_eq!(with(starting.clone(), json!({})), starting);
        let inspecting = json!({ "Inspecting": { "failed": 1, "call": { "At": 7 } } });
        assert_eq!(with(inspecting.clone(), json!({})), inspecting);
        assert_eq!(with(json!({ "Closed": "Rescued" }), json!({})), json!({ "Closed": "Rescued" }));
        let look_up = json!({ "LookingUp": { "failed": 2, "call": "Due", "give_up": 9 } });
        let uuid = "00000000-0000-0000-0000-000000000000";
        let expected =
            json!({ "failed": 2, "call": "Due", "give_up": 9, "node_uuid": uuid, "token": "secret" });
        assert_eq!(with(look_up.clone(), json!({}))["LookingUp"], expected);
        let expected = json!({ "failed": 2, "call": "Due", "give_up": 9, "node_uuid": null, "token": null });
        assert_eq!(with(look_up, json!({ "node_uuid": null, "token": null }))["LookingUp"], expected);
        let serving = json!({ "Serving": { "call": { "At": 9 }, "last": 4, "failed": 3, "again": true } });
        let end = json!({ "Failed": { "kind": "K", "code": 500, "message": "m", "details": "d" } });
        let job = json!({ "Timed": { "until": 7, "end": end, "then": "EmptyDisks" } });
        let phase = with(serving, json!({ "job": job, "partition_uuids": "{}" }));
        let serving = &phase["Serving"];
        assert_eq!(serving["commands"]["records"][0]["status"], json!({ "Ended": { "Succeeded": "{}" } }));
        assert_eq!(serving["commands"]["records"][1]["status"], json!({ "Running": job }));
        assert_eq!((&serving["heartbeat"], &serving["partition_uuids"]), (&json!({ "At": 9 }), &json!("{}")));
        assert_eq!((&serving["again"], &serving["failed"]), (&json!(true), &json!(3)));
    }
}
