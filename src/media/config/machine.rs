//! The input of a boot loader: the machine that boots, and the files that a configuration can include.

use super::super::error::Stop;
use super::super::firmware::Firmware;

/// The maximum number of files that one configuration includes, at any depth.
pub(super) const MAX_INCLUDES: usize = 16;

/// Reads a file that a configuration includes, by path. `None` if it does not exist.
pub(crate) type Files<'f> = dyn FnMut(&str) -> Result<Option<String>, Stop> + 'f;

/// The machine, as GRUB and SYSLINUX see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine<'m> {
    /// `efi` or `pc`, the value of `$grub_platform` in GRUB.
    pub(super) platform: &'static str,
    /// The MAC address of the network interface that booted, `aa:bb:cc:dd:ee:ff`.
    pub(super) mac: Option<&'m str>,
    pub(super) uuid: Option<&'m str>,
}

impl Machine<'_> {
    /// A machine that boots from a medium, without the network.
    pub(crate) fn without_network(firmware: Firmware) -> Self {
        Machine { platform: firmware.grub_platform(), mac: None, uuid: None }
    }
}

/// A node that boots from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkHost<'h> {
    /// The MAC addresses of its interfaces, `aa:bb:cc:dd:ee:ff`. It boots from the first.
    pub macs: &'h [String],
    /// The SMBIOS UUID.
    pub uuid: &'h str,
    pub firmware: Firmware,
    /// URLs that could not be fetched in earlier runs of the script. Their commands fail, so that the script takes its
    /// `||` branches.
    pub failed: &'h [String],
}
