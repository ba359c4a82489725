//! The network settings of the BMC: its interface, and its protocols.
//!
//! They are kept and shown. The address that the BMC is served on does not depend on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::dmtf::{Dhcpv6OperatingMode, NotifyIpv6Scope};
use crate::node::sparse::Part;

/// Commands to the network settings.
#[derive(Clone, Debug)]
pub enum Command {
    /// New settings of the interface, in place of those that it has.
    Interface(Box<Interface>),
    /// New settings of the protocols, in place of those that they have.
    Protocols(Box<Protocols>),
    /// Listens again for the protocols that a client has disabled.
    Open,
}

/// The network settings. Those of a new machine leave everything to DHCP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    pub interface: Interface,
    pub protocols: Protocols,
}

/// The settings of the BMC's `EthernetInterface`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// `HostName`, if a client has set it: a label of at most 63 characters.
    pub host_name: Option<Box<str>>,
    /// The part of `FQDN` after the host name and a dot, if a client has set it.
    pub domain: Option<Box<str>>,
    /// `MTUSize`, bytes: from [`Interface::MIN_MTU`] to [`Interface::MAX_MTU`].
    pub mtu: u16,
    pub vlan: Vlan,
    pub dhcp4: Dhcpv4,
    pub dhcp6: Dhcpv6,
    pub auto_ipv4: bool,
    pub auto_ipv6: bool,
    /// `IPv4StaticAddresses`, at most [`Interface::MAX_ADDRESSES`].
    pub ipv4: Vec<StaticIpv4>,
    /// `IPv6StaticAddresses`, at most [`Interface::MAX_ADDRESSES`].
    pub ipv6: Vec<StaticIpv6>,
    /// `IPv6StaticDefaultGateways`, at most [`Interface::MAX_ADDRESSES`].
    pub ipv6_gateways: Vec<StaticIpv6>,
    /// `StaticNameServers`, at most [`Interface::MAX_NAME_SERVERS`].
    pub name_servers: Vec<IpAddr>,
}

/// The settings in `EthernetInterface.VLAN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vlan {
    pub enabled: bool,
    /// `VLANId`, from 1 to 4094.
    pub id: u16,
    /// `VLANPriority`, from 0 to 7.
    pub priority: u8,
    pub tagged: bool,
}

/// The settings in `EthernetInterface.DHCPv4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the schema has a switch for each thing that a server can supply"
)]
pub struct Dhcpv4 {
    pub enabled: bool,
    pub use_dns_servers: bool,
    pub use_domain_name: bool,
    pub use_gateway: bool,
    pub use_ntp_servers: bool,
    pub use_static_routes: bool,
}

/// The settings in `EthernetInterface.DHCPv6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the schema has a switch for each thing that a server can supply"
)]
pub struct Dhcpv6 {
    pub mode: Dhcpv6OperatingMode,
    pub use_dns_servers: bool,
    pub use_domain_name: bool,
    pub use_ntp_servers: bool,
    pub use_rapid_commit: bool,
}

/// An element of `IPv4StaticAddresses`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticIpv4 {
    pub address: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub gateway: Option<Ipv4Addr>,
}

/// An element of `IPv6StaticAddresses` or of `IPv6StaticDefaultGateways`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticIpv6 {
    pub address: Ipv6Addr,
    /// `PrefixLength`, from 1 to 128 bits.
    pub prefix: u8,
}

/// The settings of the BMC's `ManagerNetworkProtocol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protocols {
    /// NTP is enabled. The clock of a BMC is exact with and without it.
    pub ntp: bool,
    /// `NTP.NTPServers`, at most [`Protocols::MAX_NTP_SERVERS`].
    pub ntp_servers: Vec<Box<str>>,
    pub ssdp: Ssdp,
    /// A client has disabled HTTP: nothing listens for it until the BMC restarts.
    pub http_closed: bool,
    /// The same for HTTPS.
    pub https_closed: bool,
}

/// The settings in `ManagerNetworkProtocol.SSDP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ssdp {
    /// `ProtocolEnabled`, as far as the daemon has SSDP at all.
    pub enabled: bool,
    /// `NotifyMulticastIntervalSeconds`: 0 for no notifications, or from [`Ssdp::MIN_INTERVAL_S`] to [`Ssdp::MAX_INTERVAL_S`].
    pub interval_s: u32,
    /// `NotifyTTL`, at least 1.
    pub ttl: u8,
    pub scope: NotifyIpv6Scope,
}

impl Network {
    const NEW: Self = Self { interface: Interface::NEW, protocols: Protocols::NEW };

