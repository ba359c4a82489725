//! `Port` of a network adapter, with the LLDP data of its neighbour.

use super::common;
use crate::node::neighbour::Neighbour;
use crate::profile::inventory::Nic;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

/// Ironic uses a port's id as the name of its interface, so the two are equal
/// (`ironic/drivers/modules/redfish/inspect.py`, `_collect_lldp_data`).
pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    super::network_adapter::of(cx).1.iter().for_each(|port| each(&port.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, port): (u8, &Nic) = common::part(&cx.profile().nics, |nic| &nic.id, cx.id());
    let has_cable = cx.node.has_cable(number);
    let gbps = f64::from(port.speed_mbps) / 1000.0;
    d.put("Id", &port.id);
    d.put("Name", &port.description);
    d.put("PortProtocol", "Ethernet");
    d.put("PortType", "BidirectionalPort");
    d.put("InterfaceEnabled", true);
    d.put("LinkState", "Enabled");
    d.put("LinkStatus", if has_cable { "LinkUp" } else { "LinkDown" });
    d.put("LinkNetworkTechnology", "Ethernet");
    d.put("MaxSpeedGbps", gbps);
    d.put("CurrentSpeedGbps", if has_cable { gbps } else { 0.0 });
    d.object("Ethernet", |d| {
        d.array("AssociatedMACAddresses", |d| d.item(cx.spec().mac(number)));
        d.put("LLDPEnabled", true);
        if has_cable {
            d.object("LLDPReceive", |d| receive(&cx.spec().neighbour(number), d));
        }
    });
    d.object("Status", common::ok);
}

fn receive(neighbour: &Neighbour, d: &mut Doc<'_>) {
    d.put("ChassisId", neighbour.chassis_mac);
    d.put("ChassisIdSubtype", "MacAddr");
    // The schema requires octets in hex for every subtype.
    let octets: Vec<String> = neighbour.port_id.bytes().map(|byte| format!("{byte:02X}")).collect();
    d.put("PortId", octets.join(":"));
    d.put("PortIdSubtype", "IfName");
    d.put("SystemName", &neighbour.switch_name);
    d.put("SystemDescription", neighbour.description);
    let [a, b, c, host] = neighbour.address;
    d.put("ManagementAddressIPv4", format_args!("{a}.{b}.{c}.{host}"));
    d.put("ManagementVlanId", neighbour.vlan);
}
