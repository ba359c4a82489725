//! The inventory that an agent reports, computed from the node's profile and identity.
//!
//! Names and types of the fields are those of `list_hardware_info` in `ironic_python_agent/hardware.py`. The BMC's
//! documents use the same profile and the same functions, so both describe the same machine.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::{disks, lldp};
use crate::address::Reported;
use crate::dmtf::BootMode;
use crate::node::Node;
use crate::node::ipa::Params;
use crate::node::spec::Mac;
use crate::profile::inventory::Nic;

/// The whole inventory. `reported` are the addresses that it contains.
///
/// It contains the BMC's address only if the node does not share it: Ironic refuses an inspection whose address
/// belongs to another node (`ironic/drivers/modules/inspect_utils.py`). Without the address, Ironic finds the node by
/// its MAC addresses.
pub(super) fn inventory(node: &Node, params: &Params, reported: &Reported) -> Value {
    let spec = node.spec();
    let profile = spec.profile;
    let bmc: Vec<_> = reported.bmcs.iter().filter_map(|place| place.own_ip(node.id().0)).collect();
    json!({
        "interfaces": interfaces(node, params, reported),
        "cpu": cpu(node),
        "disks": disks::list(node),
        "memory": {"total": usable_bytes(node), "physical_mb": node.agent_memory_mib()},
        "bmc_address": bmc.iter().find(|ip| ip.is_ipv4()),
        "bmc_v6address": bmc.iter().find(|ip| ip.is_ipv6()),
        "bmc_mac": spec.bmc_mac().to_string(),
        "system_vendor": {
            "product_name": profile.model,
            "serial_number": spec.serial(),
            "manufacturer": profile.manufacturer,
            "firmware": {
                "vendor": profile.bios_vendor,
                "version": node.bios_version(),
                "build_date": profile.bios_date,
            },
        },
        "boot": {"current_boot_mode": boot_mode(node), "pxe_interface": params.boot_interface},
        "hostname": spec.name(),
    })
}

/// IPA reports `uefi` if `/sys/firmware/efi` exists.
fn boot_mode(node: &Node) -> &'static str {
    match node.boot().mode {
        BootMode::Uefi => "uefi",
        BootMode::Legacy => "bios",
    }
}

/// The memory that Linux reports. One 64th is assumed to be used by its own tables and by firmware.
pub(super) fn usable_bytes(node: &Node) -> u64 {
    let bytes = node.agent_memory_mib() << 20;
    bytes - bytes / 64
}

fn cpu(node: &Node) -> Value {
    let profile = node.profile();
    let processors = &profile.processors;
    let first = &processors[0];
    json!({
        "model_name": first.model,
        // A string in the format of `lscpu`; Metal3 requires it.
        "frequency": format!("{}.0000", first.max_mhz),
        "count": processors.iter().map(|p| p.threads).sum::<u32>(),
        "architecture": profile.cpu_arch(),
        "flags": first.flags,
        "socket_count": processors.len(),
    })
}

/// All interfaces, each with its port number and its name.
pub(super) fn nics(node: &Node) -> impl Iterator<Item = (u8, Cow<'_, str>, &Nic)> {
    (0u8..).zip(&node.profile().nics).map(|(port, nic)| (port, node.agent_nic_name(port, nic), nic))
}

fn interfaces(node: &Node, params: &Params, reported: &Reported) -> Vec<Value> {
    let spec = node.spec();
    let one = |(port, name, nic): (u8, Cow<'_, str>, &Nic)| {
        let mac = spec.mac(port);
        let own = address(node, port, reported);
        let has_cable = node.has_cable(port);
        let link_local = has_cable.then(|| format!("{}%{name}", link_local(mac)));
        json!({
            "name": name,
            "mac_address": mac.to_string(),
            "ipv4_address": own.filter(IpAddr::is_ipv4),
            "ipv6_address": own.filter(IpAddr::is_ipv6).map(|ip| ip.to_string()).or(link_local),
            "has_carrier": has_cable,
            "lldp": params.collect_lldp.then(|| lldp::neighbour(node, port)),
            "vendor": nic.vendor,
            "product": nic.product,
            "client_id": null,
            "biosdevname": null,
            "speed_mbps": nic.speed_mbps,
            "pci_address": nic.pci_address,
            "driver": nic.driver,
        })
    };
    nics(node).map(one).collect()
}

/// The address of an interface with a cable in the network of the machines. It needs no store: the operating system gets it
/// from DHCP or from a configuration, and nothing listens on it.
pub(super) fn address(node: &Node, port: u8, reported: &Reported) -> Option<IpAddr> {
    reported.hosts.filter(|_| node.has_cable(port))?.address(node.id().0, port)
}

/// The link-local address of an interface (RFC 4291, appendix A).
fn link_local(mac: Mac) -> std::net::Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    std::net::Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{NodeId, State};
    use crate::profile::built_in;
    use crate::seed::Seed;

    #[test]
    fn the_version_of_an_updated_bios_is_reported() {
        let json = br#"{"bmc": {"firmware": {"versions": {"0": "2.5.0"}}}}"#;
        let state = State::read(u64::from(State::FORMAT), json).unwrap();
        let node = Node::restore(NodeId(0), Seed(1), built_in("generic").unwrap(), state);
        let inventory = inventory(&node, &Params::default(), &Reported::default());
        assert_eq!(inventory["system_vendor"]["firmware"]["version"], "2.5.0");
    }

    #[test]
    fn a_volume_is_one_disk_of_its_controller() {
        let node = Node::new(NodeId(0), Seed(1), built_in("hpe-dl380-gen11").unwrap());
        let inventory = inventory(&node, &Params::default(), &Reported::default());
        let disks = inventory["disks"].as_array().unwrap();
        assert_eq!(disks.len(), 9, "eight drives, and two that are one disk");
        let boot = &disks[8];
        assert_eq!((&boot["name"], &boot["size"]), (&json!("/dev/nvme0n1"), &json!(480_103_981_056_u64)));
        assert_eq!(boot["model"], "HPE NS204i-u Gen11 Boot Controller");
        assert!(boot["wwn"].as_str().unwrap().starts_with("eui.ace42e80"), "{boot}");

        let json = br#"{"bmc": {"volumes": {"created": 1, "changed": {"0": [{"id": "Volume1", "name": "root",
            "raid_type": "RAID0", "capacity_bytes": 1000, "drives": [0, 1], "number": 1}]}}}}"#;
        let state = State::read(u64::from(State::FORMAT), json).unwrap();
        let node = Node::restore(NodeId(0), Seed(1), built_in("generic").unwrap(), state);
        let disks = super::inventory(&node, &Params::default(), &Reported::default())["disks"].take();
        let names: Vec<_> =
            disks.as_array().unwrap().iter().map(|disk| disk["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["/dev/sda", "/dev/nvme0n1"]);
        let root = &disks[0];
        assert_eq!((&root["size"], &root["wwn"]), (&json!(1000), &root["wwn_with_extension"]));
        let (wwn, serial) = (root["wwn"].as_str().unwrap(), root["serial"].as_str().unwrap());
        assert_eq!((wwn.len(), &wwn[..9], &wwn[2..]), (34, "0x6002538", serial));
        assert_eq!(root["wwn_vendor_extension"], format!("0x{}", &wwn[18..]));
    }
}
