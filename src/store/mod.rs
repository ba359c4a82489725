//! The fleet's memory on disk: one file that is written before anybody is told, and snapshots beside it.
//!
//! A state directory holds `state.redb` (every node that differs from a new one, the services' own records, and which
//! fleet it is), `lock` (who uses it) and `snapshots/`. Nothing here knows HTTP.

mod database;
mod directory;
mod error;
mod keeper;
mod record;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use database::Store;
pub use directory::{Directory, create_private};
pub use error::StoreError;
pub use keeper::Keeper;
pub use record::{FORMAT, Held, HeldModel};
