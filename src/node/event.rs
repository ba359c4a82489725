//! The events of a machine: what its BMC remembers in its logs and tells its subscribers.
//!
//! An event names its resource and has no text. The words are those of DMTF's registries (`redfish/event/`).

use serde::{Deserialize, Serialize};

use super::bmc::environment::{Level, SensorId, Side};
use super::bmc::failures::Part;
use super::bmc::telemetry::Value;
use crate::dmtf::{DiagnosticDataType, Health, SecureBootDatabase};
pub use crate::profile::logs::Log;
use crate::profile::logs::LogService;
use crate::profile::secure_boot::Kind;
use crate::time::SimTime;

/// An event in a log of the BMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number at the BMC, from 1: the `Id` of its log entry and its `EventId`.
    pub number: u32,
    pub at: SimTime,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    PoweringOn,
    PoweredOn,
    PoweringOff,
    PoweredOff,
    /// The host starts again without a power-off.
    Restarted,
    SelfTestCompleted,
    /// A system runs on the host.
    Booted,
    /// The firmware has found no system on any boot source.
    NothingToBoot,
    /// A boot source could not be booted.
    BootFailed,
    /// A restart of the BMC begins.
    ManagerReset,
    /// The restart of the BMC is over.
    ManagerStarted,
    Created(Of),
    Changed(Of),
    Removed(Of),
    Task(u32, TaskEvent),
    /// The account with this id; its user name at that moment.
    Account(u32, Box<str>, AccountEvent),
    DriveInserted(u8),
    DriveRemoved(u8),
    CableInserted(u8),
    CableRemoved(u8),
    /// A part has failed. The failure of a fan is an alarm of its sensor.
    Failed(Part),
    /// A part works again.
    Repaired(Part),
    VolumeHealth(u8, Box<str>, Health),
    /// A reading has crossed a threshold.
    Alarm(SensorId, Box<AlarmChange>),
    /// The health of the machine with all that belongs to it has changed.
    Health(Health),
    /// The log service with this number in the profile.
    LogCleared(u8),
    /// Diagnostic data was collected.
    Collected(Box<Collection>),
    /// An event that a client has submitted.
    Test(Box<TestEvent>),
    /// A metric report, for the subscribers that want reports.
    Report(Box<ReportMade>),
}

impl What {
    /// Moves the moments in it.
    pub(in crate::node) fn shift(&mut self, ms: u64) {
        if let Self::Report(made) = self {
            made.values.iter_mut().for_each(|value| value.shift(ms));
        }
    }
}

/// Diagnostic data that a client has had collected for a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// One of the logs of the service.
    pub log: Log,
    /// `DiagnosticDataType` of the request.
    pub kind: DiagnosticDataType,
    /// `OEMDiagnosticDataType`, with the type `OEM` only.
    pub oem: Option<Box<str>>,
}

/// The resource of an event. A number is that of a part in the profile, or the number that the BMC has given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Of {
    System,
    Chassis,
    Manager,
    /// The Ethernet interface of the BMC.
    ManagerInterface,
    NetworkProtocol,
    Bios,
    BiosSettings,
    SecureBoot,
    /// A key in a database of secure boot.
    SecureBootKey(SecureBootDatabase, Kind, u32),
    BootOption(u8),
    /// The HTTPS certificate of the BMC.
    Certificate,
    Media(u8),
    /// A certificate of the image server of a slot.
    MediaCertificate(u8, u32),
    Drive(u8),
    Memory(u8),
    Supply(u8),
    Sensor(SensorId),
    /// The port of a host interface.
    Port(u8),
    Software(u8),
    /// A volume of a controller, by its id.
    Volume(u8, Box<str>),
    /// A license, by its id.
    License(Box<str>),
    Task(u32),
    TaskService,
    Session(u32),
    SessionService,
    Account(u32),
    AccountService,
    Role(Box<str>),
    EventService,
    Subscription(u32),
    /// An aggregate of the root that all nodes share.
    Aggregate(u32),
    /// The log service with this number in the profile.
    Log(u8),
    /// An entry of the log service with this number in the profile.
    LogEntry(u8, u32),
    /// The definition of a metric report.
    ReportDefinition(Box<str>),
}

/// The life of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskEvent {
    Started,
    Completed,
    Failed,
    Cancelled,
    Removed,
}

/// The lockout of an account after failed logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    Locked,
    /// The time of the lockout is over.
    LockoutExpired,
    /// A client has ended the lockout.
    Unlocked,
}

/// The change of an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmChange {
    pub side: Side,
    /// The level before, on the same side. `None` if there was no alarm.
    pub was: Option<Level>,
    /// The level from now on. `None` if the reading is normal again.
    pub is: Option<Level>,
    /// The reading, in thousandths of the unit of the sensor: a number with a fraction would be another one after it was stored.
    pub reading_milli: i64,
    /// The threshold that was crossed, in thousandths.
    pub threshold_milli: Option<i64>,
}

/// A metric report that has been made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportMade {
    /// The id of its definition.
    pub definition: Box<str>,
    pub values: Vec<Value>,
}

