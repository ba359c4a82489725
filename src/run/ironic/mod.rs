//! Drives nodes through Ironic.

mod api;
mod clean;
mod driver;
mod keystone;
mod node;
#[cfg(test)]
mod tests;
mod watcher;

pub use api::Api;
pub use clean::{Marked, marked, remove};
pub use driver::IronicDriver;

/// The member of `extra` that marks a node as one that a run has created; its value is the id of the run.
pub const MARK: &str = "fauxmetal_run";
/// The member of `extra` with the moment from which on `fauxmetal clean --expired` deletes the node, RFC 3339 in UTC.
pub const EXPIRES: &str = "fauxmetal_expires";
