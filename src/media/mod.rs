//! Reads boot media and boot configurations as firmware, boot loaders and the agent's ramdisk do.
//!
//! It never needs a complete image: [`inspect()`] returns the byte range that it needs next, and the caller fetches the
//! range and calls again.
//!
//! This room is a leaf: pure and synchronous, without sockets and without a clock. An image may be hostile, so every
//! size, depth and count has a limit, and each boot has one [`Budget`]. A defect of an image is a [`MediaError`]; a sound image that does not boot is a
//! [`NoBoot`]. Both texts tell a user what to correct.

mod budget;
mod cmdline;
mod config;
mod el_torito;
mod error;
mod fat;
mod firmware;
#[cfg(test)]
mod hostile;
mod inspect;
mod iso;
mod loader;
mod medium;
mod rock_ridge;
mod sector;
mod sparse;
#[cfg(test)]
mod testing;
mod tree;

pub use self::budget::{Budget, Exhausted};
pub use self::cmdline::{CommandLine, MAX_COMMAND_LINE_BYTES};
pub use self::config::{
    Decision, GrubSyntaxError, KernelBoot, LoaderError, NetworkHost, network_boot, network_config_paths,
};
pub use self::error::{MediaError, ObjectError};
pub use self::firmware::Firmware;
pub use self::inspect::{MAX_AGENT_FILES, MAX_PARAMETERS_BYTES, inspect, parameters};
pub use self::medium::{AgentFile, Boot, Medium, NoBoot, Parameters};
pub use self::sparse::{CHUNK_BYTES, MAX_HELD_BYTES, MAX_OBJECT_BYTES, MAX_ROUNDS, Progress, Sparse};
