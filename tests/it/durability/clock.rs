//! A clock that was changed goes as before after a restart and after `kill -9`.

use serde_json::{Value, json};

use super::{BASIC, Client, Daemon};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn post(client: &mut Client, verb: &str, body: &Value) -> Value {
    let answer = client.ask("POST", &format!("/fauxmetal/v1/clock/{verb}"), JSON, body).unwrap();
    assert_eq!(answer.status, 200, "{verb} {body}: {}", answer.body);
    answer.body
}

fn clock(daemon: &Daemon) -> Value {
    let answer = daemon.control().ask("GET", "/fauxmetal/v1/clock", JSON, &Value::Null).unwrap();
    assert_eq!(answer.status, 200);
    answer.body
}

fn moment(clock: &Value) -> jiff::Timestamp {
    clock["now"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_held_clock_stands_at_the_same_moment_after_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = ["--state", &state, "--nodes", "2", "--seed", "1", "--boot-time", "20s"];
    let daemon = Daemon::start(dir.path(), &flags);
    let mut control = daemon.control();
    post(&mut control, "speed", &json!({"speed": 1000}));
    post(&mut control, "hold", &json!({}));
    let mut seen = Vec::new();
    for verb in [json!({"jump": {"seconds": 86_400}}), json!({"step": {"seconds": 90}}), json!({"hold": {}})]
    {
        for (verb, body) in verb.as_object().unwrap() {
            post(&mut control, verb, body);
        }
        seen.push(moment(&clock(&daemon)));
    }
    assert!(seen[1].duration_since(seen[0]) == jiff::SignedDuration::from_secs(90) && seen[2] == seen[1]);
    // A change of a node at the held moment is stored as any other.
    let mut bmc = daemon.client();
    let system = bmc.get("/redfish/v1/Systems")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let reset = format!("{system}/Actions/ComputerSystem.Reset");
    let answer = bmc.ask("POST", &reset, BASIC, &json!({"ResetType": "On"})).unwrap();
    assert_eq!(answer.status, 204);
    let date = |daemon: &Daemon| {
        let mut bmc = daemon.client();
        let manager = bmc.get("/redfish/v1/Managers")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
        (bmc.get(&manager)["DateTime"].clone(), bmc.get(&system)["PowerState"].clone())
    };
    let before = date(&daemon);
    daemon.kill();
    for _ in 0..2 {
        let daemon = Daemon::start(dir.path(), &flags);
        let now = clock(&daemon);
        assert_eq!((&now["held"], &now["speed"], moment(&now)), (&json!(true), &json!(1000.0), seen[2]));
        assert_eq!(date(&daemon), before);
        daemon.kill();
    }
    // A speed that is given takes precedence.
    let daemon = Daemon::start(dir.path(), &[&flags[..], &["--speed", "2"]].concat());
    assert_eq!((clock(&daemon)["speed"].clone(), moment(&clock(&daemon))), (json!(2.0), seen[2]));
}

#[test]
fn a_clock_that_has_jumped_keeps_its_offset_and_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = ["--state", &state, "--nodes", "1"];
    let mut seen = jiff::Timestamp::UNIX_EPOCH;
    let mut daemon = Daemon::start(dir.path(), &flags);
    let year = 365 * 86_400;
    // Each life of the daemon ends at once after a change that was acknowledged.
    for (life, (verb, body)) in [
        ("jump", json!({"seconds": year})),
        ("speed", json!({"speed": 10_000})),
        ("hold", json!({})),
        ("step", json!({"seconds": 3600})),
        ("run", json!({})),
        ("speed", json!({"speed": 1})),
        ("jump", json!({"to": "2150-06-01T00:00:00Z"})),
    ]
    .into_iter()
    .enumerate()
    {
        let before = clock(&daemon);
        assert!(moment(&before) >= seen, "life {life}, {verb}: {before} after {seen}");
        post(&mut daemon.control(), verb, &body);
        let after = clock(&daemon);
        assert!(moment(&after) >= moment(&before), "life {life}, {verb}: {after} after {before}");
        seen = moment(&after);
        daemon.kill();
        daemon = Daemon::start(dir.path(), &flags);
    }
    let now = clock(&daemon);
    assert!(
        moment(&now) >= seen
            && now["held"] == false
            && now["aheadSeconds"].as_f64().unwrap() > f64::from(year),
        "{now}"
    );
}

/// The kill comes at another moment of a step in each life. A client reads the time meanwhile.
#[test]
fn time_never_goes_back_when_kill_9_interrupts_steps() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = ["--state", &state, "--nodes", "4"];
    let mut seen = jiff::Timestamp::UNIX_EPOCH;
    for life in 0..4 {
        let daemon = Daemon::start(dir.path(), &flags);
        let before = clock(&daemon);
        assert!(
            moment(&before) >= seen && before["held"] == (life > 0),
            "life {life}: {before} after {seen}"
        );
        post(&mut daemon.control(), "hold", &json!({}));
        let (mut stepper, mut reader) = (daemon.control(), daemon.control());
        let steps = std::thread::spawn(move || {
            // It ends when the daemon is killed.
            while stepper.ask("POST", "/fauxmetal/v1/clock/step", JSON, &json!({"seconds": 86_400})).is_some()
            {
                stepper.ask(
                    "POST",
                    "/fauxmetal/v1/power",
                    JSON,
                    &json!({"nodes": {"all": true}, "action": "press"}),
                );
            }
        });
        for _ in 0..20 + 7 * life {
            let now = reader.ask("GET", "/fauxmetal/v1/clock", JSON, &Value::Null).unwrap().body;
            assert!(moment(&now) >= seen, "{now} after {seen}");
            seen = moment(&now);
        }
        daemon.kill();
        steps.join().unwrap();
    }
}

#[test]
fn a_fleet_whose_clock_was_never_changed_has_no_record_and_follows_the_date() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = ["--state", &state, "--nodes", "1"];
    for _ in 0..2 {
        let daemon = Daemon::start(dir.path(), &flags);
        let now = clock(&daemon);
        assert_eq!((&now["held"], &now["speed"]), (&json!(false), &json!(1.0)));
        assert!(now["aheadSeconds"].as_f64().unwrap().abs() < 3600.0, "{now}");
        daemon.kill();
    }
}
