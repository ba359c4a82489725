//! Drives nodes through Ironic.

mod api;
mod clean;
mod driver;
mod keystone;
mod mark;
mod node;
mod watcher;

pub use api::Api;
pub use clean::{Marked, marked, remove};
pub use driver::IronicDriver;
pub use mark::MARK;
