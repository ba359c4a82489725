//! What the time does to drives: hours with power, and the life that is left.

use super::Node;
use super::host::{Host, Running};
use crate::seed::Purpose;
use crate::time::SimTime;

/// Hours that a solid state drive is made for: five years with power.
const LIFE_HOURS: u64 = 5 * 8760;
const HOUR_MS: u64 = 3_600_000;

impl Node {
    /// Keeps the time with power, after each change of the host.
    pub(super) fn keep_hours(&mut self, now: SimTime) {
        let on = self.has_power();
        if on == self.bmc().hours.is_on() {
            return;
        }
        // An imported machine is on from the beginning.
        let moment = match &self.state.host {
            Host::Running { since, .. } => *since,
            Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::PoweringOff { .. } => now,
        };
        self.state.bmc.change(|bmc| bmc.hours.change(|hours| hours.switch(on, moment)));
    }

    fn has_power(&self) -> bool {
        match &self.state.host {
            Host::Off | Host::PoweringOn { .. } => false,
            Host::Post { .. } | Host::Booting(_) | Host::Running { .. } | Host::PoweringOff { .. } => true,
        }
    }

    /// Hours with power of the drive with this number: those of its test at the maker of the machine, and those in the fleet. A drive
    /// that is out of its bay counts on with the machine.
    pub fn drive_hours(&self, drive: u8, now: SimTime) -> u64 {
        let hours = &self.bmc().hours;
        let untold = match &self.state.host {
            Host::Running { since, what: Running::Os } if !hours.is_on() => now.since_ms(*since),
            Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::Running { .. }
            | Host::PoweringOff { .. } => 0,
        };
        20 + self.past_of_drive(drive) % 100 + (hours.ms(now) + untold) / HOUR_MS
    }

    /// Number of times that the drive with this number got power.
    pub fn drive_cycles(&self, drive: u8) -> u64 {
        3 + (self.past_of_drive(drive) >> 32) % 10 + u64::from(self.bmc().hours.cycles)
    }

    /// The life that is left to a drive without platters, percent of its whole life.
    pub fn drive_life_percent(&self, drive: u8, now: SimTime) -> u64 {
        100 - (self.drive_hours(drive, now) * 100 / LIFE_HOURS).min(100)
    }

    fn past_of_drive(&self, drive: u8) -> u64 {
        self.seed.hash(self.id.0, Purpose::Past, 0x100 | u32::from(drive))
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Command;
    use super::super::host;
    use super::super::tests::Bench;
    use super::*;
    use crate::dmtf::ResetType;

    #[test]
    fn hours_pass_with_power_only_and_settling_later_gives_the_same() {
        let mut bench = Bench::new();
        let hours = |bench: &Bench| bench.node.drive_hours(0, bench.now);
        let (new, life) = (hours(&bench), bench.node.drive_life_percent(0, bench.now));
        let cycles = bench.node.drive_cycles(0);
        assert!((20..120).contains(&new) && life == 100, "{new} {life}");
        let wait = |bench: &mut Bench, hours: u64| {
            bench.now = bench.now.after_ms(hours * HOUR_MS);
            bench.node.settle(bench.now);
        };
        wait(&mut bench, 50);
        assert_eq!(hours(&bench), new, "the machine is off");
        let reset = |kind| Command::Host(host::Command::Reset(kind));
        bench.apply(reset(ResetType::On)).unwrap();
        let mut later = bench.node.clone();
        wait(&mut bench, 1);
        wait(&mut bench, 9999);
        assert_eq!(hours(&bench), new + 9999, "the first seconds are without power");
        assert_eq!(bench.node.drive_life_percent(0, bench.now), 100 - (new + 9999) * 100 / LIFE_HOURS);
        assert_eq!(bench.node.drive_cycles(0), cycles + 1);
        later.settle(bench.now);
        assert_eq!(later.bmc().hours, bench.node.bmc().hours);
        bench.apply(reset(ResetType::ForceRestart)).unwrap();
        assert_eq!(bench.node.drive_cycles(0), cycles + 1, "a restart keeps the power");
        bench.apply(reset(ResetType::ForceOff)).unwrap();
        wait(&mut bench, 100);
        assert!((new + 9999..=new + 10_000).contains(&hours(&bench)), "{}", hours(&bench));
        bench.apply(reset(ResetType::On)).unwrap();
        wait(&mut bench, 100_000);
        assert_eq!(bench.node.drive_life_percent(0, bench.now), 0);
    }
}
