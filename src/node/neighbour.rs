//! What stands at the other end of a node's cables: the leaf switch of its rack. Both the controller's ports and the
//! agent's inventory tell of it, so both ask here.

use super::NodeId;
use super::spec::{Mac, Spec};

/// Nodes to a rack, and so to a leaf switch.
pub const RACK_NODES: u32 = 40;
/// Number of a switch's own MAC among those of its rack's first node: above all host interfaces, below the controller.
const SWITCH_PORT: u8 = 254;
/// First of the VLANs that racks have, one each, in turns.
const FIRST_VLAN: u16 = 100;
/// VLANs in turn; together with the first still below 4095.
const VLANS: u32 = 3900;

/// A switch port as LLDP tells of it (IEEE 802.1AB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// System name, as `leaf-003`.
    pub switch_name: String,
    /// System description.
    pub description: &'static str,
    /// Chassis id, of subtype MAC address.
    pub chassis_mac: Mac,
    /// Port id, of subtype interface name, as `Ethernet1/12/1`.
    pub port_id: String,
    /// The untagged VLAN of its ports, over which it is managed too.
    pub vlan: u16,
    /// Its management address.
    pub address: [u8; 4],
}

impl Spec<'_> {
    /// Number of the node's rack.
    pub fn rack(&self) -> u32 {
        self.id.0 / RACK_NODES
    }

    /// The node's place in its rack, counted from one at the bottom.
    pub fn rack_unit(&self) -> u32 {
        self.id.0 % RACK_NODES + 1
    }

    /// What host interface number `port` is cabled to. Every (node, port) has a switch port of its own.
    pub fn neighbour(&self, port: u8) -> Neighbour {
        let first = Spec { id: NodeId(self.rack() * RACK_NODES), ..*self };
        let [_, a, b, c] = (self.rack() + 1).to_be_bytes();
        let vlan = u16::try_from(self.rack() % VLANS).unwrap_or_default();
        Neighbour {
            switch_name: format!("leaf-{:03}", self.rack()),
            description: "Fauxmetal leaf switch",
            chassis_mac: first.mac(SWITCH_PORT),
            port_id: format!("Ethernet1/{}/{}", self.rack_unit(), u32::from(port) + 1),
            vlan: FIRST_VLAN + vlan,
            address: [10, a, b, c],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;
    use crate::seed::Seed;

    #[test]
    fn a_rack_shares_its_switch_and_no_port() {
        let profile = built_in("generic").unwrap();
        let at = |id, port| Spec { seed: Seed(1), id: NodeId(id), profile: &profile }.neighbour(port);
        assert_eq!(at(0, 0).chassis_mac, at(39, 1).chassis_mac);
        assert_ne!(at(39, 0).chassis_mac, at(40, 0).chassis_mac);
        assert_eq!(
            (at(41, 1).switch_name.as_str(), at(41, 1).port_id.as_str()),
            ("leaf-001", "Ethernet1/2/2")
        );
        let mut ports: Vec<_> = (0..40).flat_map(|id| [at(id, 0).port_id, at(id, 1).port_id]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 80);
    }
}
