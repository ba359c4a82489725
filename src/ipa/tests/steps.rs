//! Steps of cleaning, deployment and service.

use serde_json::{Value, json};

use super::*;
use crate::face::{Peer, Welcome};

#[tokio::test]
async fn only_a_command_with_the_token_may_have_a_large_body() {
    let bench = Bench::serving();
    let any = "127.0.0.1:1".parse().unwrap();
    let peer = Peer { local: any, remote: any, tls: false, node: None, sni: None };
    let welcome = |method: Method, path: &str| {
        let uri = format!("/{}/v1/{path}", bench.uuid);
        let head = Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap();
        bench.agents.welcome(&peer, &head).map_err(|response| response.status().as_u16())
    };
    assert_eq!(welcome(Method::POST, &format!("commands/?agent_token={TOKEN}")), Ok(Welcome::Whole));
    assert_eq!(welcome(Method::POST, "commands/?agent_token=wrong"), Err(401));
    assert_eq!(welcome(Method::POST, "commands/"), Err(401));
    assert_eq!(welcome(Method::POST, "status"), Ok(Welcome::Small));
    assert_eq!(welcome(Method::PUT, &format!("commands/?agent_token={TOKEN}")), Ok(Welcome::Small));
}

#[tokio::test]
async fn steps_are_listed_by_manager_with_their_version() {
    let bench = Bench::serving();
    let params = json!({"node": node(), "ports": []});
    let mut lists = Vec::new();
    for kind in ["clean", "deploy", "service"] {
        let (status, record) = bench.post(&format!("{kind}.get_{kind}_steps"), params.clone()).await;
        assert_eq!((status.as_u16(), &record["command_status"]), (200, &json!("SUCCEEDED")));
        assert_eq!(record["command_name"], format!("get_{kind}_steps"));
        assert_eq!(
            record["command_result"]["hardware_manager_version"],
            json!({"generic_hardware_manager": "1.2"})
        );
        let steps = record["command_result"][format!("{kind}_steps")]["GenericHardwareManager"].clone();
        let short = |s: &Value| {
            format!("{}.{}:{}", s["interface"].as_str().unwrap(), s["step"].as_str().unwrap(), s["priority"])
        };
        lists.push((kind, steps.as_array().unwrap().iter().map(short).collect::<Vec<_>>()));
    }
    insta::assert_json_snapshot!(lists);
    let (status, fault) = bench.post("clean.get_clean_steps", json!({"node": {}, "ports": []})).await;
    assert_eq!(
        (status.as_u16(), &fault["faultstring"]),
        (404, &json!("Not found: Extension with id clean not found."))
    );
}

#[tokio::test]
async fn the_result_contains_the_step_and_a_heartbeat_follows_soon() {
    let mut bench = Bench::serving();
    let step = json!({"step": "erase_devices_metadata", "interface": "deploy", "priority": 99, "args": {}, "odd": [1, null]});
    let record = bench.step("clean", step.clone()).await;
    assert_eq!(record["command_name"], "execute_clean_step");
    assert_eq!(record["command_status"], "SUCCEEDED");
    assert_eq!(record["command_result"], json!({"clean_result": null, "clean_step": step}));
    assert_eq!(record["command_error"], Value::Null);
    let ended = bench.fleet.clock().now();
    bench.answer(ipa::Effect::Heartbeat, ipa::Answer::Beat(Beat::Accepted));
    assert!(bench.fleet.clock().now().since_ms(ended) <= 5_000);
}

#[tokio::test]
async fn erasing_takes_time_per_disk() {
    let bench = Bench::serving();
    let before = bench.fleet.clock().now();
    let record = bench.step("clean", json!({"step": "erase_devices", "interface": "deploy"})).await;
    let results = json!({"/dev/sda": null, "/dev/sdb": null, "/dev/nvme0n1": null});
    assert_eq!(record["command_result"]["clean_result"], results);
    let took = bench.fleet.clock().now().since_ms(before);
    assert!((6_000..=15_000).contains(&took), "three disks, one after the other, took {took} ms");
}

