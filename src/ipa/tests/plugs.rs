//! What an agent reports and does when cables and drives are pulled, and when parts fail.

use super::*;
use crate::address::{HostNetwork, Reported};
use crate::ipa::inspection;
use crate::node::bmc::failures::Part;
use crate::node::bmc::plugs::Plug;
use crate::node::lab;

impl Bench {
    fn plug(&self, part: Plug) {
        self.fleet.apply(self.id, Command::Lab(lab::Command::Plug(part))).unwrap().unwrap();
    }

    fn unplug(&self, part: Plug) {
        self.fleet.apply(self.id, Command::Lab(lab::Command::Unplug(part))).unwrap().unwrap();
    }

    pub(super) fn inspection_data(&self) -> Value {
        let hosts = Some(HostNetwork::new(Prefix::new("10.0.0.0".parse().unwrap(), 8).unwrap(), 2));
        let reported = Reported { bmcs: Vec::new(), hosts };
        let see = |node: &Node, now| inspection::data(node, node.ipa().unwrap(), now, &reported);
        self.fleet.look(self.id, see).unwrap()
    }
}

#[tokio::test]
async fn the_inventory_shows_the_cables_and_the_drives_of_the_moment() {
    let collectors = "default,lldp,extra-hardware";
    let bench =
        Bench::booted(Params { collectors: collectors.into(), collect_lldp: true, ..Params::default() });
    let new = bench.inspection_data();
    bench.unplug(Plug::Cable(1));
    bench.unplug(Plug::Drive(0));
    let data = bench.inspection_data();
    let [first, second] = [0, 1].map(|n| &data["inventory"]["interfaces"][n]);
    assert_eq!(first, &new["inventory"]["interfaces"][0]);
    assert_eq!((&second["has_carrier"], &second["lldp"]), (&json!(false), &json!([])));
    assert_eq!((&second["ipv4_address"], &second["ipv6_address"]), (&Value::Null, &Value::Null));
    assert_eq!(data["lldp_raw"]["ens1f1"], json!([]));
    let link = json!(["network", "ens1f1", "link", "no"]);
    assert!(data["data"].as_array().unwrap().contains(&link));
    let names = |data: &Value| {
        let disks = data["inventory"]["disks"].as_array().unwrap();
        disks.iter().map(|disk| disk["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&data), &data["root_disk"]["name"]),
        (vec!["/dev/sdb".into(), "/dev/nvme0n1".into()], &json!("/dev/sdb"))
    );
    bench.plug(Plug::Cable(1));
    bench.plug(Plug::Drive(0));
    assert_eq!(bench.inspection_data(), new);
}

#[tokio::test]
async fn a_deployment_to_a_pulled_drive_finds_no_device() {
    let bench = Bench::serving();
    bench.unplug(Plug::Drive(0));
    let hints = json!({"root_device": {"name": "/dev/sda"}});
    let params = json!({
        "step": {"step": "write_image", "interface": "deploy", "args": {"image_info": {
            "id": "x", "urls": ["http://images/x"], "disk_format": "raw", "os_hash_algo": "sha256",
            "os_hash_value": "0".repeat(64),
        }}},
        "node": {"uuid": Uuid::nil().to_string(), "properties": hints, "instance_info": {}}, "ports": [],
    });
    let record = bench.finish("deploy.execute_deploy_step", params).await;
    assert_eq!(record["command_error"]["type"], "DeviceNotFound", "{record}");
    assert_eq!(
        record["command_error"]["details"],
        "No suitable device was found for deployment using these hints {'name': '/dev/sda'}"
    );
}

#[tokio::test]
async fn an_agent_without_a_cable_is_not_reached() {
    let bench = Bench::serving();
    bench.unplug(Plug::Cable(0));
    assert_eq!(bench.get("/v1/status").await.0, 200, "one cable is enough");
    bench.unplug(Plug::Cable(1));
    assert!(!bench.agents.accepts_connections(0, true));
    let (status, ..) = bench.get("/v1/status").await;
    assert!(status.is_client_error() || status.is_server_error(), "{status}");
    bench.plug(Plug::Cable(1));
    assert_eq!(bench.get("/v1/status").await.0, 200);
}

#[tokio::test]
async fn the_inventory_leaves_out_a_failed_drive_at_once_and_failed_memory_after_a_restart() {
    let params = Params { collectors: "default,extra-hardware,dmi-decode".into(), ..Params::default() };
    let bench = Bench::booted(params.clone());
    let set = |bench: &Bench, command| {
        bench.fleet.apply(bench.id, Command::Lab(command)).unwrap().unwrap();
    };
    let new = bench.inspection_data();
    set(&bench, lab::Command::Fail(Part::Drive(0)));
    set(&bench, lab::Command::Fail(Part::Memory(1)));
    let data = bench.inspection_data();
    let names = |data: &Value| {
        let disks = data["inventory"]["disks"].as_array().unwrap();
        disks.iter().map(|disk| disk["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&data), ["/dev/sdb", "/dev/nvme0n1"]);
    assert_eq!(data["inventory"]["memory"], new["inventory"]["memory"], "the module is in use");
    set(&bench, lab::Command::Repair(Part::Drive(0)));
    assert_eq!(bench.inspection_data(), new);
    let json = br#"{"bmc": {"environment": {"failed_memory": [1], "unused_memory": [1]}}}"#;
    let state = crate::node::State::read(u64::from(crate::node::State::FORMAT), json).unwrap();
    let profile = crate::profile::built_in("generic").unwrap();
    let node = Node::restore(crate::node::NodeId(0), crate::seed::Seed(1), profile, state);
    let memory = |value: Value| value["memory"].clone();
    let (physical, bytes) = (96 * 1024, 96u64 << 30);
    assert_eq!(
        memory(crate::ipa::inventory::inventory(&node, &params, &Reported::default())),
        json!({"total": bytes - bytes / 64, "physical_mb": physical})
    );
    let mut collected = serde_json::Map::new();
    for collector in ["extra-hardware", "dmi-decode"] {
        crate::ipa::collectors::collect(collector, &node, &Reported::default(), &mut collected);
    }
    let total = json!(["memory", "total", "size", bytes.to_string()]);
    assert!(collected["data"].as_array().unwrap().contains(&total));
    let devices = &collected["dmi"]["memory"]["devices"];
    assert_eq!((&devices[0]["Size"], &devices[1]["Size"]), (&json!("32 GB"), &json!("No Module Installed")));
}
