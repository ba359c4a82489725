//! Bodies that are right for a resource and a method, and changes that make most of them wrong.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::rules;

/// What a body must know of the service to be right.
#[derive(Clone, Default)]
pub(super) struct Facts {
    /// A BIOS attribute with a list of values, and its values.
    pub(super) bios: (String, Vec<Value>),
    /// The URIs of the drives of each storage controller, by the URI of the controller.
    pub(super) drives: Vec<(String, Vec<String>)>,
    /// The URIs of the certificates of managers that clients can replace.
    pub(super) certificates: Vec<String>,
    /// The URIs of the parts with firmware.
    pub(super) firmware: Vec<String>,
    /// The URIs of the values that a metric report can have.
    pub(super) metrics: Vec<String>,
    /// The ids of the roles.
    pub(super) roles: Vec<String>,
    /// Pairs of names and passwords, most of them right.
    pub(super) logins: Vec<(String, String)>,
}

pub(super) const PASSWORDS: [&str; 3] = ["a-password", "another-password", "pass:word-3"];

/// Bodies that the service accepts at some time. Empty if the resource has no such method. Null stands for no body.
pub(super) fn right(method: &str, uri: &str, facts: &Facts) -> Vec<Value> {
    let Some(segments) = rules::segments(uri) else { return Vec::new() };
    match (method, &*segments) {
        ("PATCH", ["Systems", _]) => system(),
        ("POST", ["Systems", _, "Actions", "ComputerSystem.SetDefaultBootOrder"]) => {
            vec![json!({}), Value::Null]
        }
        ("PATCH", ["Systems", _, "BootOptions", _]) => {
            [true, false].map(|on| json!({"BootOptionEnabled": on})).to_vec()
        }
        ("POST", ["Systems", _, "Actions", _]) => {
            ["On", "ForceOff", "GracefulShutdown", "ForceRestart", "PushPowerButton", "Nmi"]
                .map(reset)
                .to_vec()
        }
        ("POST", ["Systems", _, "Bios", "Actions", _]) => vec![json!({}), Value::Null],
        ("PATCH", ["Systems", _, "Bios", "Settings"]) => {
            let (name, values) = &facts.bios;
            values.iter().map(|value| json!({"Attributes": {name.as_str(): value}})).collect()
        }
        ("PATCH", ["Systems", _, "SecureBoot"]) => {
            [true, false].map(|on| json!({"SecureBootEnable": on})).to_vec()
        }
        ("POST", ["Systems", _, "SecureBoot", "Actions", _]) => {
            ["ResetAllKeysToDefault", "DeletePK"].map(|kind| json!({"ResetKeysType": kind})).to_vec()
        }
        ("POST", ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Actions", _]) => {
            ["ResetAllKeysToDefault", "DeleteAllKeys"].map(|kind| json!({"ResetKeysType": kind})).to_vec()
        }
        (
            "POST",
            ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Certificates"]
            | ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Certificates", "Members"],
        ) => certificates(true),
        (
            "POST",
            ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Signatures"]
            | ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Signatures", "Members"],
        ) => [("EFI_CERT_SHA256_GUID", 32), ("EFI_CERT_SHA384_GUID", 48)]
            .map(|(kind, bytes)| {
                json!({"SignatureTypeRegistry": "UEFI", "SignatureType": kind, "SignatureString": "0f".repeat(bytes)})
            })
            .to_vec(),
        (
            "POST",
            ["Systems", _, "Storage", _, "Volumes"] | ["Systems", _, "Storage", _, "Volumes", "Members"],
        ) => volumes(uri, facts),
        ("POST", ["Systems", _, "Storage", _, "Volumes", _, "Actions", _]) => {
            vec![json!({"InitializeType": "Fast"})]
        }
        ("POST", ["CertificateService", "Actions", "CertificateService.GenerateCSR"]) => {
            let request = |of: &String| json!({"CertificateCollection": {"@odata.id": of}, "CommonName": "bmc.example", "KeyBitLength": 384});
            facts
                .certificates
                .iter()
                .filter_map(|uri| Some(request(&uri.strip_suffix("/1")?.to_owned())))
                .collect()
        }
        ("POST", ["CertificateService", "Actions", _]) => {
            let pem = include_str!("../certificate.pem");
            let replace = |uri: &String| json!({"CertificateString": pem, "CertificateType": "PEM", "CertificateUri": {"@odata.id": uri}});
            facts.certificates.iter().map(replace).collect()
        }
        (
            "POST",
            ["Managers", _, "NetworkProtocol", "HTTPS", "Certificates", _, "Actions", "Certificate.Rekey"],
        ) => {
            vec![json!({}), json!({"KeyPairAlgorithm": "TPM_ALG_ECC", "KeyCurveId": "TPM_ECC_NIST_P256"})]
        }
        ("POST", ["Managers", _, "NetworkProtocol", "HTTPS", "Certificates", _, "Actions", _]) => {
            vec![json!({}), Value::Null]
        }
        ("PATCH", ["Managers", _]) => vec![
            json!({"DateTime": "2030-01-02T03:04:05+02:00"}),
            json!({"DateTime": "0001-01-01T00:00:00Z"}),
            json!({"DateTime": "9999-12-31T23:59:59-14:00"}),
            json!({"DateTimeLocalOffset": "+05:30"}),
        ],
        ("PATCH", ["Managers", _, "EthernetInterfaces", _]) => vec![
            json!({"HostName": "bmc-7", "MTUSize": 1400, "VLAN": {"VLANEnable": true, "VLANId": 7, "Tagged": false}}),
            json!({"FQDN": "bmc-8.rack.example", "StaticNameServers": ["192.0.2.53", null, "2001:db8::53"]}),
            json!({"DHCPv4": {"DHCPEnabled": false}, "DHCPv6": {"OperatingMode": "Stateless", "UseRapidCommit": true}}),
            json!({"IPv4StaticAddresses": [{"Address": "192.0.2.7", "SubnetMask": "255.255.255.0", "Gateway": null}, {}, null]}),
            json!({"IPv6StaticAddresses": [{"Address": "2001:db8::7", "PrefixLength": 48}],
                "IPv6StaticDefaultGateways": [{"Address": "fe80::1"}]}),
            json!({"HostName": "bmc-9", "Oem": {"Hpe": {"DomainName": "lab.example", "IPv4": {"DNSServers": ["192.0.2.9"]}}}}),
            json!({"IPv4StaticAddresses": [], "StatelessAddressAutoConfig": {"IPv4AutoConfigEnabled": true}}),
        ],
        ("PATCH", ["Managers", _, "DateTime"]) => vec![
            json!({"TimeZone": {"Index": 22}}),
            json!({"StaticNTPServers": ["192.0.2.123", ""], "PropagateTimeToHost": true}),
        ],
        ("PATCH", ["Systems", _, "Bios", "oem", "hpe", "boot", "settings"]) => {
            let names = ["HD.Emb.1.1", "Generic.USB.1.1", "NIC.Slot.1.1.IPv4"];
            [[0, 1, 2], [2, 0, 1]]
                .map(|order| json!({"PersistentBootConfigOrder": order.map(|n| names[n])}))
                .to_vec()
        }
        ("PATCH", ["Managers", _, "NetworkProtocol"]) => vec![
            json!({"NTP": {"ProtocolEnabled": true, "NTPServers": ["ntp.example", "192.0.2.123"]}}),
            json!({"SSDP": {"NotifyTTL": 3, "NotifyMulticastIntervalSeconds": 0, "NotifyIPv6Scope": "Organization"}}),
            json!({"IPMI": {"ProtocolEnabled": false}, "Telnet": {"ProtocolEnabled": false}}),
        ],
        ("POST", ["Managers", _, "Actions", "Manager.Reset"]) => {
            vec![reset("GracefulRestart"), reset("ForceRestart")]
        }
        ("POST", ["Managers", _, "Actions", _]) => vec![reset("PreserveNetworkAndUsers"), reset("ResetAll")],
        ("POST", [.., "VirtualMedia", _, "Actions", "VirtualMedia.InsertMedia"]) => vec![
            json!({"Image": "http://user:secret@images.example/a.iso?b=c", "Inserted": true}),
            json!({"Image": "https://images.example/b.iso", "UserName": "u", "Password": "p", "WriteProtected": false}),
        ],
        ("PATCH", [.., "VirtualMedia", _]) => vec![
            json!({"Image": "https://images.example/c.iso", "Inserted": true, "WriteProtected": true, "UserName": "u", "Password": "p"}),
            json!({"Image": null, "Inserted": false}),
            json!({"WriteProtected": false, "VerifyCertificate": true}),
        ],
        (
            "POST",
            [.., "VirtualMedia", _, "Certificates"] | [.., "VirtualMedia", _, "Certificates", "Members"],
        ) => certificates(false),
        ("POST", [.., "VirtualMedia", _, "Actions", _]) => vec![json!({}), Value::Null],
        ("PATCH", ["Chassis", _]) => {
            ["Lit", "Off"].map(|led| json!({"IndicatorLED": led, "AssetTag": led})).to_vec()
        }
        ("POST", ["Chassis", _, "Actions", _]) => ["On", "ForceOff", "FullPowerCycle"].map(reset).to_vec(),
        ("PATCH", ["Chassis", _, "Drives", _]) => {
            [true, false].map(|on| json!({"LocationIndicatorActive": on})).to_vec()
        }
        ("POST", ["UpdateService", "Actions", _]) => {
            let image = "http://user:secret@images.example/image-2.5.0.bin";
            let update = |target: &String| json!({"ImageURI": image, "Targets": [target], "Password": "p"});
            facts.firmware.iter().map(update).collect()
        }
        (
            "POST",
            ["TelemetryService", "MetricReportDefinitions"]
            | ["TelemetryService", "MetricReportDefinitions", "Members"],
        ) => reports(facts),
        ("PATCH", ["TelemetryService", "MetricReportDefinitions", _]) => vec![
            json!({"MetricReportDefinitionEnabled": true}),
            json!({"MetricReportDefinitionType": "OnChange", "ReportActions": ["RedfishEvent"]}),
            json!({"ReportUpdates": "AppendStopsWhenFull", "MetricReportDefinitionEnabled": false}),
        ],
        (
            "POST",
            ["AggregationService", "Aggregates"]
            | ["AggregationService", "Aggregates", "Members"]
            | ["AggregationService", "Actions" | "Aggregates", ..],
        ) => aggregates(&segments, facts),
        ("POST", ["LicenseService", "Actions", _]) => {
            let license = |uri: &String| {
                let manager = uri.split("/NetworkProtocol").next();
                json!({"LicenseFileURI": "http://user:secret@files.example/a.lic", "Password": "p",
                    "TargetServices": [{"@odata.id": manager}]})
            };
            facts.certificates.iter().map(license).collect()
        }
        ("POST", ["LicenseService", "Licenses"] | ["LicenseService", "Licenses", "Members"]) => {
            let license = |uri: &String| {
                let manager = uri.split("/NetworkProtocol").next();
                json!({"LicenseString": "bGljZW5zZQ==", "Links": {"TargetServices": [{"@odata.id": manager}]}})
            };
            facts.certificates.iter().map(license).collect()
        }
        ("PATCH", ["TaskService"]) => vec![
            json!({"ServiceEnabled": true, "TaskAutoDeleteTimeoutMinutes": 10}),
            json!({"TaskAutoDeleteTimeoutMinutes": 1}),
            json!({"ServiceEnabled": false}),
        ],
        ("PATCH", ["SessionService"]) => [30, 1800, 86_400].map(|s| json!({"SessionTimeout": s})).to_vec(),
        ("POST", ["SessionService", "Sessions"] | ["SessionService", "Sessions", "Members"]) => {
            let login = |(user, password): &(String, String)| json!({"UserName": user, "Password": password});
            facts.logins.iter().map(login).collect()
        }
        ("PATCH", ["AccountService"]) => policies(),
        ("POST", ["AccountService", "Accounts"] | ["AccountService", "Accounts", "Members"]) => {
            let new = |role: &String| json!({"UserName": format!("new {role}"), "Password": PASSWORDS[0], "RoleId": role});
            facts.roles.iter().map(new).collect()
        }
        ("PATCH", ["AccountService", "Accounts", _]) => account(facts),
        ("POST", ["AccountService", "Accounts", _, "Actions", _]) => {
            let own = facts.logins.iter().map(|(_, password)| password);
            own.zip(PASSWORDS.iter().cycle())
                .map(|(own, new)| json!({"SessionAccountPassword": own, "NewPassword": new}))
                .collect()
        }
        ("POST", ["AccountService", "Roles"] | ["AccountService", "Roles", "Members"]) => vec![
            json!({"RoleId": "Role-1", "AssignedPrivileges": ["Login"]}),
            json!({"RoleId": "Role_2", "AssignedPrivileges": ["Login", "ConfigureUsers"]}),
        ],
        ("PATCH", ["AccountService", "Roles", _]) => vec![
            json!({"AssignedPrivileges": ["Login"]}),
            json!({"AssignedPrivileges": ["Login", "ConfigureManager", "ConfigureComponents"]}),
        ],
        (
            "DELETE",
            ["AccountService", "Accounts" | "Roles", _]
            | ["SessionService", "Sessions", _]
            | ["Systems", _, "Storage", _, "Volumes", _]
            | ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Certificates" | "Signatures", _]
            | [.., "VirtualMedia", _, "Certificates", _]
            | ["TelemetryService", "MetricReportDefinitions", _]
            | ["LicenseService", "Licenses", _]
            | ["AggregationService", "Aggregates", _]
            | ["TaskService", "Tasks" | "TaskMonitors", _],
        ) => vec![Value::Null],
        _ => Vec::new(),
    }
}

