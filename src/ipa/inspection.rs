//! The inspection data that an agent sends.
//!
//! Mirrors `inspect` of `ironic_python_agent/inspector.py`: named collectors add to one object. If a name is unknown,
//! no collector runs, and only the error is sent.

use serde_json::{Map, Value, json};

use super::{collectors, disks, inventory, journal, root_disk};
use crate::address::Reported;
use crate::node::Node;
use crate::node::ipa::Ipa;
use crate::time::SimTime;

/// Default collectors (`config.py`, `INSPECTION_DEFAULT_COLLECTORS`).
const DEFAULT: &str = "default,logs";

/// The inspection data. `reported` are the addresses that they contain.
pub(super) fn data(node: &Node, agent: &Ipa, now: SimTime, reported: &Reported) -> Value {
    let given = &agent.params.collectors;
    let names: Vec<_> = if given.trim().is_empty() { DEFAULT } else { given }
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let mut data = Map::new();
    let mut unknown = Vec::new();
    for name in &names {
        match *name {
            "default" => default(node, agent, &names, reported, &mut data),
            "logs" => {
                data.insert("logs".to_owned(), journal::packed(node, agent, now, reported));
            }
            other => {
                if !collectors::collect(other, node, reported, &mut data) {
                    unknown.push(format!("'{other}'"));
                }
            }
        }
    }
    if !unknown.is_empty() {
        let text = format!(
            "The following errors were encountered:\n* Failed to load collector {{{}}}",
            unknown.join(", ")
        );
        return json!({"error": text});
    }
    data.insert("error".to_owned(), Value::Null);
    Value::Object(data)
}

