//! fauxmetal: a data centre in a process.

pub mod media;
