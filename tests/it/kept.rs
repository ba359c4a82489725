//! A kept fleet, by an outside client with its own book: killed at random moments, and compared with what was told.
//!
//! `cargo test` kills a few times; `FAUXMETAL_KILLS=200 cargo test --release --test it kept::` kills 200 times, and
//! `FAUXMETAL_KILL_SEED=n` begins with other luck. A failure names the seed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

const NODES: usize = 24;
const WRITERS: usize = 6;
/// Kills of an ordinary test run.
const KILLS: u64 = 6;
const BASIC: (&str, &str) = ("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");

/// A daemon that was told to be ready, and is killed when it is dropped.
struct Daemon {
    child: Child,
    port: u16,
}

fn serve(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    let (listen, certs) = ("http://127.0.0.1:0", dir.join("certs"));
    command.args(["serve", "--listen", listen, "--agent-listen", listen]);
    if !more.contains(&"--log") {
        command.args(["--log", "error"]);
    }
    command.arg("--certs").arg(certs).args(more);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

impl Daemon {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let mut child = serve(dir, more).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(line.trim().strip_prefix("READY ").unwrap()).unwrap();
        let port = ready["redfish"][0].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port }
    }

    fn client(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client(stream)
    }

    /// As `kill -9` does, and at once.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection.
struct Client(TcpStream);

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Client {
    /// The whole answer; `None` when the connection ended before it.
    fn ask(&mut self, method: &str, path: &str, header: (&str, &str), body: &Value) -> Option<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{body}",
            header.0,
            header.1,
            body.len()
        );
        self.0.write_all(request.as_bytes()).ok()?;
        let mut read = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let n = self.0.read(&mut chunk).ok().filter(|n| *n > 0)?;
            read.extend_from_slice(&chunk[..n]);
            let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(read[..end].to_vec()).unwrap();
            let length = field(&head, "content-length").map_or(0, |l| l.parse().unwrap());
            if read.len() < end + 4 + length {
                continue;
            }
            let status = head[9..12].parse().unwrap();
            let body = serde_json::from_slice(&read[end + 4..]).unwrap_or(Value::Null);
            return Some(Answer { status, head, body });
        }
    }

    fn get(&mut self, path: &str) -> Value {
        let answer = self.ask("GET", path, BASIC, &Value::Null).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// Luck that can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % sides
    }
}

/// What is changed by one request, and so changes whole or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Tag, light and boot override of a system, all from one number.
    System,
    /// Two BIOS attributes, both from one number.
    Bios,
    Power,
    Media,
}

/// What a part of a node is, as the book has it: the number from which it was made.
#[derive(Clone, Copy, Debug)]
struct Entry {
    is: u64,
    /// An answer to a change to this did not come: it may be this as well.
    or: Option<u64>,
    /// Somebody has read this, or a later one.
    seen: u64,
}

type Book = BTreeMap<(usize, Part), Entry>;

/// A session: its token and URI, and whether its end was asked for and not answered.
struct Login {
    token: String,
    uri: String,
    ending: bool,
}

/// What one writer knows. It alone writes to its nodes.
struct Writer {
    nodes: Vec<usize>,
    book: Book,
    logins: Vec<Login>,
    ended: Vec<String>,
    dice: Dice,
    /// The last number that something was made from.
    count: u64,
    acknowledged: u64,
}

const TARGETS: [&str; 3] = ["Pxe", "Hdd", "Cd"];
const LEDS: [&str; 2] = ["Lit", "Off"];
const LOGICAL: [&str; 2] = ["Enabled", "Disabled"];

fn pick<'t>(from: &[&'t str], number: u64) -> &'t str {
    from[(number % from.len() as u64) as usize]
}

fn request(part: Part, number: u64, system: &str) -> (&'static str, String, Value) {
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
                // Nobody listens there: the image is inserted, and cannot be read.
                _ => (
                    "POST",
                    slot + "InsertMedia",
                    json!({"Image": format!("http://127.0.0.1:9/{number}.iso")}),
                ),
            }
        }
    }
}

/// The number that a part of a node shows; all of the part must agree on it.
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
            assert_eq!(one, other, "torn: {now} {next}");
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
    }
}

/// Of the numbers that the book has, the one that shows as `rest`; where none does, one that stands for the mistake.
fn same(rest: u64, sides: u64, entry: &Entry) -> u64 {
    [Some(entry.is), entry.or].into_iter().flatten().find(|n| n % sides == rest).unwrap_or(u64::MAX)
}