/// Bodies for the aggregation service: all managers and their systems.
fn aggregates(segments: &[&str], facts: &Facts) -> Vec<Value> {
    let managers = facts.certificates.iter().filter_map(|uri| uri.split("/NetworkProtocol").next());
    let links = |part: &str| -> Value {
        managers.clone().map(|uri| json!({"@odata.id": uri.replace("Managers", part)})).collect()
    };
    let batches = |mut body: Value| {
        body["ResetType"] = json!("ForceRestart");
        body["BatchSize"] = json!(1);
        body["DelayBetweenBatchesInSeconds"] = json!(60);
        body
    };
    match segments.last() {
        Some(&"Aggregate.Reset") => vec![reset("On"), batches(json!({}))],
        Some(&"AggregationService.Reset") => vec![batches(json!({"TargetURIs": links("Systems")}))],
        Some(&"AggregationService.SetDefaultBootOrder") => vec![json!({"Systems": links("Systems")})],
        Some(&"Aggregate.SetDefaultBootOrder") => vec![json!({}), Value::Null],
        _ => vec![json!({"Elements": links("Managers")}), json!({"Elements": links("Systems")})],
    }
}

/// Definitions of metric reports: of one value, and of several.
fn reports(facts: &Facts) -> Vec<Value> {
    let Some(one) = facts.metrics.first() else { return Vec::new() };
    let some: Vec<_> = facts.metrics.iter().take(3).collect();
    let average =
        json!([{"MetricProperties": [one], "CollectionFunction": "Average", "CollectionDuration": "PT30S"}]);
    vec![
        json!({"Id": "r1", "MetricReportDefinitionType": "OnRequest", "MetricProperties": [one]}),
        json!({"Id": "r2", "MetricReportDefinitionType": "OnChange", "MetricProperties": some}),
        json!({
            "Id": "r3", "MetricReportDefinitionType": "Periodic", "Schedule": {"RecurrenceInterval": "PT1M"},
            "ReportActions": ["RedfishEvent", "LogToMetricReportsCollection"], "Metrics": average,
        }),
    ]
}

