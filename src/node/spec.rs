//! Who a node is: computed from (seed, index, profile) whenever somebody asks, and never stored.
//!
//! Numbers that must be unique carry the node's index, scrambled; so they cannot collide, and an index is found again
//! from a UUID or a MAC without a table.

use std::fmt::Write as _;

use uuid::Uuid;

use super::NodeId;
use crate::profile::Profile;
use crate::seed::{Purpose, Seed};

/// The identity of one node.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// The fleet's seed.
    pub seed: Seed,
    /// The node's index.
    pub id: NodeId,
    /// Its model.
    pub profile: &'a Profile,
}

/// Number of the controller's own port among a node's MAC addresses; those below are host interfaces.
const BMC_PORT: u8 = 255;

impl Spec<'_> {
    /// `ComputerSystem.UUID`; an RFC 9562 version 8 (vendor-specific) UUID.
    pub fn uuid(&self) -> Uuid {
        let carried = u64::from(self.seed.scramble(Purpose::Uuid, self.id.0));
        let model = self.profile.name.bytes().fold(0, |h: u32, b| h.rotate_left(5) ^ u32::from(b));
        let high = carried << 32 | self.seed.hash(self.id.0, Purpose::Uuid, model) >> 32;
        let low = self.seed.hash(self.id.0, Purpose::Uuid, model ^ u32::MAX);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// `ServiceRoot.UUID` of a controller that has a service root of its own.
    pub fn service_uuid(&self) -> Uuid {
        self.seed.uuid(self.id.0, Purpose::ServiceUuid)
    }

    /// The node whose UUID this would be; whoever asks must still compare it with that node's own.
    pub fn index_of_uuid(seed: Seed, uuid: Uuid) -> u32 {
        let [a, b, c, d, ..] = uuid.into_bytes();
        seed.unscramble(Purpose::Uuid, u32::from_be_bytes([a, b, c, d]))
    }

    /// The name that clients are told to enrol it under: profile and index, unique in the fleet.
    pub fn name(&self) -> String {
        [&self.profile.name, "-", itoa::Buffer::new().format(self.id.0)].concat()
    }

    /// The node whose [`name`](Spec::name) or UUID this would be; whoever asks must still compare.
    pub fn index_of_name(seed: Seed, name: &str) -> Option<u32> {
        if let Ok(uuid) = Uuid::try_parse(name) {
            return Some(Self::index_of_uuid(seed, uuid));
        }
        name.rsplit_once('-')?.1.parse().ok()
    }

    /// Whether that is its name or its UUID, in letters of any case.
    pub fn is_named(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name()) || Uuid::try_parse(name).is_ok_and(|uuid| uuid == self.uuid())
    }

    /// `SerialNumber` of system and chassis.
    pub fn serial(&self) -> String {
        // Letters and digits that nobody confuses; the index fills the first places, the rest is drawn.
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTVWXY";
        let carried = u64::from(self.seed.scramble(Purpose::Serial, self.id.0));
        let mut left = carried | self.seed.hash(self.id.0, Purpose::Serial, 0) << 35;
        let mut serial = String::with_capacity(self.profile.serial.len());
        serial.extend(self.profile.serial.chars().map(|c| {
            if c != '#' {
                return c;
            }
            let digit = DIGITS[(left % 32) as usize];
            left >>= 5;
            char::from(digit)
        }));
        serial
    }

    /// MAC address of host interface number `port`: locally administered, unicast.
    pub fn mac(&self, port: u8) -> Mac {
        let carried = self.seed.scramble(Purpose::Mac, self.id.0 << 8 | u32::from(port)).to_be_bytes();
        // Fleets of other seeds differ here too, so that two in one network hardly ever meet.
        // The highest bit stays clear: the agent's own inventory passes over addresses that begin with fa:
        // (`ironic_python_agent/netutils.py`).
        let fleet = self.seed.hash(0, Purpose::Mac, 0).to_be_bytes();
        Mac([fleet[0] & 0x7c | 0x02, fleet[1], carried[0], carried[1], carried[2], carried[3]])
    }

    /// MAC address of the controller.
    pub fn bmc_mac(&self) -> Mac {
        self.mac(BMC_PORT)
    }

    /// The node and port whose MAC this would be, if it could be one of this seed's at all.
    pub fn index_of_mac(seed: Seed, mac: Mac) -> Option<(u32, u8)> {
        let fleet = seed.hash(0, Purpose::Mac, 0).to_be_bytes();
        if mac.0[0] != fleet[0] & 0x7c | 0x02 || mac.0[1] != fleet[1] {
            return None;
        }
        let carried =
            seed.unscramble(Purpose::Mac, u32::from_be_bytes([mac.0[2], mac.0[3], mac.0[4], mac.0[5]]));
        Some((carried >> 8, carried as u8))
    }

    /// The asset tag that a new machine has; a client may change it.
    pub fn asset_tag(&self) -> String {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.id.0);
        // Seven digits at least.
        ["FM-", "0000000".get(digits.len()..).unwrap_or(""), digits].concat()
    }

    /// Serial number of a part: `slot` counts from zero within a kind of part, named by a letter.
    pub fn part_serial(&self, kind: char, slot: u8) -> String {
        let tail = self.seed.hash(self.id.0, Purpose::PartSerial, u32::from(slot) << 8 | kind as u32 & 0xff);
        format!("{kind}{:08X}{:04X}", self.seed.scramble(Purpose::PartSerial, self.id.0), tail & 0xffff)
            + &format!("{slot:02X}")
    }

    /// World Wide Name of drive number `drive`, as `0x5` + OUI + 9 hex digits that carry index and drive.
    pub fn wwn(&self, drive: u8, oui: &str) -> String {
        let carried = self.seed.scramble(Purpose::PartSerial, self.id.0 << 8 | u32::from(drive));
        format!("0x5{oui}0{carried:08x}")
    }

    /// Host name of the controller.
    pub fn bmc_host_name(&self) -> String {
        format!("{}{}", self.profile.manager.host_name_prefix, self.serial().to_ascii_lowercase())
    }
}

