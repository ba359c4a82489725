//! The state that an item is brought into, and the operations on the way.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::operation::Operation;

/// The state in which an item has reached its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// Ironic: the node is in the database, in state `enroll`.
    Enrolled,
    /// Ironic: the node is `manageable`.
    Manageable,
    /// Ironic: the node is `manageable`, and an inspection has ended.
    Inspected,
    /// Ironic: the node is `available`.
    Available,
    /// Ironic: the node is deployed.
    Active,
    /// Ironic: the node is deployed, and in state `rescue`.
    Rescued,
    /// Ironic: the node has been deployed, and is deleted again.
    Deleted,
    /// The machine has been switched off and on so many times. With Ironic, the node is manageable before.
    PowerCycled(u32),
    /// Redfish: all documents of the BMC have been read so many times.
    Walked(u32),
    /// Redfish: an image has been inserted and ejected so many times.
    MediaSwept(u32),
}

/// A goal that is a number of repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    pub operation: Operation,
    pub times: u32,
}

/// How far a node is in Ironic, from its creation on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No node of the run is in the database.
    #[default]
    Absent,
    Enrolled,
    Manageable,
    Available,
    Active,
    Rescued,
}

impl Until {
    pub const MAX_TIMES: u32 = 100_000;

    /// The repetitions, if the goal is a number of them.
    pub const fn repeated(self) -> Option<Repeated> {
        match self {
            Self::PowerCycled(times) => Some(Repeated { operation: Operation::PowerCycle, times }),
            Self::Walked(times) => Some(Repeated { operation: Operation::Walk, times }),
            Self::MediaSwept(times) => Some(Repeated { operation: Operation::Media, times }),
            _ => None,
        }
    }

    /// Whether only Ironic has the state.
    pub const fn needs_ironic(self) -> bool {
        !matches!(self, Self::PowerCycled(_) | Self::Walked(_) | Self::MediaSwept(_))
    }

    /// Whether a BMC alone has it.
    pub const fn needs_redfish(self) -> bool {
        matches!(self, Self::Walked(_) | Self::MediaSwept(_))
    }

    /// The operations in Ironic that bring a node from a stage to the goal. `inspect`: it is inspected when it is manageable for
    /// the first time.
    pub fn path(self, from: Stage, inspect: bool) -> Vec<Operation> {
        let mut path = Vec::new();
        let mut at = from;
        let goal = match self {
            Self::Enrolled => Stage::Enrolled,
            Self::Manageable | Self::Inspected | Self::PowerCycled(_) => Stage::Manageable,
            Self::Available => Stage::Available,
            // A new item lives a whole life before it is deleted.
            Self::Active | Self::Deleted => Stage::Active,
            Self::Rescued => Stage::Rescued,
            Self::Walked(_) | Self::MediaSwept(_) => return path,
        };
        if self != Self::Deleted || from == Stage::Absent {
            climb(&mut at, goal, inspect || self == Self::Inspected, &mut path);
        }
        if self == Self::Inspected && !path.contains(&Operation::Inspect) {
            path.push(Operation::Inspect);
        }
        if self == Self::Deleted {
            if at >= Stage::Active {
                descend(&mut at, Stage::Available, &mut path);
            }
            path.push(Operation::Delete);
        }
        if let Some(Repeated { operation, times }) = self.repeated() {
            path.extend(std::iter::repeat_n(operation, times as usize));
        }
        path
    }

    /// The stage of a node that has reached the goal.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Enrolled => Stage::Enrolled,
            Self::Manageable | Self::Inspected | Self::PowerCycled(_) => Stage::Manageable,
            Self::Available => Stage::Available,
            Self::Active => Stage::Active,
            Self::Rescued => Stage::Rescued,
            Self::Deleted | Self::Walked(_) | Self::MediaSwept(_) => Stage::Absent,
        }
    }
}

