//! Metrics and metric reports, as clients see them.

use super::events::{subscribe, take, take_documents};
use super::*;
use crate::profile::built_in_names;

const SERVICE: &str = "/redfish/v1/TelemetryService";

fn uuid(bench: &Bench) -> &str {
    bench.system.rsplit('/').next().unwrap()
}

/// The URIs of the members of a collection of the service that belong to the node of the bench.
fn members(bench: &Bench, collection: &str) -> Vec<String> {
    let list = bench.get(&format!("{SERVICE}/{collection}")).json;
    let uris = list["Members"].as_array().unwrap().iter();
    let uris = uris.map(|member| member["@odata.id"].as_str().unwrap().to_owned());
    uris.filter(|uri| uri.contains(uuid(bench))).collect()
}

/// All values that a report of the model can have.
fn properties(bench: &Bench) -> Vec<String> {
    let metrics = members(bench, "MetricDefinitions");
    let lists = metrics.iter().map(|uri| bench.get(uri).json["MetricProperties"].clone());
    let uris = lists.flat_map(|list| list.as_array().unwrap().clone());
    uris.map(|uri| uri.as_str().unwrap().to_owned()).collect()
}

fn definitions() -> String {
    format!("{SERVICE}/MetricReportDefinitions")
}

fn define(bench: &Bench, id: &str, more: &Value) -> String {
    let mut body = json!({
        "Id": id, "MetricReportDefinitionType": "OnRequest", "MetricProperties": properties(bench),
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = bench.write("POST", &definitions(), &body);
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.header("Location").to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn each_value_of_a_report_is_the_one_at_its_property() {
    for model in built_in_names() {
        let mut bench = Bench::new();
        bench.add_first(model);
        bench.reset("On");
        bench.wait(45_000);
        let uri = define(&bench, "all", &json!({}));
        let report = uri.replace("MetricReportDefinitions", "MetricReports");
        let values = bench.get(&report).json["MetricValues"].as_array().unwrap().clone();
        assert_eq!(values.len(), properties(&bench).len(), "{model}");
        assert!(!values.is_empty(), "{model}");
        for value in values {
            let property = value["MetricProperty"].as_str().unwrap();
            let (document, pointer) = property.split_once('#').unwrap();
            let document = bench.get(document).json;
            let shown = number(document.pointer(pointer).unwrap_or_else(|| panic!("no {property}")));
            let metric =
                bench.get(&format!("{SERVICE}/MetricDefinitions/{}", value["MetricId"].as_str().unwrap()));
            assert!(
                metric.json["MetricProperties"].as_array().unwrap().contains(&json!(property)),
                "{property}"
            );
            let difference = (number(&value["MetricValue"]) - shown).abs();
            assert!(difference < 0.001, "{property}: {shown} and {}", value["MetricValue"]);
        }
    }
}

#[test]
fn the_reports_of_a_model_are_enabled_by_a_client() {
    for model in built_in_names() {
        let mut bench = Bench::new();
        bench.add_first(model);
        let uri = format!("{}/{}-PowerMetrics", definitions(), uuid(&bench));
        let before = bench.get(&uri).json;
        assert_eq!(before["MetricReportDefinitionEnabled"], false);
        let report = before["MetricReport"]["@odata.id"].as_str().unwrap();
        assert_eq!(bench.get(report).json["MetricValues"], json!([]));
        let answer = bench.write("PATCH", &uri, &json!({"MetricReportDefinitionEnabled": true}));
        assert_eq!(answer.status, 204, "{}", answer.json);
        bench.wait(3_601_000);
        let made = bench.get(report).json;
        assert!(number(&made["MetricValues"][0]["MetricValue"]) > 0.0, "{made}");
        assert_eq!(made["MetricReportDefinition"]["@odata.id"], uri.as_str());
        let deleted = bench.write("DELETE", &uri, &json!({}));
        assert_eq!(deleted.message_ids(), ["ResourceCannotBeDeleted"]);
    }
}

#[test]
fn a_client_defines_changes_and_deletes_a_report() {
    let mut bench = Bench::new();
    let metrics = json!([{
        "MetricId": "PowerConsumed", "CollectionFunction": "Maximum", "CollectionDuration": "PT1M",
    }]);
    let own = format!("{}-mine", uuid(&bench));
    let body = json!({
        "Id": own, "Name": "Mine", "MetricReportDefinitionType": "Periodic", "Metrics": metrics,
        "Schedule": {"RecurrenceInterval": "PT2M"}, "ReportUpdates": "AppendWrapsWhenFull",
        "ReportActions": ["RedfishEvent", "LogToMetricReportsCollection"],
    });
    let created = bench.write("POST", &definitions(), &body);
    assert_eq!((created.status, &created.json["Id"]), (201, &json!(own)), "{}", created.json);
    let uri = created.header("Location").to_owned();
    assert_eq!(uri, format!("{}/{own}", definitions()));
    let shown = &created.json["Metrics"][0];
    assert_eq!(
        (&shown["CollectionFunction"], &shown["CollectionDuration"]),
        (&json!("Maximum"), &json!("PT60S"))
    );
    assert_eq!(created.json["Schedule"]["RecurrenceInterval"], "PT120S");
    assert_eq!(bench.write("POST", &definitions(), &body).message_ids(), ["ResourceAlreadyExists"]);
    bench.wait(241_000);
    let report = uri.replace("MetricReportDefinitions", "MetricReports");
    assert_eq!(bench.get(&report).json["MetricValues@odata.count"], 2);
    let change = json!({"Schedule": {"RecurrenceInterval": "PT5M"}});
    assert_eq!(bench.write("PATCH", &uri, &change).status, 204);
    assert_eq!(bench.get(&uri).json["Schedule"]["RecurrenceInterval"], "PT300S");
    // Without the collection as its place, a report has no resource, and no link leads to it.
    assert_eq!(bench.write("PATCH", &uri, &json!({"ReportActions": ["RedfishEvent"]})).status, 204);
    assert_eq!(bench.get(&uri).json.get("MetricReport"), None);
    assert_eq!(bench.get(&report).status, 404);
    assert_eq!(bench.write("DELETE", &uri, &json!({})).status, 204);
    assert_eq!(bench.get(&uri).status, 404);
}

#[test]
fn at_the_shared_root_a_metric_names_the_node_of_a_definition() {
    let bench = Bench::new();
    let metrics = json!([{"MetricId": format!("{}-PowerConsumed", uuid(&bench))}]);
    let body = json!({"Id": "mine", "MetricReportDefinitionType": "OnRequest", "Metrics": metrics});
    let created = bench.write("POST", &definitions(), &body);
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.json["Id"], format!("{}-mine", uuid(&bench)));
}

#[test]
fn a_wrong_definition_is_refused_and_nothing_is_kept() {
    let bench = Bench::new();
    let before = members(&bench, "MetricReportDefinitions");
    let property = &properties(&bench)[0];
    let good = json!({
        "Id": "a", "MetricReportDefinitionType": "Periodic", "MetricProperties": [property],
        "Schedule": {"RecurrenceInterval": "PT1M"},
    });
    let metric = |more: Value| {
        let mut metric = json!({"MetricProperties": [property]});
        metric.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([metric])
    };
    for (key, value, message) in [
        ("Id", json!("a b"), "PropertyValueFormatError"),
        ("Id", Value::Null, "PropertyValueTypeError"),
        ("MetricReportDefinitionType", json!("Daily"), "PropertyValueNotInList"),
        ("Schedule", json!({"RecurrenceInterval": "PT1S"}), "PropertyValueOutOfRange"),
        ("Schedule", json!({"RecurrenceInterval": "P1Y"}), "PropertyValueFormatError"),
        ("Schedule", json!({"RecurrenceInterval": "each day"}), "PropertyValueFormatError"),
        ("Schedule", json!({"RecurrenceInterval": "P31D"}), "PropertyValueOutOfRange"),
        ("MetricProperties", json!([property, format!("{}#/Name", bench.system)]), "PropertyValueNotInList"),
        ("Metrics", json!([{"MetricId": "Mood"}]), "PropertyValueNotInList"),
        ("Metrics", json!([{}]), "PropertyMissing"),
        ("Metrics", metric(json!({"CollectionFunction": "Median"})), "PropertyValueNotInList"),
        ("Metrics", metric(json!({"CollectionTimeScope": "StartupInterval"})), "PropertyValueNotInList"),
        (
            "Metrics",
            metric(json!({"CollectionFunction": "Average", "CollectionDuration": "PT2M"})),
            "PropertyValueOutOfRange",
        ),
        (
            "Metrics",
            metric(json!({"CollectionFunction": "Average", "CollectionTimeScope": "Point"})),
            "PropertyValueConflict",
        ),
        ("ReportActions", json!(["Print"]), "PropertyValueNotInList"),
        ("ReportUpdates", json!("NewReport"), "PropertyValueNotInList"),
        ("Wildcards", json!([]), "PropertyUnknown"),
        ("MetricReportDefinitionType", json!("OnChange"), "PropertyValueConflict"),
        ("SuppressRepeatedMetricValue", json!("yes"), "PropertyValueTypeError"),
        ("MetricReportHeartbeatInterval", json!("PT1M"), "PropertyValueConflict"),
        ("MetricReportHeartbeatInterval", json!("PT5S"), "PropertyValueOutOfRange"),
        ("ReportTimespan", json!("an hour"), "PropertyValueFormatError"),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let answer = bench.write("POST", &definitions(), &body);
        assert_eq!((answer.status, answer.message_ids()), (400, vec![message]), "{body}");
    }
    for missing in ["Id", "MetricReportDefinitionType", "Schedule"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        assert_eq!(
            bench.write("POST", &definitions(), &body).message_ids(),
            ["PropertyMissing"],
            "{missing}"
        );
    }
    // A body that means no machine, or one that is not there.
    for id in ["a", "00000000-0000-0000-0000-000000000000-a"] {
        let body = json!({
            "Id": id, "MetricReportDefinitionType": "OnRequest", "Metrics": [{"MetricId": "Temperature"}],
        });
        assert_eq!(bench.write("POST", &definitions(), &body).message_ids(), ["PropertyMissing"], "{id}");
    }
    let average = json!([{"MetricId": "Temperature", "CollectionFunction": "Average"}]);
    let load = format!("{}/{}-SystemLoad", definitions(), uuid(&bench));
    for (change, message) in [
        (json!({"Metrics": average}), "PropertyValueConflict"),
        (json!({"Metrics": []}), "PropertyMissing"),
        (json!({"Schedule": {"RecurrenceInterval": "PT1M"}}), "PropertyValueConflict"),
        (json!({"SuppressRepeatedMetricValue": true}), "PropertyValueConflict"),
    ] {
        assert_eq!(bench.write("PATCH", &load, &change).message_ids(), [message], "{change}");
    }
    assert_eq!(members(&bench, "MetricReportDefinitions"), before);
}

#[test]
fn a_definition_is_read_back_as_it_was_written() {
    let bench = Bench::new();
    let all = properties(&bench);
    let metric = format!("{}-PowerConsumed", uuid(&bench));
    let body = json!({
        "Id": "mine", "MetricReportDefinitionType": "Periodic", "Schedule": {"RecurrenceInterval": "PT60S"},
        "MetricProperties": [all[0], all[1]], "Metrics": [{"MetricId": metric}],
        "SuppressRepeatedMetricValue": true, "MetricReportHeartbeatInterval": "PT600S", "ReportTimespan": "PT3600S",
    });
    let created = bench.write("POST", &definitions(), &body);
    assert_eq!(created.status, 201, "{}", created.json);
    let uri = created.header("Location").to_owned();
    for key in [
        "MetricProperties",
        "SuppressRepeatedMetricValue",
        "MetricReportHeartbeatInterval",
        "ReportTimespan",
        "Schedule",
    ] {
        assert_eq!(created.json[key], body[key], "{key}");
    }
    assert_eq!(created.json["Metrics"].as_array().unwrap().len(), 1);
    // A PATCH of one of the two lists leaves the other.
    let one = json!({"MetricProperties": [all[2]], "ReportTimespan": null});
    assert_eq!(bench.write("PATCH", &uri, &one).status, 204);
    let shown = bench.get(&uri).json;
    assert_eq!((&shown["MetricProperties"], &shown["Metrics"]), (&json!([all[2]]), &created.json["Metrics"]));
    assert_eq!(shown.get("ReportTimespan"), None);
    assert_eq!(bench.write("PATCH", &uri, &json!({"Metrics": []})).status, 204);
    let shown = bench.get(&uri).json;
    assert_eq!((&shown["MetricProperties"], &shown["Metrics"]), (&json!([all[2]]), &json!([])));
    assert_eq!(
        bench.write("PATCH", &uri, &json!({"MetricProperties": []})).message_ids(),
        ["PropertyMissing"]
    );
}

#[test]
fn a_report_on_request_is_a_resource_whatever_its_actions_are() {
    let bench = Bench::new();
    let uri = define(&bench, "mine", &json!({"ReportActions": ["RedfishEvent"]}));
    let report = bench.get(&uri).json["MetricReport"]["@odata.id"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&report).status, 200);
    assert!(members(&bench, "MetricReports").contains(&report));
}

#[test]
fn a_model_without_sensors_shows_values_only_where_they_are() {
    for absent in
        [&["Chassis/{}/Sensors"][..], &["Chassis/{}/Sensors", "Chassis/{}/Thermal", "Chassis/{}/Power"]]
    {
        let mut profile = Profile::clone(&built_in("generic").unwrap());
        profile.absent.extend(absent.iter().map(|path| (*path).to_owned()));
        let mut bench = Bench::new();
        bench.add_model(Arc::new(profile));
        let all = properties(&bench);
        assert_eq!(all.len() == 1, absent.len() == 3, "only the load has a place: {all:?}");
        for property in all {
            let (document, pointer) = property.split_once('#').unwrap();
            assert!(bench.get(document).json.pointer(pointer).is_some(), "{property}");
        }
    }
}

#[test]
fn as_many_definitions_as_the_limit_allows() {
    let mut bench = Bench::new();
    bench.redfish.reports_per_bmc = 1;
    define(&bench, "a", &json!({}));
    let body = json!({
        "Id": "b", "MetricReportDefinitionType": "OnRequest", "MetricProperties": properties(&bench),
    });
    let second = bench.write("POST", &definitions(), &body);
    assert_eq!((second.status, second.message_ids()), (400, vec!["CreateLimitReachedForResource"]));
    assert_eq!(bench.redfish.reports_refused.get(), 1);
}

#[test]
fn the_older_property_asks_for_reports_too() {
    let mut bench = Bench::new();
    let periodic = json!({
        "MetricReportDefinitionType": "Periodic", "Schedule": {"RecurrenceInterval": "PT1M"},
        "ReportActions": ["RedfishEvent"],
    });
    define(&bench, "minute", &periodic);
    let both = json!({"EventFormatType": "MetricReport", "EventTypes": ["MetricReport"]});
    let subscriptions = [json!({"EventTypes": ["MetricReport"]}), both].map(|body| subscribe(&bench, &body));
    assert_eq!(bench.get(&subscriptions[0]).json["EventFormatType"], "MetricReport");
    bench.wait(61_000);
    bench.get(&bench.system);
    for subscription in &subscriptions {
        assert_eq!(take_documents(&bench, subscription).len(), 1, "{subscription}");
    }
}

#[test]
fn a_subscriber_gets_each_report_that_it_wants_once() {
    let mut bench = Bench::new();
    let periodic = |interval: &str| {
        json!({
            "MetricReportDefinitionType": "Periodic", "Schedule": {"RecurrenceInterval": interval},
            "ReportActions": ["RedfishEvent"],
        })
    };
    let (minute, other) =
        (define(&bench, "minute", &periodic("PT1M")), define(&bench, "other", &periodic("PT90S")));
    let reports = json!({"EventFormatType": "MetricReport", "Context": "mine"});
    let one = json!({
        "EventFormatType": "MetricReport", "MetricReportDefinitions": [{"@odata.id": other}],
    });
    let (events, all, one) =
        (subscribe(&bench, &json!({})), subscribe(&bench, &reports), subscribe(&bench, &one));
    let shown = bench.get(&one).json;
    assert_eq!(shown["MetricReportDefinitions"][0]["@odata.id"], other.as_str());
    bench.wait(185_000);
    bench.get(&bench.system);
    let ids = |reports: &[Value]| -> Vec<String> {
        let id = |report: &Value| report["MetricReportDefinition"]["@odata.id"].as_str().unwrap().to_owned();
        reports.iter().map(id).collect()
    };
    let got = take_documents(&bench, &all);
    assert_eq!(ids(&got), [&*minute, &*other, &*minute, &*minute, &*other]);
    assert_eq!(got[0]["Context"], "mine");
    assert_eq!(got[0]["@odata.type"], "#MetricReport.v1_5_2.MetricReport");
    assert_eq!(got[0]["MetricValues"].as_array().unwrap().len(), properties(&bench).len());
    assert_eq!(ids(&take_documents(&bench, &one)), [&*other, &*other]);
    let of_reports = |event: &Value| event["EventType"] == "MetricReport";
    assert!(!take(&bench, &events).iter().any(of_reports), "a report is no event");
}
