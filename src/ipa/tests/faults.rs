//! What the API and the inspection data of an agent show under rules.

use super::*;
use crate::face::CloseConnection;
use crate::fault::Rule;

impl Bench {
    fn break_it(&self, when: Value, what: Value) {
        let rule = json!({"name": "r", "who": {"all": true}, "when": when, "what": what});
        let rule: Rule = serde_json::from_value(rule).unwrap();
        self.fleet.add_rule(rule, true, false).unwrap();
    }

    fn clear(&self) {
        self.fleet.clear_rule("r").unwrap();
    }
}

#[tokio::test]
async fn the_api_refuses_ironic_while_the_token_is_lost_or_wrong() {
    let bench = Bench::serving();
    for what in [json!("token-lost"), json!("token-wrong")] {
        assert_eq!(bench.post("standby.sync", json!({})).await.0, 200);
        bench.break_it(json!({}), what);
        let (status, body) = bench.post("standby.sync", json!({})).await;
        assert_eq!(
            (status.as_u16(), &body["faultstring"]),
            (401, &json!("401 Unauthorized: Token invalid."))
        );
        bench.clear();
    }
    bench.break_it(json!({}), json!({"token-wrong": {"token": "other"}}));
    assert_eq!(bench.get("/v1/commands/?agent_token=other").await.0, 200, "the agent knows no better");
}

#[tokio::test]
async fn a_named_step_fails_with_the_error_of_ipa() {
    let bench = Bench::serving();
    let when = json!({"commands": {"name": "clean.execute_clean_step", "step": "erase_devices_metadata"}});
    bench.break_it(when, json!("command-fails"));
    let step = |name: &str| json!({"step": name, "interface": "deploy", "priority": 10});
    let result = bench.step("clean", step("erase_pstore")).await;
    assert_eq!(result["command_status"], "SUCCEEDED");
    let result = bench.step("clean", step("erase_devices_metadata")).await;
    assert_eq!((&result["command_status"], &result["command_result"]), (&json!("FAILED"), &Value::Null));
    let error = &result["command_error"];
    assert_eq!(
        (&error["type"], &error["code"], &error["message"]),
        (&json!("BlockDeviceEraseError"), &json!(500), &json!("Error erasing block device"))
    );
    let details = error["details"].as_str().unwrap();
    assert!(details.starts_with("Failed to erase the metadata on the device(s): "), "{details}");
    bench.clear();
    let result = bench.step("clean", step("erase_devices_metadata")).await;
    assert_eq!(result["command_status"], "SUCCEEDED");
}

#[tokio::test]
async fn a_synchronous_command_fails_under_its_full_name() {
    let bench = Bench::serving();
    bench.break_it(
        json!({"commands": {"name": "clean.get_*"}}),
        json!({"command-fails": {"type": "CommandExecutionError"}}),
    );
    let (status, result) = bench.post("clean.get_clean_steps", json!({"node": node(), "ports": []})).await;
    assert_eq!((status.as_u16(), &result["command_status"]), (200, &json!("FAILED")));
    assert_eq!(result["command_name"], "clean.get_clean_steps");
    assert_eq!(result["command_error"]["message"], "Command execution failed");
}

#[tokio::test]
async fn a_command_that_hangs_keeps_a_client_waiting_until_the_rule_is_cleared() {
    let bench = Bench::serving();
    bench.break_it(json!({}), json!("command-hangs"));
    let path = format!("/v1/commands/?wait=true&agent_token={TOKEN}");
    let body = json!({"name": "standby.sync", "params": {}}).to_string();
    let mut sent = std::pin::pin!(bench.send(Method::POST, &path, &body));
    assert!(futures_now(sent.as_mut()).await.is_none(), "there is no answer yet");
    assert_eq!(bench.commands().await[0]["command_status"], "RUNNING");
    let (status, body) = bench.post("standby.sync", json!({})).await;
    assert_eq!(
        (status.as_u16(), body["faultstring"].as_str().unwrap().contains("Agent is busy")),
        (409, true)
    );
    bench.clear();
    let (status, result, _) = sent.await;
    assert_eq!((status.as_u16(), &result["command_status"]), (200, &json!("SUCCEEDED")));
}

