//! fauxmetal: a data centre in a process.

pub mod face;
pub mod server;
pub mod tls;
