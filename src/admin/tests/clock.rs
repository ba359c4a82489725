//! The clock of the fleet: shown, held, stepped, moved.

use std::time::Duration;

use super::*;
use crate::fleet::persist::{Ledger, Next};
use crate::node::command::Command;
use crate::node::host;
use crate::store::StoredClock;

/// A fleet whose clock is held.
fn held(nodes: u32) -> Bench {
    Bench::with_clock(nodes, None, Clock::held_at(1.0, T0))
}

/// Makes the outgoing calls of a fleet, for as long as the test lasts.
struct Served {
    admin: Arc<Admin>,
    fleet: Arc<Fleet>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Served {
    /// The tasks that the daemon has, too.
    fn new(bench: Bench) -> Self {
        let Bench { admin, fleet, redfish, outside, effects } = bench;
        let kept = Arc::clone(&fleet);
        let tasks = vec![
            tokio::spawn(Arc::clone(&outside).run(effects)),
            tokio::spawn(outside.deliver_shared(redfish)),
            tokio::spawn(async move { kept.keep_time().await }),
        ];
        Self { admin: Arc::new(admin), fleet, tasks }
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/fauxmetal/v1{path}"))
            .header("host", "localhost")
            .header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.admin.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn state(&self, index: u32) -> &'static str {
        self.fleet.look(NodeId(index), |node, _| node.state_word()).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

fn on(fleet: &Fleet, index: u32) {
    let on = Command::Host(host::Command::Reset(crate::dmtf::ResetType::On));
    fleet.apply(NodeId(index), on).unwrap().unwrap();
}

#[tokio::test]
async fn a_clock_is_held_and_released() {
    let bench = Bench::with_clock(1, None, Clock::wall_from(1.0, T0));
    let (status, clock) = bench.post("/clock/hold", json!({})).await;
    assert_eq!((status, &clock["held"]), (200, &json!(true)));
    let (status, again) = bench.post("/clock/hold", json!({})).await;
    assert_eq!((status, &again["now"]), (200, &clock["now"]), "it is held already");
    assert_eq!(
        (bench.get("/clock").await.1["now"].clone(), bench.get("/fleet").await.1["held"].clone()),
        (clock["now"].clone(), json!(true))
    );
    let (status, clock) = bench.post("/clock/run", json!({})).await;
    assert_eq!((status, &clock["held"], bench.fleet.clock().is_held()), (200, &json!(false), false));
    assert_eq!(bench.post("/clock/run", json!({})).await.0, 200, "it runs already");
    assert_eq!(bench.get("/fleet").await.1["held"], json!(false));
}

#[tokio::test]
async fn a_held_fleet_takes_changes_and_no_node_moves() {
    let bench = held(2);
    let (status, _) = bench.post("/power", json!({"nodes": {"all": true}, "action": "on"})).await;
    assert_eq!((status, bench.state(0), bench.fleet.wake_due() > T0), (200, "powering-on", true));
    let next = bench.get("/clock").await.1["next"].clone();
    let (_, node) = bench.get(&format!("/nodes/{}", next["node"].as_str().unwrap())).await;
    assert_eq!(next["at"], node["wait"]["until"]);
    let why = node["wait"]["text"].as_str().unwrap();
    assert!(why.contains("the clock of the fleet is held"), "{why}");
}

#[tokio::test]
async fn a_step_goes_from_deadline_to_deadline_with_the_calls_answered_in_between() {
    let served = Served::new(held(3));
    on(&served.fleet, 0);
    let (status, stepped) = served.post("/clock/step", json!({"seconds": 600})).await;
    assert_eq!(
        (status, &stepped["complete"], &stepped["from"]),
        (200, &json!(true), &json!(T0.rfc3339())),
        "{stepped}"
    );
    // The node has read its boot sources, each at its moment, and found nothing.
    assert_eq!((served.state(0), served.state(1)), ("no-boot-device", "off"));
    assert!(stepped["deadlines"].as_u64().unwrap() >= 2, "{stepped}");
    assert_eq!(served.fleet.clock().now(), T0.after_ms(600_000), "it ends exactly there");
    assert_eq!(stepped["clock"]["now"], json!(T0.after_ms(600_000).rfc3339()));
    assert_eq!(stepped["reason"], Value::Null);
}

#[tokio::test]
async fn two_fleets_that_are_stepped_are_equal_however_the_steps_are_divided() {
    let lives = [vec![600.0], vec![1.0, 0.001, 98.999, 500.0]].map(|steps| async move {
        let served = Served::new(held(2));
        on(&served.fleet, 1);
        for seconds in steps {
            assert_eq!(served.post("/clock/step", json!({"seconds": seconds})).await.0, 200);
        }
        let state = served.fleet.look(NodeId(1), |node, _| serde_json::to_value(node.state()).unwrap());
        (served.fleet.clock().now(), state)
    });
    let [whole, parts] = lives;
    assert_eq!(whole.await, parts.await);
}

#[tokio::test]
async fn next_moves_to_the_next_deadline_and_names_the_node() {
    let served = Served::new(held(2));
    let (status, problem) = served.post("/clock/next", json!({})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("nothing will happen by time"), "{problem}");
    on(&served.fleet, 1);
    let due = served.fleet.look(NodeId(1), |node, _| node.next_deadline()).unwrap();
    let (status, stepped) = served.post("/clock/next", json!({})).await;
    assert_eq!((status, served.fleet.clock().now(), served.state(1)), (200, due, "post"));
    assert_eq!(stepped["happened"], json!({"at": due.rfc3339(), "node": "generic-1"}));
    // A deadline of the queue that the node does not have any more is passed over.
    let off = Command::Host(host::Command::Reset(crate::dmtf::ResetType::ForceOff));
    served.fleet.apply(NodeId(1), off).unwrap().unwrap();
    while served.post("/clock/next", json!({})).await.0 == 200 {
        assert_eq!(served.state(1), "off");
    }
    assert_eq!(served.fleet.coming(), None);
}

#[tokio::test]
async fn the_end_of_a_session_is_the_next_thing_that_happens() {
    let bench = held(1);
    let redfish = Arc::clone(&bench.redfish);
    let served = Served::new(bench);
    let (_, token) = redfish.sessions.begin("admin", 1, None, T0).unwrap();
    // The session is used later, so it ends later than it seemed at first.
    assert_eq!(served.post("/clock/step", json!({"seconds": 60})).await.0, 200);
    assert!(redfish.sessions.check(&token, T0.after_ms(60_000)).is_some());
    let (status, stepped) = served.post("/clock/next", json!({})).await;
    assert_eq!((status, redfish.sessions.is_empty()), (200, true), "{stepped}");
    assert_eq!(stepped["happened"].get("node"), None);
}

#[tokio::test(start_paused = true)]
async fn a_step_gives_up_a_call_that_is_never_answered_and_says_where_it_stands() {
    // Nobody performs the calls. tokio's time is paused, so the limit of real time costs none.
    let bench = held(1);
    on(&bench.fleet, 0);
    let (status, stepped) = bench.post("/clock/step", json!({"seconds": 600})).await;
    assert_eq!((status, &stepped["complete"]), (200, &json!(false)));
    assert_eq!(stepped["reason"], "1 outgoing call is not answered within 300 s of real time");
    let now = bench.fleet.clock().now();
    assert!(T0 < now && now < T0.after_ms(600_000) && bench.state(0) == "booting", "{now:?}");
    assert_eq!(bench.post("/clock/next", json!({})).await.0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_alone_and_ends_when_the_clock_is_released() {
    let bench = held(1);
    on(&bench.fleet, 0);
    let control = async {
        while bench.fleet.effects_due() == 0 {
            tokio::task::yield_now().await;
        }
        let second = bench.post("/clock/step", json!({"seconds": 1})).await;
        // The step waits for a call until the clock runs and the call is answered.
        let run = bench.post("/clock/run", json!({})).await;
        (second, run)
    };
    let (step, (second, run)) = tokio::join!(bench.post("/clock/step", json!({"seconds": 600})), control);
    assert_eq!((second.0, run.0), (409, 200));
    assert!(second.1["detail"].as_str().unwrap().contains("another step is under way"), "{}", second.1);
    assert_eq!((step.0, &step.1["complete"], bench.fleet.clock().is_held()), (200, &json!(false), false));
}

#[tokio::test]
async fn the_speed_and_the_time_change_while_the_clock_is_held() {
    let bench = held(1);
    on(&bench.fleet, 0);
    let (status, clock) = bench.post("/clock/speed", json!({"speed": 60})).await;
    assert_eq!((status, &clock["speed"], &clock["now"]), (200, &json!(60.0), &json!(T0.rfc3339())));
    let (status, clock) = bench.post("/clock/jump", json!({"seconds": 3600})).await;
    assert_eq!((status, &clock["now"]), (200, &json!(T0.after_ms(3_600_000).rfc3339())));
    // The node is overdue, and passes its deadlines at their own moments.
    let started = bench.fleet.look(NodeId(0), |node, _| node.state_word()).unwrap();
    assert_eq!(started, "booting");
    let to = T0.after_ms(7_200_000);
    let (status, clock) = bench.post("/clock/jump", json!({"to": to.rfc3339()})).await;
    assert_eq!((status, bench.fleet.clock().now(), &clock["held"]), (200, to, &json!(true)));
    assert_eq!(bench.post("/clock/jump", json!({"to": to.rfc3339()})).await.0, 200, "it is there already");
}

#[tokio::test]
async fn a_change_that_is_wrong_or_not_possible_changes_nothing() {
    let bench = held(1);
    let before = bench.fleet.clock().going();
    for (path, body, status, field, detail) in [
        (
            "/clock/step",
            json!({"seconds": 0}),
            400,
            "seconds",
            "'seconds' is no number of seconds from 0.001 to 31622400",
        ),
        ("/clock/step", json!({"seconds": -1}), 400, "seconds", "'seconds' is no number"),
        ("/clock/step", json!({"seconds": "5s"}), 400, "seconds", "the body is wrong: invalid type"),
        ("/clock/step", json!({}), 400, "", "the body is wrong: missing field `seconds`"),
        ("/clock/hold", json!({"now": true}), 400, "now", "the body is wrong: unknown field `now`"),
        ("/clock/run", json!([]), 400, "", "the body is a JSON array"),
        ("/clock/step", json!([90]), 400, "", "the body is a JSON array"),
        ("/clock/speed", json!({"speed": 0}), 400, "speed", "'speed' is no number from 0.001 to 10000"),
        ("/clock/speed", json!({"speed": 10_001}), 400, "speed", "'speed' is no number"),
        ("/clock/jump", json!({}), 400, "", "the end of the jump is missing"),
        (
            "/clock/jump",
            json!({"seconds": 1, "to": "2031-01-01T00:00:00Z"}),
            400,
            "to",
            "'seconds' and 'to' exclude",
        ),
        ("/clock/jump", json!({"to": "tomorrow"}), 400, "to", "'to' is no moment"),
        ("/clock/jump", json!({"seconds": 1e300}), 400, "seconds", "'seconds' is no number"),
        (
            "/clock/jump",
            json!({"to": "2020-01-01T00:00:00Z"}),
            409,
            "to",
            "'to' is 2020-01-01T00:00:00Z, which has passed",
        ),
        (
            "/clock/jump",
            json!({"to": "1960-01-01T00:00:00Z"}),
            409,
            "to",
            "'to' is 1960-01-01T00:00:00Z, which has passed",
        ),
        ("/clock/jump", json!({"to": "9999-06-01T00:00:00Z"}), 409, "to", "'to' leads beyond 9999-01-01"),
        (
            "/clock/jump",
            json!({"seconds": 253_000_000_000_u64}),
            409,
            "seconds",
            "'seconds' leads beyond 9999-01-01",
        ),
    ] {
        let (code, problem) = bench.post(path, body.clone()).await;
        assert_eq!(code, status, "{path} {body}: {problem}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{path} {body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(detail), "{path} {body}: {problem}");
        assert_eq!(bench.fleet.clock().going(), before, "{path} {body}");
    }
    bench.fleet.clock().release();
    for (path, body) in [("/clock/step", json!({"seconds": 1})), ("/clock/next", json!({}))] {
        let (status, problem) = bench.post(path, body).await;
        assert_eq!(status, 409, "{path}");
        assert!(problem["detail"].as_str().unwrap().starts_with("the clock runs"), "{problem}");
    }
}

/// Acknowledges each batch, and returns the last record of the clock in it.
fn write_next(ledger: &Ledger) -> Option<StoredClock> {
    let Next::Write(batch) = ledger.take(Some(Duration::from_secs(60))) else { panic!("no batch") };
    ledger.persisted(batch.number);
    let records: Vec<_> = batch
        .records
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_string(), value?.into_vec())))
        .collect();
    StoredClock::read(&records).unwrap()
}

#[tokio::test]
async fn a_change_is_on_disk_before_it_is_answered_and_later_time_before_it_is_seen() {
    let bench = held(1);
    let (clock, ledger) = (bench.fleet.clock(), bench.fleet.persist());
    // Each change writes a record, and waits until it is on disk. Before time is later, the plan is on disk.
    let at = |ms: u64| T0.after_ms(ms);
    let writer = |count: usize| {
        let (ledger, clock) = (Arc::clone(&ledger), clock.clone());
        tokio::task::spawn_blocking(move || {
            (0..count).map(|_| (clock.now(), write_next(&ledger).unwrap())).collect::<Vec<_>>()
        })
    };
    let written = writer(2);
    assert_eq!(bench.post("/clock/jump", json!({"seconds": 3600})).await.0, 200);
    let written = written.await.unwrap();
    assert_eq!(
        written.iter().map(|(_, stored)| (stored.time_ms, stored.held)).collect::<Vec<_>>(),
        [(at(3_600_000), true); 2]
    );
    assert_eq!(clock.now(), at(3_600_000));
    let written = writer(2);
    assert_eq!(bench.post("/clock/step", json!({"seconds": 60})).await.0, 200);
    let written = written.await.unwrap();
    assert_eq!(written.iter().map(|(_, stored)| stored.time_ms).collect::<Vec<_>>(), [at(3_660_000); 2]);
    let written = writer(2);
    assert_eq!(bench.post("/clock/speed", json!({"speed": 1000})).await.0, 200);
    assert_eq!(written.await.unwrap()[1].1.speed, Some(1000.0));
    let written = writer(2);
    assert_eq!(bench.post("/clock/run", json!({})).await.0, 200);
    let written = written.await.unwrap();
    // Until the second record is there, clients can see some seconds of a fast clock.
    assert_eq!((written[0].1.held, written[0].1.time_ms), (false, at(3_660_000).after_ms(10_000_000)));
    assert!(written[1].1.time_ms >= at(3_660_000) && written[1].1.time_ms < written[0].1.time_ms);
    let written = writer(1);
    assert_eq!(bench.post("/clock/hold", json!({})).await.0, 200);
    let stored = written.await.unwrap()[0].1;
    assert_eq!((stored.held, stored.time_ms), (true, clock.now()));
}

#[tokio::test]
async fn a_full_disk_refuses_changes_of_the_clock() {
    let bench = held(1);
    let before = bench.fleet.clock().going();
    bench.fleet.persist().refuse(true);
    for (path, body) in [
        ("/clock/hold", json!({})),
        ("/clock/run", json!({})),
        ("/clock/step", json!({"seconds": 1})),
        ("/clock/speed", json!({"speed": 2})),
        ("/clock/jump", json!({"seconds": 1})),
    ] {
        let (status, problem) = bench.post(path, body).await;
        assert_eq!((status, bench.fleet.clock().going()), (503, before), "{path}: {problem}");
    }
}
