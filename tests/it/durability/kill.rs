//! `kill -9` at random moments: no change that was acknowledged is lost, and no value that was read goes back.
//!
//! Clients write down what they changed and compare it with the daemon after its restart. `cargo test` kills 6 times;
//! `FAUXMETAL_KILLS=200 cargo test --release --test it kill` kills 200 times, and `FAUXMETAL_KILL_SEED=n` takes other
//! moments. The output names both numbers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::{BASIC, Client, Daemon, field, serve};

const NODES: usize = 24;
const WRITERS: usize = 6;
/// Kills of an ordinary test run.
const KILLS: u64 = 6;

/// Random numbers that are the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % sides
    }
}

/// The part of a node that one request changes. The request is done as a whole or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Asset tag, LED and boot override of a system. All three follow from one number.
    System,
    /// Two BIOS attributes. Both follow from one number.
    Bios,
    Power,
    Media,
    /// The newest task: an update, whose number is in the name of its image.
    Task,
}

/// What a writer knows of a part of a node: the number from which its values follow.
#[derive(Clone, Copy, Debug)]
struct Entry {
    is: u64,
    /// The number of a change that was sent and not answered. The part may have it, too.
    or: Option<u64>,
    /// The highest number that a client has read. The part may not go back below it.
    seen: u64,
}

type Book = BTreeMap<(usize, Part), Entry>;

/// A session. `ending` is set while a request for its end has no answer.
struct Login {
    token: String,
    uri: String,
    ending: bool,
}

/// A client that changes its nodes. No other client changes them.
struct Writer {
    nodes: Vec<usize>,
    book: Book,
    logins: Vec<Login>,
    ended: Vec<String>,
    dice: Dice,
    /// The last number that was used.
    count: u64,
    acknowledged: u64,
}

const TARGETS: [&str; 3] = ["Pxe", "Hdd", "Cd"];
const LEDS: [&str; 2] = ["Lit", "Off"];
const LOGICAL: [&str; 2] = ["Enabled", "Disabled"];

fn pick<'t>(from: &[&'t str], number: u64) -> &'t str {
    from[(number % from.len() as u64) as usize]
}

pub(super) fn request(part: Part, number: u64, system: &str) -> (&'static str, String, Value) {
    match part {
        Part::System => {
            let boot = json!({"BootSourceOverrideTarget": pick(&TARGETS, number), "BootSourceOverrideEnabled": "Continuous"});
            let body = json!({"AssetTag": format!("tag {number}"), "IndicatorLED": pick(&LEDS, number), "Boot": boot});
            ("PATCH", system.to_owned(), body)
        }
        Part::Bios => {
            let attributes =
                json!({"LogicalProc": pick(&LOGICAL, number), "ProcVirtualization": pick(&LOGICAL, number)});
            ("PATCH", format!("{system}/Bios/Settings"), json!({"Attributes": attributes}))
        }
        Part::Power => {
            let kind = pick(&["ForceOff", "On"], number);
            ("POST", format!("{system}/Actions/ComputerSystem.Reset"), json!({"ResetType": kind}))
        }
        Part::Media => {
            let slot = system.replace("/Systems/", "/Managers/") + "/VirtualMedia/Cd/Actions/VirtualMedia.";
            match number % 2 {
                0 => ("POST", slot + "EjectMedia", json!({})),
                // Nothing listens on that port: the image is inserted and cannot be opened.
                _ => (
                    "POST",
                    slot + "InsertMedia",
                    json!({"Image": format!("http://127.0.0.1:9/{number}.iso")}),
                ),
            }
        }
        Part::Task => {
            let uuid = system.rsplit('/').next().unwrap();
            let component = pick(&["BIOS", "BMC", "NIC1"], number);
            let target = format!("/redfish/v1/UpdateService/FirmwareInventory/{uuid}-{component}");
            let action = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate".to_owned();
            let image = format!("http://127.0.0.1:9/{number}.bin");
            ("POST", action, json!({"ImageURI": image, "Targets": [target]}))
        }
    }
}

