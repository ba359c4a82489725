//! Tasks as clients see them: 202, the task monitor, cancel and delete, settings and limit.

use super::*;
use crate::node::bmc::tasks::Payload;

const SERVICE: &str = "/redfish/v1/TaskService";
const TASKS: &str = "/redfish/v1/TaskService/Tasks";
const UPDATE: &str = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";

fn uuid(bench: &Bench) -> &str {
    bench.system.rsplit('/').next().unwrap()
}

fn target(bench: &Bench, component: &str) -> String {
    format!("/redfish/v1/UpdateService/FirmwareInventory/{}-{component}", uuid(bench))
}

/// Asks for an update of components.
fn update(bench: &Bench, components: &[&str]) -> Answer {
    let targets: Vec<_> = components.iter().map(|component| target(bench, component)).collect();
    let body =
        json!({"ImageURI": "http://user:pw@images.example/fw-9.9.bin", "Targets": targets, "Password": "pw"});
    bench.write("POST", UPDATE, &body)
}

fn fetched(bench: &Bench, component: u8, update: u32, result: Result<(), crate::note::Note>) {
    bench.redfish.fleet.answer(NodeId(0), Found::FirmwareFetched { component, update, result });
}

fn create_volume(bench: &Bench) -> Answer {
    let drive = |id: &str| json!({"@odata.id": format!("/redfish/v1/Chassis/{}/Drives/{id}", uuid(bench))});
    let body = json!({"RAIDType": "RAID1", "Links": {"Drives": [drive("Disk0"), drive("Disk1")]}});
    bench.write("POST", &format!("{}/Storage/SATA/Volumes", bench.system), &body)
}

fn keys(task: &Value) -> Vec<&str> {
    let messages = task["Messages"].as_array().unwrap().iter();
    messages.map(|message| message["MessageId"].as_str().unwrap().rsplit('.').next().unwrap()).collect()
}

#[test]
fn an_update_is_followed_from_its_monitor_to_its_end() {
    let mut bench = Bench::new();
    let answer = update(&bench, &["BIOS"]);
    let id = format!("{}-1", uuid(&bench));
    let monitor = format!("{SERVICE}/TaskMonitors/{id}");
    assert_eq!((answer.status, answer.header("Location")), (202, monitor.as_str()));
    assert!(answer.header("Retry-After").ends_with(" GMT"), "sushy fails with a number");
    assert_eq!(answer.header("Allow"), "DELETE");
    assert_eq!(answer.json["@odata.id"], monitor.as_str(), "sushy polls this URI");
    assert_eq!((&answer.json["TaskState"], &answer.json["PercentComplete"]), (&json!("Running"), &json!(0)));
    let payload = json!({
        "TargetUri": UPDATE, "HttpOperation": "POST",
        "JsonBody": json!({"ImageURI": "http://user@images.example/fw-9.9.bin", "Targets": [target(&bench, "BIOS")]}).to_string(),
    });
    assert_eq!((&answer.json["HidePayload"], &answer.json["Payload"]), (&json!(false), &payload));
    assert_eq!(bench.get(TASKS).json["Members"], json!([{"@odata.id": format!("{TASKS}/{id}")}]));
    let polled = bench.get(&monitor);
    assert_eq!((polled.status, &polled.json["TaskState"]), (202, &json!("Running")));
    fetched(&bench, 0, 1, Ok(()));
    let task = bench.get(&format!("{TASKS}/{id}"));
    assert_eq!(
        (task.status, &task.json["Id"], &task.json["TaskMonitor"]),
        (200, &json!(id), &json!(monitor))
    );
    assert_eq!((&task.json["TaskState"], &task.json["PercentComplete"]), (&json!("Pending"), &json!(50)));
    assert_eq!(keys(&task.json), ["TaskStarted", "TargetDetermined", "AwaitToActivate"]);
    assert_eq!((&task.json["EndTime"], &task.json["TaskStatus"]), (&Value::Null, &Value::Null));
    bench.reset("On");
    bench.wait(60_000);
    let done = bench.get(&monitor);
    assert_eq!((done.status, &done.json["TaskState"]), (200, &json!("Completed")));
    assert_eq!((&done.json["TaskStatus"], &done.json["PercentComplete"]), (&json!("OK"), &json!(100)));
    assert_eq!(keys(&done.json), ["TaskStarted", "TargetDetermined", "UpdateSuccessful", "TaskCompletedOK"]);
    bench.wait(3_600_000);
    for uri in [&monitor, &format!("{TASKS}/{id}")] {
        assert_eq!(bench.get(uri).status, 404, "it is removed an hour after its end");
    }
    assert_eq!(bench.get(TASKS).json["Members@odata.count"], 0);
    assert_eq!(bench.redfish.fleet.with_tasks(), []);
}

