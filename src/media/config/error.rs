//! The reasons why a boot loader configuration boots nothing. Their texts appear in `Conditions` of Redfish and in the
//! log.

use super::super::budget::Exhausted;
use super::super::cmdline::MAX_COMMAND_LINE_BYTES;

/// Why a boot loader starts nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoaderError {
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    #[error("the kernel command line is {bytes} bytes long, Linux takes at most {MAX_COMMAND_LINE_BYTES}")]
    CommandLineTooLong { bytes: usize },

    #[error(transparent)]
    GrubSyntax(#[from] GrubSyntaxError),
    #[error("the GRUB script runs more than {limit} commands")]
    GrubCommands { limit: usize },
    #[error("the GRUB script includes more than {limit} files")]
    GrubIncludes { limit: usize },
    #[error("a GRUB command has more than {limit} bytes of arguments")]
    GrubArguments { limit: usize },
    /// The script contains `halt`, `reboot` or `fwsetup`.
    #[error("GRUB was told to {command}")]
    GrubStops { command: String },
    /// `part` is a menu entry, or the whole script.
    #[error("{part} loads no kernel")]
    GrubNoKernel { part: String },

    #[error("the iPXE script fails at {line:?}")]
    IpxeFails { line: String },
    #[error("the iPXE script has no label {label:?}")]
    IpxeNoLabel { label: String },
    #[error("the iPXE script runs more than {limit} commands")]
    IpxeCommands { limit: usize },
    #[error("an iPXE command has more than {limit} bytes")]
    IpxeArguments { limit: usize },
    /// A command that ends the script without booting, such as `poweroff`.
    #[error("the iPXE script ends in {command:?}")]
    IpxeEnds { command: String },
    /// `prompt` without a timeout.
    #[error("the iPXE script waits for a key")]
    IpxeWaits,

    #[error("the boot configuration has neither a default nor a label")]
    SyslinuxEmpty,
    #[error("the label {label:?} of the boot configuration has no kernel")]
    SyslinuxNoKernel { label: String },

    #[error("the boot loader entry {entry:?} has no linux line")]
    EntryNoKernel { entry: String },
}

/// A text that is not a valid GRUB script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("GRUB syntax error in line {line}: {problem}")]
pub struct GrubSyntaxError {
    /// Counted from 1.
    pub line: usize,
    pub problem: String,
}