/// The number in the last task of a node: 0 without tasks.
fn task_number(client: &mut Client, system: &str) -> u64 {
    let uuid = system.rsplit('/').next().unwrap();
    let (mut last, mut next) = (None, Some("/redfish/v1/TaskService/Tasks?$top=500".to_owned()));
    while let Some(page) = next {
        let tasks = client.get(&page);
        let uris = tasks["Members"].as_array().unwrap().iter().map(|m| m["@odata.id"].as_str().unwrap());
        let newest = uris.rev().find(|uri| uri.contains(uuid));
        last = newest.map(str::to_owned).or(last);
        next = tasks["Members@odata.nextLink"].as_str().map(str::to_owned);
    }
    let Some(last) = last else { return 0 };
    let task = client.get(&last);
    let state = task["TaskState"].as_str().unwrap();
    assert_eq!(task["EndTime"].is_null(), ["Starting", "Running", "Pending"].contains(&state), "{task}");
    let body: Value = serde_json::from_str(task["Payload"]["JsonBody"].as_str().unwrap()).unwrap();
    let image = body["ImageURI"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    image.trim_end_matches(".bin").parse().unwrap()
}

/// The number that a part of a node shows. Every value of the part must follow from it.
fn shown(part: Part, client: &mut Client, system: &str, entry: &Entry) -> u64 {
    match part {
        Part::System => system_number(&client.get(system)),
        Part::Bios => {
            let (now, next) =
                (client.get(&format!("{system}/Bios")), client.get(&format!("{system}/Bios/Settings")));
            let value = |name: &str| {
                let set = &next["Attributes"][name];
                let value = if set.is_null() { &now["Attributes"][name] } else { set };
                value.as_str().unwrap().to_owned()
            };
            let (one, other) = (value("LogicalProc"), value("ProcVirtualization"));
            assert_eq!(one, other, "one request was done by half: {now} {next}");
            same(LOGICAL.iter().position(|v| *v == one).unwrap() as u64, 2, entry)
        }
        Part::Power => {
            let state = client.get(system)["PowerState"].as_str().unwrap().to_owned();
            same(["Off", "On"].iter().position(|v| *v == state).unwrap() as u64, 2, entry)
        }
        Part::Media => {
            let media = client.get(&(system.replace("/Systems/", "/Managers/") + "/VirtualMedia/Cd"));
            match media["Image"].as_str() {
                Some(url) => url.rsplit('/').next().unwrap().trim_end_matches(".iso").parse().unwrap(),
                None => same(0, 2, entry),
            }
        }
        Part::Task => task_number(client, system),
    }
}

/// The known number whose remainder is `rest`; `u64::MAX`, which no writer uses, if there is none.
fn same(rest: u64, sides: u64, entry: &Entry) -> u64 {
    [Some(entry.is), entry.or].into_iter().flatten().find(|n| n % sides == rest).unwrap_or(u64::MAX)
}

/// The number that a system shows: 0 for a new system.
pub(super) fn system_number(document: &Value) -> u64 {
    let tag = document["AssetTag"].as_str().unwrap_or_default();
    let Some(number) = tag.strip_prefix("tag ").map(|n| n.parse().unwrap()) else { return 0 };
    assert_eq!(document["IndicatorLED"], pick(&LEDS, number), "one request was done by half: {document}");
    assert_eq!(
        document["Boot"]["BootSourceOverrideTarget"],
        pick(&TARGETS, number),
        "one request was done by half: {document}"
    );
    number
}

impl Writer {
    /// Sends changes until the daemon is killed.
    fn write(&mut self, mut client: Client, systems: &[String]) {
        while self.change(&mut client, systems).is_some() {}
    }

    fn change(&mut self, client: &mut Client, systems: &[String]) -> Option<()> {
        if self.dice.roll(12) == 0 {
            return self.log_in_or_out(client);
        }
        let node = self.nodes[self.dice.roll(self.nodes.len() as u64) as usize];
        let parts = [Part::System, Part::Bios, Part::Power, Part::Media, Part::Task];
        let part = parts[self.dice.roll(parts.len() as u64) as usize];
        self.count += 1;
        let entry = self.book.entry((node, part)).or_insert(Entry { is: 0, or: None, seen: 0 });
        // Even and odd numbers alternate, because a slot refuses a second image.
        let number = if self.count % 2 == entry.is % 2 { self.count + 1 } else { self.count };
        self.count = number;
        let (method, path, body) = request(part, number, &systems[node]);
        entry.or = Some(number);
        let answer = client.ask(method, &path, BASIC, &body)?;
        if part == Part::Task && answer.status == 409 {
            // The image of an earlier update of the component is still being fetched.
            entry.or = None;
            return Some(());
        }
        assert!(answer.status < 300, "{method} {path} {body}: {} {}", answer.status, answer.body);
        *entry = Entry { is: number, or: None, seen: number };
        self.acknowledged += 1;
        Some(())
    }

    fn log_in_or_out(&mut self, client: &mut Client) -> Option<()> {
        const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
        if self.logins.len() > 2 {
            let n = self.dice.roll(self.logins.len() as u64) as usize;
            self.logins[n].ending = true;
            let answer = client.ask("DELETE", &self.logins[n].uri, BASIC, &Value::Null)?;
            assert_eq!(answer.status, 204, "{}", answer.body);
            let login = self.logins.remove(n);
            self.ended.push(login.token);
            return Some(());
        }
        let who = json!({"UserName": "admin", "Password": "password"});
        let answer = client.ask("POST", SESSIONS, BASIC, &who)?;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let value = |name| field(&answer.head, name).unwrap().to_owned();
        self.logins.push(Login { token: value("X-Auth-Token"), uri: value("Location"), ending: false });
        Some(())
    }

    /// Compares the daemon with every acknowledged change. A change without an answer may be there or not; it is noted.
    fn compare(&mut self, client: &mut Client, systems: &[String]) {
        for ((node, part), entry) in &mut self.book {
            let there = shown(*part, client, &systems[*node], entry);
            let may = there == entry.is || Some(there) == entry.or;
            assert!(
                may && there >= entry.seen,
                "node {node}: {part:?} shows {there}, and the client knows {entry:?}"
            );
            *entry = Entry { is: there, or: None, seen: there };
        }
        let mut good = |token: &str| {
            let path = "/redfish/v1/Systems";
            client.ask("GET", path, ("X-Auth-Token", token), &Value::Null).unwrap().status == 200
        };
        for login in std::mem::take(&mut self.logins) {
            let there = good(&login.token);
            assert!(there || login.ending, "the session {} is lost", login.uri);
            if there {
                self.logins.push(Login { ending: false, ..login });
            }
        }
        assert!(!self.ended.iter().any(|token| good(token)), "a session that was ended is open again");
    }
}

/// Reads systems until the daemon is killed, and notes the highest number that each has shown.
fn read(mut client: Client, systems: &[String], mut dice: Dice, seen: &Mutex<BTreeMap<usize, u64>>) {
    loop {
        let node = dice.roll(systems.len() as u64) as usize;
        let Some(answer) = client.ask("GET", &systems[node], BASIC, &Value::Null) else { return };
        let number = system_number(&answer.body);
        let mut seen = seen.lock().unwrap();
        let known = seen.entry(node).or_insert(0);
        assert!(number >= *known, "node {node} went back from {known} to {number}");
        *known = number;
    }
}

#[test]
fn nothing_that_was_acknowledged_or_read_is_lost_by_kill_9() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (kills, seed) = (number("FAUXMETAL_KILLS", KILLS), number("FAUXMETAL_KILL_SEED", 1));
    println!("FAUXMETAL_KILLS={kills} FAUXMETAL_KILL_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let nodes = NODES.to_string();
    let quick = ["--timing", "power_on=0s", "--timing", "power_off=0s", "--timing", "post=50ms"];
    let flags = [&["--state", state.to_str().unwrap(), "--nodes", &nodes] as &[&str], &quick].concat();
    let mut daemon = Daemon::start(dir.path(), &flags);
    let members = daemon.client().get("/redfish/v1/Systems")["Members"].clone();
    let systems: Vec<String> =
        members.as_array().unwrap().iter().map(|m| m["@odata.id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(systems.len(), NODES);
    let mut dice = Dice(seed);
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|n| Writer {
            nodes: (n..NODES).step_by(WRITERS).collect(),
            book: Book::new(),
            logins: Vec::new(),
            ended: Vec::new(),
            dice: Dice(dice.roll(u64::MAX)),
            count: 0,
            acknowledged: 0,
        })
        .collect();
    for _ in 0..kills {
        let seen = Mutex::new(BTreeMap::new());
        let clients: Vec<_> = writers.iter().map(|_| daemon.client()).collect();
        let reader = daemon.client();
        let read_dice = Dice(dice.roll(u64::MAX));
        std::thread::scope(|scope| {
            for (writer, client) in writers.iter_mut().zip(clients) {
                scope.spawn(|| writer.write(client, &systems));
            }
            scope.spawn(|| read(reader, &systems, read_dice, &seen));
            std::thread::sleep(Duration::from_millis(dice.roll(300)));
            daemon.kill();
        });
        if dice.roll(4) == 0 {
            // A second kill, while the daemon starts.
            let mut child = serve(dir.path(), &flags).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(dice.roll(100)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        daemon = Daemon::start(dir.path(), &flags);
        let seen = seen.into_inner().unwrap();
        let mut client = daemon.client();
        for writer in &mut writers {
            for (node, seen) in writer.nodes.iter().filter_map(|node| Some((*node, *seen.get(node)?))) {
                if let Some(entry) = writer.book.get_mut(&(node, Part::System)) {
                    entry.seen = entry.seen.max(seen);
                }
            }
            writer.compare(&mut client, &systems);
        }
    }
    let changes: u64 = writers.iter().map(|w| w.acknowledged).sum();
    println!("{kills} kills, {changes} changes acknowledged, none lost");
    assert!(changes > kills, "too few changes were acknowledged to prove anything");
}