#[test]
fn an_update_that_fails_says_why() {
    let bench = Bench::new();
    let monitor = update(&bench, &["BIOS"]).header("Location").to_owned();
    fetched(&bench, 0, 1, Err("404 Not Found".into()));
    let failed = bench.get(&monitor);
    assert_eq!((failed.status, &failed.json["TaskState"]), (200, &json!("Exception")));
    assert_eq!(failed.json["TaskStatus"], "Critical");
    let last = ["TransferFailed", "TaskAborted", "GeneralError"];
    assert_eq!(keys(&failed.json)[2..], last);
    assert_eq!(failed.json["Messages"][4]["Message"], "404 Not Found");
}

#[test]
fn the_parts_of_an_update_are_sub_tasks() {
    let bench = Bench::new();
    let answer = update(&bench, &["BIOS", "NIC1"]);
    let sub_tasks = answer.json["SubTasks"]["@odata.id"].as_str().unwrap();
    assert_eq!(sub_tasks, format!("{TASKS}/{}-1/SubTasks", uuid(&bench)));
    let members = bench.get(sub_tasks).json["Members"].take();
    assert_eq!(members.as_array().unwrap().len(), 2);
    fetched(&bench, 0, 1, Ok(()));
    let part = |n: usize| bench.get(members[n]["@odata.id"].as_str().unwrap()).json;
    assert_eq!((&part(0)["TaskState"], &part(1)["TaskState"]), (&json!("Pending"), &json!("Running")));
    assert!(part(0)["Name"].as_str().unwrap().starts_with("Firmware update of "));
    assert_eq!(bench.get(answer.header("Location")).json["TaskState"], "Running");
    assert_eq!(bench.get(&format!("{sub_tasks}/3")).status, 404);
}

#[test]
fn a_task_monitor_that_is_deleted_cancels_the_work() {
    let bench = Bench::new();
    let monitor = update(&bench, &["BIOS"]).header("Location").to_owned();
    assert_eq!(bench.write("DELETE", &monitor, &json!({})).status, 204);
    assert_eq!((bench.get(&monitor).status, bench.write("DELETE", &monitor, &json!({})).status), (404, 404));
    let task = monitor.replace("TaskMonitors", "Tasks");
    let shown = bench.get(&task).json;
    assert_eq!((&shown["TaskState"], &shown["TaskStatus"]), (&json!("Cancelled"), &json!("Warning")));
    assert_eq!(bench.get(&target(&bench, "BIOS")).json["Status"]["State"], "Enabled");
    assert_eq!(bench.write("DELETE", &task, &json!({})).status, 204);
    assert_eq!(bench.get(&task).status, 404, "a task that has ended is removed");
    let running = update(&bench, &["BIOS"]).header("Location").replace("TaskMonitors", "Tasks");
    assert_eq!(bench.write("DELETE", &running, &json!({})).status, 204);
    assert_eq!(bench.get(&running).json["TaskState"], "Cancelled", "a task that runs is cancelled");
}

