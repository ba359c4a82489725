//! `NetworkAdapter`: the cards whose ports are the host's interfaces. Ironic reads their firmware version here.

use super::{common, pcie_device};
use crate::profile::inventory::Nic;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (0..cx.profile().adapters().count()).for_each(|number| each(&Nic::adapter_id(number)));
}

/// The ports of the adapter in the URI, with the adapter's number.
pub(super) fn of<'a>(cx: &NodeCx<'a>) -> (usize, &'a [Nic]) {
    let wanted = cx.ids.first().expect("only an adapter and what is below it ask");
    let mut adapters = cx.profile().adapters().enumerate();
    adapters
        .find(|(number, _)| Nic::adapter_id(*number) == *wanted)
        .expect("the adapter exists, or the request was refused")
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, ports) = of(cx);
    let first = ports.first().expect("an adapter has a port");
    d.put("Id", Nic::adapter_id(number));
    d.put("Name", first.card_name());
    d.put_some("Manufacturer", first.manufacturer.as_deref());
    d.put("Model", first.card_name());
    d.put("SerialNumber", cx.spec().part_serial('N', u8::try_from(number).unwrap_or(u8::MAX)));
    d.put("LLDPEnabled", true);
    d.array("Controllers", |d| {
        d.item_object(|d| {
            d.put_some("FirmwarePackageVersion", cx.node.version_of_part(first.card_name()));
            d.object("ControllerCapabilities", |d| d.put("NetworkPortCount", ports.len()));
            d.object("Links", |d| {
                for (key, path) in [
                    ("Ports", "Chassis/{}/NetworkAdapters/{}/Ports/{}"),
                    ("NetworkDeviceFunctions", "Chassis/{}/NetworkAdapters/{}/NetworkDeviceFunctions/{}"),
                ] {
                    if cx.model.has(path) {
                        d.array(key, |d| {
                            for port in ports {
                                d.item_link(&[cx.uri(), "/", key, "/", &port.id]);
                            }
                        });
                    }
                }
                pcie_device::links("PCIeDevices", &cx.model, |card| card.address == first.card(), d);
            });
        });
    });
    d.object("Status", common::ok);
}
