//! Drives nodes through Ironic.

mod api;
mod clean;
mod driver;
mod keystone;
mod mark;
mod node;
#[cfg(test)]
mod tests;
mod watcher;

pub use api::Api;
pub use clean::{Marked, marked, remove};
pub use driver::IronicDriver;
pub use mark::MARK;
