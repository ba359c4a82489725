//! Images that an agent writes to a disk.

use serde::{Deserialize, Serialize};

use super::text::Text;
use crate::time::SimTime;

/// An image to be written: the parameters of `write_image` and `prepare_image`. `format` is `disk_format`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageJob {
    pub id: Box<str>,
    /// The URLs of the image, in the order in which they are tried.
    pub urls: Box<[Box<str>]>,
    pub format: Box<str>,
    pub checksum: Option<Checksum>,
    /// Raw images are streamed to the disk. Other images are stored first and then converted.
    pub stream: bool,
    /// User and password for the server of the image.
    pub credentials: Option<(Box<str>, Box<str>)>,
    /// `Authorization` header for the server of the image.
    pub authorization: Option<Box<str>>,
    /// `proxies`: URLs of proxies by scheme.
    pub proxies: Box<[(Box<str>, Box<str>)]>,
    /// `no_proxy`: hosts that are reached without a proxy.
    pub no_proxy: Option<Box<str>>,
    /// The device that the image is written to.
    pub device: Box<str>,
    /// The partitions that are created for the image; `None` for an image of a whole disk.
    pub partitions: Option<Box<Partitions>>,
    /// The URL of the config drive. A config drive in the command itself was checked when the command was accepted.
    pub configdrive_url: Option<Box<str>>,
    /// `node_uuid`, which error messages contain.
    pub node_uuid: Box<str>,
    /// The kind of the step (`deploy`, `service`, `clean`) and the step itself, JSON text, which the result repeats.
    /// `None` for the command `prepare_image`.
    pub step: Option<(Box<str>, Text)>,
}

impl ImageJob {
    /// The bytes of all texts except the step.
    pub fn text_bytes(&self) -> usize {
        let Self {
            id, urls, format, checksum, stream: _, credentials, authorization, proxies, no_proxy, ..
        } = self;
        let Self { device, partitions: _, configdrive_url, node_uuid, step: _, .. } = self;
        let checksum = checksum.iter().flat_map(|c| [c.algorithm.as_deref().unwrap_or_default(), &c.value]);
        let pairs = proxies.iter().chain(credentials).flat_map(|(one, other)| [&**one, &**other]);
        let maybe = [authorization, no_proxy, configdrive_url].into_iter().flatten().map(|text| &**text);
        let texts = [id, format, device, node_uuid].into_iter().chain(urls).map(|text| &**text);
        texts.chain(checksum).chain(pairs).chain(maybe).map(str::len).sum()
    }
}

/// The partitions that are created for an image of a root file system (`partition_utils.work_on_disk`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitions {
    /// Names and devices, such as `root` and `/dev/sda2`, in the order on the disk.
    pub devices: Box<[(Box<str>, Box<str>)]>,
    /// UUID of the root file system.
    pub root_uuid: Box<str>,
    /// UUID of the EFI system partition, with UEFI only.
    pub efi_uuid: Option<Box<str>>,
    /// Size of the root partition, MiB.
    pub root_mib: u64,
}

/// The expected hash of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// `md5`, `sha256` or `sha512`. If `None`, the length of the hash determines the algorithm.
    pub algorithm: Option<Box<str>>,
    /// The hash in hex, or the URL of a file that contains it.
    pub value: Box<str>,
}

/// The result of a written image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The result of the command, JSON text, without the step.
    pub result: Box<str>,
    /// The result of `get_partition_uuids` from now on, JSON text.
    pub partition_uuids: Box<str>,
    /// The command ends then or later.
    pub earliest_end: SimTime,
}
