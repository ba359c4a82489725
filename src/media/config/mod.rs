//! Boot loader configurations: text in, what would be booted out. Nobody is at the console, so every menu's time runs
//! out and its default entry is taken.

mod grub;
mod grub_condition;
mod grub_parser;
mod grub_words;
mod ipxe;
mod ipxe_script;
mod loader_entry;
mod network;
mod syslinux;

use super::cmdline::{CommandLine, MAX_COMMAND_LINE_BYTES};
use super::error::Stop;

pub(super) use self::grub::decide as grub;
pub(super) use self::loader_entry::decide as loader_entries;
pub use self::network::{NetworkHost, network_boot, network_config_paths};
pub(super) use self::syslinux::decide as syslinux;

/// Files that one configuration may draw in, at any depth.
const MAX_INCLUDES: usize = 16;

/// What a boot loader does when nobody interferes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It starts a kernel.
    Kernel(KernelBoot),
    /// It starts what is on the node's own disk.
    LocalDisk,
    /// It boots a disk or CD image over the network (iPXE `sanboot`): an ISO if the URL is HTTP, a volume if it is
    /// iSCSI.
    San(String),
    /// It loads another script or program, by URL or path, and hands over to it.
    Chain(String),
    /// It ends, and the firmware goes on to its next boot device.
    Exit,
    /// It stops there, for this reason.
    Nothing(String),
}

/// A kernel and what it is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelBoot {
    /// Path on the medium, or URL.
    pub kernel: String,
    /// Paths or URLs, in order.
    pub initrds: Vec<String>,
    /// What the kernel will show in `/proc/cmdline`, less the `BOOT_IMAGE=` that boot loaders add.
    pub command_line: CommandLine,
}

impl KernelBoot {
    /// Ends in [`Decision::Nothing`] if the command line is one that no kernel takes whole.
    fn decide(kernel: String, initrds: Vec<String>, command_line: &str) -> Decision {
        let length = command_line.trim().len();
        if length > MAX_COMMAND_LINE_BYTES {
            return Decision::Nothing(format!(
                "the kernel command line is {length} bytes long, Linux takes at most {MAX_COMMAND_LINE_BYTES}"
            ));
        }
        Decision::Kernel(KernelBoot { kernel, initrds, command_line: CommandLine::new(command_line) })
    }
}

/// Where a configuration finds the files it includes.
pub(super) type Files<'f> = dyn FnMut(&str) -> Result<Option<String>, Stop> + 'f;

/// The machine as a boot loader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine<'m> {
    /// `efi` or `pc`, as GRUB says.
    pub(super) platform: &'static str,
    /// MAC address of the interface that was booted from, `aa:bb:cc:dd:ee:ff`.
    pub(super) mac: Option<&'m str>,
    pub(super) uuid: Option<&'m str>,
}

impl Machine<'_> {
    /// A machine that boots from a medium, where the network plays no part.
    pub(super) fn without_network(platform: &'static str) -> Self {
        Machine { platform, mac: None, uuid: None }
    }
}
