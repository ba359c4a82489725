//! Events in the words of DMTF, and the documents that carry them.

mod filter;
pub(super) mod message;
mod payload;
pub(super) mod stream;
mod words;

pub use payload::{Delivery, Source, delivery};
pub(super) use words::{Place, entry_uri, shown};
