//! What an agent is told to do, what it does, and how that ends: its commands, jobs and errors.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Call, Closed};
use crate::time::{SimTime, Span};

/// A command that an agent was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// Its id.
    pub id: Uuid,
    /// Its name without the extension, which is how IPA reports it.
    pub name: Box<str>,
    /// How far it is.
    pub status: CommandStatus,
}

/// How far a command is (`command_status`), with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandStatus {
    /// `RUNNING`.
    Running,
    /// `SUCCEEDED`, with `command_result` as JSON text.
    Succeeded(Box<str>),
    /// `FAILED`, with `command_error`.
    Failed(Box<IpaError>),
    /// `CLEAN_VERSION_MISMATCH` or its kin: the steps' version is another now.
    VersionMismatch(Box<IpaError>),
}

/// An error as IPA reports it (`ironic_python_agent/errors.py`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpaError {
    /// `type`: the class of the error.
    pub kind: Box<str>,
    /// `code`: an HTTP status.
    pub code: u16,
    /// `message`.
    pub message: Box<str>,
    /// `details`, which Ironic shows as the node's `last_error`.
    pub details: Box<str>,
}

/// What the last command still does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// It takes its time.
    Timed {
        /// Until then.
        until: SimTime,
        /// And ends like this, which is not [`CommandStatus::Running`].
        end: CommandStatus,
        /// And has this effect on the machine.
        then: Then,
    },
    /// An image is being streamed.
    Image {
        /// The transfer.
        call: Call,
        /// What is transferred, and onto what.
        image: Box<ImageJob>,
    },
}

/// What an ended command does to its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// Nothing that anybody sees.
    Nothing,
    /// The disks hold nothing any more.
    EmptyDisks,
    /// A disk holds an operating system.
    Install,
}

/// An image to be written: what `write_image` and `prepare_image` were given.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageJob {
    /// `id`.
    pub id: Box<str>,
    /// Where it is; tried in order.
    pub urls: Box<[Box<str>]>,
    /// `disk_format`.
    pub format: Box<str>,
    /// What it must hash to.
    pub checksum: Option<Checksum>,
    /// Raw images are streamed to the disk, others stored and converted.
    pub stream: bool,
    /// User and password for the image's server.
    pub credentials: Option<(Box<str>, Box<str>)>,
    /// `Authorization` header for the image's server.
    pub authorization: Option<Box<str>>,
    /// Scheme and URL of the proxies to go through, from `proxies`.
    pub proxies: Box<[(Box<str>, Box<str>)]>,
    /// Hosts that are reached without a proxy, from `no_proxy`.
    pub no_proxy: Option<Box<str>>,
    /// The device it is written to.
    pub device: Box<str>,
    /// The partitions that are made for it; `None` for an image of a whole disk.
    pub partitions: Option<Box<Partitions>>,
    /// Where to fetch the config drive from; one that came with the command was checked when the command was taken.
    pub configdrive_url: Option<Box<str>>,
    /// `node_uuid`, which errors name.
    pub node_uuid: Box<str>,
    /// The kind of step (`deploy`, `service`, `clean`) and the step as it was received, JSON text, to be echoed in the
    /// result; `None` for the bare `prepare_image` command.
    pub step: Option<(Box<str>, Box<str>)>,
}

/// The partitions that are made for an image of a root file system (`partition_utils.work_on_disk`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitions {
    /// Names and devices, as `root` and `/dev/sda2`, in the order on the disk.
    pub devices: Box<[(Box<str>, Box<str>)]>,
    /// UUID of the root file system.
    pub root_uuid: Box<str>,
    /// UUID of the EFI system partition, which only UEFI has.
    pub efi_uuid: Option<Box<str>>,
    /// Size of the root partition, MiB.
    pub root_mib: u64,
}

/// An image that is on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `command_result`, JSON text.
    pub result: Box<str>,
    /// What `get_partition_uuids` answers from now on, JSON text.
    pub partition_uuids: Box<str>,
}

/// What an image must hash to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// `md5`, `sha256`, `sha512`; `None` where the length tells.
    pub algorithm: Option<Box<str>>,
    /// The hash in hex, or the URL of a file that holds it.
    pub value: Box<str>,
}

/// A command for an agent, parsed from its API.
#[derive(Clone, Debug)]
pub struct IpaCommand {
    /// Name without the extension.
    pub name: Box<str>,
    /// What it means.
    pub work: Work,
}

/// What a command means for the machine.
#[derive(Clone, Debug)]
pub enum Work {
    /// It is over at once.
    Done(CommandStatus),
    /// It takes as long as is drawn from this span, then ends like that; the effect on the machine is for a success.
    Timed(Span, CommandStatus, Then),
    /// It streams an image.
    Image(Box<ImageJob>),
    /// It shuts the machine down.
    PowerOff,
    /// It restarts the machine.
    Reboot,
    /// It is over at once, and the API with it.
    Close(Box<str>, Closed),
}
