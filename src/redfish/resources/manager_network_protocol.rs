//! `ManagerNetworkProtocol`: the protocols of the BMC. HTTP and HTTPS are enabled if the service listens for them.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "NetworkProtocol");
    d.put("Name", "Manager Network Protocol");
    d.put("HostName", cx.spec().bmc_host_name());
    d.object("Status", common::ok);
    for (name, tls) in [("HTTP", false), ("HTTPS", true)] {
        let port = cx.facts.port(cx.node.id(), tls);
        d.object(name, |d| {
            d.put("ProtocolEnabled", port.is_some());
            d.put("Port", port);
            if tls && cx.model.has("Managers/{}/NetworkProtocol/HTTPS/Certificates") {
                d.link("Certificates", &[cx.uri(), "/HTTPS/Certificates"]);
            }
        });
    }
    for name in ["IPMI", "KVMIP", "NTP", "SNMP", "SSDP", "SSH", "Telnet"] {
        d.object(name, |d| d.put("ProtocolEnabled", false));
    }
    // The BMC fetches images itself, so there is no port.
    d.object("VirtualMedia", |d| d.put("ProtocolEnabled", true));
}
