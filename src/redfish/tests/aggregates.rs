//! The aggregation service of the root that all machines share: aggregates, and actions on many machines in batches.

use super::*;
use crate::fleet::persist::Next;

const SERVICE: &str = "/redfish/v1/AggregationService";
const AGGREGATES: &str = "/redfish/v1/AggregationService/Aggregates";
const TASKS: &str = "/redfish/v1/TaskService/Tasks";

/// The URI of a machine's part, such as `Systems`.
fn uri(bench: &Bench, part: &str, node: u32) -> String {
    let uuid = bench.redfish.fleet.look(NodeId(node), |node, _| node.spec().uuid()).unwrap();
    format!("/redfish/v1/{part}/{uuid}")
}

fn links(bench: &Bench, part: &str, nodes: &[u32]) -> Value {
    nodes.iter().map(|node| json!({"@odata.id": uri(bench, part, *node)})).collect()
}

fn create(bench: &Bench, nodes: &[u32]) -> String {
    let answer = bench.write("POST", AGGREGATES, &json!({"Elements": links(bench, "Systems", nodes)}));
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.header("Location").to_owned()
}

fn act(bench: &Bench, of: &str, action: &str, body: &Value) -> Answer {
    bench.write("POST", &format!("{of}/Actions/{action}"), body)
}

/// The power states of the machines.
fn power(bench: &Bench) -> Vec<String> {
    let state =
        |node| bench.get(&uri(bench, "Systems", node)).json["PowerState"].as_str().unwrap().to_owned();
    (0..3).map(state).collect()
}

impl Bench {
    /// Lets the clock run, and passes the deadlines of the shared root.
    fn run(&mut self, ms: u64) {
        self.wait(ms);
        while self.redfish.settle(self.now) <= self.now {}
    }
}

fn uris(elements: &Value) -> Vec<&str> {
    elements.as_array().unwrap().iter().map(|link| link["@odata.id"].as_str().unwrap()).collect()
}

#[test]
fn an_aggregate_is_created_changed_and_deleted() {
    let bench = Bench::new();
    let aggregate = create(&bench, &[0, 1, 0]);
    assert_eq!(aggregate, format!("{AGGREGATES}/1"));
    assert_eq!(bench.get(&aggregate).json["ElementsCount"], 2, "a second link to a resource adds nothing");
    let more = json!({"Elements": [{"@odata.id": uri(&bench, "Managers", 2)}, {"@odata.id": uri(&bench, "Systems", 0)}]});
    assert_eq!(act(&bench, &aggregate, "Aggregate.AddElements", &more).status, 204);
    assert_eq!(bench.get(&aggregate).json["Elements@odata.count"], 3);
    let gone = json!({"Elements": links(&bench, "Systems", &[0])});
    assert_eq!(act(&bench, &aggregate, "Aggregate.RemoveElements", &gone).status, 204);
    let again = act(&bench, &aggregate, "Aggregate.RemoveElements", &gone);
    assert_eq!((again.status, again.message_ids()), (400, vec!["ActionParameterValueNotInList"]));
    let mut left = vec![uri(&bench, "Managers", 2), uri(&bench, "Systems", 1)];
    left.sort();
    let shown = bench.get(&aggregate);
    let mut elements = uris(&shown.json["Elements"]);
    elements.sort_unstable();
    assert_eq!(elements, left);
    assert!(bench.redfish.fleet.remove(NodeId(2)));
    assert_eq!(uris(&bench.get(&aggregate).json["Elements"]), [uri(&bench, "Systems", 1)]);
    assert_eq!(bench.send("DELETE", &aggregate, &[("Authorization", BASIC)], b"").status, 204);
    assert_eq!(bench.get(&aggregate).status, 404);
    assert_eq!(
        create(&bench, &[]),
        format!("{AGGREGATES}/2"),
        "the URI of an old aggregate leads to no new one"
    );
}

