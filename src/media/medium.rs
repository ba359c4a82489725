//! The description of a boot medium: its label, what it boots, and the files that the agent reads from it.

use super::cmdline::CommandLine;
use super::config::{KernelBoot, LoaderError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// The volume label. Ironic writes `config-2` or `VMEDIA_BOOT_ISO`; the agent finds its configuration by it.
    pub label: String,
    /// The publisher of an ISO 9660 volume; empty on FAT. Ironic writes the `ir_pub_id` of the command line here.
    pub publisher: String,
    /// What the firmware boots from the medium.
    pub boot: Boot,
    /// The configuration and network data that the agent copies from the medium, if it was booted from it with
    /// `boot_method=vmedia` (`copy_config_from_vmedia` in `ironic_python_agent/utils.py`). Otherwise empty.
    pub agent_files: Vec<AgentFile>,
}

/// What a medium boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    Kernel {
        kernel: KernelBoot,
        /// The path of the boot loader configuration on the medium.
        config: String,
    },
    /// The node's own disk: the boot loader on the medium chains to it.
    LocalDisk,
    /// A program with a configuration that fauxmetal cannot read: a live system, an installer, a firmware tool.
    Unknown,
    /// Nothing: the medium does not suit the firmware, or its boot loader stops.
    No(NoBoot),
}

/// Why a medium boots nothing. The texts appear in `Conditions` of Redfish and in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoBoot {
    #[error("the ISO {label:?} has no El Torito boot catalog")]
    NoCatalog { label: String },
    #[error("the ISO {label:?} has no bootable entry in its boot catalog")]
    NoBootableEntry { label: String },
    #[error("the ISO has a boot image for UEFI only, none for x86 BIOS")]
    UefiOnly,
    #[error("the ISO has a boot image for x86 BIOS only, none for UEFI")]
    BiosOnly,
    #[error("the EFI boot image of the ISO has no program EFI/BOOT/BOOT*.EFI")]
    BootImageWithoutProgram,
    #[error("the EFI boot image of the ISO is no FAT file system")]
    BootImageNotFat,
    #[error("the FAT image has no program EFI/BOOT/BOOT*.EFI")]
    FatWithoutProgram,
    #[error("the FAT image has no boot loader ldlinux.sys")]
    FatWithoutLoader,
    #[error("{config} starts {kernel}, which is not on the medium")]
    KernelMissing { config: String, kernel: String },
    #[error("{config} gives the boot back to the firmware")]
    Exit { config: String },
    #[error("{config}: {reason}")]
    Loader { config: String, reason: LoaderError },
}

/// A file that the agent copies from the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFile {
    /// The path from the root of the medium, without a leading slash.
    pub path: String,
    /// At most 128 KiB.
    pub content: Vec<u8>,
}

/// The agent parameters of a virtual floppy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The volume label. The agent looks for `ir-vfd-dev` first, and then takes any virtual medium.
    pub label: String,
    /// The content of `parameters.txt`, one `key=value` per line.
    pub values: CommandLine,
}
