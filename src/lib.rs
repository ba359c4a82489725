//! fauxmetal: a data centre in a process.
//!
//! A [`node`] is a small value with a shared [`profile`]. What a client sees is computed from (profile, node, now) when
//! it asks; what a client does is parsed into one typed command, which the node accepts or refuses; time moves in one
//! place, when a node is settled. `ARCHITECTURE.md` has the map.
//!
//! ```
//! use std::sync::Arc;
//! use fauxmetal::{clock::Clock, fleet::Fleet, profile, redfish::{Redfish, auth::Account}, seed::Seed};
//!
//! let (fleet, _effects) = Fleet::new(Seed(1), Clock::wall(1.0));
//! fleet.add(&profile::built_in("generic").unwrap(), 3).unwrap();
//! let bmc = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
//! let root = bmc.call(&http::Request::get("/redfish/v1/").body(bytes::Bytes::new()).unwrap());
//! assert_eq!(root.status(), 200);
//! ```

#[doc(hidden)]
pub mod address;
#[doc(hidden)]
pub mod admin;
#[doc(hidden)]
pub mod blocking;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod clock;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod config;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod daemon;
#[doc(hidden)]
pub mod dmtf;
#[doc(hidden)]
pub mod effect;
#[doc(hidden)]
pub mod face;
#[doc(hidden)]
pub mod file;
pub mod fleet;
#[doc(hidden)]
pub mod ipa;
#[doc(hidden)]
pub mod journal;
#[doc(hidden)]
pub mod limit;
#[doc(hidden)]
pub mod media;
#[doc(hidden)]
pub mod meter;
#[doc(hidden)]
pub mod node;
pub mod note;
pub mod profile;
pub mod redfish;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod schema;
pub mod seed;
#[doc(hidden)]
pub mod selection;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod store;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod tls;
