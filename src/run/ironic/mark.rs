//! The marks of nodes that a run has created.

/// The member of `extra` that marks a node as one that a run has created; its value is the id of the run.
pub const MARK: &str = concat!("fauxmetal", "_run");
/// The member of `extra` with the moment from which on `fauxmetal clean --expired` deletes the node, RFC 3339 in UTC.
pub(super) const EXPIRES: &str = concat!("fauxmetal", "_expires");
