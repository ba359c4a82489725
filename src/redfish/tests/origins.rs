//! The resource that an event is about is there, at every model and at both kinds of roots.

use super::*;
use crate::dmtf::{DiagnosticDataType, Health, SecureBootDatabase};
use crate::node::bmc::environment::{Level, SensorId, Side};
use crate::node::bmc::failures::Part;
use crate::node::event::{AccountEvent, AlarmChange, Collection, Of, ReportMade, TaskEvent, What};
use crate::profile::secure_boot::Kind;
use crate::redfish::event::{Place, shown};

/// A root of the node in a bench.
pub(super) struct Site<'a> {
    pub(super) bench: &'a Bench,
    pub(super) node: NodeId,
    pub(super) own_root: bool,
}

impl Site<'_> {
    fn send(&self, method: &str, uri: &str, body: &Value) -> (u16, Value, String) {
        let request = Request::builder().method(method).uri(uri).header("Authorization", BASIC);
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let response = match self.own_root {
            true => self.bench.redfish.call_own(self.node, |_| true, &request).unwrap(),
            false => self.bench.redfish.call(&request),
        };
        let location = response.headers().get("location").map_or("", |uri| uri.to_str().unwrap()).to_owned();
        let json = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), json, location)
    }

    /// Creates a resource of the service, and returns the number at the end of its URI.
    fn create(&self, collection: &str, body: &Value) -> u32 {
        let (status, json, location) = self.send("POST", &format!("/redfish/v1/{collection}"), body);
        assert_eq!(status, 201, "{json}");
        location.rsplit('/').next().unwrap().parse().unwrap()
    }

    /// Begins an update, and returns the number of its task.
    fn begin_task(&self) -> u32 {
        let action = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";
        let (_, all, _) = self.send("GET", "/redfish/v1/UpdateService/FirmwareInventory", &Value::Null);
        let target = all["Members"].as_array().unwrap().last().unwrap()["@odata.id"].clone();
        let body = json!({"ImageURI": "http://images.example/fw-9.9.bin", "Targets": [target]});
        let (status, json, location) = self.send("POST", action, &body);
        assert_eq!(status, 202, "{json}");
        location.rsplit(['/', '-']).next().unwrap().parse().unwrap()
    }
}

/// The number of the variant, which no other has. The compiler asks for the number of a new one, and the test for its example.
fn kind(what: &What) -> usize {
    match what {
        What::PoweringOn => 0,
        What::PoweredOn => 1,
        What::PoweringOff => 2,
        What::PoweredOff => 3,
        What::Restarted => 4,
        What::SelfTestCompleted => 5,
        What::Booted => 6,
        What::NothingToBoot => 7,
        What::BootFailed => 8,
        What::ManagerReset => 9,
        What::ManagerStarted => 10,
        What::Created(_) => 11,
        What::Changed(_) => 12,
        What::Removed(_) => 13,
        What::Task(..) => 14,
        What::Account(..) => 15,
        What::DriveInserted(_) => 16,
        What::DriveRemoved(_) => 17,
        What::CableInserted(_) => 18,
        What::CableRemoved(_) => 19,
        What::VolumeHealth(..) => 20,
        What::Alarm(..) => 21,
        What::Health(_) => 22,
        What::LogCleared(_) => 23,
        What::Test(_) => 24,
        What::Report(_) => 25,
        What::Collected(_) => 26,
        What::Failed(_) => 27,
        What::Repaired(_) => 28,
    }
}

/// As [`kind`], of a resource.
fn resource(of: &Of) -> usize {
    match of {
        Of::System => 0,
        Of::Chassis => 1,
        Of::Manager => 2,
        Of::Bios => 3,
        Of::BiosSettings => 4,
        Of::SecureBoot => 5,
        Of::Media(_) => 6,
        Of::Drive(_) => 7,
        Of::Sensor(_) => 8,
        Of::Port(_) => 9,
        Of::Software(_) => 10,
        Of::Volume(..) => 11,
        Of::Task(_) => 12,
        Of::TaskService => 13,
        Of::Session(_) => 14,
        Of::SessionService => 15,
        Of::Account(_) => 16,
        Of::AccountService => 17,
        Of::Role(_) => 18,
        Of::EventService => 19,
        Of::Subscription(_) => 20,
        Of::Log(_) => 21,
        Of::LogEntry(..) => 22,
        Of::ReportDefinition(_) => 23,
        Of::Memory(_) => 24,
        Of::Supply(_) => 25,
        Of::ManagerInterface => 26,
        Of::NetworkProtocol => 27,
        Of::BootOption(_) => 28,
        Of::Certificate => 29,
        Of::SecureBootKey(..) => 30,
        Of::MediaCertificate(..) => 31,
        Of::License(_) => 32,
        Of::Aggregate(_) => 33,
    }
}

