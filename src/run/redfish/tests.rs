//! Operations on the BMCs of a fleet in this process, and on small servers that fail.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::RedfishDriver;
use super::bmc::Bmc;
use crate::plan::{Operation, Plan, Stage, Target, Until};
use crate::run::FleetOfOwn;
use crate::run::driver::{Driver as _, Job, Performed};
use crate::run::epoch::now;
use crate::run::machine::{Machine, Machines};

/// Longer than any operation of these tests takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for an answer, and shorter than the time in which a request is repeated.
const SHORT: Duration = Duration::from_millis(400);
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

/// A plan whose machines are fast.
fn plan(count: u32, auth: &str) -> Plan {
    let text = format!(
        "target: {{redfish: {{poll: 50ms, auth: {auth}, image: 'http://127.0.0.1:9/x.iso'}}}}
fleet: {{own: {{settings: {{speed: 1000}}}}}}
groups: [{{name: g, count: {count}, until: {{powerCycled: 2}}}}]"
    );
    crate::plan::read(&text, "plan.yaml", &[]).unwrap()
}

fn driver(plan: &Plan, ca: Option<Vec<u8>>) -> RedfishDriver {
    let Target::Redfish(target) = &plan.target else { unreachable!() };
    RedfishDriver::new(target, ca).unwrap()
}

fn job(machine: Machine, item: u32, plan: &Plan, patience: Duration) -> Job {
    Job {
        item,
        run: "r".into(),
        name: format!("r-g-{item}").into(),
        group: Arc::new(plan.groups[0].clone()),
        machine: Arc::new(machine),
        values: Arc::default(),
        deadline: now() + patience,
    }
}

/// A driver with the fleet of a plan.
struct Bench {
    plan: Plan,
    driver: RedfishDriver,
    fleet: FleetOfOwn,
}

impl Bench {
    async fn new(count: u32, auth: &str) -> Self {
        let plan = plan(count, auth);
        let fleet = FleetOfOwn::start(&plan).await.unwrap();
        Self { driver: driver(&plan, fleet.ca()), plan, fleet }
    }

    async fn perform(&self, item: u32, operation: Operation) -> Performed {
        self.driver.perform(&job(self.fleet.machine(item), item, &self.plan, LONG), operation).await
    }

    async fn break_first(&self, times: u32, what: Value) {
        let when = json!({"first": times, "requests": {"methods": ["GET", "POST"]}});
        let rule = json!({"name": "broken", "who": {"all": true}, "when": when, "what": what});
        self.fleet.add_rules(&[serde_json::from_value(rule).unwrap()]).await.unwrap();
    }

    /// The sessions of the BMC, as another client with the password sees them.
    async fn sessions(&self) -> Vec<String> {
        let (plan, machine) = (plan(1, "basic"), self.fleet.machine(0));
        let other = driver(&plan, self.fleet.ca());
        let mut bmc = Bmc::new(&other.client, &machine, 0, now() + LONG).unwrap();
        let (list, _) = bmc.get(SESSIONS).await.unwrap();
        super::scope::links(&list, "/Members").map(str::to_owned).collect()
    }
}

fn states(performed: &Performed) -> Vec<&str> {
    performed.states.iter().map(|(state, _)| state.as_str()).collect()
}

/// A small BMC: it answers requests such as `GET /path` as the function says, and keeps them. Status 0: it closes the connection.
struct Small {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Small {
    async fn new(answer: impl Fn(&str, usize) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let read = socket.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..read]);
                let asked = head.split(" HTTP").next().unwrap_or_default().to_owned();
                let before = all.lock().iter().filter(|one| **one == asked).count();
                let (status, body) = answer(&asked, before);
                all.lock().push(asked);
                if status == 0 {
                    continue;
                }
                let body = if let Value::String(text) = body { text } else { body.to_string() };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nRetry-After: 0\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked }
    }

    /// A BMC with these documents.
    async fn with(documents: BTreeMap<&'static str, Value>) -> Self {
        Self::new(move |asked, _| {
            let found = documents.get(asked.strip_prefix("GET ").unwrap_or_default());
            found.map_or((404, json!({"error": {"message": "there is none"}})), |found| (200, found.clone()))
        })
        .await
    }

    fn machine(&self) -> Machine {
        Machine {
            uuid: "u".to_owned(),
            name: "m".to_owned(),
            address: self.address.clone(),
            system: "/redfish/v1/Systems/1".to_owned(),
            username: "admin".to_owned(),
            password: "password".to_owned(),
            verify_ca: None,
            macs: Vec::new(),
        }
    }

    async fn perform(&self, operation: Operation, patience: Duration) -> Performed {
        let plan = plan(1, "basic");
        driver(&plan, None).perform(&job(self.machine(), 0, &plan, patience), operation).await
    }
}

