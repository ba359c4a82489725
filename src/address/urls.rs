//! The URLs of the nodes.

use std::net::{IpAddr, SocketAddr};

use super::prefix::Prefix;

/// The URLs of all nodes, without a path: scheme (`http` or `https`), host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Urls {
    /// One URL that all nodes share.
    Same(Box<str>),
    /// An IP address for each node.
    Ips { scheme: &'static str, prefix: Prefix, port: u16 },
    /// A port for each node.
    Ports {
        scheme: &'static str,
        /// An IPv6 address has its brackets.
        host: Box<str>,
        /// The port of node 0.
        first: u16,
    },
    /// A host name for each node.
    Names {
        scheme: &'static str,
        /// The part after the node's name and a dot.
        domain: Box<str>,
        port: u16,
    },
}

impl Urls {
    /// The URL of a node. `name` returns the node's name; only [`Urls::Names`] calls it.
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

    /// All URLs in one text, as `fauxmetal export --bmc` takes them: with the block of addresses, the first port or the domain.
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

    /// Whether the URLs begin with `https`.
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Same(url) => url.starts_with("https:"),
            Self::Ips { scheme, .. } | Self::Ports { scheme, .. } | Self::Names { scheme, .. } => {
                *scheme == "https"
            }
        }
    }

    /// Whether each node has a URL of its own.
    pub fn are_own(&self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str, bits: u8) -> Prefix {
        Prefix::new(address.parse().unwrap(), bits).unwrap()
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
}