#[test]
fn all_resources_that_cannot_be_elements_are_named_at_once() {
    let bench = Bench::new();
    let elements = json!([
        {"@odata.id": uri(&bench, "Systems", 0)},
        {"@odata.id": uri(&bench, "Systems", 0) + "/Bios"},
        {"@odata.id": "/redfish/v1/Systems/00000000-0000-0000-0000-000000000000"},
    ]);
    let answer = bench.write("POST", AGGREGATES, &json!({"Elements": elements}));
    assert_eq!((answer.status, answer.message_ids()), (400, vec!["PropertyValueNotInList"; 2]));
    let about = &answer.json["error"]["@Message.ExtendedInfo"][1]["RelatedProperties"];
    assert_eq!(about, &json!(["#/Elements/2"]));
    let answer = bench.write("POST", AGGREGATES, &json!({"Name": "x"}));
    assert_eq!(answer.message_ids(), ["PropertyMissing", "PropertyUnknown"]);
    assert_eq!(bench.get(AGGREGATES).json["Members@odata.count"], 0);
    let chassis = json!({"Systems": links(&bench, "Chassis", &[0])});
    let answer = act(&bench, SERVICE, "AggregationService.SetDefaultBootOrder", &chassis);
    assert_eq!(answer.message_ids(), ["ActionParameterValueNotInList"], "a chassis has no boot order");
    let none = json!({"TargetURIs": [], "ResetType": "On", "BatchSize": -1});
    let answer = act(&bench, SERVICE, "AggregationService.Reset", &none);
    assert_eq!(answer.status, 400);
    assert_eq!(power(&bench), ["Off"; 3]);
}

#[test]
fn a_reset_goes_through_an_aggregate_in_batches() {
    let mut bench = Bench::new();
    let aggregate = create(&bench, &[0, 1, 2]);
    let order: Vec<String> =
        uris(&bench.get(&aggregate).json["Elements"]).iter().map(|uri| (*uri).to_owned()).collect();
    let body = json!({"ResetType": "ForceOn", "BatchSize": 2, "DelayBetweenBatchesInSeconds": 600});
    let begun = act(&bench, &aggregate, "Aggregate.Reset", &body);
    assert_eq!((begun.status, begun.header("Location")), (202, "/redfish/v1/TaskService/TaskMonitors/1"));
    assert_eq!(begun.header("Allow"), "DELETE");
    let task = format!("{TASKS}/1");
    let is_on = |bench: &Bench, n: usize| bench.get(&order[n]).json["PowerState"] != "Off";
    assert_eq!([0, 1, 2].map(|n| is_on(&bench, n)), [true, true, false], "the first batch is done at once");
    let shown = bench.get(&task).json;
    assert_eq!((&shown["TaskState"], &shown["PercentComplete"]), (&json!("Running"), &json!(66)));
    assert_eq!(shown["EstimatedDuration"], "PT600S");
    assert_eq!(shown["Payload"]["JsonBody"], body.to_string());
    bench.run(599_999);
    assert!(!is_on(&bench, 2), "the second batch is not due");
    assert_eq!(bench.get(begun.header("Location")).status, 202);
    bench.run(1);
    assert!(is_on(&bench, 2));
    let ended = bench.get(begun.header("Location"));
    assert_eq!((ended.status, &ended.json["TaskState"]), (200, &json!("Completed")));
    assert_eq!((&ended.json["TaskStatus"], &ended.json["PercentComplete"]), (&json!("OK"), &json!(100)));
    bench.run(3_600_000);
    assert_eq!(bench.get(&task).status, 404, "it is removed an hour after its end");
}

