//! An event in the words of DMTF: its message, and the resource that it is about.

use super::message as m;
use super::origin::{adapter_and_port, origin, storage_id};
use crate::dmtf::{EventType, Health};
use crate::node::Node;
use crate::node::bmc::environment::{Level, SensorId, Side};
use crate::node::bmc::failures::Part;
use crate::node::event::{AccountEvent, AlarmChange, Of, TaskEvent, What};
use crate::redfish::context::Model;
use crate::redfish::message::Message;

/// An event in the words of DMTF.
pub(in crate::redfish) struct Shown {
    pub message: Message,
    /// The URI of the resource that it is about.
    pub origin: String,
    /// The schema of that resource, without its version.
    pub resource_type: &'static str,
    pub event_type: EventType,
}

/// The machine that an event happened to.
#[derive(Clone, Copy)]
pub(in crate::redfish) struct Place<'a> {
    /// `None` for an event of the service.
    pub model: Option<Model<'a>>,
}

impl<'a> Place<'a> {
    /// A node, whose UUID is `uuid` as text.
    pub(in crate::redfish) fn of(node: &'a Node, uuid: &'a str, own_root: bool) -> Self {
        Self { model: Some(Model { profile: node.profile(), uuid, own_root, uri: "" }) }
    }
}

/// The event in the words of DMTF. A test event has its own words.
pub(in crate::redfish) fn shown(what: &What, place: &Place<'_>) -> Shown {
    let name = |of: &Of| id_of(&origin(of, place).0);
    let system = || name(&Of::System);
    let plain = |entry, of: Of, event_type| (Message::new(entry, []), of, event_type);
    let about_system = |entry| (Message::new(entry, [&system()]), Of::System, EventType::StatusChange);
    let (message, of, event_type) = match what {
        What::PoweringOn => about_system(&m::RESOURCE_POWERING_ON),
        What::PoweredOn => about_system(&m::RESOURCE_POWERED_ON),
        What::PoweringOff => about_system(&m::RESOURCE_POWERING_OFF),
        What::PoweredOff => about_system(&m::RESOURCE_POWERED_OFF),
        What::Restarted => (Message::new(&m::PLATFORM_RESET, ["Warm"]), Of::System, EventType::StatusChange),
        What::SelfTestCompleted => {
            plain(&m::RESOURCE_SELF_TEST_COMPLETED, Of::System, EventType::StatusChange)
        }
        What::Booted => {
            let message = Message::new(&m::RESOURCE_STATE_CHANGED, [&system(), "OSRunning"]);
            (message, Of::System, EventType::StatusChange)
        }
        What::NothingToBoot | What::BootFailed => {
            let kind = if *what == What::BootFailed { "SourceUnreadable" } else { "NoBootDevice" };
            (Message::new(&m::RESOURCE_ERRORS_DETECTED, ["Boot", kind]), Of::System, EventType::Alert)
        }
        What::ManagerReset => {
            let message = Message::new(&m::MANAGER_RESET, [&name(&Of::Manager), "GracefulRestart"]);
            (message, Of::Manager, EventType::StatusChange)
        }
        What::ManagerStarted => plain(&m::REDFISH_SERVICE_STARTED, Of::Manager, EventType::StatusChange),
        What::Created(of) => plain(&m::RESOURCE_CREATED, of.clone(), EventType::ResourceAdded),
        What::Changed(of) => plain(&m::RESOURCE_CHANGED, of.clone(), EventType::ResourceUpdated),
        What::Removed(of) => plain(&m::RESOURCE_REMOVED, of.clone(), EventType::ResourceRemoved),
        What::Task(number, event) => {
            let entry = match event {
                TaskEvent::Started => &m::TASK_STARTED,
                TaskEvent::Completed => &m::TASK_COMPLETED,
                TaskEvent::Failed => &m::TASK_ABORTED,
                TaskEvent::Cancelled => &m::TASK_CANCELLED,
                TaskEvent::Removed => &m::TASK_REMOVED,
            };
            let of = Of::Task(*number);
            (Message::new(entry, [&name(&of)]), of, EventType::StatusChange)
        }
        What::Account(id, user, event) => {
            let (entry, event_type) = match event {
                AccountEvent::Locked => (&m::ACCOUNT_LOCKED, EventType::Alert),
                AccountEvent::LockoutExpired => (&m::ACCOUNT_LOCKOUT_EXPIRED, EventType::StatusChange),
                AccountEvent::Unlocked => (&m::ACCOUNT_UNLOCKED, EventType::StatusChange),
            };
            (Message::new(entry, [&**user]), Of::Account(*id), event_type)
        }
        What::DriveInserted(number) | What::DriveRemoved(number) => {
            let of = Of::Drive(*number);
            let inserted = matches!(what, What::DriveInserted(_));
            let entry = if inserted { &m::DRIVE_INSERTED } else { &m::DRIVE_REMOVED };
            (Message::new(entry, [&name(&of)]), of, EventType::Alert)
        }
        What::Failed(part) | What::Repaired(part) => {
            let failed = matches!(what, What::Failed(_));
            let named = |entry, sensor| Message::new(entry, [&sensor_name(sensor, place)]);
            let (message, of) = match *part {
                Part::Fan(fan) => {
                    let entry = if failed { &m::FAN_FAILED } else { &m::FAN_RESTORED };
                    (named(entry, SensorId::Fan(fan)), Of::Sensor(SensorId::Fan(fan)))
                }
                Part::Drive(drive) => {
                    let of = Of::Drive(drive);
                    let entry = if failed { &m::DRIVE_FAILURE } else { &m::DRIVE_FAILURE_CLEARED };
                    (Message::new(entry, [&name(&of)]), of)
                }
                Part::Memory(module) => {
                    let of = Of::Memory(module);
                    // No registry has a message about memory that works again.
                    let message = if failed {
                        Message::new(&m::MEMORY_UNCORRECTABLE_ERROR, [&memory_id(module, place)])
                    } else {
                        let (id, health) = (memory_id(module, place), Health::Ok.as_str());
                        Message::new(&m::RESOURCE_STATUS_CHANGED_OK, [&*id, health])
                    };
                    (message, of)
                }
                Part::Supply(supply) => {
                    let entry = if failed { &m::POWER_SUPPLY_FAILED } else { &m::POWER_SUPPLY_RESTORED };
                    (named(entry, SensorId::Output(supply)), Of::Supply(supply))
                }
            };
            (message, of, EventType::Alert)
        }
        What::CableInserted(nic) | What::CableRemoved(nic) => {
            let inserted = matches!(what, What::CableInserted(_));
            let entry = if inserted { &m::CABLE_INSERTED } else { &m::CABLE_REMOVED };
            let (adapter, port) = adapter_and_port(place, *nic);
            (Message::new(entry, [&adapter, &port]), Of::Port(*nic), EventType::Alert)
        }
        What::VolumeHealth(storage, id, health) => {
            let entry = match health {
                Health::Ok => &m::VOLUME_OK,
                Health::Warning => &m::VOLUME_DEGRADED,
                Health::Critical => &m::VOLUME_FAILURE,
            };
            let controller = storage_id(place, *storage);
            let of = Of::Volume(*storage, id.clone());
            (Message::new(entry, [id, &controller]), of, EventType::Alert)
        }
        What::Alarm(sensor, change) => {
            let of = Of::Sensor(*sensor);
            (alarm(*sensor, change, &sensor_name(*sensor, place)), of, EventType::Alert)
        }
        What::Health(health) => {
            let entry = match health {
                Health::Ok => &m::RESOURCE_STATUS_CHANGED_OK,
                Health::Warning => &m::RESOURCE_STATUS_CHANGED_WARNING,
                Health::Critical => &m::RESOURCE_STATUS_CHANGED_CRITICAL,
            };
            let message = Message::new(entry, [&name(&Of::Chassis), health.as_str()]);
            (message, Of::Chassis, EventType::Alert)
        }
        What::LogCleared(service) => {
            let of = Of::Log(*service);
            (Message::new(&m::LOG_CLEARED, [&name(&of)]), of, EventType::StatusChange)
        }
        What::Collected(collection) => {
            let services = (0..=u8::MAX).zip(place.model.iter().flat_map(|model| &model.profile.logs));
            let service = services.filter(|(_, service)| service.holds.contains(&collection.log));
            let of = Of::Log(service.map(|(number, _)| number).next().unwrap_or_default());
            let message = Message::new(&m::DIAGNOSTIC_DATA_COLLECTED, [collection.kind.as_str()]);
            (message, of, EventType::StatusChange)
        }
        What::Test(_) => plain(&m::TEST_MESSAGE, Of::EventService, EventType::Other),
        // No subscriber gets it as an event: it is a document of its own.
        What::Report(made) => {
            let of = Of::ReportDefinition(made.definition.clone());
            plain(&m::RESOURCE_CHANGED, of, EventType::MetricReport)
        }
    };
    let (origin, resource_type) = origin(&of, place);
    Shown { message, origin, resource_type, event_type }
}

