//! `ManagerNetworkProtocol`: how the controller can be reached, which is where this service listens.

use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "NetworkProtocol");
    d.put("Name", "Manager Network Protocol");
    d.put("HostName", cx.spec().bmc_host_name());
    d.object("Status", super::ok);
    for (name, tls) in [("HTTP", false), ("HTTPS", true)] {
        let port = cx.redfish.port(cx.node().id(), tls);
        d.object(name, |d| {
            d.put("ProtocolEnabled", port.is_some());
            d.put("Port", port);
        });
    }
    for name in ["IPMI", "KVMIP", "NTP", "SNMP", "SSDP", "SSH", "Telnet"] {
        d.object(name, |d| d.put("ProtocolEnabled", false));
    }
    // The controller fetches images itself; there is no port for it.
    d.object("VirtualMedia", |d| d.put("ProtocolEnabled", true));
}