/// The parameters of `EventService.SubmitTestEvent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestEvent {
    pub message_id: Option<Box<str>>,
    pub message: Option<Box<str>>,
    pub args: Vec<Box<str>>,
    pub severity: Option<Box<str>>,
    pub event_id: Option<Box<str>>,
    pub event_type: Option<Box<str>>,
    pub group: Option<i64>,
    pub origin: Option<Box<str>>,
    pub timestamp: Option<Box<str>>,
}

impl Of {
    /// Whether it belongs to a service root and not to the machine. At the root that all nodes share, such a resource of a BMC's own
    /// root is not there.
    fn is_of_root(&self) -> bool {
        match self {
            Self::TaskService
            | Self::Session(_)
            | Self::SessionService
            | Self::Account(_)
            | Self::AccountService
            | Self::Role(_)
            | Self::EventService
            | Self::Subscription(_)
            | Self::Aggregate(_) => true,
            Self::System
            | Self::Chassis
            | Self::Manager
            | Self::ManagerInterface
            | Self::NetworkProtocol
            | Self::Bios
            | Self::BiosSettings
            | Self::SecureBoot
            | Self::SecureBootKey(..)
            | Self::BootOption(_)
            | Self::Certificate
            | Self::Media(_)
            | Self::MediaCertificate(..)
            | Self::Drive(_)
            | Self::Memory(_)
            | Self::Supply(_)
            | Self::Sensor(_)
            | Self::Port(_)
            | Self::Software(_)
            | Self::License(_)
            | Self::Volume(..)
            | Self::Task(_)
            | Self::Log(_)
            | Self::LogEntry(..)
            | Self::ReportDefinition(_) => false,
        }
    }
}

impl What {
    /// Whether it happened to the machine, so that every service root of the machine tells it.
    pub fn is_of_machine(&self) -> bool {
        match self {
            Self::Created(of) | Self::Changed(of) | Self::Removed(of) => !of.is_of_root(),
            Self::Test(_) | Self::Account(..) => false,
            Self::PoweringOn
            | Self::PoweredOn
            | Self::PoweringOff
            | Self::PoweredOff
            | Self::Restarted
            | Self::SelfTestCompleted
            | Self::Booted
            | Self::NothingToBoot
            | Self::BootFailed
            | Self::ManagerReset
            | Self::ManagerStarted
            | Self::Task(..)
            | Self::DriveInserted(_)
            | Self::DriveRemoved(_)
            | Self::CableInserted(_)
            | Self::CableRemoved(_)
            | Self::Failed(_)
            | Self::Repaired(_)
            | Self::VolumeHealth(..)
            | Self::Alarm(..)
            | Self::Health(_)
            | Self::LogCleared(_)
            | Self::Collected(_)
            | Self::Report(_) => true,
        }
    }

    /// Whether a log service holds it.
    pub fn is_in(&self, service: &LogService) -> bool {
        self.log().is_some_and(|log| service.holds.contains(&log))
    }

    /// The log that keeps it, which never is that of POST codes. A test event and a report are kept nowhere.
    pub fn log(&self) -> Option<Log> {
        Some(match self {
            Self::PoweringOn
            | Self::PoweredOn
            | Self::PoweringOff
            | Self::PoweredOff
            | Self::Restarted
            | Self::SelfTestCompleted
            | Self::Booted
            | Self::NothingToBoot
            | Self::BootFailed
            | Self::DriveInserted(_)
            | Self::DriveRemoved(_)
            | Self::CableInserted(_)
            | Self::CableRemoved(_)
            | Self::Failed(_)
            | Self::Repaired(_)
            | Self::VolumeHealth(..)
            | Self::Alarm(..)
            | Self::Health(_) => Log::Hardware,
            Self::ManagerReset | Self::ManagerStarted | Self::Task(..) => Log::Manager,
            Self::LogCleared(_) | Self::Account(..) => Log::Audit,
            Self::Collected(collection) => collection.log,
            Self::Created(of) | Self::Changed(of) | Self::Removed(of) => match of {
                // The change of a memory module is that the self test leaves it out or uses it again.
                Of::Bios | Of::Volume(..) | Of::Memory(_) => Log::Hardware,
                Of::Media(_) | Of::Software(_) => Log::Manager,
                Of::System
                | Of::Chassis
                | Of::Manager
                | Of::ManagerInterface
                | Of::NetworkProtocol
                | Of::BiosSettings
                | Of::SecureBoot
                | Of::SecureBootKey(..)
                | Of::MediaCertificate(..)
                | Of::License(_)
                | Of::BootOption(_)
                | Of::Certificate
                | Of::Drive(_)
                | Of::Supply(_)
                | Of::Sensor(_)
                | Of::Port(_)
                | Of::Task(_)
                | Of::TaskService
                | Of::Session(_)
                | Of::SessionService
                | Of::Account(_)
                | Of::AccountService
                | Of::Role(_)
                | Of::EventService
                | Of::Subscription(_)
                | Of::Aggregate(_)
                | Of::ReportDefinition(_) => Log::Audit,
                // The deletion of an entry makes no entry.
                Of::Log(_) | Of::LogEntry(..) => return None,
            },
            Self::Test(_) | Self::Report(_) => return None,
        })
    }
}