/// Certificates, of host or of BMC.
fn certificates(of_host: bool) -> Vec<Value> {
    let mut plain =
        json!({"CertificateString": include_str!("../certificate.pem"), "CertificateType": "PEM"});
    if of_host {
        plain["UefiSignatureOwner"] = json!("28d5e212-165b-4ca0-909b-c86b9cee0112");
    }
    vec![plain]
}

fn reset(kind: &str) -> Value {
    json!({"ResetType": kind})
}

fn system() -> Vec<Value> {
    vec![
        json!({"AssetTag": "rack \"7\""}),
        json!({"AssetTag": "", "IndicatorLED": "Lit"}),
        json!({"LocationIndicatorActive": true}),
        json!({"HostName": "web-7.example", "PowerRestorePolicy": "AlwaysOff"}),
        json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}),
        json!({"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideMode": "Legacy"}, "AssetTag": "b"}),
        json!({"Boot": {"BootSourceOverrideMode": "UEFI", "BootSourceOverrideEnabled": "Disabled"}}),
        json!({"Boot": {"HttpBootUri": "http://user:secret@images.example/boot.efi"}}),
        json!({"Boot": {"HttpBootUri": null, "BootNext": "Boot0001", "BootOrder": ["Boot0001", "Boot0000"]}}),
    ]
}

