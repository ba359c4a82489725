//! Certificates of image servers: which of them the BMC accepts for the image in a slot of virtual media.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::secure_boot::Kind;

/// The state of all slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaTrust {
    /// Number of certificates that clients have added so far.
    additions: u32,
    /// The slots that differ from those of a new machine.
    slots: BTreeMap<u8, SlotTrust>,
}

/// The state of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotTrust {
    /// `VerifyCertificate`: only servers with one of the certificates, or with one that one of them has signed, are accepted.
    pub verify: bool,
    /// The certificates, PEM, by their numbers.
    pub certificates: BTreeMap<u32, Box<str>>,
}

/// What events are made of: for each slot the setting, and the numbers of the certificates.
pub(in crate::node) type Shape = BTreeMap<u8, (bool, Vec<u32>)>;

impl Part for MediaTrust {
    fn of_new_machine() -> &'static Self {
        static NEW: MediaTrust = MediaTrust { additions: 0, slots: BTreeMap::new() };
        &NEW
    }
}

impl MediaTrust {
    /// The most certificates of a slot.
    pub const MAX_CERTIFICATES: usize = 8;
    /// The longest text of a certificate, bytes.
    pub const MAX_PEM: usize = 8 << 10;

    /// The state of a slot.
    pub fn of(&self, slot: u8) -> &SlotTrust {
        static NEW: SlotTrust = SlotTrust { verify: false, certificates: BTreeMap::new() };
        self.slots.get(&slot).unwrap_or(&NEW)
    }

    pub(in crate::node) fn shape(&self) -> Shape {
        let shape = |trust: &SlotTrust| (trust.verify, trust.certificates.keys().copied().collect());
        self.slots.iter().map(|(slot, trust)| (*slot, shape(trust))).collect()
    }

    pub(super) fn change(&mut self, slot: u8, change: impl FnOnce(&mut SlotTrust)) {
        let mut trust = self.slots.remove(&slot).unwrap_or_default();
        change(&mut trust);
        if trust != SlotTrust::default() {
            self.slots.insert(slot, trust);
        }
    }

    /// Adds a certificate. Returns its number.
    pub(super) fn add(&mut self, slot: u8, pem: Box<str>) -> Result<u32, Refusal> {
        let certificates = &self.of(slot).certificates;
        if let Some((number, _)) = certificates.iter().find(|(_, other)| **other == pem) {
            return Err(Refusal::KeyExists(Kind::Certificate, *number));
        }
        if certificates.len() >= Self::MAX_CERTIFICATES {
            return Err(Refusal::TooManyKeys);
        }
        self.additions = self.additions.saturating_add(1);
        let number = self.additions;
        self.change(slot, |trust| {
            trust.certificates.insert(number, pem);
        });
        Ok(number)
    }
}
