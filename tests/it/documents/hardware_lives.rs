//! Lives in which the hardware changes: firmware is updated, volumes are created and deleted, cables and drives are pulled, air is hot.

use fauxmetal::node::bmc::failures::Part;
use fauxmetal::node::bmc::plugs::Plug;
use fauxmetal::node::command::Command;
use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::node::lab;
use fauxmetal::note::Note;
use http::Method;
use serde_json::{Value, json};

use super::lives::{ID, Life};

/// Firmware of the machine and of its BMC is updated; the image of another component cannot be read.
pub(super) fn firmware(life: &mut Life) {
    let all = life.get("/redfish/v1/UpdateService/FirmwareInventory");
    let other = all["Members"][2]["@odata.id"].as_str().unwrap().to_owned();
    update(life, "{system}/Bios", "bios-9.1.0.bin");
    life.moment("fetching the image of the BIOS");
    fetched(life, Ok(()));
    life.moment("update of the BIOS staged");
    update(life, "{manager}", "bmc-9.2.0.bin");
    fetched(life, Ok(()));
    update(life, &other, "other-9.3.0.bin");
    fetched(life, Err("404 Not \"Found\"".into()));
    life.moment("update of the BMC staged, other image not readable");
    life.post("{manager}/Actions/Manager.Reset", json!({}));
    // It answers for a while before it restarts.
    life.jump();
    life.jump();
    life.moment("BMC updated");
    life.reset("On");
    life.boot_read(Ok(Bootable::Live));
    life.moment("BIOS updated");
}

fn update(life: &mut Life, target: &str, image: &str) {
    let target = life.path(target);
    life.post(
        "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate",
        json!({"ImageURI": format!("http://images.example/{image}"), "Targets": [target]}),
    );
}

/// Goes to the next outgoing call, which fetches an image, and answers it.
fn fetched(life: &mut Life, result: Result<(), Note>) {
    let EffectKind::FetchFirmware { component, update } = life.call_out() else { panic!("another call") };
    life.redfish.fleet.answer(ID, Answer::FirmwareFetched { component, update, result });
}

