//! The addresses that agents report in their inventories.

use std::net::IpAddr;

use super::{Place, Prefix};

/// The addresses that agents report: those of the BMCs, and those of their own interfaces.
#[derive(Clone, Debug, Default)]
pub struct Reported {
    /// The listeners of the BMCs.
    pub bmcs: Vec<Place>,
    /// The network of the machines' interfaces; without it they have no addresses.
    pub hosts: Option<HostNetwork>,
}

impl From<Vec<Place>> for Reported {
    fn from(bmcs: Vec<Place>) -> Self {
        Self { bmcs, hosts: None }
    }
}

/// A block of addresses with one address for each interface of each machine, computed from the numbers of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostNetwork {
    prefix: Prefix,
    /// Addresses of a machine: the largest number of interfaces that a model of the fleet has.
    each: u32,
}

impl HostNetwork {
    pub fn new(prefix: Prefix, each: u32) -> Self {
        Self { prefix, each }
    }

    /// The address of interface number `port` of a node. `None` for a model with more interfaces, or a node beyond the
    /// block, that was added later.
    pub fn address(self, node: u32, port: u8) -> Option<IpAddr> {
        let port = u32::from(port);
        let number = node.checked_mul(self.each)?.checked_add(port)?;
        (port < self.each && number < self.prefix.capacity()).then(|| self.prefix.address(number))
    }

    pub fn prefix(self) -> Prefix {
        self.prefix
    }

    /// The number of nodes that it has addresses for.
    pub fn room(self) -> u64 {
        u64::from(self.prefix.capacity()).checked_div(u64::from(self.each)).unwrap_or(u64::MAX)
    }

    /// Whether a node with so many interfaces has an address for each.
    pub fn has_room_for(self, interfaces: usize) -> bool {
        interfaces <= self.each as usize
    }

    /// # Errors
    /// The size that is needed, if the block is too small for `nodes` nodes.
    pub fn check(self, nodes: u32) -> Result<(), String> {
        let needed = u64::from(nodes) * u64::from(self.each);
        if needed <= u64::from(self.prefix.capacity()) {
            return Ok(());
        }
        // The capacities of blocks of one address family differ only by their lengths. No block that is shorter than 10.0.0.0/8
        // is private.
        let (zero, shortest) = match self.prefix.network() {
            IpAddr::V4(_) => (IpAddr::from([0; 4]), 8),
            IpAddr::V6(_) => (IpAddr::from([0; 16]), 0),
        };
        let longest = (shortest..self.prefix.bits())
            .rev()
            .find(|bits| Prefix::new(zero, *bits).is_ok_and(|block| u64::from(block.capacity()) >= needed));
        let (prefix, room, each) = (self.prefix, self.prefix.capacity(), self.each);
        let choose = longest.map_or_else(
            || "write an IPv6 block, such as fd00::/64, or off".to_owned(),
            |bits| format!("write a block with a prefix length of at most {bits}, or off"),
        );
        Err(format!(
            "{prefix} has room for {room} addresses, and {nodes} nodes with up to {each} interfaces need {needed}; {choose}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn network(address: &str, bits: u8, each: u32) -> HostNetwork {
        HostNetwork::new(Prefix::new(address.parse().unwrap(), bits).unwrap(), each)
    }

    #[test]
    fn every_interface_of_every_node_has_an_address_of_its_own() {
        let hosts = network("10.0.0.0", 8, 3);
        let mut seen = HashSet::new();
        for node in 0..1000 {
            for port in 0..3 {
                assert!(seen.insert(hosts.address(node, port).unwrap()));
            }
        }
        assert_eq!(hosts.address(1, 2), Some("10.0.0.6".parse().unwrap()));
        assert_eq!(hosts.address(1, 3), None, "no model of the fleet had so many interfaces");
        assert_eq!(hosts.address(u32::MAX, 0), None);
        assert_eq!(network("10.0.0.0", 29, 3).address(2, 0), None, "six addresses are two nodes");
    }

    #[test]
    fn a_block_that_is_too_small_says_the_size_needed() {
        assert_eq!(network("10.0.0.0", 29, 3).check(2), Ok(()));
        assert_eq!(
            network("10.0.0.0", 29, 3).check(100).unwrap_err(),
            "10.0.0.0/29 has room for 6 addresses, and 100 nodes with up to 3 interfaces need 300; write a block with a \
             prefix length of at most 23, or off"
        );
        let error = network("10.8.0.0", 16, 2).check(1 << 22).unwrap_err();
        assert!(error.ends_with("prefix length of at most 8, or off"), "{error}");
        let error = network("10.0.0.0", 8, 2).check(1 << 24).unwrap_err();
        assert!(error.ends_with("write an IPv6 block, such as fd00::/64, or off"), "{error}");
    }
}