#[tokio::test]
async fn steps_fail_with_the_errors_of_ipa() {
    let bench = Bench::serving();
    for (step, kind, details) in [
        (json!({"step": "nope"}), "HardwareManagerMethodNotFound", "Could not find method: nope"),
        (
            json!({"interface": "deploy"}),
            "CommandExecutionError",
            "Malformed clean_step, no \"step\" key: {'interface': 'deploy'}",
        ),
        (
            json!({"step": "erase_pstore", "args": {"bad": 1}}),
            "CleaningError",
            "Unexpected exception performing clean step erase_pstore. TypeError: \
             GenericHardwareManager.erase_pstore() got an unexpected keyword argument 'bad'",
        ),
        (
            json!({"step": "clean_uefi_nvram", "args": {"match_patterns": 3}}),
            "InvalidCommandParamsError",
            "The match_patterns must be a list of strings: 3",
        ),
        (
            json!({"step": "inject_files", "args": {"files": [{"path": "/x"}]}}),
            "InvalidCommandParamsError",
            "requires \"partition\"",
        ),
        (
            json!({"step": "inject_files", "args": {"files": [{"path": "/etc/x", "content": "eA=="}]}}),
            "DeviceNotFound",
            "No partition found",
        ),
        (
            json!({"step": "execute_bootc_install", "args": {"image_source": "oci://r/i"}}),
            "CleaningError",
            "missing 2 required positional arguments: 'configdrive' and 'oci_pull_secret'",
        ),
    ] {
        let record = bench.step("clean", step.clone()).await;
        assert_eq!(record["command_status"], "FAILED", "{step}");
        assert_eq!(record["command_error"]["type"], kind, "{step}");
        assert!(record["command_error"]["details"].as_str().unwrap().contains(details), "{record}");
        assert_eq!(record["command_result"], Value::Null);
    }
}

#[tokio::test]
async fn steps_of_another_version_are_a_mismatch() {
    let bench = Bench::serving();
    let params =
        json!({"step": {"step": "erase_pstore"}, "node": node(), "ports": [], "clean_version": {"a": "1"}});
    let record = bench.finish("clean.execute_clean_step", params).await;
    assert_eq!(record["command_status"], "CLEAN_VERSION_MISMATCH");
    let details =
        "Current versions: {'generic_hardware_manager': '1.2'}, versions used by ironic: {'a': '1'}";
    assert_eq!(record["command_error"]["details"], details);
}

#[tokio::test]
async fn software_raid_is_returned_as_requested() {
    let bench = Bench::serving();
    let disk = json!({"size_gb": "MAX", "raid_level": "1", "controller": "software", "is_root_volume": true});
    let config = json!({"logical_disks": [disk]});
    let mut with_target = node();
    with_target["target_raid_config"] = config.clone();
    let params = json!({"step": {"step": "create_configuration", "interface": "raid"}, "node": with_target, "ports": []});
    let record = bench.finish("clean.execute_clean_step", params).await;
    assert_eq!(record["command_result"]["clean_result"], config);
    let apply = |config: &Value| json!({"step": "apply_configuration", "interface": "raid", "args": {"raid_config": config}});
    assert_eq!(bench.step("deploy", apply(&config)).await["command_result"]["deploy_result"], config);
    let five = json!({"logical_disks": [{"size_gb": 100, "raid_level": "5", "controller": "software"}]});
    let error = bench.step("deploy", apply(&five)).await["command_error"].clone();
    assert_eq!(error["type"], "SoftwareRAIDError");
    assert!(
        error["details"].as_str().unwrap().contains("requires RAID-1 for the first logical disk"),
        "{error}"
    );
    let hints = json!({"logical_disks": [{"size_gb": 100, "raid_level": "1", "controller": "software", "physical_disks": [{"name": "/dev/sda"}, {"name": "/dev/sda"}]}]});
    let error = bench.step("deploy", apply(&hints)).await["command_error"].clone();
    assert!(error["details"].as_str().unwrap().contains("No candidates left"), "{error}");
}

#[tokio::test]
async fn a_flow_takes_the_time_of_its_commands() {
    let bench = Bench::serving();
    let step = json!({"step": {"step": "burnin_cpu"}, "node": node(), "ports": []});
    let before = bench.fleet.clock().now();
    let flow =
        json!([{"standby.sync": {}}, {"clean.execute_clean_step": step}, {"clean.execute_clean_step": step}]);
    let record = bench.finish("flow.start_flow", json!({"flow": flow})).await;
    assert_eq!(record["command_status"], "SUCCEEDED");
    assert!(bench.fleet.clock().now().since_ms(before) >= 10_000);
    let (status, fault) = bench.post("flow.start_flow", json!({"flow": [{"standby.nope": {}}]})).await;
    assert_eq!(status, 400);
    assert!(fault["faultstring"].as_str().unwrap().contains("doesn't provide nope"));
    let record = bench.finish("flow.start_flow", json!({"flow": [{"clean.execute_clean_step": {}}]})).await;
    assert_eq!(record["command_error"]["details"], "clean.execute_clean_step was failed");
}
