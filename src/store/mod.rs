//! The fleet on disk. A change is written to the state file before its response is sent.
//!
//! A state directory contains `state.redb` (the description of the fleet, every node that differs from a new node, and
//! records of the services), `fleet.json` (the description alone), `reserve` (space for the last changes before the disk is
//! full), `lock` (the id of the process that uses the directory) and `snapshots/`. This room does not depend on HTTP.

#[cfg(feature = "cli")]
mod capture;
mod clock;
mod database;
mod description;
mod directory;
mod error;
mod keeper;
mod record;
mod reserve;
pub mod snapshot;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(feature = "cli")]
pub use capture::Capture;
pub use clock::StoredClock;
pub use database::Store;
pub use description::describe;
pub use directory::{Directory, create_private};
pub use error::StoreError;
pub use keeper::Keeper;
pub use record::{FORMAT, StoredFleet, StoredModel};
