//! `EthernetInterface` below the system: the host's network ports.

use super::common;
use crate::dmtf::BootProgress;
use crate::node::spec::Mac;
use crate::profile::inventory::Nic;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().nics.iter().for_each(|nic| each(&nic.id));
}

/// Ironic creates a port for each interface that has a `MACAddress` and whose `Status` is `OK` and `Enabled`
/// (`sushy/resources/system/ethernet_interface.py`).
pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, nic) = common::part(&cx.profile().nics, |nic| &nic.id, cx.id());
    let mac = cx.spec().mac(number);
    d.put("Id", &nic.id);
    d.put("Name", &nic.description);
    d.put("Description", &nic.description);
    d.put("EthernetInterfaceType", "Physical");
    d.object("Status", common::ok);
    d.put("InterfaceEnabled", true);
    d.put("LinkStatus", if cx.node.has_cable(number) { "LinkUp" } else { "LinkDown" });
    d.put("MACAddress", mac);
    d.put("PermanentMACAddress", mac);
    d.put("SpeedMbps", nic.speed_mbps);
    d.put("AutoNeg", true);
    d.put("FullDuplex", true);
    d.put("MTUSize", 1500);
    names_and_addresses(cx, number, d);
    d.put("UefiDevicePath", device_path(nic, mac));
    d.object("Links", |d| {
        d.link("Chassis", &cx.model.chassis());
        if cx.model.has("Chassis/{}/NetworkAdapters/{}/Ports") {
            let [base, key] = cx.model.chassis();
            let adapter = cx.profile().adapter_id(nic);
            d.one_link("Ports", &[base, key, "/NetworkAdapters/", &adapter, "/Ports/", &nic.id]);
        }
    });
}

/// What the BMC knows of the network from a system that runs on the host. Its name is the one that clients have set.
fn names_and_addresses(cx: &NodeCx<'_>, number: u8, d: &mut Doc<'_>) {
    let name = cx.node.bmc().system.host_name.as_deref().unwrap_or_default();
    d.put("HostName", name.split('.').next().unwrap_or_default());
    d.put("FQDN", name);
    d.array("NameServers", |_| ());
    let runs = cx.node.host().boot_progress(cx.now) == BootProgress::OsRunning && cx.node.has_cable(number);
    let hosts = cx.facts.hosts.filter(|_| runs);
    let address = hosts.and_then(|hosts| Some((hosts.address(cx.node.id().0, number)?, hosts.prefix())));
    d.array("IPv4Addresses", |d| {
        if let Some((ip, block)) = address.filter(|(ip, _)| ip.is_ipv4()) {
            d.item_object(|d| {
                d.put("Address", ip.to_string());
                d.put("AddressOrigin", "DHCP");
                d.put("SubnetMask", block.mask().to_string());
                d.put("Gateway", None::<&str>);
            });
        }
    });
    d.array("IPv6Addresses", |d| {
        if let Some((ip, block)) = address.filter(|(ip, _)| ip.is_ipv6()) {
            d.item_object(|d| {
                d.put("Address", ip.to_string());
                d.put("AddressOrigin", "DHCPv6");
                d.put("AddressState", "Preferred");
                d.put("PrefixLength", u32::from(block.bits()));
            });
        }
    });
}

/// The UEFI device path of the port (UEFI specification 2.10, 10.3).
pub(super) fn device_path(nic: &Nic, mac: Mac) -> String {
    format!("{}/MAC({},0x1)", common::pci_path(&nic.pci_address), mac.bare())
}
