//! Documents for Elasticsearch and OpenSearch: normalised as hosted-wrapper does it, in bodies of `_bulk` of a limited size.

mod answer;
mod bulk;
mod normalise;

pub use answer::{Answer, Refused};
pub use bulk::Bulk;
pub use normalise::Rules;