/// From the document of a system that somebody has written to, or 0 for a new one.
fn system_number(document: &Value) -> u64 {
    let tag = document["AssetTag"].as_str().unwrap_or_default();
    let Some(number) = tag.strip_prefix("tag ").map(|n| n.parse().unwrap()) else { return 0 };
    assert_eq!(document["IndicatorLED"], pick(&LEDS, number), "torn: {document}");
    assert_eq!(document["Boot"]["BootSourceOverrideTarget"], pick(&TARGETS, number), "torn: {document}");
    number
}

impl Writer {
    /// Changes things until the daemon is gone.
    fn write(&mut self, mut client: Client, systems: &[String]) {
        while self.change(&mut client, systems).is_some() {}
    }

    fn change(&mut self, client: &mut Client, systems: &[String]) -> Option<()> {
        if self.dice.roll(12) == 0 {
            return self.log_in_or_out(client);
        }
        let node = self.nodes[self.dice.roll(self.nodes.len() as u64) as usize];
        let part = [Part::System, Part::Bios, Part::Power, Part::Media][self.dice.roll(4) as usize];
        self.count += 1;
        let entry = self.book.entry((node, part)).or_insert(Entry { is: 0, or: None, seen: 0 });
        // Two media in one slot are refused: each number turns the one before it round.
        let number = if self.count % 2 == entry.is % 2 { self.count + 1 } else { self.count };
        self.count = number;
        let (method, path, body) = request(part, number, &systems[node]);
        entry.or = Some(number);
        let answer = client.ask(method, &path, BASIC, &body)?;
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

    /// Compares all that was acknowledged with what there is, and takes over what was in doubt.
    fn compare(&mut self, client: &mut Client, systems: &[String]) {
        for ((node, part), entry) in &mut self.book {
            let there = shown(*part, client, &systems[*node], entry);
            let may = there == entry.is || Some(there) == entry.or;
            assert!(
                may && there >= entry.seen,
                "node {node}: {part:?} is {there}, and the book has {entry:?}"
            );
            *entry = Entry { is: there, or: None, seen: there };
        }
        let mut good = |token: &str| {
            let path = "/redfish/v1/Systems";
            client.ask("GET", path, ("X-Auth-Token", token), &Value::Null).unwrap().status == 200
        };
        for login in std::mem::take(&mut self.logins) {
            let there = good(&login.token);
            assert!(there || login.ending, "a session is lost: {}", login.uri);
            if there {
                self.logins.push(Login { ending: false, ..login });
            }
        }
        assert!(!self.ended.iter().any(|token| good(token)), "a session is back that was ended");
    }
}

/// Reads systems until the daemon is gone; the highest number that each has shown.
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
            // And once more, while it comes back.
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
    assert!(changes > kills, "there was something to lose");
}

#[test]
fn a_start_says_whether_the_fleet_was_stopped_or_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = with_fleet(dir.path());
    let flags = ["--state", &state, "--log", "warn"];
    let said = |signal: &str| {
        let mut child = serve(dir.path(), &flags).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), (signal == "-TERM").then_some(0));
        String::from_utf8(done.stderr).unwrap()
    };
    let killed = |said: String| said.contains("was not closed, as after a crash");
    assert!(killed(said("-TERM")), "it was killed before");
    assert!(!killed(said("-KILL")), "it was stopped before");
    assert!(!killed(said("-TERM")), "it was killed before anything was written");
}

/// Exit code, standard output and standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn snapshot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.arg("snapshot").args(arguments).env_clear();
    command
}

/// A state directory with a fleet of three in it, the first of which has a tag.
fn with_fleet(dir: &Path) -> (String, String) {
    let state = dir.join("state").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir, &["--state", &state, "--nodes", "3", "--seed", "ci"]);
    let mut client = daemon.client();
    let system = client.get("/redfish/v1/Systems")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let (method, path, body) = request(Part::System, 7, &system);
    assert_eq!(client.ask(method, &path, BASIC, &body).unwrap().status, 204);
    daemon.kill();
    (state, system)
}

#[test]
fn a_second_process_on_one_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir.path(), &["--state", &state, "--nodes", "3"]);
    let in_use = format!(
        "fauxmetal: {state}: in use by another fauxmetal (process {}); stop that one, or give each a state directory of its \
         own\n",
        daemon.child.id()
    );
    assert_eq!(run(&mut serve(dir.path(), &["--state", &state])), (1, String::new(), in_use.clone()));
    assert_eq!(run(&mut snapshot(&["save", "x", "--state", &state])), (1, String::new(), in_use));
    // The first goes on.
    daemon.client().get("/redfish/v1/Systems");
}

