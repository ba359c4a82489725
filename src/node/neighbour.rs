//! The network neighbour of a node: the leaf switch of its rack. The ports of the Redfish documents and the agent's
//! inventory both show it.

use super::id::NodeId;
use super::spec::{Mac, Spec};

/// Number of nodes in a rack, and so at a leaf switch.
pub const RACK_NODES: u32 = 40;
/// A switch uses this port number of the MAC addresses of the first node in its rack. It is above the ports of all host
/// interfaces and below the port of the BMC.
const SWITCH_PORT: u8 = 254;
/// The VLAN of the first rack. Each rack has one VLAN.
const FIRST_VLAN: u16 = 100;
/// Number of different VLANs. All are below 4095.
const VLANS: u32 = 3900;

/// A switch port as LLDP describes it (IEEE 802.1AB), with the description and the management address of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// System name, such as `leaf-003`.
    pub switch_name: String,
    pub description: &'static str,
    /// Chassis id with the subtype MAC address.
    pub chassis_mac: Mac,
    /// Port id with the subtype interface name, such as `Ethernet1/12/1`.
    pub port_id: String,
    /// The untagged VLAN of the ports, which is also the management VLAN.
    pub vlan: u16,
    pub address: [u8; 4],
}

impl Spec<'_> {
    /// The number of the rack, from zero.
    pub fn rack(&self) -> u32 {
        self.id.0 / RACK_NODES
    }

    /// The position in the rack, counted from one at the bottom.
    pub fn rack_unit(&self) -> u32 {
        self.id.0 % RACK_NODES + 1
    }

    /// The switch port that host interface number `port` is connected to. Every interface has its own switch port.
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
    fn the_nodes_of_a_rack_share_a_switch_but_no_port() {
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
