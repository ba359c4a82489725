//! The integration tests: one binary, one module for each thing that is tested from outside.

mod tidy;
