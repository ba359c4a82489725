//! `EthernetInterface` below the manager: the BMC's own port. Its settings are kept and shown. The addresses that are in use are those
//! that the service listens on, whatever the settings say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::common;
use crate::address::Prefix;
use crate::dmtf::Dhcpv6OperatingMode;
use crate::node::bmc::network::{
    self, Dhcpv4, Dhcpv6, Interface, MAX_NAME, StaticIpv4, StaticIpv6, Vlan, is_host_name, is_label,
};
use crate::node::command::Command;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, PROPERTY_MISSING, PROPERTY_VALUE_CONFLICT};
use crate::redfish::resource::{Asked, OfNode};

/// `Id` of the BMC's only interface.
pub(in crate::redfish) const ID: &str = "eth0";

pub(super) fn members(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(ID);
}

/// `HostName` of the BMC. With host names for nodes, it is the one by which clients reach the BMC.
pub(super) fn host_name(cx: &NodeCx<'_>) -> String {
    match &cx.node.bmc().network.interface.host_name {
        Some(name) => name.to_string(),
        None if cx.facts.domain.is_some() => cx.spec().name(),
        None => cx.spec().bmc_host_name(),
    }
}

/// `FQDN` of the BMC. Without a domain, it is the host name.
pub(super) fn fqdn(cx: &NodeCx<'_>) -> String {
    let host = host_name(cx);
    match cx.node.bmc().network.interface.domain.as_deref().or(cx.facts.domain.as_deref()) {
        Some(domain) if !domain.is_empty() => [&host, ".", domain].concat(),
        Some(_) | None => host,
    }
}

/// The server of names and of time that DHCP supplies: the gateway of the BMC's network.
pub(super) fn supplied_server(cx: &NodeCx<'_>) -> Option<String> {
    let blocks = cx.facts.own_ips(cx.node.id());
    let gateway = |block: Prefix| block.gateway(cx.node.id().0);
    blocks
        .into_iter()
        .find_map(|(ip, block)| gateway(block).filter(|_| ip.is_ipv4()))
        .map(|ip| ip.to_string())
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let mac = cx.spec().bmc_mac();
    let Interface { mtu, vlan, dhcp4, dhcp6, .. } = cx.node.bmc().network.interface;
    let interface = &cx.node.bmc().network.interface;
    d.put("Id", ID);
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
    d.put("MTUSize", u32::from(mtu));
    d.put("HostName", host_name(cx));
    d.put("FQDN", fqdn(cx));
    d.object("VLAN", |d| {
        d.put("VLANEnable", vlan.enabled);
        d.put("VLANId", u32::from(vlan.id));
        d.put("VLANPriority", u32::from(vlan.priority));
        d.put("Tagged", vlan.tagged);
    });
    d.object("DHCPv4", |d| {
        d.put("DHCPEnabled", dhcp4.enabled);
        d.put("UseDNSServers", dhcp4.use_dns_servers);
        d.put("UseDomainName", dhcp4.use_domain_name);
        d.put("UseGateway", dhcp4.use_gateway);
        d.put("UseNTPServers", dhcp4.use_ntp_servers);
        d.put("UseStaticRoutes", dhcp4.use_static_routes);
    });
    d.object("DHCPv6", |d| {
        d.put("OperatingMode", dhcp6.mode.as_str());
        d.put("UseDNSServers", dhcp6.use_dns_servers);
        d.put("UseDomainName", dhcp6.use_domain_name);
        d.put("UseNTPServers", dhcp6.use_ntp_servers);
        d.put("UseRapidCommit", dhcp6.use_rapid_commit);
    });
    d.object("StatelessAddressAutoConfig", |d| {
        d.put("IPv4AutoConfigEnabled", interface.auto_ipv4);
        d.put("IPv6AutoConfigEnabled", interface.auto_ipv6);
    });
    d.array("NameServers", |d| {
        let supplied = supplied_server(cx).filter(|_| dhcp4.enabled && dhcp4.use_dns_servers);
        supplied.into_iter().for_each(|server| d.item(server));
        interface.name_servers.iter().for_each(|server| d.item(server.to_string()));
    });
    d.array("StaticNameServers", |d| {
        interface.name_servers.iter().for_each(|server| d.item(server.to_string()));
    });
    addresses(cx, d);
    statics(interface, d);
    d.object("Links", |d| d.link("Chassis", &cx.model.chassis()));
}

