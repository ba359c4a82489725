//! Addresses by arithmetic: which node answers where, and whose an address is, without a table.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How the nodes of a fleet share or divide the addresses that a daemon listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One service root with all systems below it.
    Shared,
    /// A controller for each IP address of a prefix.
    Ip,
    /// A controller for each TCP port from a first one on.
    Port,
    /// A controller for each host name below a domain.
    Host,
}

impl Layout {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] =
        [("shared", Self::Shared), ("ip", Self::Ip), ("port", Self::Port), ("host", Self::Host)];

    /// As the setting names it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, layout)| *layout == self).map_or("", |(name, _)| name)
    }
}

/// A block of IP addresses: `127.16.0.0/12`, `fd00:1::/64`.
///
/// Node `i` has the address at network + 1 + i: the network's own address is nobody's, nor is IPv4's last one, which is
/// for broadcasts. A block of a single address is that of node 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    network: IpAddr,
    bits: u8,
}

/// A text is no block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// More bits than an address has.
    #[error("an IPv{version} prefix has a length of 0 to {max}, and this has {bits}")]
    TooLong {
        /// 4 or 6.
        version: u8,
        /// The length given.
        bits: u8,
        /// Bits of an address.
        max: u8,
    },
    /// It names a host, not a network.
    #[error("{address} is not the first address of its /{bits}; that is {network}")]
    HostBits {
        /// The address given.
        address: IpAddr,
        /// The length given.
        bits: u8,
        /// The first address of the block that it is in.
        network: IpAddr,
    },
}

impl Prefix {
    /// The block of that first address and length.
    ///
    /// # Errors
    /// When the length is beyond the address's, or the address is not the first of its block.
    pub fn new(address: IpAddr, bits: u8) -> Result<Self, PrefixError> {
        let max = width(address);
        if bits > max {
            let version = if address.is_ipv4() { 4 } else { 6 };
            return Err(PrefixError::TooLong { version, bits, max });
        }
        let network = from_number(address, number(address) & mask(bits, max));
        if network == address {
            Ok(Self { network, bits })
        } else {
            Err(PrefixError::HostBits { address, bits, network })
        }
    }

    /// Its first address, which no node has.
    pub fn network(self) -> IpAddr {
        self.network
    }

    /// Its length: bits that all its addresses share.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// How many nodes have an address in it; at most as many as 32 bits count.
    pub fn capacity(self) -> u32 {
        let size = 1u128.checked_shl(u32::from(width(self.network) - self.bits)).unwrap_or(u128::MAX);
        let spared = match self.network {
            IpAddr::V4(_) if size > 2 => 2,
            _ if size > 1 => 1,
            _ => 0,
        };
        u32::try_from(size - spared).unwrap_or(u32::MAX)
    }

    /// The address of a node below [`Prefix::capacity`].
    pub fn address(self, node: u32) -> IpAddr {
        from_number(self.network, number(self.network).saturating_add(u128::from(node) + self.first()))
    }

    /// Whose an address is.
    pub fn node_at(self, address: IpAddr) -> Option<u32> {
        if address.is_ipv4() != self.network.is_ipv4() {
            return None;
        }
        let offset = number(address).checked_sub(number(self.network))?.checked_sub(self.first())?;
        u32::try_from(offset).ok().filter(|node| *node < self.capacity())
    }

    /// Whether all of it is this host's own, so that nobody outside could reach it: 127.0.0.0/8 and ::1.
    pub fn is_loopback(self) -> bool {
        let whole = match self.network {
            IpAddr::V4(_) => 8,
            IpAddr::V6(_) => 128,
        };
        self.network.is_loopback() && self.bits >= whole
    }

