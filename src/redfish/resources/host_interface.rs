//! `HostInterface`: the connection between the host and its BMC. The agent of a simulated host has no such interface, so it is off.

use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

const ONLY: &str = "1";

pub(super) fn members(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(ONLY);
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", ONLY);
    d.put("Name", "Host Interface");
    d.put("HostInterfaceType", "NetworkHostInterface");
    d.put("InterfaceEnabled", false);
    d.put("ExternallyAccessible", false);
    d.put("AuthenticationModes", ["BasicAuth", "RedfishSessionAuth"].as_slice());
    if cx.model.has("Managers/{}/NetworkProtocol") {
        let [base, manager] = cx.model.manager();
        d.link("NetworkProtocol", &[base, manager, "/NetworkProtocol"]);
    }
    d.object("Status", |d| d.put("State", "Disabled"));
    d.object("Links", |d| d.one_link("ComputerSystems", &cx.model.system()));
}
