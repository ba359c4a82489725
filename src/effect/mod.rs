//! Outgoing calls on behalf of nodes: reading boot media, calling Ironic, downloading images.
//!
//! [`EffectRunner::run`] takes effects from the fleet's queue, performs a bounded number of them at a time, and hands
//! each answer back to its node. No other room opens outgoing connections.

mod boot;
mod circuit;
mod client;
mod deliver;
mod egress;
mod fetch;
mod firmware;
mod http_error;
mod image;
mod ironic;
mod kernel;
mod meters;
mod mover;
mod pattern;
mod performed;
mod queues;
mod readers;
mod redact;
mod runner;
mod settings;
mod system;
mod wanted;

pub use client::ClientError;
pub use egress::{Forbidden, Network};
pub use http_error::HttpError;
pub use mover::{Coming, Ended, Moved, Mover};
pub use pattern::Pattern;
pub use runner::EffectRunner;
pub use settings::{Images, Settings};

#[cfg(test)]
mod tests;
