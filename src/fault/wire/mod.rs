//! Faults of the wire: connections and answers, of BMCs and of agents. All durations follow wall time.

pub mod bandwidth;
pub mod black_hole;
pub mod certificate;
pub mod garbled;
pub mod half_open;
pub mod latency;
pub mod old_tls;
pub mod refused;
pub mod reset;
pub mod silent;
pub mod slow_close;
pub mod tls_alert;
pub mod truncated;

use serde::{Deserialize, Serialize};

use super::act::Occasion;
use crate::wire::{Opening, Shape};

/// The listener of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum At {
    /// The BMC, or the root that all BMCs share.
    #[default]
    Bmc,
    /// The agent in the ramdisk.
    Agent,
}

impl At {
    pub(super) fn is_bmc(&self) -> bool {
        *self == Self::Bmc
    }

    fn connection(self) -> Occasion {
        match self {
            Self::Bmc => Occasion::Connection,
            Self::Agent => Occasion::AgentConnection,
        }
    }

    fn request(self) -> Occasion {
        match self {
            Self::Bmc => Occasion::Request,
            Self::Agent => Occasion::AgentRequest,
        }
    }
}

/// What happens on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// To a connection, before its first request.
    Open(Opening),
    /// To the answer of a request.
    Shape(Shape),
}

/// What happens to one answer, of all that rules do. Delays add up; otherwise the first rule decides.
pub fn shape(acts: &[super::Act]) -> Option<Shape> {
    acts.iter().fold(None, |shape, act| {
        let super::Act::Wire(Act::Shape(next)) = act else { return shape };
        let shape: Shape = shape.unwrap_or_default();
        Some(Shape {
            delay: shape.delay + next.delay,
            pace: shape.pace.or(next.pace),
            garble: shape.garble.or(next.garble),
            end: shape.end.or(next.end),
        })
    })
}

/// The longest duration on the wire.
const LONGEST_MS: u64 = crate::wire::LONGEST.as_secs() * 1000;

/// # Errors
/// If the duration is longer than a connection is held.
fn check_duration(name: &str, duration: super::Period) -> Result<(), String> {
    if duration.ms() > LONGEST_MS {
        return Err(format!("'{name}' is {duration}; at most 1h is allowed"));
    }
    Ok(())
}
