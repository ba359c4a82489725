//! Faults of a BMC.

use serde_json::{Value, json};

use super::super::load::connect;
use super::{Bench, LOGIN, holds, stays};

const OWN: &[&str] = &["--addresses", "host", "--domain", "bmc.example"];

#[test]
fn a_status() {
    let what = json!({"status": {"code": 409, "message": "ResourceInUse", "retryAfter": "10s"}});
    holds(&[], &what, |bench, name| bench.get(&bench.system(name)).0 == 409);

    let bench = Bench::new(&[]);
    bench.add(&json!({"requests": {"methods": ["GET"]}, "first": 2, "per": "operation"}), &what);
    let system = bench.system("generic-1");
    let (status, answer) = bench.get(&system);
    let message = &answer["error"]["@Message.ExtendedInfo"][0];
    assert_eq!((status, &message["MessageId"]), (409, &json!("Base.1.22.ResourceInUse")));
    let request = format!("GET {system} HTTP/1.1\r\nhost: x\r\n{LOGIN}\r\n");
    let mut stream = connect(bench.daemon.redfish());
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let (head, _) = super::super::load::answer(&mut stream).unwrap();
    assert!(head.contains("retry-after: 10\r\n"), "{head}");
    // Each operation is counted on its own.
    let bios = format!("{system}/Bios");
    assert_eq!([0; 3].map(|_| bench.get(&bios).0), [409, 409, 200]);
    assert_eq!(
        (bench.get(&system).0, bench.redfish("PATCH", &system, &json!({"AssetTag": "x"})).0),
        (200, 204)
    );
}

#[test]
fn a_status_after_the_change_is_made() {
    let bench = Bench::new(&[]);
    let system = bench.system("generic-1");
    let tag = |value: &str| bench.redfish("PATCH", &system, &json!({"AssetTag": value})).0;
    let shown = || bench.get(&system).1["AssetTag"].clone();
    let when = json!({"requests": {"methods": ["PATCH"]}});
    bench.add(&when, &json!({"status": {"code": 500}}));
    assert_eq!((tag("a"), shown()), (500, json!("FM-0000001")), "a failed change changes nothing");
    bench.clear();
    bench.add(&when, &json!({"status": {"code": 500, "apply": true}}));
    assert_eq!((tag("b"), shown()), (500, json!("b")));
}

#[test]
fn power_on_is_refused_for_a_minute_after_power_off() {
    let bench = Bench::new(&["--speed", "100"]);
    let on =
        json!({"methods": ["POST"], "path": "*/Actions/ComputerSystem.Reset", "body": {"ResetType": "On"}});
    bench.add(
        &json!({"requests": on, "after": {"state": "off"}, "for": "60s"}),
        &json!({"status": {"code": 409}}),
    );
    assert_eq!(bench.reset("generic-1", "On"), 204, "it was off before the rule came");
    bench.until("generic-1", &["no-boot-device"]);
    assert_eq!(bench.reset("generic-1", "ForceOff"), 204);
    bench.until("generic-1", &["off"]);
    assert_eq!(bench.reset("generic-1", "On"), 409);
    super::super::load::eventually("the minute is over", || bench.reset("generic-1", "On") == 204);
}

#[test]
fn a_lost_change() {
    let bench = std::cell::RefCell::new(0);
    holds(&[], &json!("lost-change"), |fleet, name| {
        *bench.borrow_mut() += 1;
        let (system, tag) = (fleet.system(name), format!("tag-{}", bench.borrow()));
        assert_eq!(fleet.redfish("PATCH", &system, &json!({"AssetTag": tag})).0, 204);
        fleet.get(&system).1["AssetTag"] != json!(tag)
    });
    let fleet = Bench::new(&[]);
    fleet.add(&json!({}), &json!("lost-change"));
    assert_eq!(fleet.reset("generic-1", "On"), 204);
    assert_eq!(fleet.node("generic-1")["state"], "off");
}

#[test]
fn a_wrong_document() {
    let what = json!({"document": {"remove": ["/Boot"], "set": {"/PowerState": 7}}});
    holds(&[], &what, |bench, name| {
        let (status, system) = bench.get(&bench.system(name));
        assert_eq!(status, 200);
        system["PowerState"] == 7 && system.get("Boot").is_none()
    });
    for (fault, expected) in [("memberMissing", 1), ("memberTwice", 3)] {
        let mut fault_of = serde_json::Map::new();
        fault_of.insert(fault.to_owned(), json!(0));
        holds(&[], &json!({"document": fault_of}), |bench, name| {
            let members =
                bench.get(&format!("{}/EthernetInterfaces", bench.system(name))).1["Members"].clone();
            members.as_array().unwrap().len() == expected
        });
    }
}

#[test]
fn a_changed_password() {
    holds(&[], &json!("password-changed"), |bench, name| bench.get(&bench.system(name)).0 == 401);
}

#[test]
fn a_locked_account() {
    holds(&[], &json!("account-locked"), |bench, name| bench.get(&bench.system(name)).0 == 401);
}

