//! The plan of a load run: a strict YAML file, its values, and the schedule that follows from them.

mod assertion;
mod check;
mod cleanup;
mod document;
mod expect;
mod fleet;
mod group;
mod http_url;
mod items;
mod operation;
mod pacing;
mod phase;
mod read;
mod schedule;
mod schema;
mod target;
#[cfg(test)]
mod tests;
mod tree;
mod until;
mod watch;

pub use assertion::{Assertion, Comparison, Figures, Function};
pub use cleanup::{Cleanup, CleanupWhen};
pub use document::Plan;
pub use fleet::{FleetSource, ForeignNodes, OwnFleet, RunningDaemon};
pub use group::{Count, Group, Image};
pub use http_url::HttpUrl;
pub use items::{Item, Items, Unit};
pub use operation::Operation;
pub use pacing::{Arrivals, Distribution, Order, Pacing, Rate};
pub use phase::{After, Churn, Phase};
pub use read::{PlanError, read, value};
pub use schedule::{Schedule, Start};
pub use schema::{schema, schema_of};
pub use target::{BmcLogin, IronicTarget, Keystone, Login, RedfishTarget, Target};
pub use until::{Repeated, Stage, Until};
pub use watch::Watch;
