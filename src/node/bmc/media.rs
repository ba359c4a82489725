//! Virtual media: at most one image in each slot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dmtf::{TransferMethod, TransferProtocol};
use crate::node::call::Call;
use crate::node::effect::EffectKind;
use crate::node::refusal::Refusal;
use crate::note::{Note, shown_uri};
use crate::time::SimTime;

/// The actions of a `VirtualMedia` resource. `slot` is the index of a slot in the profile.
#[derive(Clone, Debug)]
pub enum Command {
    Insert {
        slot: u8,
        insertion: Insertion,
    },
    /// Succeeds also if the slot is already empty.
    Eject {
        slot: u8,
    },
    /// A PATCH of the resource. `verify` is the new `VerifyCertificate`.
    Change {
        slot: u8,
        verify: Option<bool>,
        then: Option<Box<Then>>,
    },
    /// Adds a certificate of an image server, PEM.
    AddCertificate {
        slot: u8,
        pem: Box<str>,
    },
    /// Succeeds also if the certificate is already gone.
    DeleteCertificate {
        slot: u8,
        number: u32,
    },
}

/// What a PATCH asks of the image in a slot.
#[derive(Clone, Debug)]
pub enum Then {
    Insert(Insertion),
    /// The image stays, with other settings. The BMC opens it again.
    Reinsert(Insertion),
    Eject,
}

/// The parameters of `VirtualMedia.InsertMedia`: `Image`, `WriteProtected`, `UserName` and `Password` for the server of the
/// image, `TransferMethod` and `TransferProtocolType`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insertion {
    /// At most [`Insertion::MAX_IMAGE`] bytes.
    pub image: Box<str>,
    pub write_protected: bool,
    /// User and password. The password is never shown.
    pub credentials: Option<Box<(Box<str>, Box<str>)>>,
    pub method: TransferMethod,
    pub protocol: TransferProtocol,
}

impl Insertion {
    /// The longest URL of an image, bytes.
    pub const MAX_IMAGE: usize = 2048;

    /// The image as a BMC reads it if a client says nothing else: streamed, and not writable.
    pub fn of(image: &str) -> Self {
        let secure = image.starts_with("https:");
        Self {
            image: image.into(),
            write_protected: true,
            credentials: None,
            method: TransferMethod::Stream,
            protocol: if secure { TransferProtocol::Https } else { TransferProtocol::Http },
        }
    }
}

/// The state of all slots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// The slots that hold an image.
    slots: BTreeMap<u8, Box<Inserted>>,
    /// Number of insertions so far. It distinguishes a late answer from the answer to the current insertion.
    insertions: u32,
}

/// An image in a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inserted {
    pub insertion: Insertion,
    /// Number of the insertion.
    pub number: u32,
    pub opened: Opened,
    /// The moment at which the BMC opened the image, or could not. A state of an earlier version has none.
    #[serde(default)]
    pub opened_at: Option<SimTime>,
}

/// Whether the BMC could open an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Opened {
    Trying(Call),
    Connected,
    /// The BMC cannot open the image for this reason.
    Failed(Box<str>),
}

impl Default for Media {
    fn default() -> Self {
        Self::NEW
    }
}

impl Media {
    pub(super) const NEW: Self = Self { slots: BTreeMap::new(), insertions: 0 };

    /// Empty slots. The number of insertions goes on, so that a late answer is recognised.
    pub(in crate::node) fn renewed(&self) -> Self {
        Self { slots: BTreeMap::new(), insertions: self.insertions }
    }

    /// The image in a slot.
    pub fn get(&self, slot: u8) -> Option<&Inserted> {
        self.slots.get(&slot).map(|inserted| &**inserted)
    }

    /// The number of slots that hold an image.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// All images with their slots, in the order of the slots.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Inserted)> {
        self.slots.iter().map(|(slot, inserted)| (*slot, &**inserted))
    }

    pub(super) fn insert(&mut self, slot: u8, insertion: Insertion) -> Result<(), Refusal> {
        if self.slots.contains_key(&slot) {
            return Err(Refusal::MediaInserted);
        }
        self.insertions += 1;
        let number = self.insertions;
        let opened = Opened::Trying(Call::Due);
        let inserted = Inserted { insertion, number, opened, opened_at: None };
        self.slots.insert(slot, Box::new(inserted));
        Ok(())
    }

    pub(super) fn eject(&mut self, slot: u8) {
        self.slots.remove(&slot);
    }

    /// The result of opening an image. Returns whether the image is still in its slot.
    pub(in crate::node) fn opened(
        &mut self,
        slot: u8,
        insertion: u32,
        result: Result<(), Note>,
        now: SimTime,
    ) -> bool {
        let current = self.slots.get_mut(&slot).filter(|inserted| inserted.number == insertion);
        let Some(inserted) = current else { return false };
        inserted.opened =
            result.map_or_else(|why| Opened::Failed(why.as_str().into()), |()| Opened::Connected);
        inserted.opened_at = Some(now);
        true
    }

    /// Hands every due effect to `out`.
    pub(in crate::node) fn take_effects(&mut self, mut out: impl FnMut(EffectKind)) {
        for (slot, inserted) in &mut self.slots {
            if let Opened::Trying(call) = &mut inserted.opened
                && call.take()
            {
                out(EffectKind::OpenMedia { slot: *slot, insertion: inserted.number });
            }
        }
    }

    /// Removes the passwords of image servers.
    pub(super) fn hide_passwords(&mut self) {
        for inserted in self.slots.values_mut() {
            let Insertion { image, credentials, .. } = &mut inserted.insertion;
            *image = shown_uri(image).into();
            if let Some(credentials) = credentials {
                credentials.1 = Box::default();
            }
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { slots, insertions: _ } = self;
        for inserted in slots.values_mut() {
            let Inserted { insertion: _, number: _, opened, opened_at } = &mut **inserted;
            if let Some(moment) = opened_at {
                moment.shift(ms);
            }
            match opened {
                Opened::Trying(call) => call.shift(ms),
                Opened::Connected | Opened::Failed(_) => {}
            }
        }
    }
}