/// The IP addresses that clients reach the BMC on.
fn addresses(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (interface, node) = (&cx.node.bmc().network.interface, cx.node.id());
    let (own, shared) = (cx.facts.own_ips(node), cx.facts.shared_ips(node));
    let all = || {
        let own = own.iter().map(|(ip, block)| (*ip, Some(*block)));
        own.chain(shared.iter().map(|ip| (*ip, None)))
    };
    d.array("IPv4Addresses", |d| {
        for (ip, block) in all().filter(|(ip, _)| ip.is_ipv4()) {
            // The network of a shared address is not known, except that of loopback.
            let alone = if ip.is_loopback() { Ipv4Addr::new(255, 0, 0, 0) } else { Ipv4Addr::BROADCAST };
            let mask = block.map_or(alone, Prefix::mask);
            d.item_object(|d| {
                d.put("Address", ip.to_string());
                d.put("AddressOrigin", if interface.dhcp4.enabled { "DHCP" } else { "Static" });
                d.put("SubnetMask", mask.to_string());
                let gateway = block.and_then(|block| block.gateway(node.0));
                d.put("Gateway", gateway.map(|ip| ip.to_string()).as_deref());
            });
        }
    });
    d.array("IPv6Addresses", |d| {
        for (ip, block) in all().filter(|(ip, _)| ip.is_ipv6()) {
            d.item_object(|d| {
                d.put("Address", ip.to_string());
                let origin = match interface.dhcp6.mode {
                    Dhcpv6OperatingMode::Stateful | Dhcpv6OperatingMode::Enabled => "DHCPv6",
                    Dhcpv6OperatingMode::Stateless | Dhcpv6OperatingMode::Disabled if interface.auto_ipv6 => {
                        "SLAAC"
                    }
                    Dhcpv6OperatingMode::Stateless | Dhcpv6OperatingMode::Disabled => "Static",
                };
                d.put("AddressOrigin", origin);
                d.put("AddressState", "Preferred");
                d.put("PrefixLength", u32::from(block.map_or(128, Prefix::bits)));
            });
        }
    });
}

