//! Metric reports over sockets: those of a periodic definition, pushed and in the stream.

use serde_json::json;

use super::*;

const DEFINITIONS: &str = "/redfish/v1/TelemetryService/MetricReportDefinitions";
/// `RecurrenceInterval` of the definition of a test, seconds of simulated time.
const INTERVAL_S: u64 = 60;
const SECONDS_OF_A_DAY: u64 = 86_400;

impl Site {
    /// Defines a report of the temperatures and of the power of the first machine. Returns the URI of the definition.
    fn define(&self, name: &str) -> String {
        let uuid = self.get(&self.system)["UUID"].as_str().unwrap().to_owned();
        let definition = json!({
            "Id": format!("{uuid}-{name}"), "MetricReportDefinitionType": "Periodic",
            "Metrics": [{"MetricId": "Temperature"}, {"MetricId": "PowerConsumed"}],
            "Schedule": {"RecurrenceInterval": format!("PT{INTERVAL_S}S")}, "ReportActions": ["RedfishEvent"],
        });
        self.write("POST", DEFINITIONS, &definition)
    }
}

/// The definition of a report.
fn definition(report: &Value) -> &str {
    report["MetricReportDefinition"]["@odata.id"].as_str().unwrap()
}

/// The moment of a report, seconds of its day.
fn second(report: &Value) -> u64 {
    let text = report["Timestamp"].as_str().unwrap();
    let part = |at: usize| text[at..at + 2].parse::<u64>().unwrap();
    (part(11) * 60 + part(14)) * 60 + part(17)
}

/// The reports are one after the other, with all values.
fn check_series(reports: &[Value]) {
    let seconds: Vec<_> = reports.iter().map(second).collect();
    let follows = |two: &[u64]| (two[0] + INTERVAL_S) % SECONDS_OF_A_DAY == two[1];
    assert!(seconds.windows(2).all(follows), "not {INTERVAL_S} s apart: {seconds:?}");
    for report in reports {
        let values = report["MetricValues"].as_array().unwrap();
        // Below the shared root, an id begins with the UUID of the node.
        let has = |id: &str| values.iter().any(|value| value["MetricId"].as_str().unwrap().ends_with(id));
        assert!(has("Temperature") && has("PowerConsumed"), "{report}");
        assert_eq!(report["MetricValues@odata.count"], values.len(), "{report}");
    }
}

/// The reports of one series that are in another one, too, with their counterparts.
fn common<'a>(one: &'a [Value], other: &'a [Value]) -> Vec<(&'a Value, &'a Value)> {
    let pairs = one.iter().filter_map(|a| Some((a, other.iter().find(|b| second(a) == second(b))?)));
    pairs.collect()
}

fn check_same(one: &[Value], other: &[Value]) {
    for (a, b) in common(one, other) {
        for key in ["@odata.id", "Id", "Timestamp", "MetricValues", "MetricReportDefinition"] {
            assert_eq!(a[key], b[key]);
        }
    }
}

#[test]
fn reports_are_pushed_and_streamed_to_those_who_want_them() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        let (first, second) = (site.define("first"), site.define("second"));
        let reports = |path: &str, more: Value| {
            let mut body = json!({"EventFormatType": "MetricReport", "Context": path});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            site.subscribe(&receiver.url(path), &body);
        };
        reports("/all", json!({}));
        reports("/second", json!({"MetricReportDefinitions": [{"@odata.id": second}]}));
        site.subscribe(&receiver.url("/events"), &json!({}));
        let events = site.stream(None);
        let stream = site.stream_of("EventFormatType%20eq%20MetricReport");
        let of = |reports: &[Value], uri: &str| -> Vec<Value> {
            reports.iter().filter(|report| definition(report) == uri).cloned().collect()
        };
        eventually("five reports of each definition at each client", || {
            let (all, streamed) = (receiver.documents("/all"), stream.documents());
            let both = |uri: &str, other: &[Value]| common(&of(&all, uri), &of(other, uri)).len() >= 5;
            both(&first, &streamed)
                && both(&second, &streamed)
                && both(&second, &receiver.documents("/second"))
        });
        let (all, streamed) = (receiver.documents("/all"), stream.documents());
        for (reports, from) in [(&all, "pushed"), (&streamed, "streamed")] {
            let (of_first, of_second) = (of(reports, &first), of(reports, &second));
            assert_eq!(of_first.len() + of_second.len(), reports.len(), "{from} at the root of {root:?}");
            check_series(&of_first);
            check_series(&of_second);
        }
        check_same(&of(&all, &first), &of(&streamed, &first));
        let alone = receiver.documents("/second");
        assert_eq!(of(&alone, &second).len(), alone.len(), "{root:?}");
        check_series(&alone);
        check_same(&alone, &of(&all, &second));
        assert!(all.iter().all(|report| report["Context"] == "/all"), "{root:?}");
        assert!(alone.iter().all(|report| report["Context"] == "/second"), "{root:?}");

        // Clients of events get events alone, from before and after the reports.
        site.submit("End");
        await_at(&receiver, "/events", "End");
        let named: Vec<_> = receiver.events("/events").iter().map(words).collect();
        let created = format!("ResourceEvent.ResourceCreated {SUBSCRIPTIONS}/");
        let known = |words: &String| words.starts_with(&created) || words == "Lab.End";
        assert!(named.iter().all(known), "{root:?}: {named:?}");
        let named: Vec<_> = events.until("End").iter().map(words).collect();
        assert!(named.iter().all(known), "{root:?}: {named:?}");

        // The first definition ends, and the second one goes on alone.
        site.write("DELETE", &first, &Value::Null);
        let manager =
            site.get(&site.system)["Links"]["ManagedBy"][0]["@odata.id"].as_str().unwrap().to_owned();
        let end = site.get(&manager)["DateTime"].as_str().unwrap().to_owned();
        let later = |reports: &[Value]| -> Vec<Value> {
            reports.iter().filter(|report| report["Timestamp"].as_str() > Some(&end)).cloned().collect()
        };
        for clients in
            [&|| receiver.documents("/all"), &|| stream.documents()] as [&dyn Fn() -> Vec<Value>; 2]
        {
            eventually("three more reports", || later(&clients()).len() >= 3);
            let found = later(&clients());
            assert_eq!(of(&found, &second).len(), found.len(), "{root:?}");
        }
    }
}

#[test]
fn a_receiver_that_was_down_gets_the_reports_of_that_time_once() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        site.retry_twice();
        site.define("mine");
        let wanted = json!({"EventFormatType": "MetricReport", "DeliveryRetryPolicy": "RetryForever"});
        let subscription = site.subscribe(&receiver.url("/"), &wanted);
        eventually("two reports", || receiver.documents("/").len() >= 2);
        receiver.refuse(&["/"]);
        let is_refused = |delivery: &receiver::Delivery| delivery.status == 503;
        // An attempt takes ten seconds of simulated time, so this is longer than some reports.
        eventually("refusals", || {
            receiver.deliveries("/").iter().filter(|one| is_refused(one)).count() >= 20
        });
        assert_eq!(site.get(&subscription)["Status"]["Health"], "Warning");
        receiver.refuse(&[]);
        let before = receiver.documents("/").len();
        eventually("reports", || receiver.documents("/").len() >= before + 6);
        check_series(&receiver.documents("/"));
        let refused = receiver.deliveries("/").into_iter().filter(is_refused);
        let mut refused: Vec<_> = refused.map(|delivery| second(&delivery.document)).collect();
        refused.dedup();
        assert_eq!(refused.len(), 1, "the same report is sent until it is taken");
    }
}
