//! Boot media and boot configurations, read as firmware, a boot loader and the agent's ramdisk would, and without ever
//! fetching a whole image: [`inspect()`] says which bytes it needs, the caller fetches them and asks again.
//!
//! A leaf: pure and synchronous, no sockets, no clock. Images are hostile until proven otherwise; every size, depth and
//! count has a limit, and what is wrong with an image is a [`MediaError`] or a [`Boot::No`] that a person can act on.

mod cmdline;
mod config;
mod el_torito;
mod error;
mod fat;
mod inspect;
mod iso;
mod loader;
mod rock_ridge;
mod sparse;
#[cfg(test)]
mod testing;
mod tree;

pub use self::cmdline::{CommandLine, MAX_COMMAND_LINE_BYTES};
pub use self::config::{Decision, KernelBoot, NetworkHost, network_boot, network_config_paths};
pub use self::error::{MediaError, ObjectError};
pub use self::inspect::{MAX_AGENT_FILES, inspect, parameters};
pub use self::sparse::{CHUNK_BYTES, MAX_HELD_BYTES, MAX_OBJECT_BYTES, MAX_ROUNDS, Progress, Sparse};

/// How the machine boots: `BootSourceOverrideMode` of Redfish (DSP2046, ComputerSystem).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Firmware {
    /// UEFI: a CD needs an EFI boot image.
    Uefi,
    /// Legacy BIOS: a CD needs a boot image for x86 BIOS.
    Bios,
}

impl Firmware {
    /// GRUB's word for it, in `$grub_platform`.
    fn grub_platform(self) -> &'static str {
        match self {
            Firmware::Uefi => "efi",
            Firmware::Bios => "pc",
        }
    }
}

/// What is on a boot medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Volume label. Ironic writes `config-2` or `VMEDIA_BOOT_ISO`, by which the agent finds its configuration.
    pub label: String,
    /// Publisher of an ISO 9660 volume, empty on FAT. Ironic writes the `ir_pub_id` of the command line here.
    pub publisher: String,
    /// What the firmware that was asked for would start from it.
    pub boot: Boot,
    /// Configuration that the agent copies from the medium when it was started from it with `boot_method=vmedia`
    /// (`copy_config_from_vmedia` in `ironic_python_agent/utils.py`), and network data; empty for everything else.
    pub agent_files: Vec<AgentFile>,
}

/// What a medium starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// A Linux kernel.
    Kernel {
        /// The kernel, its initial ramdisks and its command line.
        kernel: KernelBoot,
        /// The configuration this comes from, as a path on the medium.
        config: String,
    },
    /// The node's own disk: the boot loader on the medium hands over to it.
    LocalDisk,
    /// Something whose configuration is not known here: a live system, an installer, a firmware tool.
    Unknown,
    /// Nothing, for this reason: the medium does not suit the firmware, or its boot loader stops.
    No(String),
}

/// A file that the ramdisk takes from the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFile {
    /// Path from the root of the medium, without a leading slash.
    pub path: String,
    /// Its bytes, at most 128 KiB.
    pub content: Vec<u8>,
}

/// Parameters from a virtual floppy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Volume label. The agent looks for `ir-vfd-dev` first, and then takes any virtual medium.
    pub label: String,
    /// `parameters.txt`, one `key=value` a line.
    pub values: CommandLine,
}
