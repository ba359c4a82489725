//! Health: one function for a part, for what contains it, and for the whole machine.

use super::Node;
use super::bmc::environment::{Alarm, SensorId};
use super::bmc::failures::Part;
use crate::dmtf::Health;
use crate::profile::sensors::RedundancyType;

/// A part of the machine that has a health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Sensor(SensorId),
    /// The power supply with this number.
    Supply(u8),
    /// The drive with this number.
    Drive(u8),
    /// The memory module with this number.
    Memory(u8),
    AllMemory,
    /// The drives and volumes of the controller with this number.
    Storage(u8),
    FanRedundancy,
    SupplyRedundancy,
    /// All temperatures, all fans and their redundancy.
    Thermal,
    /// All power supplies and their redundancy.
    Power,
    /// The whole machine: `Thermal`, `Power`, and all memory, drives and volumes.
    Machine,
}

/// How many of several parts of one kind work, and how many must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redundancy {
    pub all: usize,
    pub working: usize,
    pub needed: usize,
    pub kind: RedundancyType,
}

impl Redundancy {
    fn health(self) -> Health {
        // A machine without such parts lacks none.
        if self.working < self.needed.min(self.all) {
            Health::Critical
        } else if self.working < self.all && self.working == self.needed {
            // The next failure stops the machine.
            Health::Warning
        } else {
            Health::Ok
        }
    }
}

impl Node {
    /// The health of a part with everything that belongs to it. `Status.Health` and `Status.HealthRollup` show it.
    pub fn health(&self, of: Scope) -> Health {
        // Many documents ask, and nearly every machine is well.
        if self.is_well() {
            return Health::Ok;
        }
        match of {
            Scope::Sensor(sensor) => {
                self.bmc().environment.alarm(sensor).map_or(Health::Ok, |alarm| alarm.level.health())
            }
            Scope::Supply(number) => self
                .worst(|sensor| [SensorId::Voltage(number), SensorId::Output(number)].contains(&sensor))
                .max(self.of_part(Part::Supply(number))),
            Scope::Drive(number) => self.of_part(Part::Drive(number)),
            Scope::Memory(number) => self.of_part(Part::Memory(number)),
            Scope::AllMemory => self.of_parts(|part| matches!(part, Part::Memory(_))),
            Scope::Storage(storage) => {
                let id = self.profile().storage.get(usize::from(storage)).map(|storage| &storage.id);
                let mut drives = self.drives().filter(|(_, of, _)| Some(&of.id) == id);
                let failed = drives.any(|(drive, ..)| self.has_failed(Part::Drive(drive)));
                let drives = if failed { Health::Critical } else { Health::Ok };
                drives.max(self.worst_integrity(Some(storage)).health())
            }
            Scope::FanRedundancy => self.fan_redundancy().health(),
            Scope::SupplyRedundancy => self.supply_redundancy().health(),
            Scope::Thermal => self
                .worst(|sensor| matches!(sensor, SensorId::Temperature(_) | SensorId::Fan(_)))
                .max(self.health(Scope::FanRedundancy)),
            Scope::Power => self
                .worst(|sensor| matches!(sensor, SensorId::Voltage(_) | SensorId::Output(_)))
                .max(self.of_parts(|part| matches!(part, Part::Supply(_))))
                .max(self.health(Scope::SupplyRedundancy)),
            Scope::Machine => self
                .health(Scope::Thermal)
                .max(self.health(Scope::Power))
                .max(self.of_parts(|part| match part {
                    Part::Memory(_) => true,
                    // A drive that is out of its bay is no part of the machine.
                    Part::Drive(drive) => self.has_drive(drive),
                    // A fan that should turn has an alarm, which is in `Thermal`.
                    Part::Fan(_) | Part::Supply(_) => false,
                }))
                .max(self.worst_integrity(None).health()),
        }
    }

    /// No sensor has an alarm, and every part is in its place and works.
    fn is_well(&self) -> bool {
        let bmc = self.bmc();
        bmc.environment.alarms().is_empty() && !bmc.has_failures() && bmc.plugs.has_all_drives()
    }

    fn of_part(&self, part: Part) -> Health {
        if self.has_failed(part) { Health::Critical } else { Health::Ok }
    }

    /// The worst health of the parts that are meant.
    fn of_parts(&self, is_meant: impl Fn(Part) -> bool) -> Health {
        if self.bmc().failed_parts().any(is_meant) { Health::Critical } else { Health::Ok }
    }

    /// The worst health of the sensors that are meant.
    fn worst(&self, is_meant: impl Fn(SensorId) -> bool) -> Health {
        let alarms = self.alarms().iter().filter(|alarm| is_meant(alarm.sensor));
        alarms.map(|alarm| alarm.level.health()).max().unwrap_or(Health::Ok)
    }

    /// Number of sensors with a critical alarm among those that are meant.
    fn failed(&self, is_meant: impl Fn(SensorId) -> bool) -> usize {
        let is_critical = |alarm: &&Alarm| alarm.level.health() == Health::Critical && is_meant(alarm.sensor);
        self.alarms().iter().filter(is_critical).count()
    }

    /// The redundancy of the fans. A fan that stands still in a machine that is off has not failed.
    pub fn fan_redundancy(&self) -> Redundancy {
        let all = self.profile().fans.len();
        let failed = self.failed(|sensor| matches!(sensor, SensorId::Fan(_)));
        let needed = self.profile().sensors.fans_needed(all);
        Redundancy { all, working: all - failed.min(all), needed, kind: RedundancyType::NPlusM }
    }

    /// The redundancy of the power supplies.
    pub fn supply_redundancy(&self) -> Redundancy {
        let all = self.profile().power_supplies.len();
        let no_input = self.failed(|sensor| {
            // A supply that has failed is counted once.
            matches!(sensor, SensorId::Voltage(number) if !self.has_failed(Part::Supply(number)))
        });
        let broken = self.bmc().failed_parts().filter(|part| matches!(part, Part::Supply(_))).count();
        let failed = no_input + broken;
        let rules = &self.profile().sensors;
        let (needed, kind) = (rules.supplies_needed(), rules.supply_redundancy);
        Redundancy { all, working: all - failed.min(all), needed, kind }
    }
}
