//! The memory of a BMC: events go into its logs and to its subscribers.

use std::collections::BTreeSet;

use super::Node;
use super::bmc::environment::{Alarm, SensorId, Side};
use super::bmc::subscriptions;
use super::event::{AlarmChange, What};
use super::health::Scope;
use super::refusal::Refusal;
use super::sparse::Sparse;
use super::view::{self, View};
use crate::dmtf::Health;
use crate::time::SimTime;

/// The alarms and the health of a machine.
#[derive(PartialEq)]
pub(super) struct Watched {
    alarms: Vec<Alarm>,
    health: Health,
}

impl Node {
    /// The alarms and the health. A healthy machine costs two looks.
    pub(super) fn watched(&self) -> Watched {
        let bmc = self.bmc();
        if bmc.environment == Sparse::NEW && bmc.plugs.has_all_drives() {
            return Watched { alarms: Vec::new(), health: Health::Ok };
        }
        Watched { alarms: self.alarms().to_vec(), health: self.health(Scope::Machine) }
    }

    /// Remembers alarms that have begun, changed or ended, and another health of the machine.
    pub(super) fn remember_alarms(&mut self, before: &Watched, at: SimTime) {
        let now = self.watched();
        if *before == now {
            return;
        }
        let sensors = before.alarms.iter().chain(&now.alarms).map(|alarm| alarm.sensor);
        let sensors: BTreeSet<SensorId> = sensors.collect();
        for sensor in sensors {
            let of = |all: &[Alarm]| all.iter().find(|alarm| alarm.sensor == sensor).copied();
            let (was, is) = (of(&before.alarms), of(&now.alarms));
            if was.as_ref().map(Alarm::state) == is.as_ref().map(Alarm::state) {
                continue;
            }
            let thresholds = self.thresholds(sensor).unwrap_or_default();
            let crossed = match (was, is) {
                // It is better than before, and not yet good: the threshold that it has left.
                (Some(was), Some(is)) if is.side == was.side && is.level < was.level => Some(was),
                _ => is,
            };
            let change = AlarmChange {
                side: is.or(was).map_or(Side::Upper, |alarm| alarm.side),
                was: was.filter(|was| is.is_none_or(|is| is.side == was.side)).map(|was| was.level),
                is: is.map(|is| is.level),
                reading_milli: thousandths(self.reading(sensor, at)),
                threshold_milli: crossed.and_then(|alarm| alarm.threshold(&thresholds)).map(thousandths),
            };
            self.remember_one(What::Alarm(sensor, Box::new(change)), at);
        }
        if before.health != now.health {
            self.remember_one(What::Health(now.health), at);
        }
    }

    /// Remembers the events since the view `before`.
    pub(super) fn remember(&mut self, before: &View, at: SimTime) {
        let now = View::of(&self.state);
        if *before == now {
            return;
        }
        let mut events = Vec::new();
        view::differences(before, &now, &self.state, &self.profile, |what| events.push(what));
        events.into_iter().for_each(|what| self.remember_one(what, at));
    }

    pub(super) fn remember_one(&mut self, what: What, at: SimTime) {
        let profile = &self.profile;
        self.state.bmc.change(|bmc| bmc.remember(what, at, profile));
        self.effects_due = true;
    }

    /// A client of the stream of events has read all of them before number `next`.
    pub fn has_streamed(&mut self, subscription: u32, next: u64) {
        if let Some(all) = self.state.bmc.get_mut().and_then(|bmc| bmc.subscriptions.get_mut()) {
            all.advance(subscription, next);
        }
    }

    /// Returns the id of a new subscription.
    pub(super) fn execute_event(
        &mut self,
        command: subscriptions::Command,
        now: SimTime,
    ) -> Result<Option<u32>, Refusal> {
        if let subscriptions::Command::Submit(test) = command {
            self.remember_one(What::Test(test), now);
            return Ok(None);
        }
        let newest = u64::from(self.bmc().logs.last());
        let id = self.state.bmc.change(|bmc| bmc.subscriptions.change(|all| all.execute(command, newest)))?;
        self.effects_due = true;
        Ok(id)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "readings have a few digits")]
pub(super) fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}