fn default(node: &Node, agent: &Ipa, names: &[&str], reported: &Reported, data: &mut Map<String, Value>) {
    let disks = disks::list(node.spec());
    if let Some(root) = root_disk::guess(&disks) {
        data.insert("root_disk".to_owned(), json!(root));
    }
    let managers = [json!({"name": "generic_hardware_manager", "version": "1.2"})];
    data.insert("inventory".to_owned(), inventory::inventory(node, &agent.params, reported));
    data.insert("boot_interface".to_owned(), json!(agent.params.boot_interface));
    data.insert("configuration".to_owned(), json!({"collectors": names, "managers": managers}));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::address::{HostNetwork, Place, Prefix};
    use crate::ipa::tests::Bench;
    use crate::node::NodeId;
    use crate::node::ipa::Params;
    use crate::profile::Profile;

    fn sent(params: Params) -> Value {
        let bench = Bench::booted(params);
        bench.fleet.look(bench.id, |n, now| data(n, n.ipa().unwrap(), now, &reported(Vec::new()))).unwrap()
    }

    fn prefix(network: &str, bits: u8) -> Prefix {
        Prefix::new(network.parse().unwrap(), bits).unwrap()
    }

    fn reported(bmcs: Vec<Place>) -> Reported {
        Reported { bmcs, hosts: Some(HostNetwork::new(prefix("10.0.0.0", 8), 2)) }
    }

    #[test]
    fn each_interface_with_a_cable_has_an_address_of_the_network_of_the_machines() {
        let bench =
            Bench::booted(Params { collectors: "default,logs,extra-hardware".into(), ..Params::default() });
        let mut profile = bench.fleet.look(bench.id, |node, _| Profile::clone(node.profile())).unwrap();
        profile.nics[1].link = false;
        let sent = |hosts| {
            let addresses = Reported { bmcs: Vec::new(), hosts };
            bench.fleet.look(bench.id, |node, now| {
                let node = Node::restore(
                    NodeId(7),
                    node.spec().seed,
                    Arc::new(profile.clone()),
                    node.state().clone(),
                );
                data(&node, node.ipa().unwrap(), now, &addresses)
            })
        };
        let interface =
            |data: &Value, number: usize, key: &str| data["inventory"]["interfaces"][number][key].clone();
        let data = sent(Some(HostNetwork::new(prefix("10.0.0.0", 8), 2))).unwrap();
        assert_eq!(interface(&data, 0, "ipv4_address"), "10.0.0.15");
        assert!(interface(&data, 0, "ipv6_address").as_str().unwrap().starts_with("fe80::"));
        assert_eq!(interface(&data, 1, "ipv4_address"), Value::Null, "no cable");
        assert!(data["data"].as_array().unwrap().contains(&json!([
            "network",
            "ens1f0",
            "ipv4",
            "10.0.0.15"
        ])));
        let data = sent(Some(HostNetwork::new(prefix("fd00::", 64), 2))).unwrap();
        assert_eq!(interface(&data, 0, "ipv4_address"), Value::Null);
        assert_eq!(interface(&data, 0, "ipv6_address"), "fd00::f");
        assert_eq!(interface(&sent(None).unwrap(), 0, "ipv4_address"), Value::Null);
    }

    #[test]
    fn the_bmc_address_is_reported_unless_it_is_shared() {
        let bench = Bench::booted(Params::default());
        let ips = [
            Place::Ips(prefix("127.16.0.0", 12), 8443),
            Place::Ips(prefix("127.32.0.0", 12), 8444),
            Place::Ips(prefix("fd00:1::", 64), 8443),
        ];
        let shared = [Place::One("127.0.0.1:8443".parse().unwrap())];
        let ports = [Place::Ports("127.0.0.1:20000".parse().unwrap())];
        let bmc = |bmcs: &[Place]| {
            let see = |n: &Node, now| data(n, n.ipa().unwrap(), now, &reported(bmcs.to_vec()));
            let inventory = bench.fleet.look(bench.id, see).unwrap()["inventory"].take();
            (inventory["bmc_address"].clone(), inventory["bmc_v6address"].clone())
        };
        assert_eq!(bmc(&ips), (json!("127.16.0.1"), json!("fd00:1::1")));
        assert_eq!((bmc(&shared), bmc(&ports)), ((Value::Null, Value::Null), (Value::Null, Value::Null)));
    }

    #[test]
    fn the_data_of_a_generic_machine_has_all_that_ironic_stores() {
        let collectors = "default,logs,pci-devices,lldp,numa-topology";
        let boot_interface = Some("01-02-aa-bb-cc-dd-ee".into());
        let mut data = sent(Params { collectors: collectors.into(), boot_interface, ..Params::default() });
        assert!(data["logs"].as_str().unwrap().len() > 100);
        data["logs"] = json!("[archive]");
        // The 64 cores differ in their numbers only; one is enough for the snapshot.
        let cpus = data["numa_topology"]["cpus"].as_array_mut().unwrap();
        assert_eq!(cpus.len(), 64);
        assert_eq!(cpus[63], json!({"cpu": 31, "numa_node": 1, "thread_siblings": [63, 127]}));
        cpus.truncate(1);
        insta::assert_json_snapshot!(data);
    }

    #[test]
    fn the_default_collectors_are_inventory_and_logs() {
        let data = sent(Params::default());
        let keys: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["boot_interface", "configuration", "error", "inventory", "logs", "root_disk"]);
        assert_eq!(data["error"], Value::Null);
        assert_eq!(data["inventory"]["interfaces"][0]["lldp"], Value::Null);
    }

    #[test]
    fn interfaces_include_lldp_if_the_command_line_asks_for_it() {
        let data = sent(Params { collect_lldp: true, ..Params::default() });
        assert_eq!(data["inventory"]["interfaces"][0]["lldp"][2], json!([3, "0078"]));
        assert_eq!(data.get("lldp_raw"), None);
    }

    #[test]
    fn every_collector_of_ipa_exists() {
        let collectors = "default,logs,extra-hardware,pci-devices,numa-topology,dmi-decode,lldp,usb-devices";
        let data = sent(Params { collectors: collectors.into(), ..Params::default() });
        for key in ["data", "pci_devices", "numa_topology", "dmi", "lldp_raw", "usb_devices"] {
            assert!(data.get(key).is_some(), "{key}");
        }
        assert!(data["data"].as_array().unwrap().iter().all(|row| row.as_array().unwrap().len() == 4));
    }

    #[test]
    fn an_unknown_collector_makes_the_data_an_error() {
        let data = sent(Params { collectors: "default,magic".into(), ..Params::default() });
        let text = "The following errors were encountered:\n* Failed to load collector {'magic'}";
        assert_eq!(data, json!({"error": text}));
    }
}
