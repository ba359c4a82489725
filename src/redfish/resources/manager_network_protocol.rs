//! `ManagerNetworkProtocol`: the protocols of the BMC. HTTP, HTTPS and SSDP are the ones that are ever served.

use super::{common, manager_interface};
use crate::dmtf::NotifyIpv6Scope;
use crate::node::bmc::network::{self, MAX_NAME, Protocols, Ssdp, is_host_name};
use crate::node::command::Command;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{
    Message, PROPERTY_NOT_WRITABLE, PROPERTY_VALUE_NOT_IN_LIST, PROPERTY_VALUE_OUT_OF_RANGE,
};
use crate::redfish::resource::{Asked, OfNode};

/// The protocols that are never served, with the ports that they have elsewhere. A model's overlay can show one as enabled.
const NEVER: [(&str, u32); 5] = [("IPMI", 623), ("KVMIP", 5900), ("SNMP", 161), ("SSH", 22), ("Telnet", 23)];
/// HTTP and HTTPS, and whether the protocol is over TLS.
const WEB: [(&str, bool); 2] = [("HTTP", false), ("HTTPS", true)];
const NTP_PORT: u32 = 123;
const SSDP_PORT: u32 = 1900;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let network = &cx.node.bmc().network;
    let Protocols { ntp, ntp_servers, ssdp, .. } = &network.protocols;
    d.put("Id", "NetworkProtocol");
    d.put("Name", "Manager Network Protocol");
    d.put("HostName", manager_interface::host_name(cx));
    d.put("FQDN", manager_interface::fqdn(cx));
    d.object("Status", common::ok);
    for (name, tls) in WEB {
        let port = cx.facts.port(cx.node.id(), tls);
        d.object(name, |d| {
            d.put("ProtocolEnabled", port.is_some() && !network.protocols.are_closed(tls));
            d.put("Port", port);
            if tls && cx.model.has("Managers/{}/NetworkProtocol/HTTPS/Certificates") {
                d.link("Certificates", &[cx.uri(), "/HTTPS/Certificates"]);
            }
        });
    }
    for (name, port) in NEVER {
        d.object(name, |d| {
            d.put("ProtocolEnabled", false);
            d.put("Port", port);
        });
    }
    d.object("NTP", |d| {
        d.put("ProtocolEnabled", *ntp);
        d.put("Port", NTP_PORT);
        d.array("NTPServers", |d| ntp_servers.iter().for_each(|server| d.item(&**server)));
        d.array("NetworkSuppliedServers", |d| {
            let dhcp = network.interface.dhcp4;
            let supplied = manager_interface::supplied_server(cx);
            let supplied = supplied.filter(|_| dhcp.enabled && dhcp.use_ntp_servers);
            supplied.into_iter().for_each(|server| d.item(server));
        });
    });
    d.object("SSDP", |d| {
        d.put("ProtocolEnabled", cx.facts.ssdp && ssdp.enabled);
        d.put("Port", SSDP_PORT);
        d.put("NotifyMulticastIntervalSeconds", ssdp.interval_s);
        d.put("NotifyTTL", u32::from(ssdp.ttl));
        d.put("NotifyIPv6Scope", ssdp.scope.as_str());
    });
    // The BMC fetches images itself, so there is no port.
    d.object("VirtualMedia", |d| d.put("ProtocolEnabled", true));
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let mut new = cx.node.bmc().network.protocols.clone();
    for (name, tls) in WEB {
        let listens = cx.facts.port(cx.node.id(), tls).is_some();
        // A listener that other BMCs share stays open.
        let can_close = cx.model.own_root && cx.facts.has_own_listener(tls);
        let closed = if tls { &mut new.https_closed } else { &mut new.http_closed };
        let allowed = |enabled| if enabled { listens } else { !listens || can_close };
        body.object(name, |body| {
            if let Some(enabled) = enabled(body, allowed) {
                *closed = listens && !enabled;
            }
        });
    }
    for (name, _) in NEVER {
        body.object(name, |body| enabled(body, |enabled| !enabled));
    }
    body.object("VirtualMedia", |body| enabled(body, |enabled| enabled));
    body.object("NTP", |body| ntp(body, &mut new));
    body.object("SSDP", |body| ssdp(cx, body, &mut new.ssdp));
    Ok(Some(Command::Network(network::Command::Protocols(Box::new(new)))))
}

/// Reads `ProtocolEnabled`, of which not every value is allowed. No client can change the port.
fn enabled(body: &mut Body, allowed: impl Fn(bool) -> bool) -> Option<bool> {
    if body.take("Port").is_some() {
        body.mistake("Port", Message::new(&PROPERTY_NOT_WRITABLE, ["Port"]));
    }
    let enabled = body.flag("ProtocolEnabled")?;
    if allowed(enabled) {
        return Some(enabled);
    }
    let message = Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [&enabled.to_string(), "ProtocolEnabled"]);
    body.mistake("ProtocolEnabled", message);
    None
}

fn ntp(body: &mut Body, new: &mut Protocols) {
    if let Some(enabled) = enabled(body, |_| true) {
        new.ntp = enabled;
    }
    let now: Vec<_> = new.ntp_servers.iter().map(ToString::to_string).collect();
    let Some(servers) = body.some_texts("NTPServers", Protocols::MAX_NTP_SERVERS, &now) else { return };
    for (at, server) in servers.iter().enumerate() {
        if !is_host_name(server) && server.parse::<std::net::IpAddr>().is_err() {
            let shown: String = server.chars().take(MAX_NAME).collect();
            body.wrong_format(&format!("NTPServers/{at}"), &shown);
        }
    }
    new.ntp_servers = servers.into_iter().map(Into::into).collect();
}

fn ssdp(cx: &NodeCx<'_>, body: &mut Body, new: &mut Ssdp) {
    if let Some(enabled) = enabled(body, |enabled| cx.facts.ssdp || !enabled)
        && cx.facts.ssdp
    {
        new.enabled = enabled;
    }
    let interval = body.number("NotifyMulticastIntervalSeconds", 0, i64::from(Ssdp::MAX_INTERVAL_S));
    if let Some(seconds) = interval.and_then(|seconds| u32::try_from(seconds).ok()) {
        if (1..Ssdp::MIN_INTERVAL_S).contains(&seconds) {
            let args = [&*seconds.to_string(), "NotifyMulticastIntervalSeconds"];
            body.mistake(args[1], Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, args));
        }
        new.interval_s = seconds;
    }
    if let Some(ttl) = body.number("NotifyTTL", 1, i64::from(u8::MAX)).and_then(|ttl| u8::try_from(ttl).ok())
    {
        new.ttl = ttl;
    }
    if let Some(scope) = body.word("NotifyIPv6Scope", NotifyIpv6Scope::parse, NotifyIpv6Scope::ALL) {
        new.scope = scope;
    }
}