/// Asserts that there is an example of each of the variants.
fn assert_all(mut numbers: Vec<usize>, variants: usize) {
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..variants).collect::<Vec<_>>());
}

/// Every resource that events are about. Those that a client creates are there, too.
pub(super) fn resources(profile: &Profile, site: &Site<'_>) -> Vec<Of> {
    let numbers = |count: usize| 0..u8::try_from(count).unwrap();
    let mut all = vec![
        Of::System,
        Of::Chassis,
        Of::Manager,
        Of::ManagerInterface,
        Of::NetworkProtocol,
        Of::Bios,
        Of::BiosSettings,
        Of::SecureBoot,
        Of::Certificate,
        Of::TaskService,
    ];
    all.extend([Of::SessionService, Of::AccountService, Of::EventService, Of::Role("Operator".into())]);
    all.push(Of::Account(profile.accounts.first));
    all.push(Of::SecureBootKey(SecureBootDatabase::Pk, Kind::Certificate, 1));
    all.push(Of::SecureBootKey(SecureBootDatabase::Dbx, Kind::Signature, 1));
    all.extend(numbers(profile.boot_order.len()).map(Of::BootOption));
    all.extend(numbers(profile.media_slots.len()).map(Of::Media));
    all.extend(profile.drives().map(|(number, ..)| Of::Drive(number)));
    all.extend(numbers(profile.dimms.len()).map(Of::Memory));
    all.extend(numbers(profile.power_supplies.len()).map(Of::Supply));
    all.extend(sensors(profile).map(Of::Sensor));
    all.extend(numbers(profile.nics.len()).map(Of::Port));
    all.extend(numbers(profile.firmware.len()).map(Of::Software));
    all.extend(numbers(profile.logs.len()).map(Of::Log));
    // The machine has entries from its test at the maker.
    all.push(Of::LogEntry(0, 2));
    all.extend(volumes(profile).map(|(storage, id)| Of::Volume(storage, id)));
    if !profile.lacks("LicenseService/Licenses/{}") {
        let uuid =
            site.bench.redfish.fleet.look(site.node, |node, _| node.spec().uuid().to_string()).unwrap();
        let manager = if site.own_root { "1" } else { &uuid };
        let target = json!([{"@odata.id": format!("/redfish/v1/Managers/{manager}")}]);
        let license = json!({"LicenseString": "a2V5", "Links": {"TargetServices": target}});
        let (status, answer, _) = site.send("POST", "/redfish/v1/LicenseService/Licenses", &license);
        assert_eq!(status, 201, "{answer}");
        all.push(Of::License("Installed1".into()));
    }
    let reports = &profile.telemetry.reports;
    all.extend(reports.iter().map(|report| Of::ReportDefinition(report.id.as_str().into())));
    let slot = &profile.media_slots[0].id;
    let pem = include_str!("../../../tests/it/documents/certificate.pem");
    let (_, managers, _) = site.send("GET", "/redfish/v1/Managers", &Value::Null);
    let manager = managers["Members"].as_array().unwrap().last().unwrap()["@odata.id"].as_str().unwrap();
    let manager = manager.trim_start_matches("/redfish/v1/");
    let certificate = json!({"CertificateString": pem, "CertificateType": "PEM"});
    let certificates = format!("{manager}/VirtualMedia/{slot}/Certificates");
    let number = if profile.lacks("Managers/{}/VirtualMedia/{}/Certificates/{}") {
        1
    } else {
        site.create(&certificates, &certificate)
    };
    all.push(Of::MediaCertificate(0, number));
    let login = json!({"UserName": "admin", "Password": "password"});
    all.push(Of::Session(site.create("SessionService/Sessions", &login)));
    let receiver = json!({"Destination": "https://receiver.example/", "Protocol": "Redfish"});
    all.push(Of::Subscription(site.create("EventService/Subscriptions", &receiver)));
    if !site.own_root {
        all.push(Of::Aggregate(site.create("AggregationService/Aggregates", &json!({"Elements": []}))));
    }
    all.push(Of::Task(site.begin_task()));
    all
}

