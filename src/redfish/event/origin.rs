//! The resource that an event is about, as far as the model has it.

use super::words::Place;
use crate::node::bmc::environment::SensorId;
use crate::node::event::{Of, What};
use crate::profile::logs::{Below, LogService};
use crate::profile::secure_boot::Kind;
use crate::redfish::certificate_change::HTTPS_CERTIFICATE;
use crate::redfish::context::Model;
use crate::redfish::report;
use crate::redfish::resources::{boot_option_reference, manager_interface};

/// A resource that a model may have: its path as a profile's `absent` writes it, its URI, and its schema.
type Candidate = (&'static str, String, &'static str);

/// The URI of a resource and its schema. A model that lacks the resource shows the part in another one: the next one that it has.
pub(in crate::redfish) fn origin(of: &Of, place: &Place<'_>) -> (String, &'static str) {
    let Some(model) = &place.model else { return of_service(of) };
    let found = candidates(of, model, place).into_iter().find(|(path, ..)| model.has(path));
    found.map_or_else(|| of_service(of), |(_, uri, kind)| (uri, kind))
}

fn of_service(of: &Of) -> (String, &'static str) {
    let root = "/redfish/v1";
    match of {
        Of::Account(id) => (format!("{root}/AccountService/Accounts/{id}"), "ManagerAccount"),
        Of::Role(id) => (format!("{root}/AccountService/Roles/{id}"), "Role"),
        Of::AccountService => (format!("{root}/AccountService"), "AccountService"),
        Of::Session(id) => (format!("{root}/SessionService/Sessions/{id}"), "Session"),
        Of::SessionService => (format!("{root}/SessionService"), "SessionService"),
        Of::TaskService => (format!("{root}/TaskService"), "TaskService"),
        Of::Task(number) => (format!("{root}/TaskService/Tasks/{number}"), "Task"),
        Of::Aggregate(id) => (format!("{root}/AggregationService/Aggregates/{id}"), "Aggregate"),
        Of::Subscription(id) => (format!("{root}/EventService/Subscriptions/{id}"), "EventDestination"),
        _ => (format!("{root}/EventService"), "EventService"),
    }
}