#[test]
fn a_session_limit() {
    let log_in = |bench: &Bench, name: &str| {
        let body = r#"{"UserName": "admin", "Password": "password"}"#;
        let request = format!(
            "POST /redfish/v1/SessionService/Sessions HTTP/1.1\r\nhost: {name}.bmc.example\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let url = bench.daemon.ready["redfish"][0].as_str().unwrap();
        let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
        let mut stream = connect(([127, 0, 0, 1], port).into());
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let (head, text) = super::super::load::answer(&mut stream).unwrap();
        (head[9..12].parse::<u16>().unwrap(), text)
    };
    holds(OWN, &json!("session-limit"), |bench, name| {
        let (status, text) = log_in(bench, name);
        assert!([201, 503].contains(&status), "{status}");
        text.contains("SessionLimitExceeded")
    });
    // All BMCs of a shared root have the same sessions.
    let bench = Bench::new(&[]);
    let rule = json!({"name": "r", "who": {"all": true}, "what": "session-limit"});
    bench.refuses(&rule, "--addresses ip, port or host");
}

#[test]
fn a_restart_in_the_middle() {
    let mut bench = Bench::new(&[]);
    let system = bench.system("generic-1");
    bench.add(&json!({"requests": {"methods": ["PATCH"]}, "limitPerNode": 1}), &json!("bmc-restart"));
    assert_eq!(bench.redfish("PATCH", &system, &json!({"AssetTag": "x"})).0, 0, "no answer comes");
    bench.restart();
    assert_eq!(bench.get(&system).0, 503, "the BMC restarts");
    let control = bench.control("GET", "/nodes/generic-1/journal", &Value::Null).to_string();
    assert!(control.contains("restarts"), "{control}");
    assert_eq!(
        (bench.fault()["fired"].clone(), bench.fault()["state"].clone()),
        (json!(1), json!("recovered"))
    );
    bench.clear();

    let bench = Bench::new(&["--timing", "manager_reset=0s"]);
    let system = bench.system("generic-1");
    bench.add(&json!({"requests": {"methods": ["PATCH"]}}), &json!("bmc-restart"));
    assert_eq!(bench.redfish("PATCH", &system, &json!({"AssetTag": "x"})).0, 0);
    bench.clear();
    super::super::load::eventually("the BMC is back", || bench.get(&system).0 == 200);
    assert_eq!(bench.get(&system).1["AssetTag"], "x", "the change was made");
}

#[test]
fn a_wrong_clock() {
    holds(&[], &json!({"wrong-clock": {"by": "365d"}}), |bench, name| {
        let manager = format!("/redfish/v1/Managers/{}", bench.node(name)["uuid"].as_str().unwrap());
        let shown = bench.get(&manager).1["DateTime"].as_str().unwrap().to_owned();
        let now = bench.control("GET", "/fleet", &Value::Null)["now"].as_str().unwrap().to_owned();
        shown[..4] < now[..4]
    });
}

#[test]
fn stale_reads() {
    let count = std::cell::Cell::new(0);
    holds(&[], &json!("stale-reads"), |bench, name| {
        count.set(count.get() + 1);
        let (system, tag) = (bench.system(name), format!("tag-{}", count.get()));
        assert_eq!(bench.redfish("PATCH", &system, &json!({"AssetTag": tag})).0, 204);
        bench.get(&system).1["AssetTag"] != json!(tag)
    });
    // The change is made all the same.
    let bench = Bench::new(&[]);
    bench.add(&json!({}), &json!("stale-reads"));
    assert_eq!(bench.reset("generic-1", "On"), 204);
    bench.until("generic-1", &["no-boot-device"]);
    assert_eq!(bench.get(&bench.system("generic-1")).1["PowerState"], "Off");
    bench.clear();
    assert_eq!(bench.get(&bench.system("generic-1")).1["PowerState"], "On");
}

/// Begins to collect diagnostic data. Returns the path of its task.
fn collect(bench: &Bench, name: &str) -> String {
    let log = format!("{}/LogServices/Log", bench.system(name).replace("Systems", "Managers"));
    let action = format!("{log}/Actions/LogService.CollectDiagnosticData");
    let (status, task) = bench.redfish("POST", &action, &json!({"DiagnosticDataType": "Manager"}));
    assert_eq!(status, 202, "{task}");
    format!("/redfish/v1/TaskService/Tasks/{}", task["Id"].as_str().unwrap())
}

/// The state of a task a minute later, which is longer than it takes. A task that has ended is deleted some minutes after that.
fn later(bench: &Bench, task: &str) -> Value {
    bench.pass(60);
    bench.get(task).1["TaskState"].take()
}

#[test]
fn a_task_that_never_ends() {
    let tasks = std::cell::RefCell::new(std::collections::BTreeMap::new());
    let begin = |bench: &Bench, name: &str| {
        tasks.borrow_mut().insert(name.to_owned(), collect(bench, name));
    };
    stays(&[], &json!("task-hangs"), begin, |bench, name| later(bench, &tasks.borrow()[name]) == "Running");
}

#[test]
fn a_task_that_fails() {
    holds(&[], &json!("task-fails"), |bench, name| {
        let state = later(bench, &collect(bench, name));
        assert!(state == "Exception" || state == "Completed", "{state}");
        state == "Exception"
    });
}
