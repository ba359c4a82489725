//! Work outside a node: effects, and the answers to them.
//!
//! An effect names the start of the machine or the insertion of media that it belongs to, and its answer repeats that
//! number. An answer to an earlier start or insertion is late, and the node ignores it.

use super::ipa;
use crate::note::Note;
use crate::time::SimTime;

/// Work to be done outside the node.
///
/// It contains no data for the work: the performer reads the node's current data at the moment when it does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    pub kind: EffectKind,
    /// The moment at which the effect became due, to measure how late it is performed.
    pub due: SimTime,
}

/// The kinds of [`Effect`]. `start` is the number of the machine's start, [`Node::starts`](super::Node::starts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// Read the boot image or the boot configuration on the network. Answered by [`Answer::BootRead`].
    ReadBoot { start: u32 },
    /// Open the image in a media slot. Answered by [`Answer::MediaOpened`].
    OpenMedia { slot: u8, insertion: u32 },
    /// Fetch the image of a firmware update. Answered by [`Answer::FirmwareFetched`].
    FetchFirmware { component: u8, update: u32 },
    /// Fetch the license that the task with this number installs. Answered by [`Answer::LicenseFetched`].
    FetchLicense { task: u32 },
    /// Deliver events to the subscriber with this id. Answered by [`Answer::Delivered`].
    Deliver { subscription: u32 },
    /// Do the work of the Ironic Python Agent. Answered by [`Answer::Ipa`].
    Ipa { start: u32, effect: ipa::Effect },
}

/// The result of an [`Effect`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// The bootable content, or the reason why the source cannot be booted.
    BootRead { start: u32, result: Result<Bootable, Note> },
    /// The reason, if the image cannot be opened.
    MediaOpened { slot: u8, insertion: u32, result: Result<(), Note> },
    /// The reason, if the image of a firmware update cannot be read.
    FirmwareFetched { component: u8, update: u32, result: Result<(), Note> },
    /// The [`digest`](super::bmc::licenses::digest) of a license, or the reason why it cannot be read.
    LicenseFetched { task: u32, result: Result<Box<str>, Note> },
    /// Whether the events up to number `through` are delivered, or the reason why not.
    Delivered { subscription: u32, through: u64, result: Result<(), Note> },
    /// The answer to an effect of the agent.
    Ipa { start: u32, answer: ipa::Answer },
}

/// The content of a boot source.
#[derive(Clone, Debug, PartialEq)]
pub enum Bootable {
    /// A ramdisk with an Ironic Python Agent.
    Ipa(Box<ipa::Params>),
    /// A system that runs from the image, without an agent.
    Live,
    /// An instruction to boot from disk.
    Disk,
}
