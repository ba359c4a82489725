//! Where one listener listens, and which part of it belongs to which node.

use std::net::{IpAddr, SocketAddr};

use super::prefix::Prefix;

/// The address or addresses of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One address and port that all nodes share.
    One(SocketAddr),
    /// An IP address for each node, all with this port.
    Ips(Prefix, u16),
    /// One IP address with a port for each node: node `i` has this port + i.
    Ports(SocketAddr),
}

impl Place {
    /// The largest number of nodes that the place has room for.
    pub fn capacity(&self) -> u32 {
        match self {
            Self::One(_) => u32::MAX,
            Self::Ips(prefix, _) => prefix.capacity(),
            Self::Ports(first) => u32::from(u16::MAX - first.port()) + 1,
        }
    }

    /// The address of a node. `node` must be below [`Place::capacity`].
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

    /// The IP address that belongs to this node alone.
    pub fn own_ip(&self, node: u32) -> Option<IpAddr> {
        match self {
            Self::Ips(prefix, _) => Some(prefix.address(node)),
            Self::One(_) | Self::Ports(_) => None,
        }
    }

    /// Whether each node has an address and a port that no other node has.
    pub fn is_own(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Ips(..) | Self::Ports(_) => true,
        }
    }

    /// The same place with another port (for [`Place::Ports`] another first port).
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::One(address) => Self::One(SocketAddr::new(address.ip(), port)),
            Self::Ips(prefix, _) => Self::Ips(prefix, port),
            Self::Ports(first) => Self::Ports(SocketAddr::new(first.ip(), port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_counted_from_the_first() {
        let place = Place::Ports("127.0.0.1:65000".parse().unwrap());
        assert_eq!((place.capacity(), place.of(2).port()), (536, 65_002));
        assert_eq!(place.with_port(1).of(0).port(), 1);
    }
}