fn volumes(uri: &str, facts: &Facts) -> Vec<Value> {
    let controller = uri.split("/Volumes").next().unwrap_or_default();
    let Some((_, drives)) = facts.drives.iter().find(|(uri, _)| uri == controller) else { return Vec::new() };
    let links: Vec<_> = drives.iter().take(2).map(|drive| json!({"@odata.id": drive})).collect();
    let volume = |raid: &str| json!({"RAIDType": raid, "Name": "root", "Links": {"Drives": links}});
    let mut small = volume("RAID1");
    small["CapacityBytes"] = json!(107_374_182_400_u64);
    small["@Redfish.OperationApplyTime"] = json!("Immediate");
    vec![volume("RAID0"), volume("RAID1"), small]
}

fn policies() -> Vec<Value> {
    vec![
        json!({"AccountLockoutThreshold": 2, "AccountLockoutDuration": 60, "AccountLockoutCounterResetAfter": 30}),
        json!({"AccountLockoutThreshold": 1, "AccountLockoutDuration": 0}),
        json!({"MinPasswordLength": 5, "MaxPasswordLength": 40}),
        json!({"PasswordExpirationDays": 1}),
        json!({"PasswordExpirationDays": null, "AccountLockoutCounterResetEnabled": false}),
    ]
}

