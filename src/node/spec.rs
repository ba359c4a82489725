//! The identity of a node: computed from (seed, index, profile) at each use, and never stored.
//!
//! Numbers that must be unique contain the scrambled index of the node. So they cannot collide, and the index is found
//! from a UUID without a table. Imported nodes are the exception: UUID, name and MAC addresses are those of the file that they
//! come from ([`Profile::identities`]), and [`Imports`](super::imports::Imports) finds their indexes.

use uuid::Uuid;

use super::id::NodeId;
pub use crate::address::Mac;
use crate::profile::Profile;
use crate::profile::identities::Identity;
use crate::profile::inventory::Drive;
use crate::seed::{Purpose, Seed};

/// The identity of one node.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// The seed of the fleet.
    pub seed: Seed,
    pub id: NodeId,
    pub profile: &'a Profile,
}

/// The port number of the BMC in the MAC addresses of a node. Host interfaces have lower numbers.
const BMC_PORT: u8 = 255;
/// The same for addresses with an OUI.
const OUI_BMC_PORT: u8 = Profile::MAX_OUI_NICS as u8;

/// A pattern with a letter or digit for each `#`. The first seven contain the lowest 35 bits of `bits`.
fn filled(pattern: &str, mut bits: u64) -> String {
    // Letters and digits that are not easily confused.
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTVWXY";
    let mut text = String::with_capacity(pattern.len());
    text.extend(pattern.chars().map(|c| {
        if c != '#' {
            return c;
        }
        let digit = DIGITS[(bits % 32) as usize];
        bits >>= 5;
        char::from(digit)
    }));
    text
}

