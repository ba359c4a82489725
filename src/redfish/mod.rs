//! The Redfish service of the fleet: the HTTP face of every BMC.
//!
//! Begin with `request.rs`, the path of every request. `resources/` has the table of resources and a file for each type;
//! `resource.rs` says what a row of the table is, `context.rs` what its functions may look at.

mod access;
mod account_change;
#[doc(hidden)]
pub mod accounts;
mod accounts_at;
mod action;
mod aggregate_change;
pub mod aggregates;
mod aggregation;
mod answer;
mod archive;
mod ask;
mod attachment;
pub mod auth;
mod body;
mod body_arrays;
mod certificate_change;
mod certificates;
#[doc(hidden)]
pub mod check;
mod client;
mod coding;
mod constants;
mod context;
mod deadlines;
mod deep;
mod directed;
mod doc;
mod document;
mod download;
mod error;
mod event;
mod face;
mod fault;
mod headers;
mod identify;
mod install;
mod list;
mod message;
mod meters;
mod negotiate;
mod oem;
mod oem_route;
mod oem_rows;
mod openapi;
mod precondition;
mod queried;
mod query;
mod read;
mod render;
mod report;
mod request;
mod resource;
mod resources;
mod root;
mod row;
mod schemas;
mod service;
mod service_change;
mod service_documents;
#[doc(hidden)]
pub mod session;
mod shared_events;
mod task;
#[doc(hidden)]
pub mod task_settings;
mod token;
mod trace;
mod tree;
mod update;
mod value;

#[doc(hidden)]
pub use certificate_change::subject_of;
#[doc(hidden)]
pub use event::{Delivery, Source, delivery};
pub use fault::check_rule;
pub use service::Redfish;
#[doc(hidden)]
pub use shared_events::SharedEvents;

#[cfg(test)]
mod tests;