fn account(facts: &Facts) -> Vec<Value> {
    let mut bodies = vec![
        json!({"UserName": "renamed"}),
        json!({"UserName": "renamed", "Enabled": true, "Locked": false, "AccountTypes": ["Redfish"]}),
        json!({"Enabled": false}),
        json!({"PasswordChangeRequired": true}),
        json!({"PasswordExpiration": "2026-01-03T00:00:00Z"}),
        json!({"PasswordExpiration": null}),
    ];
    bodies.extend(PASSWORDS.map(|password| json!({"Password": password})));
    bodies.extend(PASSWORDS.map(|password| json!({"Password": password, "Enabled": true})));
    bodies.extend(facts.roles.iter().map(|role| json!({"RoleId": role})));
    bodies
}

/// A change of a body.
#[derive(Clone, Debug)]
pub(super) enum Mutation {
    /// Another type or value at one place.
    Set(Index, Value),
    Remove(Index),
    /// Another property in one of the objects.
    Add(Index, &'static str, Value),
    /// Arrays within arrays, at one place.
    Nest(Index, usize),
    /// Only the first bytes of the text.
    Cut(Index),
    Text(&'static [u8]),
}

pub(super) fn any_mutation() -> impl Strategy<Value = Mutation> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!("")),
        Just(json!("On")),
        Just(json!("\u{0}\u{1F600}\"\\/redfish")),
        Just(json!("x".repeat(5000))),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, [1]])),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(1e308)),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
    ];
    let name = prop_oneof![
        Just("Nope"),
        Just("Id"),
        Just("Oem"),
        Just("@odata.etag"),
        Just("Password"),
        Just("a/b~c")
    ];
    let texts: [&[u8]; 7] =
        [b"", b"[]", b"null", b"{}", b"{\"AssetTag\": \"\xff\"}", b"{\"Boot\": 1e999}", b"\"text\""];
    prop_oneof![
        6 => (any::<Index>(), value.clone()).prop_map(|(at, value)| Mutation::Set(at, value)),
        2 => any::<Index>().prop_map(Mutation::Remove),
        3 => (any::<Index>(), name, value).prop_map(|(at, name, value)| Mutation::Add(at, name, value)),
        1 => (any::<Index>(), prop_oneof![Just(20_usize), Just(500)]).prop_map(|(at, deep)| Mutation::Nest(at, deep)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => proptest::sample::select(texts.to_vec()).prop_map(Mutation::Text),
    ]
}