impl<'de> Deserialize<'de> for Until {
    /// The derived reader would say of a name without its number only that it expects another type.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &[
            "enrolled",
            "manageable",
            "inspected",
            "available",
            "active",
            "rescued",
            "deleted",
            "powerCycled",
            "walked",
            "mediaSwept",
        ];
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "the name of a goal, or an object such as {powerCycled: 3}")]
        enum Written {
            Name(String),
            Times(BTreeMap<String, Value>),
        }
        use serde::de::Error as _;
        let (name, times) = match Written::deserialize(deserializer)? {
            Written::Name(name) => (name, None),
            Written::Times(map) => {
                let one = map.into_iter().next();
                let (name, times) = one.ok_or_else(|| {
                    D::Error::custom("the goal is empty; write one such as {powerCycled: 3}")
                })?;
                let number = times.as_u64().and_then(|times| u32::try_from(times).ok());
                let number = number.ok_or_else(|| {
                    D::Error::custom(format_args!("'{name}' is {times}; write a number of times"))
                })?;
                (name, Some(number))
            }
        };
        let repeated = |goal: fn(u32) -> Self| {
            times.map(goal).ok_or_else(|| {
                D::Error::custom(format_args!("'{name}' needs the number of times; write {{{name}: 3}}"))
            })
        };
        let once = |goal| match times {
            None => Ok(goal),
            Some(_) => {
                Err(D::Error::custom(format_args!("'{name}' has no number of times; write {name} alone")))
            }
        };
        match name.as_str() {
            "enrolled" => once(Self::Enrolled),
            "manageable" => once(Self::Manageable),
            "inspected" => once(Self::Inspected),
            "available" => once(Self::Available),
            "active" => once(Self::Active),
            "rescued" => once(Self::Rescued),
            "deleted" => once(Self::Deleted),
            "powerCycled" => repeated(Self::PowerCycled),
            "walked" => repeated(Self::Walked),
            "mediaSwept" => repeated(Self::MediaSwept),
            _ => Err(D::Error::unknown_variant(&name, NAMES)),
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => f.write_str(&name),
            Ok(Value::Object(one)) => {
                let (name, times) = one.iter().next().ok_or(fmt::Error)?;
                write!(f, "{name} (times: {times})")
            }
            _ => Err(fmt::Error),
        }
    }
}

/// Appends the operations from one stage to another, upwards or downwards.
fn climb(at: &mut Stage, goal: Stage, inspect: bool, path: &mut Vec<Operation>) {
    if *at > goal {
        descend(at, goal, path);
    }
    while *at < goal {
        let (operation, next) = match at {
            Stage::Absent => (Operation::Enroll, Stage::Enrolled),
            Stage::Enrolled => (Operation::Manage, Stage::Manageable),
            Stage::Manageable => (Operation::Provide, Stage::Available),
            Stage::Available => (Operation::Deploy, Stage::Active),
            Stage::Active | Stage::Rescued => (Operation::Rescue, Stage::Rescued),
        };
        path.push(operation);
        *at = next;
        if operation == Operation::Manage && inspect {
            path.push(Operation::Inspect);
        }
    }
}

/// Ironic has no way back to `enroll`, so a lower goal than `manageable` ends there.
fn descend(at: &mut Stage, goal: Stage, path: &mut Vec<Operation>) {
    while *at > goal.max(Stage::Manageable) {
        let (operation, next) = match at {
            Stage::Rescued => (Operation::Unrescue, Stage::Active),
            Stage::Active => (Operation::Undeploy, Stage::Available),
            _ => (Operation::Manage, Stage::Manageable),
        };
        path.push(operation);
        *at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(until: Until, from: Stage, inspect: bool) -> String {
        until.path(from, inspect).iter().map(|operation| operation.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_goal_is_reached_by_operations() {
        use Stage::{Absent, Active, Available, Enrolled, Manageable, Rescued};
        let up = |until, inspect| path(until, Absent, inspect);
        assert_eq!(up(Until::Enrolled, false), "enroll");
        assert_eq!(up(Until::Manageable, false), "enroll manage");
        assert_eq!(up(Until::Inspected, false), "enroll manage inspect");
        assert_eq!(up(Until::Available, false), "enroll manage provide");
        assert_eq!(up(Until::Active, true), "enroll manage inspect provide deploy");
        assert_eq!(up(Until::Rescued, false), "enroll manage provide deploy rescue");
        assert_eq!(up(Until::Deleted, false), "enroll manage provide deploy undeploy delete");
        assert_eq!(up(Until::PowerCycled(2), false), "enroll manage power-cycle power-cycle");
        assert_eq!(up(Until::Walked(2), false), "", "the BMC alone does it");

        assert_eq!(path(Until::Available, Active, true), "undeploy");
        assert_eq!(path(Until::Active, Rescued, false), "unrescue");
        assert_eq!(path(Until::Active, Active, false), "");
        assert_eq!(path(Until::Manageable, Rescued, false), "unrescue undeploy manage");
        assert_eq!(path(Until::Inspected, Manageable, false), "inspect");
        assert_eq!(path(Until::Inspected, Available, false), "manage inspect");
        assert_eq!(path(Until::Deleted, Active, false), "undeploy delete");
        assert_eq!(path(Until::Deleted, Available, false), "delete");
        assert_eq!(path(Until::Deleted, Enrolled, false), "delete");
    }
}
