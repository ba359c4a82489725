//! Events in the words of DMTF, and the documents that carry them.

mod filter;
pub(super) mod message;
mod origin;
mod payload;
pub(super) mod stream;
mod words;

pub(super) use origin::entry_uri;
pub use payload::{Delivery, Source, delivery};
pub(super) use words::{Place, shown};
