//! The LLDP neighbour of each interface. Each rack of nodes has one leaf switch; the position in the rack gives the
//! port.
//!
//! TLV types are those of IEEE 802.1AB. The organizationally specific TLVs are those of IEEE 802.1Q annex D and IEEE
//! 802.3 clause 79, as Ironic reads them (`ironic/drivers/modules/inspector/lldp_tlvs.py`).

use crate::node::Node;

/// The type and the value in hex.
pub(super) type Tlv = (u8, String);

/// The TLVs that interface number `port` receives. Empty if no cable is connected.
pub(super) fn neighbour(node: &Node, port: u8) -> Vec<Tlv> {
    let spec = node.spec();
    let nics = &spec.profile.nics;
    let Some(nic) = nics.get(usize::from(port)).filter(|_| node.has_cable(port)) else { return Vec::new() };
    let leaf = spec.neighbour(port);
    let [a, b, c, d] = leaf.address;
    vec![
        (1, hex(&[&[4][..], &leaf.chassis_mac.0].concat())),
        (2, hex(&[&[5][..], leaf.port_id.as_bytes()].concat())),
        (3, hex(&120u16.to_be_bytes())),
        (4, hex(format!("{} {}", spec.name(), nic.name).as_bytes())),
        (5, hex(leaf.switch_name.as_bytes())),
        (6, hex(leaf.description.as_bytes())),
        // Capabilities bridge and router, both enabled.
        (7, hex(&[0, 0x14, 0, 0x14])),
        // Management address: IPv4, interface index 1, no object identifier.
        (8, hex(&[5, 1, a, b, c, d, 2, 0, 0, 0, 1, 0])),
        (127, hex(&[&[0, 0x80, 0xc2, 1][..], &leaf.vlan.to_be_bytes()].concat())),
        (127, hex(&vlan_name(leaf.vlan))),
        (127, hex(&[&[0, 0x12, 0x0f, 1, 3, 0, 1][..], &mau_type(nic.speed_mbps).to_be_bytes()].concat())),
        // Link aggregation: supported, but not in use.
        (127, hex(&[0, 0x12, 0x0f, 3, 1, 0, 0, 0, 0])),
        (127, hex(&[&[0, 0x12, 0x0f, 4][..], &9216u16.to_be_bytes()].concat())),
        (0, String::new()),
    ]
}

fn vlan_name(vlan: u16) -> Vec<u8> {
    let name = format!("vlan-{vlan}");
    let mut bytes = vec![0, 0x80, 0xc2, 3];
    bytes.extend(vlan.to_be_bytes());
    bytes.push(name.len() as u8);
    bytes.extend(name.bytes());
    bytes
}

/// `dot3MauType` of a link speed (RFC 4836); zero if RFC 4836 has none.
fn mau_type(mbps: u32) -> u16 {
    match mbps {
        100 => 16,
        1_000 => 30,
        10_000 => 33,
        _ => 0,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::node::NodeId;
    use crate::profile::built_in;
    use crate::seed::Seed;

    #[test]
    fn values_are_no_longer_than_the_standard_allows() {
        let profile = built_in("generic").unwrap();
        let node = Node::new(NodeId(NodeId::MAX), Seed(3), profile);
        assert!(neighbour(&node, 0).iter().all(|(_, value)| value.len() <= 2 * 511));
    }

    #[test]
    fn an_interface_without_a_cable_has_no_neighbour() {
        let mut profile = (*built_in("generic").unwrap()).clone();
        profile.nics[1].link = false;
        let node = Node::new(NodeId(0), Seed(3), Arc::new(profile));
        assert_eq!(neighbour(&node, 1), []);
        assert_eq!(neighbour(&node, 9), []);
    }
}