/// The documents of a small BMC, by their paths.
fn documents() -> BTreeMap<&'static str, Value> {
    let id = |path: &str| json!({"@odata.id": path});
    let member = |path: &str| json!({"Members": [id(path)]});
    let reset = json!({"target": "/redfish/v1/Systems/1/Reset"});
    BTreeMap::from([
        (
            "/redfish/v1/",
            json!({"Systems": id("/redfish/v1/Systems"), "Registries": id("/redfish/v1/Registries/")}),
        ),
        ("/redfish/v1/Systems", member("/redfish/v1/Systems/1")),
        (
            "/redfish/v1/Registries",
            json!({"Members": [], "Members@odata.nextLink": "/redfish/v1/Registries?$skip=0"}),
        ),
        ("/redfish/v1/Registries?$skip=0", member("/redfish/v1/Systems/1#/Bios")),
        (
            "/redfish/v1/Systems/1",
            json!({
                "PowerState": "On",
                "Bios": id("/redfish/v1/Systems/1/Bios"),
                "Actions": {"#ComputerSystem.Reset": reset},
            }),
        ),
        (
            "/redfish/v1/Systems/1/Bios",
            json!({"@odata.id": "/redfish/v1/Systems/1/Bios", "Up": id("/redfish/v1")}),
        ),
    ])
}

#[tokio::test]
async fn machines_are_power_cycled_and_get_media() {
    let bench = Bench::new(3, "basic").await;
    let group = &bench.plan.groups[0];
    assert_eq!(bench.driver.path(group, Stage::Absent, Until::Walked(2)), [Operation::Walk; 2]);
    let first = bench.perform(0, Operation::PowerCycle).await;
    assert_eq!(first.error, None);
    assert_eq!(states(&first).first(), Some(&"Off"), "the machine is off before");
    let second = bench.perform(0, Operation::PowerCycle).await;
    assert_eq!(second.error, None);
    let seen = states(&second);
    assert_eq!((seen.first(), seen.last()), (Some(&"On"), Some(&"On")));
    assert!(seen.contains(&"Off"), "{seen:?}");
    assert_eq!(bench.driver.states(), [("On".to_owned(), 1)].into());
    let asked = bench.driver.asked();
    assert_eq!(asked.requests, 2 + 3, "each operation reads the machine, and there are three resets");
    assert!(asked.polls >= 3 && asked.poll_requests == asked.polls, "{asked:?}");
    assert_eq!(u64::from(first.requests + second.requests), asked.requests + asked.poll_requests);

    assert_eq!(bench.perform(0, Operation::Media).await.error, None);
    assert!(bench.driver.client.inserted.is_empty());
    let job = job(bench.fleet.machine(0), 0, &bench.plan, LONG);
    assert_eq!(bench.driver.ailment(&job, Stage::Absent).await, None);
    bench.fleet.stop().await.unwrap();
}

#[tokio::test]
async fn a_walk_of_a_shared_root_has_one_machine() {
    let (many, one) = (Bench::new(3, "basic").await, Bench::new(1, "basic").await);
    let first = many.perform(0, Operation::Walk).await;
    let second = many.perform(1, Operation::Walk).await;
    let alone = one.perform(0, Operation::Walk).await;
    assert_eq!((first.error, second.error, alone.error), (None, None, None));
    assert_eq!(first.requests, second.requests + 1, "the first one asks whether the root is shared");
    assert!(
        second.requests > 100 && alone.requests > second.requests,
        "{} {}",
        second.requests,
        alone.requests
    );
    assert!(alone.requests < 2 * second.requests, "{} {}", second.requests, alone.requests);
    many.fleet.stop().await.unwrap();
    one.fleet.stop().await.unwrap();
}