/// A MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// With `separator` between the bytes: `:` as everywhere, `-` as in file names of network boot.
    pub fn with(self, separator: char) -> String {
        let mut text = String::with_capacity(17);
        for (i, byte) in self.0.iter().enumerate() {
            if i > 0 {
                text.push(separator);
            }
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Twelve upper-case digits and nothing between, as in UEFI device paths.
    pub fn bare(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Six hex pairs between `:` or `-`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split([':', '-']);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2)?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.with(':'))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::profile::built_in;

    fn spec(profile: &Profile, seed: u64, id: u32) -> Spec<'_> {
        Spec { seed: Seed(seed), id: NodeId(id), profile }
    }

    #[test]
    fn a_million_nodes_share_nothing() {
        let profile = built_in("generic").unwrap();
        let (mut uuids, mut macs, mut serials) = (HashSet::new(), HashSet::new(), HashSet::new());
        // Every tenth of a million keeps the test quick; that none collide follows from the bijection, tested in seed.rs.
        for id in (0..1_000_000).step_by(10) {
            let s = spec(&profile, 7, id);
            assert!(uuids.insert(s.uuid()) && serials.insert(s.serial()));
            for mac in [s.mac(0), s.mac(1), s.bmc_mac()] {
                assert!(macs.insert(mac));
                assert_eq!(mac.0[0] & 0x03, 0x02, "unicast, locally administered");
            }
        }
    }

    #[test]
    fn the_index_is_found_again() {
        let profile = built_in("generic").unwrap();
        for id in [0, 1, 77, NodeId::MAX] {
            let s = spec(&profile, 99, id);
            assert_eq!(Spec::index_of_uuid(Seed(99), s.uuid()), id);
            assert_eq!(Spec::index_of_mac(Seed(99), s.mac(1)), Some((id, 1)));
        }
    }

    #[test]
    fn identity_is_the_same_for_ever() {
        let profile = built_in("generic").unwrap();
        let s = spec(&profile, 1, 0);
        insta::assert_snapshot!(format!(
            "{} {} {} {} {}",
            s.uuid(),
            s.serial(),
            s.mac(0),
            s.wwn(0, "002538"),
            s.part_serial('D', 0)
        ));
    }

    #[test]
    fn macs_read_as_they_print() {
        let mac = Mac([2, 0xab, 0, 1, 2, 0xff]);
        assert_eq!(Mac::parse(&mac.to_string()), Some(mac));
        assert_eq!(Mac::parse(&mac.with('-')), Some(mac));
        assert_eq!(Mac::parse("02:ab:00:01:02"), None);
    }
}