#[test]
fn a_cancelled_task_resets_no_more() {
    let mut bench = Bench::new();
    let targets = links(&bench, "Systems", &[0, 1, 2]);
    let body =
        json!({"TargetURIs": targets, "ResetType": "On", "BatchSize": 1, "DelayBetweenBatchesInSeconds": 60});
    let begun = act(&bench, SERVICE, "AggregationService.Reset", &body);
    assert_eq!(begun.status, 202, "{}", begun.json);
    bench.run(60_000);
    let delete = |uri: &str| bench.send("DELETE", uri, &[("Authorization", BASIC)], b"").status;
    assert_eq!(delete(begun.header("Location")), 204);
    let on = |bench: &Bench| power(bench).iter().filter(|state| *state != "Off").count();
    assert_eq!(on(&bench), 2);
    assert_eq!(bench.get(begun.header("Location")).status, 404, "the monitor is gone");
    assert_eq!(bench.get(&format!("{TASKS}/1")).json["TaskState"], "Cancelled");
    assert_eq!(delete(&format!("{TASKS}/1")), 204);
    assert_eq!(bench.get(&format!("{TASKS}/1")).status, 404);
    bench.run(600_000);
    assert_eq!(on(&bench), 2);
}

#[test]
fn the_refusals_of_elements_are_messages_of_the_task() {
    let mut bench = Bench::new();
    let everything =
        [links(&bench, "Systems", &[0]), links(&bench, "Managers", &[1]), links(&bench, "Chassis", &[2])];
    let all: Value = everything.iter().flat_map(|links| links.as_array().unwrap().clone()).collect();
    let body = json!({"TargetURIs": all, "ResetType": "GracefulRestart"});
    let task = act(&bench, SERVICE, "AggregationService.Reset", &body).json;
    assert_eq!((&task["TaskState"], &task["TaskStatus"]), (&json!("Completed"), &json!("Warning")), "{task}");
    let messages: Vec<&str> = task["Messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["Message"].as_str().unwrap())
        .collect();
    let refused = |uri: &String| messages.iter().any(|message| message.starts_with(uri));
    assert!(refused(&uri(&bench, "Systems", 0)), "a machine that is off: {messages:?}");
    assert!(!refused(&uri(&bench, "Managers", 1)), "{messages:?}");
    bench.run(5_000);
    assert_eq!(bench.get(&uri(&bench, "Managers", 1)).status, 503, "it restarts");
    let body = json!({"TargetURIs": links(&bench, "Systems", &[0, 2]), "ResetType": "Nmi"});
    let task = act(&bench, SERVICE, "AggregationService.Reset", &body).json;
    assert_eq!((&task["TaskState"], &task["TaskStatus"]), (&json!("Exception"), &json!("Critical")));
}

#[test]
fn boot_orders_are_reset_together() {
    let bench = Bench::new();
    let system = uri(&bench, "Systems", 1);
    let order = bench.get(&system).json["Boot"]["BootOrder"].clone();
    let mut other: Vec<Value> = order.as_array().unwrap().clone();
    other.reverse();
    assert_eq!(bench.write("PATCH", &system, &json!({"Boot": {"BootOrder": other}})).status, 204);
    let aggregate = create(&bench, &[0, 1]);
    let more = json!({"Elements": links(&bench, "Chassis", &[1])});
    act(&bench, &aggregate, "Aggregate.AddElements", &more);
    let task = act(&bench, &aggregate, "Aggregate.SetDefaultBootOrder", &json!({})).json;
    assert_eq!((&task["TaskState"], &task["TaskStatus"]), (&json!("Completed"), &json!("OK")), "{task}");
    assert_eq!(bench.get(&system).json["Boot"]["BootOrder"], order);
}

#[test]
fn its_tasks_stand_among_those_of_the_machines() {
    let bench = Bench::new();
    let defaults = format!("{}/Actions/Manager.ResetToDefaults", uri(&bench, "Managers", 1));
    assert_eq!(bench.write("POST", &defaults, &json!({"ResetType": "ResetAll"})).status, 202);
    let body = json!({"TargetURIs": links(&bench, "Systems", &[0]), "ResetType": "On"});
    act(&bench, SERVICE, "AggregationService.Reset", &body);
    let of_machine = uri(&bench, "Managers", 1).replace("Managers", "TaskService/Tasks") + "-1";
    let all = bench.get(TASKS).json;
    assert_eq!(
        (uris(&all["Members"]), &all["Members@odata.count"]),
        (vec![&*of_machine, &format!("{TASKS}/1")], &json!(2))
    );
    assert_eq!(uris(&bench.get(&format!("{TASKS}?$skip=1")).json["Members"]), [format!("{TASKS}/1")]);
    let found = bench.get(&format!("{TASKS}?$filter=TaskState%20eq%20'Completed'")).json;
    assert_eq!(uris(&found["Members"]), [format!("{TASKS}/1")]);
    let expanded = bench.get(&format!("{TASKS}?$expand=.")).json;
    assert_eq!(expanded["Members"][1]["Name"], "Reset of resources");
    assert_eq!(bench.get(&format!("{TASKS}/2")).status, 404);
    let disabled = bench.write("PATCH", "/redfish/v1/TaskService", &json!({"ServiceEnabled": false}));
    assert_eq!(disabled.status, 204);
    let refused = act(&bench, SERVICE, "AggregationService.Reset", &body);
    assert_eq!((refused.status, refused.message_ids()), (409, vec!["ServiceDisabled"]));
}

#[test]
fn the_root_of_one_bmc_has_no_aggregation_service() {
    let bench = Bench::new();
    let own = |uri: &str| {
        let request = Request::get(uri).header("Authorization", BASIC).body(Bytes::new()).unwrap();
        let response = bench.redfish.call_own(NodeId(0), |_| true, &request).unwrap();
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    assert_eq!(own("/redfish/v1").1.get("AggregationService"), None);
    assert_eq!((own(SERVICE).0, own(AGGREGATES).0), (404, 404));
    assert_eq!(bench.get("/redfish/v1").json["AggregationService"]["@odata.id"], SERVICE);
}

#[test]
fn a_task_goes_on_after_a_restart_of_the_process() {
    let fleet = |persisted: bool| {
        let bench = Bench::new();
        if persisted {
            bench.redfish.fleet.persist();
        }
        bench
    };
    let before = fleet(true);
    create(&before, &[0, 1]);
    let body = json!({
        "TargetURIs": links(&before, "Systems", &[0, 1, 2]),
        "ResetType": "On", "BatchSize": 1, "DelayBetweenBatchesInSeconds": 60,
    });
    act(&before, SERVICE, "AggregationService.Reset", &body);
    let Next::Write(batch) = before.redfish.fleet.ledger().unwrap().take(Some(std::time::Duration::ZERO))
    else {
        panic!("nothing is stored")
    };
    let records = batch.records.into_iter().filter_map(|(key, value)| Some((key.into(), value?.into())));
    let records: Vec<(String, Vec<u8>)> =
        records.filter(|(key, _): &(String, _)| key.starts_with("aggregation/")).collect();
    let mut after = fleet(false);
    after.redfish.aggregates.restore(&records).unwrap();
    assert_eq!(after.get(AGGREGATES).json["Members"], json!([{"@odata.id": format!("{AGGREGATES}/1")}]));
    assert_eq!(after.get(&format!("{TASKS}/1")).json["PercentComplete"], 33);
    after.run(60_000);
    let on = |bench: &Bench| power(bench).iter().filter(|state| *state != "Off").count();
    assert_eq!(on(&after), 1, "the nodes of this process are new, and the first machine is not reset again");
    after.run(60_000);
    assert_eq!((on(&after), &after.get(&format!("{TASKS}/1")).json["TaskState"]), (2, &json!("Completed")));
    assert_eq!(create(&after, &[]), format!("{AGGREGATES}/2"));
    let broken = [("aggregation/task/1".to_owned(), b"x".to_vec())];
    let problem = after.redfish.aggregates.restore(&broken).unwrap_err();
    assert!(problem.starts_with("record 'aggregation/task/1'"), "{problem}");
}
