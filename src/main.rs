//! The `fauxmetal` command.
fn main() {}
