//! Subscriptions, logs and their events, as clients see them.

use super::*;
use crate::node::command::Command;
use crate::node::event::{Of, What};
use crate::node::{bmc::plugs::Plug, lab};
use crate::redfish::{Delivery, Source, delivery};

const SERVICE: &str = "/redfish/v1/EventService";
const SUBSCRIPTIONS: &str = "/redfish/v1/EventService/Subscriptions";

fn uuid(bench: &Bench) -> &str {
    bench.system.rsplit('/').next().unwrap()
}

fn manager(bench: &Bench) -> String {
    format!("/redfish/v1/Managers/{}", uuid(bench))
}

pub(super) fn entries(bench: &Bench, service: &str) -> Vec<Value> {
    bench.get(&format!("{service}/Entries")).json["Members"].as_array().unwrap().clone()
}

fn keys(records: &[Value]) -> Vec<String> {
    let key = |record: &Value| record["MessageId"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    records.iter().map(key).collect()
}

/// Subscribes at the shared root.
pub(super) fn subscribe(bench: &Bench, more: &Value) -> String {
    let mut body = json!({"Destination": "https://receiver.example/events", "Protocol": "Redfish"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = bench.write("POST", SUBSCRIPTIONS, &body);
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.header("Location").to_owned()
}

/// The documents that a subscriber of the shared root gets, until there is nothing left.
pub(super) fn take_documents(bench: &Bench, subscription: &str) -> Vec<Value> {
    let id: u32 = subscription.rsplit('/').next().unwrap().parse().unwrap();
    let events = &bench.redfish.events;
    let mut all = Vec::new();
    events.take_due();
    while let Some((wanted, queued)) = events.batch(id) {
        let source = Source::Shared(&bench.redfish.fleet);
        let Delivery { body, through, .. } =
            delivery(&wanted, &queued.iter().collect::<Vec<_>>(), source).unwrap();
        all.extend(body.map(|body| serde_json::from_slice::<Value>(&body).unwrap()));
        events.delivered(id, through, true, bench.now);
        events.take_due();
    }
    all
}

/// The events that a subscriber of the shared root gets, until there is nothing left.
pub(super) fn take(bench: &Bench, subscription: &str) -> Vec<Value> {
    let documents = take_documents(bench, subscription);
    documents.iter().flat_map(|document| document["Events"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_subscriber_gets_what_happens_to_the_machines_and_to_the_service() {
    let mut bench = Bench::new();
    bench.reset("On");
    let subscription = subscribe(&bench, &json!({"Context": "mine"}));
    bench.wait(120_000);
    bench.get(&bench.system);
    bench.write(
        "POST",
        "/redfish/v1/AccountService/Accounts",
        &json!({
            "UserName": "bob", "Password": "password1", "RoleId": "Operator"
        }),
    );
    let settings = format!("{}/Bios/Settings", bench.system);
    bench.write("PATCH", &settings, &json!({"Attributes": {"LogicalProc": "Disabled"}}));
    let events = take(&bench, &subscription);
    assert_eq!(
        keys(&events),
        [
            "ResourceCreated",
            "ResourcePoweredOn",
            "ResourceSelfTestCompleted",
            "ResourceCreated",
            "ResourceChanged",
        ]
    );
    let origins: Vec<_> =
        events.iter().map(|event| event["OriginOfCondition"]["@odata.id"].as_str().unwrap()).collect();
    let system = bench.system.as_str();
    let account = "/redfish/v1/AccountService/Accounts/2";
    assert_eq!(origins, [subscription.as_str(), system, system, account, settings.as_str()]);
    let (powered_on, args) = (&events[1], json!([uuid(&bench)]));
    assert_eq!((&powered_on["MessageArgs"], &powered_on["EventType"]), (&args, &json!("StatusChange")));
    assert!(powered_on["Message"].as_str().unwrap().contains(uuid(&bench)));
    assert!(take(&bench, &subscription).is_empty(), "each event comes once");
}

#[test]
fn a_filter_leaves_out_what_a_subscriber_does_not_want() {
    let mut bench = Bench::new();
    let system = json!([{"@odata.id": bench.system}]);
    let (wants, subscriptions): (Vec<_>, Vec<_>) = [
        (json!({"RegistryPrefixes": ["LogService"]}), vec!["LogCleared"]),
        (
            json!({"MessageIds": ["ResourcePoweringOn", "LogService.1.1.LogCleared"]}),
            vec!["ResourcePoweringOn", "LogCleared"],
        ),
        (json!({"MessageIds": ["LogService.ResourcePoweringOn"]}), vec![]),
        (json!({"ResourceTypes": ["LogService"]}), vec!["LogCleared"]),
        (json!({"OriginResources": system}), vec!["ResourcePoweringOn"]),
        (
            json!({"OriginResources": system, "SubordinateResources": true}),
            vec!["ResourcePoweringOn", "LogCleared"],
        ),
        (json!({"Severities": ["Critical"]}), vec!["DriveRemoved"]),
        (json!({"EventTypes": ["Alert"]}), vec!["DriveRemoved"]),
        (
            json!({"ExcludeRegistryPrefixes": ["ResourceEvent"], "ExcludeMessageIds": ["DriveRemoved"]}),
            vec!["LogCleared"],
        ),
    ]
    .into_iter()
    .map(|(filter, expected)| ((filter.clone(), expected), subscribe(&bench, &filter)))
    .unzip();
    bench.reset("On");
    bench.wait(1);
    bench.write("POST", &format!("{}/LogServices/SEL/Actions/LogService.ClearLog", bench.system), &json!({}));
    let unplug = Command::Lab(lab::Command::Unplug(Plug::Drive(0)));
    bench.redfish.fleet.apply(NodeId(0), unplug).unwrap().unwrap();
    for ((filter, expected), subscription) in wants.iter().zip(subscriptions) {
        let mut got = keys(&take(&bench, &subscription));
        got.retain(|key| key != "ResourceCreated" && !key.starts_with("Volume"));
        assert_eq!(&got, expected, "{filter}");
    }
}

#[test]
fn a_subscription_is_shown_changed_suspended_resumed_and_deleted() {
    let mut bench = Bench::new();
    let headers = json!([{"Authorization": "Bearer secret"}]);
    let subscription =
        subscribe(&bench, &json!({"HttpHeaders": headers, "DeliveryRetryPolicy": "RetryForever"}));
    let shown = bench.get(&subscription).json;
    assert_eq!((&shown["HttpHeaders"], &shown["SubscriptionType"]), (&json!([]), &json!("RedfishEvent")));
    assert!(!shown.to_string().contains("secret"));
    assert_eq!(bench.write("PATCH", &subscription, &json!({"Context": "new"})).status, 204);
    assert_eq!(bench.get(&subscription).json["Context"], "new");
    assert_eq!(
        bench.write("PATCH", &subscription, &json!({"DeliveryRetryPolicy": "RetryForever"})).status,
        204
    );
    assert_eq!(bench.get(&subscription).json["Context"], "new", "another property leaves it");
    assert_eq!(bench.write("PATCH", &subscription, &json!({"Context": null})).status, 204);
    assert_eq!(bench.get(&subscription).json["Context"], Value::Null);
    let action = |name: &str| format!("{subscription}/Actions/EventDestination.{name}Subscription");
    take(&bench, &subscription);
    assert_eq!(bench.write("POST", &action("Suspend"), &json!({})).status, 204);
    assert_eq!(bench.get(&subscription).json["Status"]["State"], "Disabled");
    bench.reset("On");
    bench.wait(60_000);
    bench.get(&bench.system);
    assert_eq!(bench.redfish.events.take_due(), [0; 0], "nothing is delivered meanwhile");
    let resume = json!({"DeliverBufferedEventDuration": "PT59.9S"});
    assert_eq!(bench.write("POST", &action("Resume"), &resume).status, 204);
    let got = keys(&take(&bench, &subscription));
    assert!(
        got.contains(&"ResourcePoweredOn".into()) && !got.contains(&"ResourcePoweringOn".into()),
        "{got:?}"
    );
    assert_eq!(bench.write("DELETE", &subscription, &json!({})).status, 204);
    assert_eq!(bench.get(&subscription).status, 404);
}

#[test]
fn the_end_of_a_subscription_with_a_delivery_under_way_is_one_event() {
    let bench = Bench::new();
    let (watcher, ended) = (subscribe(&bench, &json!({})), subscribe(&bench, &json!({})));
    bench.write("PATCH", SERVICE, &json!({"DeliveryRetryAttempts": 5}));
    let events = &bench.redfish.events;
    let id: u32 = ended.rsplit('/').next().unwrap().parse().unwrap();
    assert!(events.take_due().contains(&id));
    let (_, under_way) = events.batch(id).unwrap();
    assert_eq!(bench.write("DELETE", &ended, &json!({})).status, 204);
    events.delivered(id, under_way.last().unwrap().number, true, bench.now);
    let told = keys(&take(&bench, &watcher));
    assert_eq!(told, ["ResourceCreated", "ResourceCreated", "ResourceChanged", "ResourceRemoved"]);
}

#[test]
fn wrong_subscriptions_are_refused_and_nothing_is_kept() {
    let bench = Bench::new();
    let good = json!({"Destination": "https://r.example/", "Protocol": "Redfish"});
    for (key, value, message) in [
        ("Destination", json!("ftp://r.example/"), "PropertyValueFormatError"),
        ("Destination", json!(7), "PropertyValueTypeError"),
        ("Protocol", json!("FTP"), "PropertyValueNotInList"),
        ("SubscriptionType", json!("SSE"), "PropertyValueNotInList"),
        ("EventFormatType", json!("Report"), "PropertyValueNotInList"),
        ("MetricReportDefinitions", json!([{"@odata.id": "/x"}]), "PropertyValueConflict"),
        ("EventTypes", json!(["Alarm"]), "PropertyValueNotInList"),
        ("RegistryPrefixes", json!(["Contoso"]), "PropertyValueNotInList"),
        ("Severities", json!(["Bad"]), "PropertyValueNotInList"),
        ("HttpHeaders", json!([{"Host": "evil"}]), "PropertyValueFormatError"),
        ("HttpHeaders", json!([{"X": "a\r\nb"}]), "PropertyValueFormatError"),
        ("HttpHeaders", json!({"X": "y"}), "PropertyValueTypeError"),
        ("DeliveryRetryPolicy", json!("Never"), "PropertyValueNotInList"),
        ("OriginResources", json!(["/redfish/v1/Systems/1"]), "PropertyValueTypeError"),
        ("Context", json!("c".repeat(300)), "StringValueTooLong"),
        ("Mood", json!(1), "PropertyUnknown"),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let answer = bench.write("POST", SUBSCRIPTIONS, &body);
        assert_eq!((answer.status, answer.message_ids()), (400, vec![message]), "{body}");
    }
    let missing = bench.write("POST", SUBSCRIPTIONS, &json!({"Protocol": "Redfish"}));
    assert_eq!(missing.message_ids(), ["PropertyMissing"]);
    assert_eq!(bench.get(SUBSCRIPTIONS).json["Members@odata.count"], 0);
    let wrong = bench.write("PATCH", SERVICE, &json!({"DeliveryRetryAttempts": 101}));
    assert_eq!(wrong.message_ids(), ["PropertyValueOutOfRange"]);
}

#[test]
fn as_many_subscriptions_as_the_limit_allows() {
    let mut bench = Bench::new();
    bench.redfish.shared_subscriptions = 1;
    subscribe(&bench, &json!({}));
    let body = json!({"Destination": "https://receiver.example/", "Protocol": "Redfish"});
    let second = bench.write("POST", SUBSCRIPTIONS, &body);
    assert_eq!((second.status, second.message_ids()), (400, vec!["CreateLimitReachedForResource"]));
    assert_eq!(bench.redfish.events.refused.get(), 1);
}

#[test]
fn a_test_event_has_the_words_of_the_client() {
    let bench = Bench::new();
    let subscription = subscribe(&bench, &json!({}));
    let action = format!("{SERVICE}/Actions/EventService.SubmitTestEvent");
    let body = json!({
        "MessageId": "Contoso.1.0.Burnt", "Message": "Toast is burnt.", "MessageArgs": ["a"], "MessageSeverity": "Critical",
        "EventId": "t-1", "EventGroupId": 7, "OriginOfCondition": "/redfish/v1/Systems/1", "EventType": "Alert",
        "EventTimestamp": "2026-01-01T00:00:00Z",
    });
    assert_eq!(bench.write("POST", &action, &body).status, 204);
    let event = take(&bench, &subscription).pop().unwrap();
    for key in [
        "MessageId",
        "Message",
        "MessageArgs",
        "MessageSeverity",
        "EventId",
        "EventGroupId",
        "EventType",
        "EventTimestamp",
    ] {
        assert_eq!(event[key], body[key], "{key}");
    }
    assert_eq!(event["OriginOfCondition"]["@odata.id"], body["OriginOfCondition"]);
    assert_eq!(bench.write("POST", &action, &json!({})).message_ids(), ["ActionParameterMissing"]);
}

#[test]
fn a_bmc_with_a_root_of_its_own_has_subscribers_of_its_own() {
    let bench = Bench::new();
    let own = |method: &str, uri: &str, body: &Value| {
        let request = Request::builder().method(method).uri(uri).header("Authorization", BASIC);
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let response = bench.redfish.call_own(NodeId(0), |_| true, &request).unwrap();
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap_or(Value::Null))
    };
    let (status, created) =
        own("POST", SUBSCRIPTIONS, &json!({"Destination": "http://r.example/", "Protocol": "Redfish"}));
    assert_eq!((status, &created["@odata.id"]), (201, &json!(format!("{SUBSCRIPTIONS}/1"))));
    assert_eq!(
        own("POST", "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", &json!({"ResetType": "On"})).0,
        204
    );
    let body = bench.redfish.fleet.look(NodeId(0), |node, _| {
        let (found, events) = node.bmc().subscriptions.batch(1).unwrap();
        delivery(&found.wanted, &events.collect::<Vec<_>>(), Source::Node(node)).unwrap().body.unwrap()
    });
    let document: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    let events = document["Events"].as_array().unwrap();
    assert_eq!(keys(events), ["ResourceCreated", "ResourcePoweringOn"]);
    let (origin, entry) = (&events[1]["OriginOfCondition"], &events[1]["LogEntry"]["@odata.id"]);
    assert_eq!(origin["@odata.id"], "/redfish/v1/Systems/1");
    let (status, entry) = own("GET", entry.as_str().unwrap(), &Value::Null);
    assert_eq!(
        (status, &entry["MessageId"], &entry["EventId"]),
        (200, &events[1]["MessageId"], &events[1]["EventId"])
    );
    assert_eq!(
        bench.get(SUBSCRIPTIONS).json["Members@odata.count"],
        0,
        "those of the shared root are others"
    );
}

#[test]
fn a_log_has_a_past_and_is_filled_by_what_happens() {
    let mut bench = Bench::new();
    let sel = format!("{}/LogServices/SEL", bench.system);
    let past = entries(&bench, &sel);
    assert_eq!(
        keys(&past),
        ["ResourcePoweredOn", "ResourceSelfTestCompleted", "ResourceStateChanged", "ResourcePoweredOff"]
    );
    assert!(
        past.iter().all(|entry| entry["Created"].as_str().unwrap() < "2026"),
        "it was tested at its maker"
    );
    bench.reset("On");
    bench.wait(120_000);
    let now = entries(&bench, &sel);
    assert_eq!(keys(&now[4..6]), ["ResourcePoweringOn", "ResourcePoweredOn"]);
    assert_eq!(
        (&now[4]["Created"], &now[4]["EntryType"]),
        (&json!("2026-01-01T00:00:00+00:00"), &json!("SEL"))
    );
    assert_eq!(bench.get(now[4]["@odata.id"].as_str().unwrap()).json, now[4], "a member is the whole entry");
    let audit = entries(&bench, &format!("{}/LogServices/AuditLog", manager(&bench)));
    assert_eq!(keys(&audit), ["LogCleared"]);
}

#[test]
fn a_log_is_cleared_and_an_entry_deleted() {
    let bench = Bench::new();
    let sel = format!("{}/LogServices/SEL", bench.system);
    bench.reset("On");
    let count = entries(&bench, &sel).len();
    assert_eq!(bench.write("DELETE", &format!("{sel}/Entries/3"), &json!({})).status, 204);
    assert_eq!(bench.write("DELETE", &format!("{sel}/Entries/3"), &json!({})).status, 404);
    assert_eq!(bench.write("DELETE", &format!("{sel}/Entries/7"), &json!({})).status, 204);
    assert_eq!(entries(&bench, &sel).len(), count - 2);
    assert_eq!(bench.write("POST", &format!("{sel}/Actions/LogService.ClearLog"), &json!({})).status, 204);
    assert_eq!(bench.get(&format!("{sel}/Entries")).json["Members"], json!([]));
    let audit = entries(&bench, &format!("{}/LogServices/AuditLog", manager(&bench)));
    assert_eq!(audit.last().unwrap()["MessageId"], "LogService.1.1.LogCleared");
    assert_eq!(audit.last().unwrap()["MessageArgs"], json!(["SEL"]));
}

#[test]
fn a_log_is_cleared_only_if_its_entries_are_those_that_the_client_has_read() {
    let bench = Bench::new();
    let sel = format!("{}/LogServices/SEL", bench.system);
    let action = format!("{sel}/Actions/LogService.ClearLog");
    let clear = |tag: &Value| bench.write("POST", &action, &json!({ "LogEntriesETag": tag }));
    let read = bench.get(&format!("{sel}/Entries"));
    let tag = json!(read.header("ETag"));
    assert_eq!(tag, read.json["@odata.etag"]);
    bench.reset("On");
    let count = entries(&bench, &sel).len();
    for other in [tag, json!("\"x\""), json!("x"), json!("")] {
        let refused = clear(&other);
        assert_eq!((refused.status, refused.message_ids()), (428, vec!["PreconditionRequired"]), "{other}");
    }
    assert_eq!(clear(&json!(7)).message_ids(), ["ActionParameterValueTypeError"]);
    assert_eq!(entries(&bench, &sel).len(), count);
    let tag = json!(bench.get(&format!("{sel}/Entries")).header("ETag"));
    assert_eq!(clear(&tag).status, 204);
    assert_eq!(entries(&bench, &sel).len(), 0);
    let info = bench.get(&sel).json["Actions"]["#LogService.ClearLog"]["@Redfish.ActionInfo"].clone();
    let described = bench.get(info.as_str().unwrap()).json["Parameters"].clone();
    assert_eq!(described, json!([{"Name": "LogEntriesETag", "Required": false, "DataType": "String"}]));
}

#[test]
fn entries_come_in_pages_and_can_be_searched() {
    let bench = Bench::new();
    let uri = format!("{}/LogServices/SEL/Entries", bench.system);
    let page = bench.get(&format!("{uri}?$skip=1&$top=2")).json;
    assert_eq!(
        keys(page["Members"].as_array().unwrap()),
        ["ResourceSelfTestCompleted", "ResourceStateChanged"]
    );
    assert_eq!(page["Members@odata.nextLink"], format!("{uri}?$skip=3&$top=2"));
    let found =
        bench.get(&format!("{uri}?$filter=MessageId%20eq%20'ResourceEvent.1.4.ResourcePoweredOff'")).json;
    assert_eq!((&found["Members@odata.count"], &found["Members"][0]["Id"]), (&json!(1), &json!("5")));
    let selected = bench.get(&format!("{uri}?$top=1&$select=Message")).json;
    assert!(selected["Members"][0]["Message"].is_string() && selected["Members"][0]["Severity"].is_null());
}

#[test]
fn a_full_log_wraps_or_stops() {
    for (overwrite, first) in [("WrapsWhenFull", "ResourcePoweringOn"), ("NeverOverWrites", "CableRemoved")] {
        let mut profile = Profile::clone(&built_in("generic").unwrap());
        profile.logs[0].entries = 2;
        profile.logs[0].overwrite = crate::dmtf::OverWritePolicy::parse(overwrite).unwrap();
        let mut bench = Bench::new();
        bench.add_model(Arc::new(profile));
        let node = NodeId(3);
        for part in [lab::Command::Unplug(Plug::Cable(0)), lab::Command::Plug(Plug::Cable(0))] {
            bench.redfish.fleet.apply(node, Command::Lab(part)).unwrap().unwrap();
        }
        bench.reset("On");
        bench.reset("ForceOff");
        let sel = format!("{}/LogServices/SEL", bench.system);
        let kept = entries(&bench, &sel).split_off(4);
        assert_eq!((kept.len(), keys(&kept)[0].as_str()), (2, first), "{overwrite}");
    }
}

#[test]
fn the_logs_are_those_of_the_maker() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let ids = |uri: &str| {
        let members = bench.get(uri).json["Members"].as_array().unwrap().clone();
        members
            .iter()
            .map(|m| m["@odata.id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&format!("{}/LogServices", bench.system)), ["IML", "SL"]);
    assert_eq!(ids(&format!("{}/LogServices", manager(&bench))), ["IEL"]);
    let entry = &entries(&bench, &format!("{}/LogServices/IML", bench.system))[0];
    assert_eq!((&entry["EntryType"], &entry["OemRecordFormat"]), (&json!("Oem"), &json!("Hpe-IML")));
}

/// Everything that the subscribers of both roots get during the life of one machine, in order and once.
#[test]
fn the_events_of_a_life() {
    use std::fmt::Write as _;

    use crate::node::bmc::media::Insertion;
    use crate::node::effect::Bootable;

    let mut bench = Bench::new();
    let subscription = subscribe(&bench, &json!({}));
    let own = json!({"Destination": "https://receiver.example/own", "Protocol": "Redfish"});
    let own =
        Request::post(SUBSCRIPTIONS).header("Authorization", BASIC).body(own.to_string().into()).unwrap();
    assert_eq!(bench.redfish.call_own(NodeId(0), |_| true, &own).unwrap().status(), 201);
    let node = NodeId(0);
    let apply = |bench: &Bench, command| bench.redfish.fleet.apply(node, command).unwrap().unwrap();
    let settings = format!("{}/Bios/Settings", bench.system);
    bench.write("PATCH", &settings, &json!({"Attributes": {"LogicalProc": "Disabled"}}));
    let boot = json!({"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}});
    assert_eq!(bench.write("PATCH", &bench.system, &boot).status, 204);
    apply(
        &bench,
        Command::Media(crate::node::bmc::media::Command::Insert {
            slot: 0,
            insertion: Insertion::of("http://images.example/ipa.iso"),
        }),
    );
    bench.redfish.fleet.answer(node, Found::MediaOpened { slot: 0, insertion: 1, result: Ok(()) });
    bench.reset("On");
    bench.wait(60_000);
    bench.get(&bench.system);
    bench.redfish.fleet.answer(node, Found::BootRead { start: 1, result: Ok(Bootable::Live) });
    bench.wait(120_000);
    bench.get(&bench.system);
    apply(&bench, Command::Lab(lab::Command::Inlet(Some(60))));
    apply(&bench, Command::Lab(lab::Command::Inlet(None)));
    let account = json!({"UserName": "bob", "Password": "password1", "RoleId": "Operator"});
    bench.write("POST", "/redfish/v1/AccountService/Accounts", &account);
    bench.write("PATCH", "/redfish/v1/AccountService/Accounts/2", &json!({"Enabled": false}));
    bench.reset("ForceRestart");
    bench.reset("GracefulShutdown");
    bench.wait(120_000);
    bench.get(&bench.system);
    bench.write(
        "POST",
        &format!("{}/Actions/Manager.Reset", manager(&bench)),
        &json!({"ResetType": "ForceRestart"}),
    );
    bench.wait(600_000);
    bench.get(&bench.system);
    let mut text = String::new();
    let shared = take(&bench, &subscription);
    for event in &shared {
        let origin =
            event["OriginOfCondition"]["@odata.id"].as_str().unwrap().replace(uuid(&bench), "{uuid}");
        let at = &event["EventTimestamp"].as_str().unwrap()[11..19];
        let id = event["MessageId"].as_str().unwrap();
        let args = event["MessageArgs"].to_string().replace(uuid(&bench), "{uuid}");
        writeln!(text, "{at} {id} {args} {origin}").unwrap();
    }
    insta::assert_snapshot!(text);
    // The root of the BMC has the same events of the machine, beside those of its own subscription.
    let queued = bench.redfish.fleet.look(node, |node, _| {
        let queued = node.bmc().subscriptions.from(0).map(|queued| queued.what.clone());
        queued.filter(|what| !matches!(what, What::Created(Of::Subscription(_)))).collect::<Vec<_>>()
    });
    let of_service = |event: &&Value| {
        let origin = event["OriginOfCondition"]["@odata.id"].as_str().unwrap();
        ["/AccountService/", "/EventService/"].iter().any(|service| origin.contains(service))
    };
    assert_eq!(queued.unwrap().len(), shared.len() - shared.iter().filter(of_service).count());
}