#[tokio::test]
async fn a_walk_reads_each_document_once() {
    let bmc = Small::with(documents()).await;
    let walked = bmc.perform(Operation::Walk, LONG).await;
    assert_eq!(walked.error, None);
    let mut asked = std::mem::take(&mut *bmc.asked.lock());
    asked.sort_unstable();
    let mut expected: Vec<_> = documents().into_keys().map(|path| format!("GET {path}")).collect();
    // The list of systems says whether they share the root, and is a document of a root with one system.
    expected.push("GET /redfish/v1/Systems".to_owned());
    expected.sort_unstable();
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_walk_fails_at_a_broken_link() {
    let mut documents = documents();
    documents.remove("/redfish/v1/Systems/1/Bios");
    let error = Small::with(documents.clone()).await.perform(Operation::Walk, LONG).await.error;
    assert_eq!(error.unwrap(), "GET /redfish/v1/Systems/1/Bios: HTTP 404 Not Found: there is none");
    let text =
        "target: {redfish: {skipBrokenLinks: true}}\ngroups: [{name: g, count: 1, until: {walked: 1}}]";
    let (plan, small) = (crate::plan::read(text, "p", &[]).unwrap(), Small::with(documents.clone()).await);
    let job = job(small.machine(), 0, &plan, LONG);
    assert_eq!(driver(&plan, None).perform(&job, Operation::Walk).await.error, None);
    documents.insert("/redfish/v1/Systems/1/Bios", "{\"Id\": ".into());
    let error = Small::with(documents).await.perform(Operation::Walk, LONG).await.error.unwrap();
    assert!(error.starts_with("GET /redfish/v1/Systems/1/Bios: the answer cannot be read: EOF"), "{error}");
}

#[tokio::test]
async fn a_busy_bmc_is_asked_again_and_a_reset_with_a_lost_answer_is_not() {
    let documents = documents();
    let busy = Small::new(move |asked, before| match (asked, before) {
        (_, 0) => (503, json!({})),
        ("POST /redfish/v1/Systems/1/Reset", 1) => (0, json!({})),
        _ => (200, documents["/redfish/v1/Systems/1"].clone()),
    })
    .await;
    let performed = busy.perform(Operation::PowerCycle, LONG).await;
    let error = performed.error.unwrap();
    assert!(error.starts_with("POST /redfish/v1/Systems/1/Reset: no answer"), "{error}");
    assert_eq!((performed.requests, performed.retries), (4, 2));
    assert_eq!(busy.asked.lock().len(), 4);
}

#[tokio::test]
async fn a_machine_that_stays_on_and_a_bmc_that_is_gone_are_failures() {
    let documents = documents();
    let stuck = Small::new(move |_, _| (200, documents["/redfish/v1/Systems/1"].clone())).await;
    let performed = stuck.perform(Operation::PowerCycle, SHORT).await;
    assert_eq!(states(&performed), ["On"], "a state is noted when it changes");
    assert_eq!(performed.error.unwrap(), "the time is over; the operation waits for PowerState 'Off'");

    let gone = Small { address: "http://127.0.0.1:1".to_owned(), asked: Arc::default() };
    let performed = gone.perform(Operation::Walk, Duration::from_millis(1500)).await;
    let error = performed.error.unwrap();
    assert!(error.contains("GET /redfish/v1/Systems/1"), "{error}");
    assert!(performed.retries > 0, "a read can be repeated");

    let foreign = Small::new(|_, _| {
        let reset = json!({"target": "http://192.0.2.1/redfish/v1/Systems/1/Reset"});
        (200, json!({"PowerState": "On", "Actions": {"#ComputerSystem.Reset": reset}}))
    })
    .await;
    let error = foreign.perform(Operation::PowerCycle, LONG).await.error.unwrap();
    assert!(error.ends_with("the URI is none of this BMC"), "{error}");
}

#[tokio::test]
async fn media_of_a_run_that_was_stopped_are_ejected() {
    let slot = "/redfish/v1/Systems/1/VirtualMedia/Cd";
    let inserted = Arc::new(Mutex::new(false));
    let state = Arc::clone(&inserted);
    let bmc = Small::new(move |asked, _| match asked.rsplit('/').next() {
        Some("1") => (200, json!({"VirtualMedia": {"@odata.id": "/redfish/v1/Systems/1/VirtualMedia"}})),
        Some("VirtualMedia") => (200, json!({"Members": [{"@odata.id": slot}]})),
        Some("Insert") => {
            *state.lock() = true;
            (204, "".into())
        }
        Some("Eject") => {
            *state.lock() = false;
            (204, "".into())
        }
        _ => {
            let target = |name| json!({"target": format!("{slot}/{name}")});
            let actions = json!({
                "#VirtualMedia.InsertMedia": target("Insert"), "#VirtualMedia.EjectMedia": target("Eject"),
            });
            // It shows the image when the run has given up.
            (200, json!({"Inserted": false, "Image": null, "Actions": actions}))
        }
    })
    .await;
    let plan = plan(1, "basic");
    let driver = driver(&plan, None);
    let performed = driver.perform(&job(bmc.machine(), 0, &plan, SHORT), Operation::Media).await;
    assert_eq!(
        performed.error.unwrap(),
        format!("the time is over; the operation waits for Inserted true of {slot}")
    );
    assert!(*inserted.lock());
    let kept = HashSet::from(["r-g-0".to_owned()]);
    assert_eq!(driver.sweep("r", &kept).await, [], "a failed item that is kept keeps its image");
    assert_eq!(driver.client.inserted.len(), 1);
    assert_eq!(driver.sweep("r", &HashSet::new()).await, []);
    assert!(driver.client.inserted.is_empty());
}

#[tokio::test]
async fn a_session_is_shared_renewed_and_deleted() {
    let bench = Bench::new(2, "session").await;
    assert_eq!(bench.perform(0, Operation::PowerCycle).await.error, None);
    assert_eq!(bench.perform(1, Operation::PowerCycle).await.error, None);
    let sessions = bench.sessions().await;
    assert_eq!(sessions.len(), 1, "the machines of a root share it");

    // Somebody else deletes it.
    let (plan, machine) = (plan(1, "basic"), bench.fleet.machine(0));
    let other = driver(&plan, bench.fleet.ca());
    let mut bmc = Bmc::new(&other.client, &machine, 0, now() + LONG).unwrap();
    bmc.delete(&sessions[0]).await.unwrap();
    assert_eq!(bench.sessions().await, [""; 0]);
    let performed = bench.perform(0, Operation::PowerCycle).await;
    assert_eq!((performed.error, performed.retries), (None, 1));
    assert_eq!(bench.sessions().await.len(), 1);
    bench.driver.end().await;
    assert_eq!(bench.sessions().await, [""; 0]);
    bench.fleet.stop().await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_a_failure_and_is_not_repeated() {
    let bench = Bench::new(1, "basic").await;
    for auth in ["basic", "session"] {
        let plan = plan(1, auth);
        let machine = Machine { password: "wrong".to_owned(), ..bench.fleet.machine(0) };
        let driver = driver(&plan, bench.fleet.ca());
        let performed = driver.perform(&job(machine, 0, &plan, LONG), Operation::PowerCycle).await;
        let error = performed.error.unwrap();
        assert!(error.contains("HTTP 401 Unauthorized"), "{error}");
        assert!(error.contains(if auth == "basic" { "/Systems/" } else { SESSIONS }), "{error}");
        assert_eq!(performed.retries, 0);
    }
    bench.fleet.stop().await.unwrap();
}

#[tokio::test]
async fn a_rule_of_faults_is_met() {
    let bench = Bench::new(1, "basic").await;
    bench.break_first(2, json!({"status": {"code": 500}})).await;
    let failed = bench.perform(0, Operation::Walk).await;
    let error = failed.error.unwrap();
    assert!(error.contains("HTTP 500") && error.starts_with("GET /redfish/v1/"), "{error}");
    bench.fleet.stop().await.unwrap();
}
