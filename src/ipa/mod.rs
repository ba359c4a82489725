//! The Ironic Python Agent (IPA): the HTTP API that Ironic calls, and the requests that an agent sends to Ironic.
//!
//! Routes, responses and errors are those of Ironic Python Agent 13 (`ironic_python_agent/api/app.py`).
//!
//! An agent has an address or port of its own, or all agents share one listener and each has a path with its system's
//! UUID: `https://host:port/<uuid>/v1/commands/`. Ironic takes the URL from the heartbeat unchanged, path included.

mod api;
mod checksum;
mod collectors;
mod commands;
mod disks;
mod documents;
mod error;
pub mod failure;
mod hints;
mod inspection;
mod inventory;
pub mod ironic;
mod journal;
mod lldp;
mod python;
mod request;
mod result;
mod root_disk;
mod route;

pub use api::Api;
pub use checksum::ChecksumAlgorithm;
pub use commands::{check_configdrive, written};
pub(crate) use documents::url_of;

#[cfg(test)]
mod tests;
