//! A block of IP addresses, one for each node.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of IP addresses: `127.16.0.0/12`, `fd00:1::/64`.
///
/// Node `i` has the address network + 1 + i. No node has the network's own address, nor the last IPv4 address, which is for
/// broadcasts. A block of one address belongs to node 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    network: IpAddr,
    bits: u8,
}

/// An address and a length that are not a block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    #[error("the prefix length is {bits}; IPv{version} allows 0 to {max}")]
    TooLong {
        /// 4 or 6.
        version: u8,
        bits: u8,
        max: u8,
    },
    #[error("{address} is not the first address of its /{bits} block; write {network}/{bits}")]
    HostBits { address: IpAddr, bits: u8, network: IpAddr },
}

impl Prefix {
    /// # Errors
    /// If `bits` is longer than the address, or `address` is not the first address of the block.
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

    /// The first address. No node has it, except in a block of one address.
    pub fn network(self) -> IpAddr {
        self.network
    }

    /// The length: the number of leading bits that all addresses share.
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// The number of nodes that have an address in the block, at most `u32::MAX`.
    pub fn capacity(self) -> u32 {
        let size = 1u128.checked_shl(u32::from(width(self.network) - self.bits)).unwrap_or(u128::MAX);
        let spared = match self.network {
            IpAddr::V4(_) if size > 2 => 2,
            _ if size > 1 => 1,
            _ => 0,
        };
        u32::try_from(size - spared).unwrap_or(u32::MAX)
    }

    /// The address of a node. `node` must be below [`Prefix::capacity`].
    pub fn address(self, node: u32) -> IpAddr {
        from_number(self.network, number(self.network).saturating_add(u128::from(node) + self.first()))
    }

    /// The address of the router in the view of a node: the last address that a node can have. `None` for a node that has it
    /// itself, as in a block of one address.
    pub fn gateway(self, node: u32) -> Option<IpAddr> {
        let last = self.capacity() - 1;
        (node != last).then(|| self.address(last))
    }

    /// The subnet mask of an IPv4 block. The lengths of IPv6 blocks up to 32 have one, too, which is never shown.
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(u32::from(32u8.saturating_sub(self.bits))).unwrap_or(0))
    }

    /// The node that has this address.
    pub fn node_at(self, address: IpAddr) -> Option<u32> {
        if address.is_ipv4() != self.network.is_ipv4() {
            return None;
        }
        let offset = number(address).checked_sub(number(self.network))?.checked_sub(self.first())?;
        u32::try_from(offset).ok().filter(|node| *node < self.capacity())
    }

    /// Whether the whole block lies in 127.0.0.0/8 or is ::1, so that other hosts cannot reach it.
    pub fn is_loopback(self) -> bool {
        let whole = match self.network {
            IpAddr::V4(_) => 8,
            IpAddr::V6(_) => 128,
        };
        self.network.is_loopback() && self.bits >= whole
    }

    /// The distance of node 0 from the network's own address.
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

/// The address with that number, in the address family of `like`.
fn from_number(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(number).into(),
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
    fn the_router_has_the_last_address_unless_the_node_has_it() {
        let block = prefix("10.8.0.0", 24);
        assert_eq!(block.gateway(0), Some("10.8.0.254".parse().unwrap()));
        assert_eq!(block.gateway(253), None);
        assert_eq!(prefix("10.8.0.7", 32).gateway(0), None);
    }

    #[test]
    fn addresses_that_belong_to_no_node() {
        let block = prefix("10.8.0.0", 24);
        for other in ["10.8.0.0", "10.8.0.255", "10.8.1.0", "10.7.255.255", "::ffff:10.8.0.1", "::1"] {
            assert_eq!(block.node_at(other.parse().unwrap()), None, "{other}");
        }
        assert_eq!(
            prefix("fd00::", 64).node_at("fd00::1:0:0:1".parse().unwrap()),
            None,
            "its number does not fit into 32 bits"
        );
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let said = |address: &str, bits| Prefix::new(address.parse().unwrap(), bits).unwrap_err().to_string();
        assert_eq!(said("10.8.0.0", 33), "the prefix length is 33; IPv4 allows 0 to 32");
        assert_eq!(
            said("10.8.0.1", 16),
            "10.8.0.1 is not the first address of its /16 block; write 10.8.0.0/16"
        );
        assert_eq!(said("fd00::", 129), "the prefix length is 129; IPv6 allows 0 to 128");
    }

    #[test]
    fn only_blocks_within_loopback_are_loopback() {
        assert!(prefix("127.16.0.0", 12).is_loopback() && prefix("::1", 128).is_loopback());
        assert!(!prefix("10.0.0.0", 8).is_loopback() && !prefix("0.0.0.0", 0).is_loopback());
    }
}