    pub(in crate::node) fn execute(&mut self, command: Command) {
        match command {
            Command::Interface(interface) => self.interface = *interface,
            Command::Protocols(protocols) => self.protocols = *protocols,
            Command::Open => self.protocols.open(),
        }
    }
}

impl Interface {
    const NEW: Self = Self {
        host_name: None,
        domain: None,
        mtu: 1500,
        vlan: Vlan { enabled: false, id: 1, priority: 0, tagged: true },
        dhcp4: Dhcpv4 {
            enabled: true,
            use_dns_servers: true,
            use_domain_name: true,
            use_gateway: true,
            use_ntp_servers: true,
            use_static_routes: true,
        },
        dhcp6: Dhcpv6 {
            mode: Dhcpv6OperatingMode::Stateful,
            use_dns_servers: true,
            use_domain_name: true,
            use_ntp_servers: true,
            use_rapid_commit: false,
        },
        auto_ipv4: false,
        auto_ipv6: true,
        ipv4: Vec::new(),
        ipv6: Vec::new(),
        ipv6_gateways: Vec::new(),
        name_servers: Vec::new(),
    };
    /// The smallest `MTUSize`, bytes: each IPv4 host takes datagrams of this size (RFC 1122, 3.3.3).
    pub const MIN_MTU: u16 = 576;
    /// The largest `MTUSize`, bytes.
    pub const MAX_MTU: u16 = 9000;
    /// The largest number of static addresses of a family, and of static gateways.
    pub const MAX_ADDRESSES: usize = 4;
    /// The largest number of static name servers.
    pub const MAX_NAME_SERVERS: usize = 4;
}

impl Protocols {
    const NEW: Self = Self {
        ntp: false,
        ntp_servers: Vec::new(),
        ssdp: Ssdp { enabled: true, interval_s: 600, ttl: 2, scope: NotifyIpv6Scope::Link },
        http_closed: false,
        https_closed: false,
    };
    /// The largest number of NTP servers.
    pub const MAX_NTP_SERVERS: usize = 4;

    /// Whether a client has disabled HTTPS, or HTTP without `tls`.
    pub fn are_closed(&self, tls: bool) -> bool {
        if tls { self.https_closed } else { self.http_closed }
    }

    pub(super) fn open(&mut self) {
        (self.http_closed, self.https_closed) = (false, false);
    }
}

impl Ssdp {
    /// The shortest `NotifyMulticastIntervalSeconds` with notifications, seconds.
    pub const MIN_INTERVAL_S: u32 = 10;
    /// The longest `NotifyMulticastIntervalSeconds`, seconds.
    pub const MAX_INTERVAL_S: u32 = 86_400;
}

/// The default of each part is that of a new machine.
macro_rules! new_by_default {
    ($($part:ty: $new:expr),+ $(,)?) => {
        $(impl Default for $part {
            fn default() -> Self {
                $new
            }
        })+
    };
}

new_by_default! {
    Interface: Self::NEW,
    Vlan: Interface::NEW.vlan,
    Dhcpv4: Interface::NEW.dhcp4,
    Dhcpv6: Interface::NEW.dhcp6,
    Protocols: Self::NEW,
    Ssdp: Protocols::NEW.ssdp,
}

impl Part for Network {
    fn of_new_machine() -> &'static Self {
        static NEW: Network = Network::NEW;
        &NEW
    }
}

/// Whether a text is a label of a host name (RFC 1123, 2.1).
pub fn is_label(text: &str) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(within)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is a host name: labels with dots between them, at most [`MAX_NAME`] characters.
pub fn is_host_name(text: &str) -> bool {
    text.len() <= MAX_NAME && text.split('.').all(is_label)
}

/// The longest host name, characters.
pub const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_has_labels_of_letters_digits_and_dashes() {
        for name in ["a", "bmc-1", "BMC.rack-7.example", &"a".repeat(63)] {
            assert!(is_host_name(name), "{name}");
        }
        for name in
            ["", "-a", "a-", "a..b", ".a", "a.", "a_b", "ä", "a b", &"a".repeat(64), &"a.".repeat(150)]
        {
            assert!(!is_host_name(name), "{name}");
        }
    }

    #[test]
    fn settings_of_a_new_machine_are_the_default_of_every_part() {
        let network: Network =
            serde_json::from_str(r#"{"interface": {}, "protocols": {"ssdp": {}}}"#).unwrap();
        assert_eq!(&network, Network::of_new_machine());
        let vlan: Interface =
            serde_json::from_str(r#"{"vlan": {"id": 7}, "dhcp4": {}, "dhcp6": {}}"#).unwrap();
        assert_eq!(vlan, Interface { vlan: Vlan { id: 7, ..Vlan::default() }, ..Interface::NEW });
    }
}
