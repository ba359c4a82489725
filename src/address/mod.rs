//! Addresses by arithmetic: where each node is reached, and which node an address belongs to, without a table.

pub(crate) mod base_url;
mod host;
mod layout;
mod mac;
mod place;
mod prefix;
mod reported;
mod urls;

pub use base_url::{BaseUrl, is_http_uri};
pub use host::{host_of, label_below};
pub use layout::Layout;
pub use mac::Mac;
pub use place::Place;
pub use prefix::{Prefix, PrefixError};
pub use reported::{HostNetwork, Reported};
pub use urls::Urls;
