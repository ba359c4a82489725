//! The integration tests: one binary, one module for each thing that is tested from outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as the test does")]

mod addresses;
mod budget;
mod cli;
mod documents;
mod figures;
mod kept;
mod load;
mod quirks;
mod tidy;
mod waiting;
