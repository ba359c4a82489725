//! `kill -9` under a storm of control calls: no call that was acknowledged is lost.
//!
//! Each client has nodes of its own, writes down what it has changed, and compares it after the restart. `FAUXMETAL_KILLS` and
//! `FAUXMETAL_KILL_SEED` are those of `kill.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::kill::Dice;
use super::{Client, Daemon};

const NODES: u64 = 12;
const CLIENTS: u64 = 4;
/// Kills of an ordinary test run.
const KILLS: u64 = 4;
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A client of the control API.
struct Caller {
    number: u64,
    dice: Dice,
    /// The number of the last call.
    calls: u64,
    acknowledged: u64,
    /// For each group of nodes, the number in their label `tag`: the acknowledged one, and one without an answer.
    tags: BTreeMap<u64, (u64, Option<u64>)>,
    /// For each added batch the number of nodes that must be there, and whether an answer is missing.
    batches: BTreeMap<u64, (u64, bool)>,
}

fn call(client: &mut Client, path: &str, body: &Value) -> Option<Value> {
    let answer = client.ask("POST", &format!("/fauxmetal/v1{path}"), JSON, body)?;
    assert!(answer.status < 300, "{path} {body}: {} {}", answer.status, answer.body);
    Some(answer.body)
}

/// The nodes that a selector selects, with these members.
fn nodes(client: &mut Client, selector: &str, fields: &str) -> Vec<Value> {
    let path = format!(
        "/fauxmetal/v1/nodes?limit=1000&fields={fields}&selector={}",
        selector.replace(',', "%2C").replace('<', "%3C")
    );
    let answer = client.ask("GET", &path, JSON, &Value::Null).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["items"].as_array().unwrap().clone()
}

impl Caller {
    fn call(&mut self, mut client: Client) {
        while self.one(&mut client).is_some() {
            self.acknowledged += 1;
        }
    }

    fn one(&mut self, client: &mut Client) -> Option<()> {
        self.calls += 1;
        let number = self.calls;
        let owner = self.number;
        match self.dice.roll(6) {
            0 => {
                let count = 1 + self.dice.roll(3);
                let batch = number * CLIENTS + owner;
                self.batches.insert(batch, (count, true));
                let labels = json!({"batch": batch.to_string()});
                call(client, "/nodes", &json!({"profile": "generic", "count": count, "labels": labels}))?;
                self.batches.insert(batch, (count, false));
            }
            1 => {
                let Some((batch, (count, _))) = self.batches.pop_first() else { return Some(()) };
                self.batches.insert(batch, (count, true));
                let selector = format!("batch={batch}");
                call(client, "/remove", &json!({"nodes": {"selector": selector}}))?;
                self.batches.insert(batch, (0, false));
            }
            2 => {
                let selector = format!("index in (0..{}),tag", NODES - 1);
                call(client, "/power", &json!({"nodes": {"selector": selector}, "action": "press"}))?;
            }
            _ => {
                let group = self.dice.roll(NODES / CLIENTS) * CLIENTS + owner;
                let entry = self.tags.entry(group).or_insert((0, None));
                entry.1 = Some(number);
                let labels = json!({"tag": number.to_string(), "twin": number.to_string()});
                let body = json!({"nodes": {"selector": format!("index={group}")}, "set": labels});
                call(client, "/label", &body)?;
                *entry = (number, None);
            }
        }
        Some(())
    }

    /// Compares the daemon with every acknowledged call. A call without an answer may have taken effect or not.
    fn compare(&mut self, client: &mut Client) {
        for (group, (is, or)) in &mut self.tags {
            let found = nodes(client, &format!("index={group}"), "labels");
            let label = |key: &str| found[0]["labels"][key].as_str().map_or(0, |text| text.parse().unwrap());
            let there: u64 = label("tag");
            assert_eq!(there, label("twin"), "one change was done by half: {found:?}");
            assert!(there == *is || Some(there) == *or, "node {group} has tag {there}, not {is} or {or:?}");
            (*is, *or) = (there, None);
        }
        for (batch, (count, unanswered)) in &mut self.batches {
            let there = nodes(client, &format!("batch={batch}"), "name").len() as u64;
            assert!(
                there == *count || *unanswered && there <= *count,
                "batch {batch} has {there} nodes, and {count} were acknowledged"
            );
            (*count, *unanswered) = (there, false);
        }
        self.batches.retain(|_, (count, _)| *count > 0);
    }
}

#[test]
fn no_control_call_that_was_acknowledged_is_lost_by_kill_9() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (kills, seed) = (number("FAUXMETAL_KILLS", KILLS), number("FAUXMETAL_KILL_SEED", 1));
    println!("FAUXMETAL_KILLS={kills} FAUXMETAL_KILL_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let count = NODES.to_string();
    let first = ["--state", state.to_str().unwrap(), "--nodes", &count];
    let mut daemon = Daemon::start(dir.path(), &first);
    let mut dice = Dice(seed);
    let mut callers: Vec<_> = (0..CLIENTS)
        .map(|number| Caller {
            number,
            dice: Dice(dice.roll(u64::MAX)),
            calls: 0,
            acknowledged: 0,
            tags: BTreeMap::new(),
            batches: BTreeMap::new(),
        })
        .collect();
    let mut generations: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..kills {
        let clients: Vec<_> = callers.iter().map(|_| daemon.control()).collect();
        std::thread::scope(|scope| {
            for (caller, client) in callers.iter_mut().zip(clients) {
                scope.spawn(|| caller.call(client));
            }
            std::thread::sleep(Duration::from_millis(20 + dice.roll(300)));
            daemon.kill();
        });
        // The directory determines the nodes from now on.
        daemon = Daemon::start(dir.path(), &first[..2]);
        let mut client = daemon.control();
        for caller in &mut callers {
            caller.compare(&mut client);
        }
        for node in nodes(&mut client, &format!("index<{NODES}"), "name,generation") {
            let (name, generation) = (node["name"].as_str().unwrap(), node["generation"].as_u64().unwrap());
            let before = generations.insert(name.to_owned(), generation).unwrap_or(0);
            assert!(generation >= before, "{name} went back from generation {before} to {generation}");
        }
    }
    let calls: u64 = callers.iter().map(|caller| caller.acknowledged).sum();
    println!("{kills} kills, {calls} calls acknowledged, none lost");
    assert!(calls > kills, "too few calls were acknowledged to prove anything");
}
