//! The result of a boot loader configuration.

use super::super::cmdline::{CommandLine, MAX_COMMAND_LINE_BYTES};
use super::error::LoaderError;

/// What a boot loader does without user input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Kernel(KernelBoot),
    /// It boots from the node's own disk.
    LocalDisk,
    /// It boots an image over the network (iPXE `sanboot`): an ISO for an HTTP URL, a volume for an iSCSI URL.
    San(String),
    /// It loads another script or program, by URL or path, and continues there.
    Chain(String),
    /// It exits, and the firmware continues with its next boot device.
    Exit,
    Nothing(LoaderError),
}

/// A kernel with its ramdisks and its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelBoot {
    /// A path on the medium, or a URL.
    pub kernel: String,
    /// Paths or URLs of the initial ramdisks, in order.
    pub initrds: Vec<String>,
    /// The text of `/proc/cmdline`, without the `BOOT_IMAGE=` that boot loaders add.
    pub command_line: CommandLine,
}

impl KernelBoot {
    /// [`Decision::Kernel`], or [`Decision::Nothing`] if Linux would truncate the command line.
    pub(super) fn decide(kernel: String, initrds: Vec<String>, command_line: &str) -> Decision {
        let bytes = command_line.trim().len();
        if bytes > MAX_COMMAND_LINE_BYTES {
            return Decision::Nothing(LoaderError::CommandLineTooLong { bytes });
        }
        Decision::Kernel(KernelBoot { kernel, initrds, command_line: CommandLine::new(command_line) })
    }
}
