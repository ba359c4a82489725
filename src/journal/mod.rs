//! The journal: for each node the last requests, outgoing calls and changes of state, to answer "why is this node stuck?".
//!
//! The store is in memory and bounded ([`Limits::journal`](crate::limit::Limits::journal)). An entry is some bytes in a ring
//! of its node; a node that did nothing has no ring. Equal entries are folded into one with a count. When the store is full,
//! the nodes with more than their share lose their oldest entries.

mod chain;
mod encoding;
mod entry;
mod event;
mod ring;
mod shard;
mod show;
mod store;
mod user_agents;

pub(crate) use chain::{AGENT, OPERATING_SYSTEM};
pub use chain::{Chain, ChainOf, Step};
pub(crate) use entry::stamp;
pub use entry::{Asked, Call, CallKind, Change, Entry, Face, Outcome, Request, What};
pub use event::Event;
pub use shard::{NODE_BYTES, WATCHED_BYTES};
pub(crate) use show::clock_time;
pub use store::{Batch, Follower, Journal};

#[cfg(test)]
mod tests;
