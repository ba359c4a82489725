//! `NetworkInterface` and `NetworkDeviceFunction`: the network adapters as the system sees them.

use super::{common, pcie_device};
use crate::profile::inventory::Nic;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

/// A `NetworkInterface` needs the adapter that it is of.
pub(super) fn has_adapters(model: &Model<'_>) -> bool {
    model.has("Chassis/{}/NetworkAdapters/{}")
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, ports) = super::network_adapter::of(cx);
    let [base, chassis] = cx.model.chassis();
    let adapter = [base, chassis, "/NetworkAdapters/", cx.id()];
    d.put("Id", cx.id());
    d.put("Name", ports[0].card_name());
    d.object("Status", common::ok);
    for (segment, path) in [
        ("NetworkDeviceFunctions", "Chassis/{}/NetworkAdapters/{}/NetworkDeviceFunctions/{}"),
        ("Ports", "Chassis/{}/NetworkAdapters/{}/Ports/{}"),
    ] {
        if cx.model.has(path) {
            d.link(segment, &[adapter.as_slice(), &["/", segment]].concat());
        }
    }
    d.object("Links", |d| d.link("NetworkAdapter", &adapter));
}

/// `NetworkDeviceFunction`: each port of a card is a function of its own.
pub(super) fn get_function(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, nic): (u8, &Nic) = common::part(&cx.profile().nics, |nic| &nic.id, cx.id());
    let mac = cx.spec().mac(number);
    let [base, chassis] = cx.model.chassis();
    let port = [base, chassis, "/NetworkAdapters/", cx.ids[0], "/Ports/", &nic.id];
    let has_port = cx.model.has("Chassis/{}/NetworkAdapters/{}/Ports/{}");
    d.put("Id", &nic.id);
    d.put("Name", &nic.description);
    d.put("NetDevFuncType", "Ethernet");
    d.put("NetDevFuncCapabilities", ["Ethernet"].as_slice());
    d.put("DeviceEnabled", true);
    d.object("Ethernet", |d| {
        d.put("MACAddress", mac);
        d.put("PermanentMACAddress", mac);
        d.put("MTUSize", 1500);
    });
    if has_port {
        d.one_link("AssignablePhysicalNetworkPorts", &port);
    }
    d.object("Status", common::ok);
    d.object("Links", |d| {
        if has_port {
            d.link("PhysicalNetworkPortAssignment", &port);
        }
        pcie_device::link_to_function(cx, &nic.pci_address, d);
        if cx.model.has("Systems/{}/EthernetInterfaces/{}") {
            let [base, system] = cx.model.system();
            d.one_link("EthernetInterfaces", &[base, system, "/EthernetInterfaces/", &nic.id]);
        }
    });
}