/// The resources that show a part of a node, the best one first. The last one is there at every model. Empty for a resource of the
/// service.
fn candidates(of: &Of, model: &Model<'_>, place: &Place<'_>) -> Vec<Candidate> {
    let root = "/redfish/v1";
    let (system, manager, chassis) =
        (model.system().concat(), model.manager().concat(), model.chassis().concat());
    let profile = model.profile;
    let below = |base: &str, rest: &str| format!("{base}/{rest}");
    let the_system = ("Systems/{}", system.clone(), "ComputerSystem");
    let the_chassis = ("Chassis/{}", chassis.clone(), "Chassis");
    let the_manager = ("Managers/{}", manager.clone(), "Manager");
    match of {
        Of::System => vec![the_system],
        Of::Chassis => vec![the_chassis],
        Of::Manager => vec![the_manager],
        Of::ManagerInterface => {
            let uri = below(&manager, &format!("EthernetInterfaces/{}", manager_interface::ID));
            vec![("Managers/{}/EthernetInterfaces/{}", uri, "EthernetInterface"), the_manager]
        }
        Of::NetworkProtocol => {
            let uri = below(&manager, "NetworkProtocol");
            vec![("Managers/{}/NetworkProtocol", uri, "ManagerNetworkProtocol"), the_manager]
        }
        Of::Bios => vec![("Systems/{}/Bios", below(&system, "Bios"), "Bios"), the_system],
        Of::BiosSettings => {
            vec![("Systems/{}/Bios/Settings", below(&system, "Bios/Settings"), "Bios"), the_system]
        }
        Of::SecureBoot => {
            vec![("Systems/{}/SecureBoot", below(&system, "SecureBoot"), "SecureBoot"), the_system]
        }
        Of::SecureBootKey(database, kind, number) => {
            let (word, schema) = match kind {
                Kind::Certificate => ("Certificates", "Certificate"),
                Kind::Signature => ("Signatures", "Signature"),
            };
            let of = below(&system, &format!("SecureBoot/SecureBootDatabases/{}", database.as_str()));
            let path = match kind {
                Kind::Certificate => "Systems/{}/SecureBoot/SecureBootDatabases/{}/Certificates/{}",
                Kind::Signature => "Systems/{}/SecureBoot/SecureBootDatabases/{}/Signatures/{}",
            };
            vec![
                (path, below(&of, &format!("{word}/{number}")), schema),
                ("Systems/{}/SecureBoot", below(&system, "SecureBoot"), "SecureBoot"),
                the_system,
            ]
        }
        Of::BootOption(number) => {
            let rest = format!("BootOptions/{}", boot_option_reference(*number));
            vec![("Systems/{}/BootOptions/{}", below(&system, &rest), "BootOption"), the_system]
        }
        Of::Certificate => {
            let uri = below(&manager, HTTPS_CERTIFICATE);
            vec![("Managers/{}/NetworkProtocol/HTTPS/Certificates/{}", uri, "Certificate"), the_manager]
        }
        Of::Media(slot) => {
            let id = profile.media_slots.get(usize::from(*slot)).map_or("", |slot| &slot.id);
            let rest = format!("VirtualMedia/{id}");
            vec![
                ("Systems/{}/VirtualMedia/{}", below(&system, &rest), "VirtualMedia"),
                ("Managers/{}/VirtualMedia/{}", below(&manager, &rest), "VirtualMedia"),
                the_manager,
            ]
        }
        Of::MediaCertificate(slot, number) => {
            let id = profile.media_slots.get(usize::from(*slot)).map_or("", |slot| &slot.id);
            let rest = format!("VirtualMedia/{id}/Certificates/{number}");
            let of_slot = candidates(&Of::Media(*slot), model, place);
            [
                ("Systems/{}/VirtualMedia/{}/Certificates/{}", below(&system, &rest), "Certificate"),
                ("Managers/{}/VirtualMedia/{}/Certificates/{}", below(&manager, &rest), "Certificate"),
            ]
            .into_iter()
            .chain(of_slot)
            .collect()
        }
        Of::Drive(number) => {
            let drive = profile.drives().find(|(other, ..)| other == number);
            let id = drive.map_or("", |(_, _, drive)| &drive.id);
            vec![("Chassis/{}/Drives/{}", below(&chassis, &format!("Drives/{id}")), "Drive"), the_chassis]
        }
        Of::Memory(number) => {
            let id = profile.dimms.get(usize::from(*number)).map_or("", |module| &module.id);
            vec![("Systems/{}/Memory/{}", below(&system, &format!("Memory/{id}")), "Memory"), the_system]
        }
        Of::Supply(number) => of_supply(*number, model, &chassis).into_iter().chain([the_chassis]).collect(),
        Of::Sensor(sensor) => of_sensor(*sensor, model, &chassis).into_iter().chain([the_chassis]).collect(),
        Of::Port(nic) => {
            let (adapter, port) = adapter_and_port(place, *nic);
            let adapter = below(&chassis, &format!("NetworkAdapters/{adapter}"));
            vec![
                ("Chassis/{}/NetworkAdapters/{}/Ports/{}", below(&adapter, &format!("Ports/{port}")), "Port"),
                ("Chassis/{}/NetworkAdapters/{}", adapter, "NetworkAdapter"),
                the_chassis,
            ]
        }
        Of::Software(component) => {
            let id = profile.firmware.get(usize::from(*component)).map_or("", |firmware| &firmware.id);
            let uri = format!("{root}/UpdateService/FirmwareInventory/{}", model.full_id(id));
            vec![("UpdateService/FirmwareInventory/{}", uri, "SoftwareInventory"), the_manager]
        }
        Of::License(id) => {
            let uri = format!("{root}/LicenseService/Licenses/{}", model.full_id(id));
            vec![("LicenseService/Licenses/{}", uri, "License"), the_manager]
        }
        Of::Volume(storage, id) => {
            let storage = below(&system, &format!("Storage/{}", storage_id(place, *storage)));
            vec![
                ("Systems/{}/Storage/{}/Volumes/{}", below(&storage, &format!("Volumes/{id}")), "Volume"),
                ("Systems/{}/Storage/{}", storage, "Storage"),
                the_system,
            ]
        }
        Of::Task(number) => {
            let uri = format!("{root}/TaskService/Tasks/{}", model.full_id(number));
            vec![("TaskService/Tasks/{}", uri, "Task"), the_manager]
        }
        Of::Log(number) => {
            vec![(log_path(model, *number), log_uri(model, *number), "LogService"), the_manager]
        }
        Of::LogEntry(number, entry) => {
            let service = profile.logs.get(usize::from(*number));
            let id = service.map_or_else(String::new, |service| service.entry_id(*entry));
            let uri = format!("{}/Entries/{id}", log_uri(model, *number));
            vec![(log_path(model, *number), uri, "LogEntry"), the_manager]
        }
        Of::ReportDefinition(id) => {
            let uri = report::uri(report::Of::Definitions, id, model);
            vec![("TelemetryService/MetricReportDefinitions/{}", uri, "MetricReportDefinition"), the_manager]
        }
        Of::TaskService
        | Of::Session(_)
        | Of::SessionService
        | Of::Account(_)
        | Of::AccountService
        | Of::Role(_)
        | Of::EventService
        | Of::Subscription(_)
        | Of::Aggregate(_) => Vec::new(),
    }
}

