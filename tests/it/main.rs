//! The integration tests: one binary, one module for each thing that is tested from outside.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod cli;
mod documents;
mod kept;
mod tidy;
