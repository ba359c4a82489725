//! `EthernetInterface`: the host's network ports below the system, and the BMC's own port below the manager.

use super::common;
use std::net::Ipv4Addr;

use crate::node::spec::Mac;
use crate::profile::inventory::Nic;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

/// `Id` of the BMC's only interface.
const OF_MANAGER: &str = "eth0";

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
    d.put("UefiDevicePath", device_path(nic, mac));
    // The operating system alone knows these, and nothing tells them to the BMC.
    d.put("HostName", "");
    d.null("FQDN");
    for addresses in ["NameServers", "IPv4Addresses", "IPv6Addresses"] {
        d.array(addresses, |_| ());
    }
    d.object("Links", |d| {
        d.link("Chassis", &cx.model.chassis());
        if cx.model.has("Chassis/{}/NetworkAdapters/{}/Ports") {
            let [base, key] = cx.model.chassis();
            let adapter = cx.profile().adapter_id(nic);
            d.one_link("Ports", &[base, key, "/NetworkAdapters/", &adapter, "/Ports/", &nic.id]);
        }
    });
}

pub(super) fn members_of_manager(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(OF_MANAGER);
}

pub(super) fn get_of_manager(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let mac = cx.spec().bmc_mac();
    d.put("Id", OF_MANAGER);
    d.put("Name", "Management Network Interface");
    d.put("EthernetInterfaceType", "Physical");
    d.object("Status", common::ok);
    d.put("InterfaceEnabled", true);
    d.put("LinkStatus", "LinkUp");
    d.put("MACAddress", mac);
    d.put("PermanentMACAddress", mac);
    d.put("SpeedMbps", 1000);
    d.put("AutoNeg", true);
    d.put("FullDuplex", true);
    d.put("MTUSize", 1500);
    d.put("HostName", cx.spec().bmc_host_name());
    if let Some(domain) = &cx.facts.domain {
        d.join("FQDN", &[&cx.spec().name(), ".", domain]);
    }
    d.object("DHCPv4", |d| d.put("DHCPEnabled", true));
    addresses(cx, d);
    d.object("Links", |d| d.link("Chassis", &cx.model.chassis()));
}

/// The IP addresses that belong to this BMC alone, if there are any.
fn addresses(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let own = cx.facts.own_ips(cx.node.id());
    if own.iter().any(|(ip, _)| ip.is_ipv4()) {
        d.array("IPv4Addresses", |d| {
            for (ip, block) in own.iter().filter(|(ip, _)| ip.is_ipv4()) {
                let mask = u32::MAX.checked_shl(u32::from(32 - block.bits())).unwrap_or(0);
                d.item_object(|d| {
                    d.put("Address", ip.to_string());
                    d.put("AddressOrigin", "DHCP");
                    d.put("SubnetMask", Ipv4Addr::from_bits(mask).to_string());
                    d.put("Gateway", block.gateway(cx.node.id().0).map(|ip| ip.to_string()).as_deref());
                });
            }
        });
    }
    if own.iter().any(|(ip, _)| ip.is_ipv6()) {
        d.array("IPv6Addresses", |d| {
            for (ip, block) in own.iter().filter(|(ip, _)| ip.is_ipv6()) {
                d.item_object(|d| {
                    d.put("Address", ip.to_string());
                    d.put("AddressOrigin", "DHCPv6");
                    d.put("AddressState", "Preferred");
                    d.put("PrefixLength", u32::from(block.bits()));
                });
            }
        });
    }
}

/// The UEFI device path of the port (UEFI specification 2.10, 10.3).
pub(super) fn device_path(nic: &Nic, mac: Mac) -> String {
    format!("{}/MAC({},0x1)", common::pci_path(&nic.pci_address), mac.bare())
}
