//! fauxmetal: a data centre in a process.