#[test]
fn work_on_a_volume_is_shown_at_the_volume() {
    let mut bench = Bench::new();
    let answer = create_volume(&bench);
    let volume = format!("{}/Storage/SATA/Volumes/Volume1", bench.system);
    let operation = |bench: &Bench| bench.get(&volume).json["Operations"][0]["Operation"].clone();
    assert_eq!((answer.status, operation(&bench)), (202, json!("Initialize")));
    assert_eq!(bench.write("DELETE", &volume, &json!({})).message_ids(), ["ResourceInUse"]);
    let duration = answer.json["EstimatedDuration"].as_str().unwrap();
    assert!(duration.starts_with("PT") && duration.ends_with('S'), "{duration}");
    bench.wait(500);
    let percent = bench.get(answer.header("Location")).json["PercentComplete"].as_u64().unwrap();
    assert!((1..100).contains(&percent), "{percent}");
    bench.wait(3_000);
    let created = bench.get(answer.header("Location"));
    assert_eq!((created.status, created.header("Location")), (201, volume.as_str()));
    assert_eq!(operation(&bench), Value::Null);
    let initialize = format!("{volume}/Actions/Volume.Initialize");
    assert_eq!(bench.write("POST", &initialize, &json!({"InitializeMethod": "No"})).status, 400);
    let answer = bench.write("POST", &initialize, &json!({"InitializeMethod": "Foreground"}));
    assert_eq!((answer.status, operation(&bench)), (202, json!("Initialize")));
    bench.wait(3_000);
    let answer = bench.write("DELETE", &volume, &json!({}));
    assert_eq!((answer.status, operation(&bench)), (202, json!("Delete")));
    bench.wait(3_000);
    assert_eq!((bench.get(answer.header("Location")).status, bench.get(&volume).status), (204, 404));
    let raw = format!("{}/Storage/SATA/Volumes/Disk0/Actions/Volume.Initialize", bench.system);
    assert_eq!(bench.write("POST", &raw, &json!({})).status, 405, "it is a drive");
}

#[test]
fn a_reset_of_the_bmc_to_defaults_cannot_be_cancelled() {
    let mut bench = Bench::new();
    let manager = bench.system.replace("Systems", "Managers");
    assert_eq!(bench.write("PATCH", &manager, &json!({"DateTimeLocalOffset": "+02:00"})).status, 204);
    let action = format!("{manager}/Actions/Manager.ResetToDefaults");
    let refused = bench.write("POST", &action, &json!({}));
    assert_eq!(refused.message_ids(), ["ActionParameterMissing"]);
    let answer = bench.write("POST", &action, &json!({"ResetType": "PreserveNetworkAndUsers"}));
    assert_eq!((answer.status, answer.header("Allow")), (202, ""));
    let monitor = answer.header("Location").to_owned();
    assert_eq!(bench.write("DELETE", &monitor, &json!({})).message_ids(), ["OperationNotAllowed"]);
    bench.wait(5_000);
    assert_eq!(bench.get(&monitor).status, 503, "the BMC restarts");
    bench.wait(20_000);
    let done = bench.get(&monitor);
    assert_eq!((done.status, &done.json["TaskState"]), (200, &json!("Completed")));
    assert_eq!(bench.get(&manager).json["DateTimeLocalOffset"], "+00:00");
}

#[test]
fn a_disabled_task_service_takes_no_work() {
    let bench = Bench::new();
    let change = |body: Value| bench.write("PATCH", SERVICE, &body);
    assert_eq!(change(json!({"TaskAutoDeleteTimeoutMinutes": 0})).message_ids(), ["PropertyValueOutOfRange"]);
    assert_eq!(
        change(json!({"CompletedTaskOverWritePolicy": "Manual"})).message_ids(),
        ["PropertyNotWritable"]
    );
    assert_eq!(change(json!({"ServiceEnabled": false, "TaskAutoDeleteTimeoutMinutes": 9})).status, 204);
    let service = bench.get(SERVICE).json;
    assert_eq!(
        (&service["Status"]["State"], &service["ServiceEnabled"]),
        (&json!("Disabled"), &json!(false))
    );
    let refused = update(&bench, &["BIOS"]);
    assert_eq!((refused.status, refused.message_ids()), (409, vec!["ServiceDisabled"]));
    assert_eq!(bench.reset("On").status, 204, "a reset is no task");
    assert_eq!(change(json!({"ServiceEnabled": true})).status, 204);
    assert_eq!(update(&bench, &["BIOS"]).status, 202);
}