#[test]
fn a_directory_decides_what_its_fleet_is_and_flags_that_differ_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (state, system) = with_fleet(dir.path());
    let daemon = Daemon::start(dir.path(), &["--state", &state]);
    assert_eq!(system_number(&daemon.client().get(&system)), 7, "nothing needs to be given again");
    daemon.kill();
    drop(Daemon::start(
        dir.path(),
        &["--state", &state, "--nodes", "3", "--seed", "ci", "--profile", "generic"],
    ));
    for (flags, said) in [
        (["--nodes", "4"], "--nodes: 4 nodes, and"),
        (["--seed", "2"], "--seed: seed 2, and"),
        (["--profile", "hpe-dl380-gen11"], "--profile: hpe-dl380-gen11, and"),
        (["--profile", "generic=5"], "--profile: 5 generic, and"),
    ] {
        let (code, out, err) = run(serve(dir.path(), &["--state", &state]).args(flags));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said) && err.contains(&state) && err.contains("holds a fleet with"), "{err}");
    }
}

#[test]
fn a_fleet_is_saved_copied_and_begun_from_with_one_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (state, system) = with_fleet(dir.path());
    let file = dir.path().join("copy.snapshot").to_str().unwrap().to_owned();
    let ok = |arguments: &[&str], said: &str| {
        let (code, out, err) = run(snapshot(arguments).env("FAUXMETAL_STATE", &state));
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(out.trim_end(), said, "{arguments:?}");
    };
    ok(&["list"], &format!("no snapshots in {state}"));
    ok(&["save", "one"], "saved 'one': 3 nodes, 1 of them not new");
    ok(&["export", "one", &file], "");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "it is its owner's alone");
    ok(&["import", &file], "imported 'copy': 3 nodes, 1 of them not new");
    let (_, out, _) = run(snapshot(&["list", "-o", "json"]).env("FAUXMETAL_STATE", &state));
    let rows: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&rows[0]["name"], &rows[1]["name"]), (&json!("copy"), &json!("one")));
    assert_eq!(
        (&rows[1]["nodes"], &rows[1]["stored"], &rows[1]["error"]),
        (&json!(3), &json!(1), &Value::Null)
    );
    // One file and one command, and nothing is written but the certificates.
    let daemon = Daemon::start(dir.path(), &["--snapshot", &file]);
    assert_eq!(system_number(&daemon.client().get(&system)), 7);
    daemon.kill();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "certificates, state and the copy");
    // Or into a directory that is empty, and kept from there on; but not into one that holds a fleet.
    let other = dir.path().join("other").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir.path(), &["--snapshot", &file, "--state", &other]);
    let (method, path, body) = request(Part::System, 8, &system);
    assert_eq!(daemon.client().ask(method, &path, BASIC, &body).unwrap().status, 204);
    daemon.kill();
    let (code, _, err) = run(&mut serve(dir.path(), &["--snapshot", &file, "--state", &other]));
    assert_eq!(code, 2);
    assert!(
        err.contains("--snapshot: ") && err.contains("leave --snapshot out to continue that fleet"),
        "{err}"
    );
    let daemon = Daemon::start(dir.path(), &["--state", &other]);
    assert_eq!(system_number(&daemon.client().get(&system)), 8);
    daemon.kill();
    // And back.
    let (code, out, err) = run(&mut snapshot(&["import", &file, "begin", "--state", &other]));
    assert_eq!((code, out.contains("imported 'begin'")), (0, true), "{err}");
    let (code, out, err) = run(&mut snapshot(&["restore", "begin", "--state", &other]));
    assert_eq!((code, out.trim_end()), (0, "restored 'begin': 3 nodes, 1 of them not new"), "{err}");
    let daemon = Daemon::start(dir.path(), &["--state", &other]);
    assert_eq!(system_number(&daemon.client().get(&system)), 7);
}

#[test]
fn mistakes_with_snapshots_are_told_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = with_fleet(dir.path());
    let said = |arguments: &[&str], code: i32| {
        let (was, out, err) = run(snapshot(arguments).env("FAUXMETAL_STATE", &state));
        assert_eq!((was, out.as_str()), (code, ""), "{arguments:?}: {err}");
        err
    };
    assert!(said(&["save", "../x"], 2).contains("'../x' is not a valid snapshot name"));
    assert!(said(&["restore", "x"], 2).contains("there is no snapshot 'x'; the directory has no snapshots"));
    assert!(
        said(&["export", "x", "-"], 2).contains("there is no snapshot 'x'; the directory has no snapshots")
    );
    let file = dir.path().join("bad").to_str().unwrap().to_owned();
    std::fs::write(&file, "no snapshot").unwrap();
    assert!(said(&["import", &file], 1).contains("/bad: "));
    let nowhere = dir.path().join("nowhere").to_str().unwrap().to_owned();
    assert!(said(&["save", "x", "--state", &nowhere], 1).contains("there is no such state directory"));
    let (code, _, err) = run(&mut serve(dir.path(), &["--snapshot", &file]));
    assert!(code == 1 && err.contains("/bad: "), "{err}");
}
