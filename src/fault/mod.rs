//! Faults as data: a rule says which nodes misbehave, when, and how.
//!
//! A [`Rule`] is plain data, from a file, the control API or a test. The fleet binds it to the nodes that it selects; from then
//! on each node has a [`Bound`] with the memory of that rule, and decides on its own whether the rule fires at an
//! [`Occasion`]. The outcome depends on the seed, the rule, the node and the number of the occasion alone.
//!
//! Each fault is one file below this folder, and one line in `what.rs`. It says at which occasion it can fire, and returns an
//! [`Act`]: what the seam of the fault (`wire`, `bmc`, `host`, `agent`) then does.

mod act;
pub mod agent;
mod armed;
pub mod bmc;
mod bound;
mod commands;
pub mod host;
mod period;
mod preset;
mod reach;
mod requests;
mod rule;
pub mod table;
#[cfg(test)]
mod tests;
mod what;
mod when;
mod who;
pub mod wire;

pub use act::{Act, Fault, Occasion, Seam};
pub use armed::{Armed, RuleRef};
pub use bound::{Bound, Dice, Met, On};
pub use commands::{AskedCommand, Commands};
pub use period::Period;
pub use preset::{Preset, presets};
pub use reach::{Reach, Side};
pub use requests::{Asked, Requests};
pub use rule::{Name, Rule, RuleError};
pub use what::What;
pub use when::{After, Moment, Per, When, Window};
pub use who::{Mode, Who};
