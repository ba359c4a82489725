//! fauxmetal: a data centre in a process.
//!
//! A [`Simulator`] is a fleet of simulated bare-metal servers inside of a test. Each has a Redfish BMC and, once it is booted
//! into a ramdisk, an Ironic Python Agent.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use fauxmetal::{PowerState, ResetType, Simulator};
//!
//! // Three servers behind real HTTPS listeners; a second of real time is 100 simulated seconds.
//! let simulator = Simulator::builder().nodes("generic", 3).speed(100.0).start()?;
//!
//! // Your client works with these, as with real BMCs.
//! let (_url, _ca) = (simulator.bmc_url(), simulator.ca_pem());
//!
//! // The test presses buttons and watches.
//! let node = simulator.node(0)?;
//! node.reset(ResetType::On)?;
//! node.blocking_wait_until(Duration::from_secs(60), |state| state.power == PowerState::On)?;
//! # Ok(())
//! # }
//! ```
//!
//! Without the default feature `cli`, the library needs none of the command line's dependencies.
//!
//! Everything that this documentation does not show may change in every version.

#[doc(hidden)]
pub mod address;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod admin;
pub(crate) mod blocking;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod config;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod daemon;
#[doc(hidden)]
pub mod dmtf;
#[doc(hidden)]
pub mod effect;
#[doc(hidden)]
pub mod face;
#[doc(hidden)]
pub mod fault;
pub(crate) mod file;
#[doc(hidden)]
pub mod fleet;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod import;
#[doc(hidden)]
pub mod ipa;
#[doc(hidden)]
pub mod journal;
#[doc(hidden)]
pub mod limit;
#[doc(hidden)]
pub mod media;
#[doc(hidden)]
pub mod meter;
#[doc(hidden)]
pub mod node;
#[doc(hidden)]
pub mod note;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod profile;
#[doc(hidden)]
pub mod redfish;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod report;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod run;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod seed;
#[doc(hidden)]
pub mod selection;
#[doc(hidden)]
pub mod server;
mod simulator;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod wire;

/// Runs the examples of the page.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;

pub use dmtf::{BootOverride, BootProgress, PowerState, ResetType};
pub use http;
pub use simulator::{
    Addresses, AgentPhase, Builder, Error, Identity, Media, MediaStatus, Node, NodeState, Simulator, System,
};