/// The first two drives of a controller with RAID become a volume, and drives again.
pub(super) fn volumes(life: &mut Life) {
    let storages = life.get("{system}/Storage");
    let first = storages["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let drives = life.get(&first)["Drives"].take();
    life.post(
        &format!("{first}/Volumes"),
        json!({"RAIDType": "RAID1", "Name": "\"root\"", "Links": {"Drives": [drives[0], drives[1]]}}),
    );
    life.moment("volume being created");
    life.jump();
    life.moment("volume created");
    life.post(&format!("{first}/Volumes/Volume1/Actions/Volume.Initialize"), json!({}));
    life.jump();
    life.delete(&format!("{first}/Volumes/Volume1"));
    life.moment("volume being deleted");
    life.jump();
    life.moment("volume deleted");
}

/// Tasks of every kind: an update of two components, cancelled and failed updates, and a reset of the BMC to defaults.
pub(super) fn tasks(life: &mut Life) {
    let all = life.get("/redfish/v1/UpdateService/FirmwareInventory");
    let targets: Vec<_> = (0..2).map(|n| all["Members"][n]["@odata.id"].as_str().unwrap()).collect();
    life.post(
        "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate",
        json!({"ImageURI": "http://u:secret@images.example/all-9.9.bin", "Targets": targets, "Password": "secret"}),
    );
    fetched(life, Ok(()));
    life.moment("one of two images fetched");
    fetched(life, Err("404 \"Not\" Found".into()));
    life.moment("the other image not readable");
    let tasks = life.get("/redfish/v1/TaskService/Tasks");
    let task = tasks["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    life.delete(&task);
    life.moment("update cancelled");
    life.delete(&task);
    life.post("{manager}/Actions/Manager.ResetToDefaults", json!({"ResetType": "ResetAll"}));
    life.moment("BMC about to be reset");
    life.jump();
    life.jump();
    life.moment("BMC reset");
}

/// A person pulls a cable and drives, of which two are a volume, and plugs them in again.
pub(super) fn plugs(life: &mut Life) {
    let set = |life: &mut Life, part, plugged| {
        let command = if plugged { lab::Command::Plug(part) } else { lab::Command::Unplug(part) };
        life.redfish.fleet.apply(ID, Command::Lab(command)).unwrap().unwrap();
    };
    set(life, Plug::Cable(0), false);
    life.moment("cable pulled");
    set(life, Plug::Cable(0), true);
    set(life, Plug::Drive(0), false);
    life.moment("drive pulled, cable back");
    set(life, Plug::Drive(0), true);
    let storages = life.get("{system}/Storage");
    let first = storages["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let drives = life.get(&first)["Drives"].take();
    life.post(
        &format!("{first}/Volumes"),
        json!({"RAIDType": "RAID1", "Name": "root", "Links": {"Drives": [drives[0], drives[1]]}}),
    );
    life.moment("drive back, volume created");
    set(life, Plug::Drive(1), false);
    life.moment("volume degraded");
    set(life, Plug::Drive(0), false);
    life.moment("volume failed");
    set(life, Plug::Drive(0), true);
    set(life, Plug::Drive(1), true);
    life.moment("drives back");
}

/// The air gets hot, fans fail, a power supply loses its input, the power is limited; and everything is well again.
pub(super) fn environment(life: &mut Life) {
    let lab = |life: &mut Life, command| {
        life.redfish.fleet.apply(ID, Command::Lab(command)).unwrap().unwrap();
    };
    life.reset("On");
    lab(life, lab::Command::Inlet(Some(60)));
    life.moment("hot air, host on");
    lab(life, lab::Command::Fail(Part::Fan(0)));
    lab(life, lab::Command::Unplug(Plug::Cord(0)));
    life.moment("a fan failed, a supply without input");
    lab(life, lab::Command::Fail(Part::Fan(1)));
    lab(life, lab::Command::Inlet(None));
    life.moment("two fans failed, normal air");
    lab(life, lab::Command::Repair(Part::Fan(0)));
    lab(life, lab::Command::Repair(Part::Fan(1)));
    lab(life, lab::Command::Plug(Plug::Cord(0)));
    life.moment("all well again");
    let limit = json!({"LimitInWatts": 300, "LimitException": "LogEventOnly", "CorrectionInMs": 1000});
    life.patch("{chassis}/Power", json!({"PowerControl": [{"PowerLimit": limit}]}));
    life.moment("power limited");
}

/// A drive, a memory module and a power supply fail, and are repaired. A volume has the drive at last.
pub(super) fn failures(life: &mut Life) {
    let parts = [Part::Drive(0), Part::Memory(1), Part::Supply(0)];
    let set = |life: &mut Life, part, failed| {
        let command = if failed { lab::Command::Fail(part) } else { lab::Command::Repair(part) };
        life.redfish.fleet.apply(ID, Command::Lab(command)).unwrap().unwrap();
    };
    parts.into_iter().for_each(|part| set(life, part, true));
    life.moment("a drive, a memory module and a power supply failed");
    life.reset("On");
    life.boot_read(Ok(Bootable::Live));
    life.moment("the self test leaves the module out");
    parts.into_iter().for_each(|part| set(life, part, false));
    life.moment("repaired, before the next self test");
    let storages = life.get("{system}/Storage");
    let first = storages["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let drives = life.get(&first)["Drives"].take();
    life.post(
        &format!("{first}/Volumes"),
        json!({"RAIDType": "RAID1", "Name": "root", "Links": {"Drives": [drives[0], drives[1]]}}),
    );
    set(life, Part::Drive(0), true);
    life.moment("volume degraded by a failed drive");
    set(life, Part::Drive(1), true);
    life.moment("volume failed with its drives");
}

/// Reports of all kinds, of the model and of a client, before and after they are made.
pub(super) fn reports(life: &mut Life) {
    const DEFINITIONS: &str = "/redfish/v1/TelemetryService/MetricReportDefinitions";
    let of_model = format!("{DEFINITIONS}/{{uuid}}-PowerMetrics");
    let subscription = json!({
        "Destination": "http://127.0.0.1:9/", "Protocol": "Redfish", "EventFormatType": "MetricReport",
        "MetricReportDefinitions": [{"@odata.id": life.path(&of_model)}],
    });
    life.post("/redfish/v1/EventService/Subscriptions", subscription);
    life.reset("On");
    life.patch(&of_model, json!({"MetricReportDefinitionEnabled": true}));
    let properties = life.get(&of_model)["Metrics"][0]["MetricProperties"].clone();
    for (id, kind, updates) in [
        ("request", "OnRequest", "Overwrite"),
        ("change", "OnChange", "AppendWrapsWhenFull"),
        ("minute", "Periodic", "AppendStopsWhenFull"),
    ] {
        let average = json!({
            "MetricId": "mine", "MetricProperties": properties, "CollectionFunction": "Average",
            "CollectionDuration": "PT20S",
        });
        let plain = json!({"MetricProperties": properties});
        let mut body = json!({
            "Id": life.path(&format!("{{uuid}}-{id}")), "Name": "Report", "MetricReportDefinitionType": kind,
            "ReportUpdates": updates, "ReportActions": ["RedfishEvent", "LogToMetricReportsCollection"],
            "Metrics": [if kind == "Periodic" { average } else { plain }],
        });
        if kind == "Periodic" {
            body["Schedule"] = json!({"RecurrenceInterval": "PT1M"});
        }
        life.post(DEFINITIONS, body);
    }
    life.moment("reports defined");
    (0..80).for_each(|_| life.jump());
    life.moment("reports made");
    life.patch(&of_model, json!({"MetricReportDefinitionEnabled": false, "ReportActions": []}));
    life.delete(&format!("{DEFINITIONS}/{{uuid}}-minute"));
    life.moment("one report nowhere, one deleted");
}

/// Diagnostic data of both logs that have some, in models with such logs.
pub(super) fn diagnostics(life: &mut Life) {
    let logs = ["{system}/LogServices/SEL", "{manager}/LogServices/Log"];
    const COLLECT: &str = "LogService.CollectDiagnosticData";
    let has_data = life
        .redfish
        .fleet
        .look(ID, |node, _| node.profile().logs.iter().any(|service| !service.diagnostics.is_empty()));
    if has_data != Some(true) {
        return;
    }
    let system = json!({"DiagnosticDataType": "OEM", "OEMDiagnosticDataType": "System"});
    let manager = json!({"DiagnosticDataType": "Manager"});
    for (log, body) in logs.into_iter().zip([system, manager]) {
        life.post(&format!("{log}/Actions/{COLLECT}"), body);
    }
    life.moment("data is collected");
    (0..2).for_each(|_| life.jump());
    life.moment("both archives are there");
    life.post(&format!("{}/Actions/LogService.ClearLog", logs[0]), json!({}));
    life.moment("a log cleared");
}

/// Settings of the controller's interface, each another one than that of a new machine.
pub(super) fn network() -> Value {
    json!({
        "FQDN": "bmc-7.example", "MTUSize": 9000, "VLAN": {"VLANEnable": true, "VLANId": 7},
        "DHCPv4": {"DHCPEnabled": false}, "DHCPv6": {"OperatingMode": "Disabled"},
        "StatelessAddressAutoConfig": {"IPv6AutoConfigEnabled": false}, "StaticNameServers": ["192.0.2.53"],
        "IPv4StaticAddresses": [{"Address": "192.0.2.7", "SubnetMask": "255.255.255.0", "Gateway": "192.0.2.1"}],
        "IPv6StaticAddresses": [{"Address": "2001:db8::7", "PrefixLength": 64}],
        "IPv6StaticDefaultGateways": [{"Address": "fe80::1", "PrefixLength": 64}],
    })
}

pub(super) fn protocols() -> Value {
    json!({
        "NTP": {"ProtocolEnabled": true, "NTPServers": ["ntp.example"]}, "IPMI": {"ProtocolEnabled": false},
        "SSDP": {"NotifyTTL": 5, "NotifyMulticastIntervalSeconds": 60, "NotifyIPv6Scope": "Site"},
    })
}

/// The HTTPS certificate of the BMC is replaced by one of a client, which sends the key too.
pub(super) fn certificates(life: &mut Life) {
    let at = life.path("{manager}/NetworkProtocol/HTTPS/Certificates/1");
    let csr = life.send(Method::POST, &format!("{at}/Actions/Certificate.Rekey"), &json!({}));
    assert!(csr["CSRString"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{csr}");
    let new = json!({
        "CertificateString": include_str!("certificate.pem"), "CertificateType": "PEM", "CertificateUri": {"@odata.id": at},
    });
    life.post("/redfish/v1/CertificateService/Actions/CertificateService.ReplaceCertificate", new);
    life.moment("certificate replaced");
    let slot = life.get("{manager}/VirtualMedia")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    if life.get(&slot).get("Certificates").is_some() {
        let of_server =
            json!({"CertificateString": include_str!("certificate.pem"), "CertificateType": "PEM"});
        life.post(&format!("{slot}/Certificates"), of_server);
        life.patch(&slot, json!({"VerifyCertificate": true}));
    }
    let image = json!({"Image": "https://images.example/boot.iso", "Inserted": true, "UserName": "u", "Password": "p"});
    life.patch(&slot, image);
    life.moment("image inserted by PATCH");
    life.patch(&slot, json!({"WriteProtected": false}));
    life.moment("image that can be written");
    life.patch(&slot, json!({"Image": null, "Inserted": false}));
    life.moment("image ejected by PATCH");
    let system = life.path("{system}");
    life.post("/redfish/v1/AggregationService/Aggregates", json!({"Elements": [{"@odata.id": system}]}));
    life.post(
        "/redfish/v1/AggregationService/Aggregates/1/Actions/Aggregate.Reset",
        json!({"ResetType": "On"}),
    );
    life.moment("machines reset by an aggregate");
    if life.get("/redfish/v1").get("LicenseService").is_none() {
        return;
    }
    let manager = life.path("{manager}");
    let license =
        json!({"LicenseString": "bGljZW5zZQ==", "Links": {"TargetServices": [{"@odata.id": &manager}]}});
    life.post("/redfish/v1/LicenseService/Licenses", license);
    life.moment("license installed");
    life.delete("/redfish/v1/LicenseService/Licenses/{uuid}-Installed1");
    life.moment("license deleted");
    life.post(
        "/redfish/v1/LicenseService/Actions/LicenseService.Install",
        json!({
            "LicenseFileURI": "http://u:secret@files.example/a.lic", "Password": "secret",
            "TargetServices": [{"@odata.id": manager}],
        }),
    );
    life.moment("license asked for");
    let task = loop {
        // Nobody answers for the images above.
        if let EffectKind::FetchLicense { task } = life.call_out() {
            break task;
        }
    };
    life.redfish.fleet.answer(ID, Answer::LicenseFetched { task, result: Ok("1F".repeat(32).into()) });
    life.moment("license fetched");
}

/// Keys are added to the databases of secure boot and deleted, one by one and all at once.
pub(super) fn keys(life: &mut Life) {
    let databases = life.path("{system}/SecureBoot/SecureBootDatabases");
    let certificate = json!({
        "CertificateString": include_str!("certificate.pem"), "CertificateType": "PEM",
        "UefiSignatureOwner": "28d5e212-165b-4ca0-909b-c86b9cee0112",
    });
    let signature = |digits: &str| {
        json!({
            "SignatureTypeRegistry": "UEFI", "SignatureType": "EFI_CERT_SHA256_GUID", "SignatureString": digits.repeat(32),
        })
    };
    life.post(&format!("{databases}/db/Certificates"), certificate.clone());
    life.post(&format!("{databases}/dbx/Signatures"), signature("ab"));
    life.moment("a certificate and a signature added");
    life.send(Method::DELETE, &format!("{databases}/dbx/Signatures/102"), &Value::Null);
    life.send(Method::DELETE, &format!("{databases}/PK/Certificates/1"), &Value::Null);
    life.moment("signature and platform key deleted");
    life.post(&format!("{databases}/PK/Certificates"), certificate);
    life.post(
        &format!("{databases}/db/Actions/SecureBootDatabase.ResetKeys"),
        json!({"ResetKeysType": "DeleteAllKeys"}),
    );
    life.moment("another platform key, an empty database");
    let reset = life.path("{system}/SecureBoot/Actions/SecureBoot.ResetKeys");
    life.post(&reset, json!({"ResetKeysType": "DeleteAllKeys"}));
    life.moment("all keys deleted");
}

/// A client changes what the maker has added to the standard.
pub(super) fn properties_of_makers(life: &mut Life) {
    if life.get("{manager}")["Oem"]["Hpe"].is_object() {
        let names = ["NIC.Slot.1.1.IPv4", "HD.Emb.1.1", "Generic.USB.1.1"];
        for (name, path, body) in [
            (
                "date and time changed",
                "{manager}/DateTime",
                json!({"TimeZone": {"Index": 22}, "StaticNTPServers": ["192.0.2.7", ""], "PropagateTimeToHost": true}),
            ),
            (
                "OEM object of the port changed",
                "{manager}/EthernetInterfaces/eth0",
                json!({"MTUSize": 1300, "Oem": {"Hpe": {"DomainName": "a.example", "IPv4": {"WINSRegistration": false}}}}),
            ),
            (
                "boot order changed by its other name",
                "{system}/Bios/oem/hpe/boot/settings",
                json!({"PersistentBootConfigOrder": names}),
            ),
        ] {
            life.patch(path, body);
            life.moment(name);
        }
    }
}