impl<'a> Spec<'a> {
    /// The identity that an imported file gives to the node.
    pub fn imported(&self) -> Option<&'a Identity> {
        self.profile.identities.as_ref()?.of(self.id.0)
    }

    /// `ComputerSystem.UUID`: the imported one, or a UUID of version 8 (RFC 9562, vendor-specific).
    pub fn uuid(&self) -> Uuid {
        if let Some(imported) = self.imported() {
            return imported.uuid;
        }
        let carried = u64::from(self.seed.scramble(Purpose::Uuid, self.id.0));
        let model = self.profile.name.bytes().fold(0, |h: u32, b| h.rotate_left(5) ^ u32::from(b));
        let high = carried << 32 | self.seed.hash(self.id.0, Purpose::Uuid, model) >> 32;
        let low = self.seed.hash(self.id.0, Purpose::Uuid, model ^ u32::MAX);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// The path of the node's `ComputerSystem`: the model's at a service root of the node's own, or
    /// `/redfish/v1/Systems/<UUID>` below a root that all nodes share.
    pub fn system_path(&self, own_root: bool) -> String {
        let id = if own_root { self.profile.ids.system.clone() } else { self.uuid().to_string() };
        format!("/redfish/v1/Systems/{id}")
    }

    /// `ServiceRoot.UUID` of the BMC's own service root.
    pub fn service_uuid(&self) -> Uuid {
        self.seed.uuid(self.id.0, Purpose::ServiceUuid)
    }

    /// The index of the only node whose computed UUID can be this one. The caller must compare the UUID with the node's.
    pub fn index_of_uuid(seed: Seed, uuid: Uuid) -> u32 {
        let [a, b, c, d, ..] = uuid.into_bytes();
        seed.unscramble(Purpose::Uuid, u32::from_be_bytes([a, b, c, d]))
    }

    /// The name for enrolment, unique in the fleet: the imported one, or profile and index.
    pub fn name(&self) -> String {
        if let Some(imported) = self.imported() {
            return imported.name.to_string();
        }
        [&self.profile.name, "-", itoa::Buffer::new().format(self.id.0)].concat()
    }

    /// The index of the only node whose computed [`name`](Spec::name) or UUID can be this one. The caller must compare it with
    /// the node's.
    pub fn index_of_name(seed: Seed, name: &str) -> Option<u32> {
        if let Ok(uuid) = Uuid::try_parse(name) {
            return Some(Self::index_of_uuid(seed, uuid));
        }
        name.rsplit_once('-')?.1.parse().ok()
    }

    /// Whether `name` is the name or the UUID of the node, in upper or lower case.
    pub fn is_named(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name()) || Uuid::try_parse(name).is_ok_and(|uuid| uuid == self.uuid())
    }

    /// `SerialNumber` of system and chassis.
    pub fn serial(&self) -> String {
        let carried = u64::from(self.seed.scramble(Purpose::Serial, self.id.0));
        filled(&self.profile.serial, carried | self.seed.hash(self.id.0, Purpose::Serial, 0) << 35)
    }

    /// MAC address of host interface number `port`: the imported one. A computed one is locally administered and unicast, unless
    /// the profile names an OUI.
    pub fn mac(&self, port: u8) -> Mac {
        let bmc = port == BMC_PORT;
        if let Some(mac) = self.imported().and_then(|imported| imported.macs.get(usize::from(port))) {
            return *mac;
        }
        if let Some(oui) = self.profile.oui((!bmc).then_some(port))
            && let Some(mac) = self.mac_with(oui, if bmc { OUI_BMC_PORT } else { port })
        {
            return mac;
        }
        let carried = self.seed.scramble(Purpose::Mac, self.id.0 << 8 | u32::from(port)).to_be_bytes();
        // The first two bytes depend on the seed, so that two fleets in one network rarely collide.
        // The highest bit is zero: the inventory of the real agent ignores addresses that begin with fa:
        // (`ironic_python_agent/netutils.py`).
        let fleet = self.seed.hash(0, Purpose::Mac, 0).to_be_bytes();
        Mac([fleet[0] & 0x7c | 0x02, fleet[1], carried[0], carried[1], carried[2], carried[3]])
    }

    /// The MAC address with an OUI. The other 24 bits are 20 bits with the index, and the port: the addresses of a machine
    /// are consecutive, as on hardware. `None` for an index that needs more bits; its addresses are locally administered.
    fn mac_with(&self, oui: &str, port: u8) -> Option<Mac> {
        if self.id.0 >> 20 != 0 || port > OUI_BMC_PORT {
            return None;
        }
        let [_, a, b, c] = u32::from_str_radix(oui, 16).ok()?.to_be_bytes();
        let number = self.seed.scramble_20(Purpose::MakerMac, self.id.0) << 4 | u32::from(port);
        let [_, d, e, f] = number.to_be_bytes();
        Some(Mac([a, b, c, d, e, f]))
    }

    /// The MAC addresses of interfaces with a cable in a new machine. Of a node in a fleet,
    /// [`Node::cabled_macs`](super::Node::cabled_macs) knows which cables it has.
    pub fn cabled_macs(&self) -> impl Iterator<Item = Mac> {
        let ports = (0u8..).zip(&self.profile.nics);
        ports.filter(|(_, nic)| nic.link).map(|(port, _)| self.mac(port))
    }

    /// The MAC addresses of all host interfaces and of the BMC.
    pub(super) fn all_macs(&self) -> impl Iterator<Item = Mac> {
        let ports = (0u8..).zip(&self.profile.nics).map(|(port, _)| port);
        ports.chain([BMC_PORT]).map(|port| self.mac(port))
    }

    /// MAC address of the BMC.
    pub fn bmc_mac(&self) -> Mac {
        self.mac(BMC_PORT)
    }

    /// The asset tag of a new machine. A client can change it.
    pub fn asset_tag(&self) -> String {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(self.id.0);
        // At least seven digits.
        ["FM-", "0000000".get(digits.len()..).unwrap_or(""), digits].concat()
    }

    /// Serial number of a part. A letter names the kind of the part, and `slot` counts from zero within the kind.
    pub fn part_serial(&self, kind: char, slot: u8) -> String {
        if let Some(pattern) = self.profile.part_serial_pattern(kind, slot) {
            let carried = self.seed.scramble(Purpose::MakerSerial, self.id.0 << 8 | u32::from(slot));
            let random =
                self.seed.hash(self.id.0, Purpose::MakerSerial, u32::from(slot) << 8 | kind as u32 & 0xff);
            return filled(pattern, u64::from(carried) | random << 35);
        }
        let tail = self.seed.hash(self.id.0, Purpose::PartSerial, u32::from(slot) << 8 | kind as u32 & 0xff);
        format!("{kind}{:08X}{:04X}", self.seed.scramble(Purpose::PartSerial, self.id.0), tail & 0xffff)
            + &format!("{slot:02X}")
    }

    /// The worldwide name of a drive as Linux writes it: `0x5`, the OUI, and 9 hex digits with the index and the number of
    /// the drive; of an NVMe drive `eui.`, the OUI and 10 hex digits (EUI-64).
    pub fn wwn(&self, number: u8, drive: &Drive) -> String {
        let carried = self.seed.scramble(Purpose::PartSerial, self.id.0 << 8 | u32::from(number));
        let oui = &drive.oui;
        if drive.is_nvme() { format!("eui.{oui}00{carried:08x}") } else { format!("0x5{oui}0{carried:08x}") }
    }

    /// The worldwide name of a volume as Linux writes it, from the number of its first drive and of its creation: `0x6`, the
    /// OUI and 25 hex digits; on an NVMe controller an EUI-64.
    pub fn volume_wwn(&self, number: u8, drive: &Drive, created: u32) -> String {
        let carried = self.seed.scramble(Purpose::PartSerial, self.id.0 << 8 | u32::from(number));
        let oui = &drive.oui;
        if drive.is_nvme() {
            // The names of drives have zeros after the OUI.
            return format!("eui.{oui}{:02x}{carried:08x}", 0x80 | created & 0x7f);
        }
        let tail = self.seed.hash(self.id.0, Purpose::PartSerial, carried);
        format!("0x6{oui}0{carried:08x}{created:08x}{:08x}", tail >> 32)
    }

    /// Host name of the BMC.
    pub fn bmc_host_name(&self) -> String {
        format!("{}{}", self.profile.manager.host_name_prefix, self.serial().to_ascii_lowercase())
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
    fn no_two_of_a_million_nodes_share_an_identity() {
        let profile = built_in("generic").unwrap();
        let (mut uuids, mut macs, mut serials) = (HashSet::new(), HashSet::new(), HashSet::new());
        // Every tenth node keeps the test quick. The test of the bijection in `seed.rs` covers the others.
        for id in (0..1_000_000).step_by(10) {
            let s = spec(&profile, 7, id);
            assert!(uuids.insert(s.uuid()) && serials.insert(s.serial()));
            for mac in [s.mac(0), s.mac(1), s.bmc_mac()] {
                assert!(macs.insert(mac));
                assert_eq!(mac.0[0] & 0x03, 0x02, "unicast, locally administered");
            }
        }
    }

    /// A profile whose parts have the OUIs and serial numbers of makers; two cards and the BMC share an OUI.
    fn made() -> Profile {
        let mut profile = Profile::clone(&built_in("generic").unwrap());
        for nic in &mut profile.nics {
            nic.oui = Some("b8cef6".to_owned());
        }
        profile.manager.oui = Some("b8cef6".to_owned());
        for dimm in &mut profile.dimms {
            dimm.serial = Some("80CE01#######".to_owned());
        }
        for drive in profile.storage.iter_mut().flat_map(|storage| &mut storage.drives) {
            drive.serial = Some("S64HNX0T########".to_owned());
        }
        profile
    }

    #[test]
    fn parts_with_ouis_and_serial_patterns_are_unique_too() {
        let profile = made();
        let (mut macs, mut serials) = (HashSet::new(), HashSet::new());
        for id in (0..1 << 20).step_by(64).chain((1 << 20) - 8..(1 << 20) + 8).chain([NodeId::MAX]) {
            let s = spec(&profile, 7, id);
            let own = [s.mac(0), s.mac(1), s.bmc_mac()];
            assert!(own.into_iter().all(|mac| macs.insert(mac)), "{id}");
            if id >> 20 == 0 {
                assert!(own.iter().all(|mac| mac.0[..3] == [0xb8, 0xce, 0xf6]), "{own:?}");
                assert_eq!(own[1].0[5], own[0].0[5] + 1, "the ports of a card are consecutive");
            } else {
                assert!(own.iter().all(|mac| mac.0[0] & 3 == 2), "the index needs more bits: {own:?}");
            }
            for slot in 0..4 {
                assert!(serials.insert(s.part_serial('M', slot)), "{id}");
            }
            for slot in 0..3 {
                assert!(serials.insert(s.part_serial('D', slot)), "{id}");
            }
        }
        let s = spec(&profile, 7, 3);
        let (dimm, drive) = (s.part_serial('M', 0), s.part_serial('D', 0));
        assert!(
            dimm.starts_with("80CE01") && dimm.len() == 13 && drive.starts_with("S64HNX0T"),
            "{dimm} {drive}"
        );
        assert_eq!(s.part_serial('P', 0), spec(&built_in("generic").unwrap(), 7, 3).part_serial('P', 0));
    }

    #[test]
    fn the_index_is_found_from_the_uuid() {
        let profile = built_in("generic").unwrap();
        for id in [0, 1, 77, NodeId::MAX] {
            let s = spec(&profile, 99, id);
            assert_eq!(Spec::index_of_uuid(Seed(99), s.uuid()), id);
        }
    }

    #[test]
    fn an_identity_never_changes() {
        let profile = built_in("generic").unwrap();
        let s = spec(&profile, 1, 0);
        insta::assert_snapshot!(format!(
            "{} {} {} {} {}",
            s.uuid(),
            s.serial(),
            s.mac(0),
            s.wwn(0, profile.drives().next().unwrap().2),
            s.part_serial('D', 0)
        ));
    }

    #[test]
    fn an_nvme_drive_has_an_eui_64_and_every_other_a_world_wide_name() {
        let profile = built_in("generic").unwrap();
        let s = spec(&profile, 1, 0);
        let names: Vec<_> = profile.drives().map(|(number, _, drive)| s.wwn(number, drive)).collect();
        let hex = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        for name in &names[..2] {
            assert!(
                name.strip_prefix("0x").is_some_and(|rest| rest.starts_with("5002538") && hex(rest)),
                "{name}"
            );
        }
        assert!(
            names[2].strip_prefix("eui.").is_some_and(|rest| rest.starts_with("002538") && hex(rest)),
            "{names:?}"
        );
    }
}
