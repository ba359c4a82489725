//! The operations that a plan asks for, if nothing fails.

use std::collections::BTreeMap;

use super::document::Plan;
use super::group::Group;
use super::operation::Operation;
use super::target::Target;
use super::until::{Stage, Until};

impl Target {
    /// The operations that bring an item from a stage to a goal.
    pub fn path(&self, group: &Group, from: Stage, until: Until) -> Vec<Operation> {
        match (self, until.repeated()) {
            (Self::Redfish(_), Some(repeated)) => vec![repeated.operation; repeated.times as usize],
            (Self::Redfish(_), None) => Vec::new(),
            (Self::Ironic(_), _) => until.path(from, group.inspect),
        }
    }
}

impl Plan {
    /// The number of each operation. Phases with `churn` depend on how long their operations take, so they are left out.
    pub fn expected(&self) -> BTreeMap<Operation, u64> {
        let mut expected = BTreeMap::new();
        for group in &self.groups {
            let items = group.items();
            let mut stage = Stage::Absent;
            let mut reach = |until: Until, times: u64| {
                for _ in 0..times {
                    for operation in self.target.path(group, stage, until) {
                        *expected.entry(operation).or_default() += items;
                    }
                    stage = until.stage();
                }
            };
            if self.phases.is_empty() {
                reach(group.until, 1);
                continue;
            }
            for (phase, _) in self.in_order() {
                if phase.has(&group.name) && phase.quiet.is_none() && phase.churn.is_none() {
                    reach(phase.until.unwrap_or(group.until), 1);
                }
            }
        }
        expected
    }
}
