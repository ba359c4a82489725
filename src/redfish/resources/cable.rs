//! `Cable`: the cables between host interfaces and their switch. A cable that is unplugged is no resource.

use super::common;
use crate::profile::inventory::Nic;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let nics = (0u8..).zip(&cx.profile().nics);
    nics.filter(|(number, _)| cx.node.has_cable(*number)).for_each(|(_, nic)| each(&nic.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, nic): (u8, &Nic) = common::part(&cx.profile().nics, |nic| &nic.id, cx.id());
    let neighbour = cx.spec().neighbour(number);
    d.put("Id", cx.model.full_id(&nic.id));
    d.join("Name", &["Cable of ", &nic.description]);
    d.put("CableClass", "Network");
    d.put("CableType", "Ethernet");
    d.put("CableStatus", "Normal");
    d.put("UpstreamName", format!("{} {}", neighbour.switch_name, neighbour.port_id));
    d.put("DownstreamName", &nic.name);
    // The plugs of the usual cables at these speeds.
    let plug = match nic.speed_mbps {
        0..=2500 => "RJ45",
        2501..=25_000 => "SFPPlus",
        _ => "QSFP",
    };
    d.put("UpstreamConnectorTypes", [plug].as_slice());
    d.put("DownstreamConnectorTypes", [plug].as_slice());
    d.object("Status", common::ok);
    d.object("Links", |d| {
        let [base, chassis] = cx.model.chassis();
        d.one_link("DownstreamChassis", &[base, chassis]);
        if cx.model.has("Chassis/{}/NetworkAdapters/{}/Ports/{}") {
            let adapter = cx.profile().adapter_id(nic);
            d.one_link(
                "DownstreamPorts",
                &[base, chassis, "/NetworkAdapters/", &adapter, "/Ports/", &nic.id],
            );
        }
    });
}