/// The `Sensor`; without it the part that it measures, or its object in the older document with all parts of the kind. A link leads to "the
/// resource or object" (`Event.OriginOfCondition`), and the older documents give each object such a link as its `@odata.id`.
fn of_sensor(sensor: SensorId, model: &Model<'_>, chassis: &str) -> Vec<Candidate> {
    let profile = model.profile;
    let id = sensor.redfish_id(profile);
    let of_sensors = ("Chassis/{}/Sensors/{}", format!("{chassis}/Sensors/{id}"), "Sensor");
    let thermal = |parts: &str, number: u8| {
        ("Chassis/{}/Thermal", format!("{chassis}/Thermal#/{parts}/{number}"), "Thermal")
    };
    match sensor {
        SensorId::Temperature(number) => {
            let metrics = format!("{chassis}/ThermalSubsystem/ThermalMetrics");
            let metrics = ("Chassis/{}/ThermalSubsystem/ThermalMetrics", metrics, "ThermalMetrics");
            vec![of_sensors, thermal("Temperatures", number), metrics]
        }
        SensorId::Fan(number) => {
            let id = profile.fans.get(usize::from(number)).map_or("", |fan| &fan.id);
            let fan = format!("{chassis}/ThermalSubsystem/Fans/{id}");
            vec![of_sensors, ("Chassis/{}/ThermalSubsystem/Fans/{}", fan, "Fan"), thermal("Fans", number)]
        }
        SensorId::Voltage(number) | SensorId::Output(number) => {
            [of_sensors].into_iter().chain(of_supply(number, model, chassis)).collect()
        }
    }
}

/// The power supply, in the newer and in the older document.
fn of_supply(number: u8, model: &Model<'_>, chassis: &str) -> [Candidate; 2] {
    let id = model.profile.power_supplies.get(usize::from(number)).map_or("", |supply| &supply.id);
    let supply = format!("{chassis}/PowerSubsystem/PowerSupplies/{id}");
    let older = format!("{chassis}/Power#/PowerSupplies/{number}");
    [
        ("Chassis/{}/PowerSubsystem/PowerSupplies/{}", supply, "PowerSupply"),
        ("Chassis/{}/Power", older, "Power"),
    ]
}

pub(super) fn storage_id(place: &Place<'_>, storage: u8) -> String {
    let profile = place.model.map(|model| model.profile);
    profile
        .and_then(|profile| profile.storage.get(usize::from(storage)))
        .map_or_else(String::new, |s| s.id.clone())
}

/// The ids of the adapter and of the port that have this host interface.
pub(super) fn adapter_and_port(place: &Place<'_>, nic: u8) -> (String, String) {
    let found =
        place.model.and_then(|model| Some((model.profile, model.profile.nics.get(usize::from(nic))?)));
    found.map_or_else(Default::default, |(profile, nic)| (profile.adapter_id(nic), nic.id.clone()))
}

/// The path of a log service as a profile's `absent` writes it.
fn log_path(model: &Model<'_>, number: u8) -> &'static str {
    match model.profile.logs.get(usize::from(number)).map(|service| service.below) {
        Some(Below::System) => "Systems/{}/LogServices/{}",
        Some(Below::Manager) | None => "Managers/{}/LogServices/{}",
    }
}

fn log_uri(model: &Model<'_>, number: u8) -> String {
    let service = model.profile.logs.get(usize::from(number));
    service.map_or_else(String::new, |service| log_service_uri(model, service))
}

/// The URI of a log service.
pub(in crate::redfish) fn log_service_uri(model: &Model<'_>, service: &LogService) -> String {
    let [base, key] = match service.below {
        Below::System => model.system(),
        Below::Manager => model.manager(),
    };
    format!("{base}{key}/LogServices/{}", service.id)
}

/// The URI of the log entry of an event.
pub(in crate::redfish) fn entry_uri(model: &Model<'_>, what: &What, number: u64) -> Option<String> {
    let service = model.profile.logs.iter().find(|service| what.is_in(service))?;
    Some(format!("{}/Entries/{number}", log_service_uri(model, service)))
}