fn sensors(profile: &Profile) -> impl Iterator<Item = SensorId> {
    let numbers = |count: usize| 0..u8::try_from(count).unwrap();
    let supplies = numbers(profile.power_supplies.len());
    let temperatures = numbers(profile.temperatures.len()).map(SensorId::Temperature);
    temperatures
        .chain(numbers(profile.fans.len()).map(SensorId::Fan))
        .chain(supplies.flat_map(|supply| [SensorId::Voltage(supply), SensorId::Output(supply)]))
}

fn volumes(profile: &Profile) -> impl Iterator<Item = (u8, Box<str>)> {
    let all = (0u8..).zip(&profile.storage);
    all.flat_map(|(storage, of)| of.volumes.iter().map(move |volume| (storage, volume.id.as_str().into())))
}

/// The changes of an alarm from each level to each other one.
fn alarms() -> impl Iterator<Item = AlarmChange> {
    const LEVELS: [Option<Level>; 4] =
        [None, Some(Level::Caution), Some(Level::Critical), Some(Level::Fatal)];
    let pairs = LEVELS.into_iter().flat_map(|was| LEVELS.into_iter().map(move |is| (was, is)));
    pairs.filter(|(was, is)| was != is).flat_map(|(was, is)| {
        let change = move |side| AlarmChange { side, was, is, reading_milli: 0, threshold_milli: None };
        [Side::Lower, Side::Upper].map(change)
    })
}

/// Every event that tells of these resources.
pub(super) fn events(profile: &Profile, resources: &[Of]) -> Vec<What> {
    let mut all = vec![
        What::PoweringOn,
        What::PoweredOn,
        What::PoweringOff,
        What::PoweredOff,
        What::Restarted,
        What::SelfTestCompleted,
        What::Booted,
        What::NothingToBoot,
        What::BootFailed,
        What::ManagerReset,
        What::ManagerStarted,
        What::Test(Box::default()),
    ];
    let healths = [Health::Ok, Health::Warning, Health::Critical];
    all.extend(healths.map(What::Health));
    let account = |event| What::Account(profile.accounts.first, "admin".into(), event);
    all.extend([AccountEvent::Locked, AccountEvent::LockoutExpired, AccountEvent::Unlocked].map(account));
    let both = |part| [What::Failed(part), What::Repaired(part)];
    for of in resources {
        all.extend([What::Created(of.clone()), What::Changed(of.clone()), What::Removed(of.clone())]);
        match *of {
            Of::Drive(number) => {
                all.extend([What::DriveInserted(number), What::DriveRemoved(number)]);
                all.extend(both(Part::Drive(number)));
            }
            Of::Memory(number) => all.extend(both(Part::Memory(number))),
            Of::Supply(number) => all.extend(both(Part::Supply(number))),
            Of::Port(number) => all.extend([What::CableInserted(number), What::CableRemoved(number)]),
            Of::Volume(storage, ref id) => {
                all.extend(healths.map(|health| What::VolumeHealth(storage, id.clone(), health)));
            }
            Of::Log(number) => {
                let log = profile.logs[usize::from(number)].holds[0];
                let collection = Collection { log, kind: DiagnosticDataType::Manager, oem: None };
                all.extend([What::LogCleared(number), What::Collected(Box::new(collection))]);
            }
            Of::Task(number) => {
                use TaskEvent::{Cancelled, Completed, Failed, Removed, Started};
                let ends = [Started, Completed, Failed, Cancelled, Removed];
                all.extend(ends.map(|event| What::Task(number, event)));
            }
            Of::Sensor(sensor) => {
                all.extend(alarms().map(|change| What::Alarm(sensor, Box::new(change))));
                if let SensorId::Fan(number) = sensor {
                    all.extend(both(Part::Fan(number)));
                }
            }
            Of::ReportDefinition(ref id) => {
                let made = ReportMade { definition: id.clone(), values: Vec::new() };
                all.push(What::Report(Box::new(made)));
            }
            _ => {}
        }
    }
    all
}