/// JSON pointers to all values below the root, or to all objects.
fn pointers(value: &Value, only_objects: bool, place: &str, found: &mut Vec<String>) {
    let counts = if only_objects { value.is_object() } else { !place.is_empty() };
    if counts {
        found.push(place.to_owned());
    }
    let mut below = |key: &str, inner: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        pointers(inner, only_objects, &format!("{place}/{key}"), found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| below(key, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, inner)| below(&n.to_string(), inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Mutation {
    pub(super) fn apply(&self, body: &Value) -> Vec<u8> {
        let (mut body, mut places, mut objects) = (body.clone(), Vec::new(), Vec::new());
        pointers(&body, false, "", &mut places);
        pointers(&body, true, "", &mut objects);
        let place = |at: &Index| (!places.is_empty()).then(|| at.get(&places).clone());
        match self {
            Self::Set(at, value) => match place(at) {
                Some(place) => *body.pointer_mut(&place).unwrap() = value.clone(),
                None => body = value.clone(),
            },
            Self::Remove(at) => {
                if let Some(place) = place(at) {
                    let (parent, key) = place.rsplit_once('/').unwrap();
                    if let Some(Value::Object(map)) = body.pointer_mut(parent) {
                        map.remove(key);
                    }
                }
            }
            Self::Add(at, name, value) if !objects.is_empty() => {
                let object = body.pointer_mut(at.get::<String>(&objects)).unwrap();
                object.as_object_mut().unwrap().insert((*name).to_owned(), value.clone());
            }
            Self::Add(_, name, value) => body = json!({*name: value}),
            Self::Nest(at, deep) => {
                let marker = json!("nested here");
                match place(at) {
                    Some(place) => *body.pointer_mut(&place).unwrap() = marker,
                    None => body = marker,
                }
                let nested = format!("{}{}", "[".repeat(*deep), "]".repeat(*deep));
                return body.to_string().replace("\"nested here\"", &nested).into_bytes();
            }
            Self::Cut(at) => {
                let mut text = body.to_string().into_bytes();
                text.truncate(at.index(text.len()));
                return text;
            }
            Self::Text(text) => return text.to_vec(),
        }
        body.to_string().into_bytes()
    }
}