#[test]
fn a_bmc_keeps_a_limited_number_of_tasks() {
    let mut bench = Bench::new();
    bench.redfish.tasks_per_bmc = 1;
    assert_eq!(update(&bench, &["BIOS"]).status, 202);
    let refused = update(&bench, &["BMC"]);
    assert_eq!((refused.status, refused.message_ids()), (503, vec!["CreateLimitReachedForResource"]));
    assert_eq!((refused.header("Retry-After"), bench.redfish.tasks_refused.get()), ("5", 1));
    fetched(&bench, 0, 1, Err("gone".into()));
    assert_eq!(update(&bench, &["BMC"]).status, 202, "the task that has ended makes room");
    assert_eq!(bench.get(TASKS).json["Members@odata.count"], 1);
}

#[test]
fn a_long_body_is_not_shown_as_payload() {
    let bench = Bench::new();
    let image = format!("http://images.example/{}", "x".repeat(Payload::MAX_JSON - 100));
    let body = json!({"ImageURI": image, "Targets": [target(&bench, "BIOS")]});
    let task = bench.write("POST", UPDATE, &body).json;
    assert_eq!((&task["HidePayload"], &task["Payload"]), (&json!(true), &Value::Null));
}

#[test]
fn the_tasks_of_all_nodes_are_in_one_collection() {
    let mut bench = Bench::new();
    create_volume(&bench);
    let second = bench.redfish.fleet.look(NodeId(1), |n, _| n.spec().uuid()).unwrap();
    bench.system = format!("/redfish/v1/Systems/{second}");
    create_volume(&bench);
    let tasks = bench.get(&format!("{TASKS}?$expand=.")).json;
    let names: Vec<_> = tasks["Members"].as_array().unwrap().iter().map(|task| &task["Name"]).collect();
    assert_eq!(names, ["Creation of a volume"; 2]);
    assert_eq!(bench.redfish.fleet.with_tasks(), [NodeId(0), NodeId(1)]);
    assert!(bench.redfish.fleet.remove(NodeId(0)));
    assert_eq!(bench.get(TASKS).json["Members@odata.count"], 1);
    let other = format!("{TASKS}/{}-1", uuid(&Bench::new()));
    assert_eq!(bench.get(&other).status, 404);
}

#[test]
fn a_root_of_its_own_has_short_ids_and_settings_of_its_own() {
    let bench = Bench::new();
    let send = |method: &str, uri: &str, body: &Value| {
        let request = Request::builder().method(method).uri(uri).header("Authorization", BASIC);
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let response = bench.redfish.call_own(NodeId(0), |_| true, &request).unwrap();
        let json: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), response.headers().clone(), json)
    };
    let body = json!({"TaskAutoDeleteTimeoutMinutes": 3});
    assert_eq!(send("PATCH", SERVICE, &body).0, 204);
    assert_eq!(send("GET", SERVICE, &Value::Null).2["TaskAutoDeleteTimeoutMinutes"], 3);
    assert_eq!(bench.get(SERVICE).json["TaskAutoDeleteTimeoutMinutes"], 60);
    let (status, headers, task) = send("POST", UPDATE, &json!({"ImageURI": "http://x/BIOS_2.5.0.bin"}));
    assert_eq!(
        (status, headers["Location"].to_str().unwrap()),
        (202, "/redfish/v1/TaskService/TaskMonitors/1")
    );
    assert_eq!((&task["Id"], &task["Name"]), (&json!("1"), &json!("Firmware update")));
    assert_eq!(send("GET", TASKS, &Value::Null).2["Members"], json!([{"@odata.id": format!("{TASKS}/1")}]));
    assert_eq!(send("GET", &format!("{TASKS}/1"), &Value::Null).0, 200);
    assert_eq!(send("GET", &format!("{TASKS}/2"), &Value::Null).0, 404);
}