#[test]
fn the_origin_of_every_event_is_there() {
    let (sensors, thermal, power) = ("Chassis/{}/Sensors", "Chassis/{}/Thermal", "Chassis/{}/Power");
    let (fans, supplies) = ("Chassis/{}/ThermalSubsystem/Fans", "Chassis/{}/PowerSubsystem");
    let mut left_out: Vec<(&str, Vec<&str>)> = vec![
        ("hpe-dl380-gen11", vec![sensors]),
        ("generic", vec![sensors]),
        ("generic", vec![sensors, fans, supplies]),
        ("generic", vec![sensors, thermal, power]),
        ("generic", vec![sensors, thermal, power, "Chassis/{}/ThermalSubsystem", supplies]),
        (
            "generic",
            vec!["Chassis/{}/NetworkAdapters/{}/Ports", "Systems/{}/SecureBoot", "Systems/{}/VirtualMedia"],
        ),
        (
            "generic",
            vec!["Chassis/{}/NetworkAdapters", "Systems/{}/Storage", "Systems/{}/Bios", "Chassis/{}/Drives"],
        ),
        ("generic", vec!["TelemetryService", "Systems/{}/LogServices", "Managers/{}/LogServices"]),
    ];
    left_out.extend(crate::profile::built_in_names().into_iter().map(|name| (name, Vec::new())));
    let (mut kinds, mut kinds_of_resources) = (Vec::new(), Vec::new());
    for (model, absent) in left_out {
        for own_root in [false, true] {
            let mut profile = Profile::clone(&built_in(model).unwrap());
            profile.absent.extend(absent.iter().map(|path| (*path).to_owned()));
            let profile = Arc::new(profile);
            let mut bench = Bench::new();
            bench.add_model(Arc::clone(&profile));
            let node = NodeId(3);
            let site = Site { bench: &bench, node, own_root };
            let resources = resources(&profile, &site);
            let all = events(&profile, &resources);
            kinds_of_resources.extend(resources.iter().map(resource));
            kinds.extend(all.iter().map(kind));
            let origins = bench.redfish.fleet.look(node, |node, _| {
                let uuid = node.spec().uuid().to_string();
                let (of_node, of_service) = (Place::of(node, &uuid, own_root), Place { model: None });
                let at = |what: &What| {
                    let place = if own_root || what.is_of_machine() { &of_node } else { &of_service };
                    let shown = shown(what, place);
                    (shown.origin, shown.resource_type)
                };
                all.iter().map(at).collect::<Vec<_>>()
            });
            for (what, (uri, kind)) in all.iter().zip(origins.unwrap()) {
                // A client sends no fragment (RFC 9110, 7.1).
                let (resource, fragment) = uri.split_once('#').unwrap_or((&uri, ""));
                let (status, document, _) = site.send("GET", resource, &Value::Null);
                assert_eq!(status, 200, "{model} without {absent:?}: {what:?}: {uri}");
                let is = document["@odata.type"].as_str().unwrap();
                assert!(is.ends_with(&format!(".{kind}")), "{uri}: {is}");
                assert_eq!(document.pointer(fragment).map(|of| &of["@odata.id"]), Some(&json!(uri)));
            }
        }
    }
    assert_all(kinds, 29);
    assert_all(kinds_of_resources, 34);
}

#[test]
fn a_subscriber_to_a_resource_gets_the_events_of_its_objects() {
    let mut profile = Profile::clone(&built_in("generic").unwrap());
    profile.absent.push("Chassis/{}/Sensors".to_owned());
    let mut bench = Bench::new();
    bench.add_model(Arc::new(profile));
    let thermal = format!("{}/Thermal", bench.system.replace("Systems", "Chassis"));
    let asked = |uri: &str| json!({"OriginResources": [{"@odata.id": uri}]});
    let inlet = format!("{thermal}#/Temperatures/0");
    let subscriptions = [&thermal, &inlet].map(|uri| super::events::subscribe(&bench, &asked(uri)));
    let hot = crate::node::lab::Command::Inlet(Some(60));
    bench.redfish.fleet.apply(NodeId(3), crate::node::command::Command::Lab(hot)).unwrap().unwrap();
    for subscription in &subscriptions {
        let events = super::events::take(&bench, subscription);
        let origins: Vec<_> = events.iter().map(|event| &event["OriginOfCondition"]["@odata.id"]).collect();
        assert!(origins.contains(&&json!(inlet)), "{events:?}");
    }
}