    /// What node 0 is away from the network's own address.
    fn first(self) -> u128 {
        u128::from(self.bits < width(self.network))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(bits: u8, width: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(width - bits)).unwrap_or(0)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address with that number, of the same family as `like`.
fn from_number(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

/// What one listener listens on, and whose each part of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One address and port for all nodes.
    One(SocketAddr),
    /// Each node's own IP address, all on this port.
    Ips(Prefix, u16),
    /// One address, each node's own port: node `i` has this port + i.
    Ports(SocketAddr),
}

impl Place {
    /// How many nodes can be told apart here.
    pub fn capacity(&self) -> u32 {
        match self {
            Self::One(_) => u32::MAX,
            Self::Ips(prefix, _) => prefix.capacity(),
            Self::Ports(first) => u32::from(u16::MAX - first.port()) + 1,
        }
    }

    /// Where a node below [`Place::capacity`] is reached.
    pub fn of(&self, node: u32) -> SocketAddr {
        match self {
            Self::One(address) => *address,
            Self::Ips(prefix, port) => SocketAddr::new(prefix.address(node), *port),
            Self::Ports(first) => {
                let port = first.port().saturating_add(u16::try_from(node).unwrap_or(u16::MAX));
                SocketAddr::new(first.ip(), port)
            }
        }
    }

    /// The address that a node has to itself.
    pub fn own_ip(&self, node: u32) -> Option<IpAddr> {
        match self {
            Self::Ips(prefix, _) => Some(prefix.address(node)),
            Self::One(_) | Self::Ports(_) => None,
        }
    }

    /// The same with another port, or another first one.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::One(address) => Self::One(SocketAddr::new(address.ip(), port)),
            Self::Ips(prefix, _) => Self::Ips(prefix, port),
            Self::Ports(first) => Self::Ports(SocketAddr::new(first.ip(), port)),
        }
    }
}

/// The URLs by which clients reach the nodes, without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Urls {
    /// One for all of them.
    Same(Box<str>),
    /// Each at its own IP address.
    Ips {
        /// `http` or `https`.
        scheme: &'static str,
        /// Node `i` has the address of that number.
        prefix: Prefix,
        /// The port of all.
        port: u16,
    },
    /// Each on its own port.
    Ports {
        /// `http` or `https`.
        scheme: &'static str,
        /// The host as it stands in a URL.
        host: Box<str>,
        /// The port of node 0.
        first: u16,
    },
    /// Each under its own name.
    Names {
        /// `http` or `https`.
        scheme: &'static str,
        /// What follows a node's name.
        domain: Box<str>,
        /// The port of all.
        port: u16,
    },
}

impl Urls {
    /// A node's URL. `name` is its name, asked for where it matters.
    pub fn of(&self, node: u32, name: impl FnOnce() -> String) -> String {
        match self {
            Self::Same(url) => url.to_string(),
            Self::Ips { scheme, prefix, port } => {
                format!("{scheme}://{}", SocketAddr::new(prefix.address(node), *port))
            }
            Self::Ports { scheme, host, first } => format!("{scheme}://{host}:{}", u32::from(*first) + node),
            Self::Names { scheme, domain, port } => format!("{scheme}://{}.{domain}:{port}", name()),
        }
    }

    /// All of them in one text, as `export` takes it: the block of addresses, the first port, or the domain.
    pub fn pattern(&self) -> String {
        match self {
            Self::Same(url) => url.to_string(),
            Self::Ips { scheme, prefix, port } => match prefix.network() {
                IpAddr::V4(network) => format!("{scheme}://{network}/{}:{port}", prefix.bits()),
                IpAddr::V6(network) => format!("{scheme}://[{network}]/{}:{port}", prefix.bits()),
            },
            Self::Ports { scheme, host, first } => format!("{scheme}://{host}:{first}"),
            Self::Names { scheme, domain, port } => format!("{scheme}://{domain}:{port}"),
        }
    }

