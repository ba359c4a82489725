//! The integration tests: one binary with a module for each subject.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as the test does")]

mod addresses;
mod budget;
mod cli;
mod control;
mod corpus;
mod documents;
mod durability;
mod events;
mod export;
mod faults;
mod formats;
mod hostile;
mod imports;
mod journal;
mod licenses;
mod limits;
mod load;
mod log;
mod metrics;
mod own_profile;
mod process;
mod quirks;
mod reference;
mod reference_api;
mod report;
mod tidy;
mod waiting;
