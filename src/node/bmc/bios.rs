//! BIOS settings: the values in force, and the values that the next start applies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tasks::Start;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::bios::{Attribute, Value};
use crate::time::SimTime;

/// Commands to the `Bios` resource.
#[derive(Clone, Debug)]
pub enum Command {
    /// New values for the next start. Names and values fit the profile.
    Change(Vec<(Box<str>, Value)>),
    /// `Bios.ResetBios`: the next start applies all defaults.
    Reset,
    /// The same as a task, which ends at the next start.
    ResetAsTask(Box<Start>),
}

/// The BIOS settings that differ from a new machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bios {
    /// Attributes in force whose value is not the default.
    pub current: BTreeMap<Box<str>, Value>,
    /// Values that the next start applies.
    pub pending: BTreeMap<Box<str>, Value>,
    /// The last start that has applied values. `None`: no start has, or a version before this field has stored the state.
    pub applied: Option<Applied>,
}

/// The application of settings at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub at: SimTime,
    /// The version of the BIOS, which is one of the attributes, has changed since then.
    pub updated_since: bool,
}

impl Part for Bios {
    fn of_new_machine() -> &'static Self {
        static NEW: Bios = Bios { current: BTreeMap::new(), pending: BTreeMap::new(), applied: None };
        &NEW
    }
}

impl Bios {
    pub(in crate::node) fn execute(&mut self, command: Command, profile: &Profile) {
        match command {
            Command::Change(changes) => {
                changes.into_iter().for_each(|(name, value)| self.change(profile, name, value));
            }
            Command::Reset | Command::ResetAsTask(_) => {
                for attribute in profile.bios.iter().filter(|a| !a.read_only) {
                    self.change(profile, attribute.name.as_str().into(), attribute.default_value());
                }
            }
        }
    }

    /// Makes a value pending, unless it is already in force.
    fn change(&mut self, profile: &Profile, name: Box<str>, value: Value) {
        let current = self.current.get(&name).cloned();
        if current.or_else(|| profile.attribute(&name).map(Attribute::default_value)).as_ref() == Some(&value)
        {
            self.pending.remove(&name);
        } else {
            self.pending.insert(name, value);
        }
    }

    /// Makes stored values fit the profile of today, whose attributes may have changed since they were stored. Values that
    /// no attribute accepts any more are dropped, so that the machine has the default.
    pub(in crate::node) fn fit(&mut self, profile: &Profile) {
        let Self { current, pending, applied: _ } = self;
        for values in [current, pending] {
            let stored = std::mem::take(values);
            values.extend(stored.into_iter().filter_map(|(name, value)| {
                let value = profile.attribute(&name)?.read_stored(value)?;
                Some((name, value))
            }));
        }
    }

    /// The version of the BIOS has changed.
    pub(super) fn updated(&mut self) {
        if let Some(applied) = &mut self.applied {
            applied.updated_since = true;
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { current: _, pending: _, applied } = self;
        if let Some(Applied { at, updated_since: _ }) = applied {
            at.shift(ms);
        }
    }

    /// A start of the machine: pending values take effect.
    pub(super) fn start(&mut self, profile: &Profile, at: SimTime) {
        if !self.pending.is_empty() {
            self.applied = Some(Applied { at, updated_since: false });
        }
        for (name, value) in std::mem::take(&mut self.pending) {
            if profile.attribute(&name).is_some_and(|a| a.default_value() == value) {
                self.current.remove(&name);
            } else {
                self.current.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    /// `NumLock` and `MemTest` of the generic profile were Booleans once.
    #[test]
    fn a_stored_value_of_another_type_is_read_as_the_attribute_of_today_or_dropped() {
        let text = r#"{
            "current": {"NumLock": false, "MemTest": true, "BootRetryCount": 7, "LogicalProc": "Disabled"},
            "pending": {"NumLock": true, "BootRetryCount": true, "SysProfile": "Turbo", "Gone": 1}
        }"#;
        let mut bios: Bios = serde_json::from_str(text).unwrap();
        bios.fit(&built_in("generic").unwrap());
        let expected = r#"{
            "current": {"NumLock": "Disabled", "MemTest": "Enabled", "BootRetryCount": 7, "LogicalProc": "Disabled"},
            "pending": {"NumLock": "Enabled"}
        }"#;
        assert_eq!(bios, serde_json::from_str(expected).unwrap());
    }
}
