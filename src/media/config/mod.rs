//! Boot loader configurations: each function reads a configuration and returns the [`Decision`].
//!
//! There is no user at the console, so each menu times out and boots its default entry.

mod decision;
mod error;
mod grub;
mod grub_condition;
mod grub_parser;
mod grub_words;
mod ipxe;
mod ipxe_script;
mod loader_entry;
mod machine;
mod network;
mod syslinux;

pub use self::decision::{Decision, KernelBoot};
pub use self::error::{GrubSyntaxError, LoaderError};
pub(super) use self::grub::decide as grub;
pub(super) use self::loader_entry::decide as loader_entries;
pub(super) use self::machine::Machine;
pub use self::machine::NetworkHost;
pub use self::network::{network_boot, network_config_paths};
pub(super) use self::syslinux::decide as syslinux;