fn statics(interface: &Interface, d: &mut Doc<'_>) {
    d.array("IPv4StaticAddresses", |d| {
        for StaticIpv4 { address, mask, gateway } in &interface.ipv4 {
            d.item_object(|d| {
                d.put("Address", address.to_string());
                d.put("SubnetMask", mask.to_string());
                d.put("Gateway", gateway.map(|ip| ip.to_string()).as_deref());
            });
        }
    });
    for (key, list) in
        [("IPv6StaticAddresses", &interface.ipv6), ("IPv6StaticDefaultGateways", &interface.ipv6_gateways)]
    {
        d.array(key, |d| {
            for StaticIpv6 { address, prefix } in list {
                d.item_object(|d| {
                    d.put("Address", address.to_string());
                    d.put("PrefixLength", u32::from(*prefix));
                });
            }
        });
    }
    d.put("MaxIPv6StaticAddresses", Interface::MAX_ADDRESSES);
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let mut new = cx.node.bmc().network.interface.clone();
    names(cx, body, &mut new);
    let (low, high) = (i64::from(Interface::MIN_MTU), i64::from(Interface::MAX_MTU));
    set(&mut new.mtu, body.number("MTUSize", low, high).and_then(|mtu| u16::try_from(mtu).ok()));
    body.object("VLAN", |body| vlan(body, &mut new.vlan));
    body.object("DHCPv4", |body| dhcp4(body, &mut new.dhcp4));
    body.object("DHCPv6", |body| dhcp6(body, &mut new.dhcp6));
    body.object("StatelessAddressAutoConfig", |body| {
        set(&mut new.auto_ipv4, body.flag("IPv4AutoConfigEnabled"));
        set(&mut new.auto_ipv6, body.flag("IPv6AutoConfigEnabled"));
    });
    let most = Interface::MAX_ADDRESSES;
    let ipv4 = body.elements("IPv4StaticAddresses", most, &new.ipv4, static_ipv4);
    set(&mut new.ipv4, ipv4);
    let ipv6 = body.elements("IPv6StaticAddresses", most, &new.ipv6, static_ipv6);
    set(&mut new.ipv6, ipv6);
    let gateways = body.elements("IPv6StaticDefaultGateways", most, &new.ipv6_gateways, static_ipv6);
    set(&mut new.ipv6_gateways, gateways);
    let now: Vec<_> = new.name_servers.iter().map(ToString::to_string).collect();
    if let Some(texts) = body.some_texts("StaticNameServers", Interface::MAX_NAME_SERVERS, &now) {
        new.name_servers = name_servers(body, &texts);
    }
    Ok(Some(Command::Network(network::Command::Interface(Box::new(new)))))
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// `FQDN` is the host name, a dot and the domain, so it sets both.
fn names(cx: &NodeCx<'_>, body: &mut Body, new: &mut Interface) {
    let host = body.text("HostName", MAX_NAME);
    if let Some(host) = &host {
        if is_label(host) {
            new.host_name = Some(host.clone());
        } else {
            body.wrong_format("HostName", host);
        }
    }
    let Some(fqdn) = body.text("FQDN", MAX_NAME) else { return };
    if !is_host_name(&fqdn) {
        return body.wrong_format("FQDN", &fqdn);
    }
    let (label, domain) = fqdn.split_once('.').unwrap_or((&fqdn, ""));
    if host.is_some_and(|host| !host.eq_ignore_ascii_case(label)) {
        body.mistake("FQDN", Message::new(&PROPERTY_VALUE_CONFLICT, ["FQDN", "HostName"]));
    }
    // The names that the BMC has anyhow stay those of the fleet.
    if *fqdn != self::fqdn(cx) {
        (new.host_name, new.domain) = (Some(label.into()), Some(domain.into()));
    }
}

fn vlan(body: &mut Body, vlan: &mut Vlan) {
    set(&mut vlan.enabled, body.flag("VLANEnable"));
    set(&mut vlan.id, body.number("VLANId", 1, 4094).and_then(|id| u16::try_from(id).ok()));
    set(
        &mut vlan.priority,
        body.number("VLANPriority", 0, 7).and_then(|priority| u8::try_from(priority).ok()),
    );
    set(&mut vlan.tagged, body.flag("Tagged"));
}

fn dhcp4(body: &mut Body, dhcp: &mut Dhcpv4) {
    set(&mut dhcp.enabled, body.flag("DHCPEnabled"));
    set(&mut dhcp.use_dns_servers, body.flag("UseDNSServers"));
    set(&mut dhcp.use_domain_name, body.flag("UseDomainName"));
    set(&mut dhcp.use_gateway, body.flag("UseGateway"));
    set(&mut dhcp.use_ntp_servers, body.flag("UseNTPServers"));
    set(&mut dhcp.use_static_routes, body.flag("UseStaticRoutes"));
}

fn dhcp6(body: &mut Body, dhcp: &mut Dhcpv6) {
    let mode = body.word("OperatingMode", Dhcpv6OperatingMode::parse, Dhcpv6OperatingMode::ALL);
    set(&mut dhcp.mode, mode);
    set(&mut dhcp.use_dns_servers, body.flag("UseDNSServers"));
    set(&mut dhcp.use_domain_name, body.flag("UseDomainName"));
    set(&mut dhcp.use_ntp_servers, body.flag("UseNTPServers"));
    set(&mut dhcp.use_rapid_commit, body.flag("UseRapidCommit"));
}

/// The longest IP address as text, characters.
const MAX_IP: usize = 45;

/// A property that is an IP address for which `is_right` holds.
fn address<T: std::str::FromStr>(body: &mut Body, key: &str, is_right: fn(&T) -> bool) -> Option<T> {
    let text = body.text(key, MAX_IP)?;
    let address = text.parse().ok().filter(is_right);
    if address.is_none() {
        body.wrong_format(key, &text);
    }
    address
}

/// A property that a new element of an array must have.
fn needed<T>(
    body: &mut Body,
    key: &str,
    now: Option<T>,
    read: impl FnOnce(&mut Body) -> Option<T>,
) -> Option<T> {
    if !body.contains(key) && now.is_none() {
        body.mistake(key, Message::new(&PROPERTY_MISSING, [key]));
    }
    if body.contains(key) { read(body) } else { now }
}

fn is_ipv4_of_host(ip: &Ipv4Addr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() && !ip.is_loopback()
}

fn is_ipv6_of_host(ip: &Ipv6Addr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast() && !ip.is_loopback()
}

fn is_mask(mask: &Ipv4Addr) -> bool {
    mask.to_bits() != 0 && mask.to_bits().leading_ones() + mask.to_bits().trailing_zeros() == 32
}

fn static_ipv4(body: &mut Body, now: Option<&StaticIpv4>) -> Option<StaticIpv4> {
    let ip =
        needed(body, "Address", now.map(|now| now.address), |body| address(body, "Address", is_ipv4_of_host));
    let mask =
        needed(body, "SubnetMask", now.map(|now| now.mask), |body| address(body, "SubnetMask", is_mask));
    let gateway = if body.take_null("Gateway") {
        None
    } else if body.contains("Gateway") {
        address(body, "Gateway", is_ipv4_of_host)
    } else {
        now.and_then(|now| now.gateway)
    };
    let (address, mask) = (ip?, mask?);
    let network = |ip: Ipv4Addr| ip.to_bits() & mask.to_bits();
    if gateway.is_some_and(|gateway| network(gateway) != network(address)) {
        body.mistake("Gateway", Message::new(&PROPERTY_VALUE_CONFLICT, ["Gateway", "Address"]));
    }
    Some(StaticIpv4 { address, mask, gateway })
}

fn static_ipv6(body: &mut Body, now: Option<&StaticIpv6>) -> Option<StaticIpv6> {
    let ip =
        needed(body, "Address", now.map(|now| now.address), |body| address(body, "Address", is_ipv6_of_host));
    // The usual prefix of a network of hosts (RFC 4291, 2.5.1). A gateway needs none.
    let prefix = now.map_or(64, |now| now.prefix);
    let read = body.number("PrefixLength", 1, 128).and_then(|bits| u8::try_from(bits).ok());
    Some(StaticIpv6 { address: ip?, prefix: read.unwrap_or(prefix) })
}

fn name_servers(body: &mut Body, texts: &[String]) -> Vec<IpAddr> {
    let mut servers = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match text.parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified() && !ip.is_multicast()) {
            Some(ip) => servers.push(ip),
            None => body.wrong_format(&format!("StaticNameServers/{at}"), text),
        }
    }
    servers
}