/// The message about an alarm that has begun, changed or ended.
fn alarm(sensor: SensorId, change: &AlarmChange, name: &str) -> Message {
    let AlarmChange { side, was, is, reading_milli, threshold_milli } = change;
    let reading = number(*reading_milli);
    let threshold = number(threshold_milli.unwrap_or_default());
    let temperature = |entry| Message::new(entry, [name, &reading, &threshold]);
    let one = |entry| Message::new(entry, [name]);
    match sensor {
        SensorId::Temperature(_) => match (side, was, is) {
            (_, _, None) => Message::new(&m::TEMPERATURE_NORMAL, [name, &reading]),
            (Side::Upper, Some(Level::Fatal), Some(Level::Critical | Level::Caution)) => {
                temperature(&m::TEMPERATURE_BELOW_UPPER_FATAL_THRESHOLD)
            }
            (Side::Upper, Some(Level::Critical), Some(Level::Caution)) => {
                temperature(&m::TEMPERATURE_BELOW_UPPER_CRITICAL_THRESHOLD)
            }
            (Side::Lower, Some(Level::Fatal), Some(Level::Critical | Level::Caution)) => {
                temperature(&m::TEMPERATURE_ABOVE_LOWER_FATAL_THRESHOLD)
            }
            (Side::Lower, Some(Level::Critical), Some(Level::Caution)) => {
                temperature(&m::TEMPERATURE_ABOVE_LOWER_CRITICAL_THRESHOLD)
            }
            (Side::Upper, _, Some(Level::Caution)) => {
                temperature(&m::TEMPERATURE_ABOVE_UPPER_CAUTION_THRESHOLD)
            }
            (Side::Upper, _, Some(Level::Critical)) => {
                temperature(&m::TEMPERATURE_ABOVE_UPPER_CRITICAL_THRESHOLD)
            }
            (Side::Upper, _, Some(Level::Fatal)) => temperature(&m::TEMPERATURE_ABOVE_UPPER_FATAL_THRESHOLD),
            (Side::Lower, _, Some(Level::Caution)) => {
                temperature(&m::TEMPERATURE_BELOW_LOWER_CAUTION_THRESHOLD)
            }
            (Side::Lower, _, Some(Level::Critical)) => {
                temperature(&m::TEMPERATURE_BELOW_LOWER_CRITICAL_THRESHOLD)
            }
            (Side::Lower, _, Some(Level::Fatal)) => temperature(&m::TEMPERATURE_BELOW_LOWER_FATAL_THRESHOLD),
        },
        SensorId::Fan(_) => one(match is {
            None => &m::FAN_RESTORED,
            Some(Level::Caution) => &m::FAN_WARNING,
            Some(Level::Critical | Level::Fatal) => &m::FAN_FAILED,
        }),
        SensorId::Voltage(_) => one(match is {
            None => &m::LINE_INPUT_POWER_RESTORED,
            Some(Level::Caution) => &m::LINE_INPUT_POWER_FAULT,
            Some(Level::Critical | Level::Fatal) => &m::LOSS_OF_INPUT_POWER,
        }),
        SensorId::Output(_) => one(match is {
            None => &m::POWER_SUPPLY_RESTORED,
            Some(Level::Caution) => &m::POWER_SUPPLY_WARNING,
            Some(Level::Critical | Level::Fatal) => &m::POWER_SUPPLY_FAILED,
        }),
    }
}

/// A reading or a threshold, with at most one digit after the point.
fn number(thousandths: i64) -> String {
    let text = format!("{:.1}", thousandths as f64 / 1000.0);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The name of the part that a sensor measures.
fn sensor_name(sensor: SensorId, place: &Place<'_>) -> String {
    let Some(Model { profile, .. }) = place.model else { return String::new() };
    let name = match sensor {
        SensorId::Temperature(n) => profile.temperatures.get(usize::from(n)).map(|part| &part.name),
        SensorId::Fan(n) => profile.fans.get(usize::from(n)).map(|part| &part.name),
        SensorId::Voltage(n) | SensorId::Output(n) => {
            profile.power_supplies.get(usize::from(n)).map(|part| &part.name)
        }
    };
    name.cloned().unwrap_or_default()
}

/// The id of a memory module.
fn memory_id(module: u8, place: &Place<'_>) -> String {
    let module = place.model.and_then(|model| model.profile.dimms.get(usize::from(module)));
    module.map_or_else(String::new, |module| module.id.clone())
}

/// The last segment of a URI.
fn id_of(uri: &str) -> String {
    uri.rsplit('/').next().unwrap_or_default().to_owned()
}