/// The output of a future, if it has one now.
async fn futures_now<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn a_command_that_takes_the_agent_down_closes_the_connection_of_a_client_that_waits() {
    let bench = Bench::serving();
    bench.break_it(json!({"first": 1}), json!("agent-crashes"));
    let path = format!("/v1/commands/?wait=true&agent_token={TOKEN}");
    let body = json!({"name": "standby.sync", "params": {}}).to_string();
    let (_, _, head) = bench.send(Method::POST, &path, &body).await;
    assert!(head.extensions().get::<CloseConnection>().is_some());
    assert_eq!(bench.get("/v1/status").await.0, 503, "nothing serves there any more");
}

#[tokio::test]
async fn other_hardware_is_in_the_inspection_data_only() {
    let params =
        Params { collectors: "default,extra-hardware,numa-topology,lldp".into(), ..Params::default() };
    let bench = Bench::booted(params);
    let before = bench.inspection_data();
    let what = json!({"other-hardware": {
        "missingDisk": "/dev/sdb", "renamedNic": {"name": "eth0"}, "memoryPercent": 50,
    }});
    bench.break_it(json!({}), what);
    let data = bench.inspection_data();
    let names = |list: &Value| {
        let all = list.as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let inventory = &data["inventory"];
    assert_eq!(names(&inventory["disks"]), ["/dev/sda", "/dev/nvme0n1"]);
    assert_eq!(names(&inventory["interfaces"])[0], "eth0");
    assert_eq!(names(&inventory["interfaces"])[1..], names(&before["inventory"]["interfaces"])[1..]);
    assert_eq!(inventory["memory"]["physical_mb"], 65_536);
    assert_eq!(names(&data["numa_topology"]["nics"])[0], "eth0");
    assert!(data["lldp_raw"]["eth0"].is_array(), "{}", data["lldp_raw"]);
    let total = json!(["memory", "total", "size", (64u64 << 30).to_string()]);
    assert!(data["data"].as_array().unwrap().contains(&total));
    bench.clear();
    assert_eq!(bench.inspection_data(), before);
}

#[tokio::test]
async fn commands_take_the_times_of_a_rule() {
    let bench = Bench::serving();
    let step = |name: &str| {
        let step = json!({"step": name, "interface": "deploy", "priority": 10});
        json!({"step": step, "node": node(), "ports": []})
    };
    let image = json!({"image_source": "oci://registry/os:1", "configdrive": null, "oci_pull_secret": null});
    let install =
        json!({"step": {"step": "execute_bootc_install", "args": image}, "node": node(), "ports": []});
    for (timing, command, params) in [
        ("command", "clean.execute_clean_step", step("erase_pstore")),
        ("command", "image.install_bootloader", json!({"root_uuid": "0x00000000"})),
        ("erase_disk", "clean.execute_clean_step", step("erase_devices")),
        ("burnin", "clean.execute_clean_step", step("burnin_cpu")),
        ("bootc_install", "deploy.execute_deploy_step", install),
        ("bootc_install", "standby.execute_bootc_install", json!({"image_source": "oci://registry/os:1"})),
    ] {
        bench.break_it(json!({}), json!({"timing": {timing: "1h"}}));
        let begin = bench.fleet.clock().now();
        let record = bench.finish(command, params).await;
        assert_eq!(record["command_status"], "SUCCEEDED", "{record}");
        let hours = bench.fleet.clock().now().since_ms(begin) as f64 / 3_600_000.0;
        // The disks are erased one after the other.
        let disks = if timing == "erase_disk" { 3.0 } else { 1.0 };
        assert_eq!(hours, disks, "{command}");
        bench.clear();
    }
}