    /// Whether each node has one of its own.
    pub fn are_own(&self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

/// The label of a host below a domain, whatever the case of either; `None` when it is not below it, or further down.
pub fn label_below<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (label, rest) = host.split_once('.')?;
    (!label.is_empty() && rest.eq_ignore_ascii_case(domain)).then_some(label)
}

/// The host of a `Host` header or of a URL's authority, without port and brackets.
pub fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str, bits: u8) -> Prefix {
        Prefix::new(address.parse().unwrap(), bits).unwrap()
    }

    #[test]
    fn an_address_leads_back_to_its_node() {
        for (block, nodes, first, last) in [
            (prefix("127.16.0.0", 12), 1_048_574, "127.16.0.1", "127.31.255.254"),
            (prefix("10.8.0.0", 30), 2, "10.8.0.1", "10.8.0.2"),
            (prefix("10.8.0.0", 31), 1, "10.8.0.1", "10.8.0.1"),
            (prefix("10.8.0.7", 32), 1, "10.8.0.7", "10.8.0.7"),
            (prefix("fd00:1::", 112), 65_535, "fd00:1::1", "fd00:1::ffff"),
            (prefix("fd00:1::", 64), u32::MAX, "fd00:1::1", "fd00:1::ffff:ffff"),
            (prefix("::1", 128), 1, "::1", "::1"),
        ] {
            assert_eq!(block.capacity(), nodes, "{block}");
            for (node, address) in [(0, first), (nodes - 1, last)] {
                assert_eq!(block.address(node).to_string(), address, "{block}");
                assert_eq!(block.node_at(block.address(node)), Some(node), "{block}");
            }
        }
    }

    #[test]
    fn what_is_outside_a_block_or_its_own_is_nobodys() {
        let block = prefix("10.8.0.0", 24);
        for other in ["10.8.0.0", "10.8.0.255", "10.8.1.0", "10.7.255.255", "::ffff:10.8.0.1", "::1"] {
            assert_eq!(block.node_at(other.parse().unwrap()), None, "{other}");
        }
        assert_eq!(
            prefix("fd00::", 64).node_at("fd00::1:0:0:1".parse().unwrap()),
            None,
            "beyond what is counted"
        );
    }

    #[test]
    fn a_wrong_block_says_what_is_wrong() {
        let said = |address: &str, bits| Prefix::new(address.parse().unwrap(), bits).unwrap_err().to_string();
        assert_eq!(said("10.8.0.0", 33), "an IPv4 prefix has a length of 0 to 32, and this has 33");
        assert_eq!(said("10.8.0.1", 16), "10.8.0.1 is not the first address of its /16; that is 10.8.0.0");
        assert_eq!(said("fd00::", 129), "an IPv6 prefix has a length of 0 to 128, and this has 129");
    }

    #[test]
    fn only_this_hosts_own_blocks_are_loopback() {
        assert!(prefix("127.16.0.0", 12).is_loopback() && prefix("::1", 128).is_loopback());
        assert!(!prefix("10.0.0.0", 8).is_loopback() && !prefix("0.0.0.0", 0).is_loopback());
    }

    #[test]
    fn urls_carry_brackets_ports_and_names() {
        let name = || "generic-2".to_owned();
        let ips = |prefix| Urls::Ips { scheme: "https", prefix, port: 8443 };
        assert_eq!(ips(prefix("127.16.0.0", 12)).of(2, name), "https://127.16.0.3:8443");
        assert_eq!(ips(prefix("fd00:1::", 64)).of(2, name), "https://[fd00:1::3]:8443");
        let ports = Urls::Ports { scheme: "http", host: "[::1]".into(), first: 20_000 };
        assert_eq!(ports.of(2, name), "http://[::1]:20002");
        let names = Urls::Names { scheme: "https", domain: "bmc.example".into(), port: 443 };
        assert_eq!(names.of(2, name), "https://generic-2.bmc.example:443");
        assert_eq!(Urls::Same("https://h:1".into()).of(2, name), "https://h:1");
    }

    #[test]
    fn ports_are_counted_from_the_first() {
        let place = Place::Ports("127.0.0.1:65000".parse().unwrap());
        assert_eq!((place.capacity(), place.of(2).port()), (536, 65_002));
        assert_eq!(place.with_port(1).of(0).port(), 1);
    }

    #[test]
    fn a_name_is_one_label_below_its_domain() {
        assert_eq!(label_below("Generic-1.BMC.example.", "bmc.example"), Some("Generic-1"));
        for host in ["bmc.example", "a.b.bmc.example", ".bmc.example", "a.bmc.example.org", "localhost", ""] {
            assert_eq!(label_below(host, "bmc.example"), None, "{host}");
        }
        assert_eq!((host_of("a.b:80"), host_of("[::1]:80"), host_of("a")), ("a.b", "::1", "a"));
    }
}
