//! The integration tests, in one binary: what users see from outside.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

mod documents;
