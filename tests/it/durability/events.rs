//! `kill -9` under subscriptions, logs and metric reports, at the root that all nodes share and at the roots of single nodes: every
//! event of an acknowledged request and every report that was due reaches its subscriber, in order, and no entry of a log and no
//! definition of a report is lost.
//!
//! `FAUXMETAL_KILLS` and `FAUXMETAL_KILL_SEED` are those of `kill.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fauxmetal::time::parse_redfish;
use serde_json::{Value, json};

use super::kill::Dice;
use super::{BASIC, Client, Daemon, field, serve};

const WRITERS: u32 = 4;
/// Kills of an ordinary test run, at each kind of root.
const KILLS: u64 = 4;
const SERVICE: &str = "/redfish/v1/EventService";
const DEFINITIONS: &str = "/redfish/v1/TelemetryService/MetricReportDefinitions";
/// The number of the first entry that a machine gets: its log has a past.
const FIRST_ENTRY: u64 = 7;
/// Looks for the last events, and the time between two of them.
const LOOKS: u32 = 3000;
const LOOK: Duration = Duration::from_millis(20);

/// `RecurrenceInterval` of the report that every node makes, seconds: the shortest one.
const REPORT_S: u64 = 10;

/// The numbers of the test events that have come, by the writer that has submitted them; and the moments of the reports that have come,
/// seconds, by the subscription and the definition.
type Received = Arc<Mutex<BTreeMap<String, Vec<u64>>>>;

/// A receiver of events on loopback. Its threads end with the process.
fn receiver() -> (SocketAddr, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let received = Received::default();
    let all = Arc::clone(&received);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, all) = (stream.unwrap(), Arc::clone(&all));
            std::thread::spawn(move || take(stream, &all));
        }
    });
    (address, received)
}

/// Reads requests with events until the connection ends. An event counts once its request is complete.
fn take(mut stream: TcpStream, received: &Received) -> Option<()> {
    let mut read = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
        read.extend_from_slice(&chunk[..n]);
        let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let length: usize = field(&head, "content-length").map_or(0, |l| l.parse().unwrap());
        if read.len() < end + 4 + length {
            continue;
        }
        let document: Value = serde_json::from_slice(&read[end + 4..end + 4 + length]).unwrap();
        read.drain(..end + 4 + length);
        if let Some(moment) = document["Timestamp"].as_str().filter(|_| document["MetricValues"].is_array()) {
            let moment = parse_redfish(moment).unwrap().0.ms() / 1000;
            let series = format!("{}/{}", document["Context"], document["Id"]);
            received.lock().unwrap().entry(series).or_default().push(moment);
        }
        for event in document["Events"].as_array().into_iter().flatten() {
            if let Some(("Writer", rest)) = event["MessageId"].as_str().unwrap().split_once('.') {
                let (writer, number) = rest.rsplit_once('.').unwrap();
                let number = number.trim_start_matches('N').parse().unwrap();
                received.lock().unwrap().entry(writer.to_owned()).or_default().push(number);
            }
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    }
}

/// A client that submits test events, and changes the asset tag and the definition of a report of a node of its own.
struct Writer {
    number: u32,
    /// The node with the root; `None` for the shared root.
    node: Option<u32>,
    system: String,
    manager: String,
    /// The definition of a report that the client changes.
    definition: String,
    count: u64,
    /// The numbers of the test events that were acknowledged.
    submitted: BTreeSet<u64>,
    /// The number of those before the last change that was acknowledged.
    before_change: u64,
    /// Changes of the asset tag and of the definition that were acknowledged. Each is an entry of the log.
    changed: u64,
    /// `RecurrenceInterval` that was acknowledged last, seconds.
    interval_s: u64,
}

impl Writer {
    fn client(&self, daemon: &Daemon) -> Client {
        self.node.map_or_else(|| daemon.client(), |node| daemon.client_of(node))
    }

    fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> Option<()> {
        let answer = client.ask(method, path, BASIC, body)?;
        assert!(answer.status < 300, "{method} {path} {body}: {} {}", answer.status, answer.body);
        Some(())
    }

    /// Sends requests until the daemon is killed.
    fn write(&mut self, mut client: Client) -> Option<()> {
        let submit = format!("{SERVICE}/Actions/EventService.SubmitTestEvent");
        loop {
            self.count += 1;
            let id = format!("Writer.{}.N{}", self.number, self.count);
            Self::ask(&mut client, "POST", &submit, &json!({ "MessageId": id }))?;
            self.submitted.insert(self.count);
            Self::ask(&mut client, "PATCH", &self.system, &json!({ "AssetTag": self.count.to_string() }))?;
            (self.changed, self.before_change) = (self.changed + 1, self.submitted.len() as u64);
            let schedule = json!({"RecurrenceInterval": format!("PT{}S", REPORT_S + self.count)});
            Self::ask(&mut client, "PATCH", &self.definition, &json!({ "Schedule": schedule }))?;
            (self.changed, self.interval_s) = (self.changed + 1, REPORT_S + self.count);
        }
    }

    /// Compares the log with what was acknowledged. A request without an answer may have an entry, too.
    fn compare(&self, client: &mut Client, kills: u64, reports: u64) {
        let entries = client.get(&format!("{}/LogServices/AuditLog/Entries?$top=1000", self.manager));
        let newest = entries["Members"].as_array().unwrap().last().unwrap()["Id"].as_str().unwrap();
        let newest: u64 = newest.parse().unwrap();
        let made = newest + 1 - FIRST_ENTRY;
        // Events without an entry have numbers, too: below a root of its own, a BMC counts its settings, its subscriptions, and the test
        // events before the last entry; and everywhere the reports.
        let own = 3 + self.before_change;
        let least = self.changed + if self.node.is_some() { own } else { 0 };
        let most = least + 1 + 3 * kills + reports;
        assert!(
            (least..=most).contains(&made),
            "writer {}: {made} entries, not {least} to {most}",
            self.number
        );
        let interval = client.get(&self.definition)["Schedule"]["RecurrenceInterval"].clone();
        let (least, most) = (self.interval_s, REPORT_S + self.count);
        let is_one = (least..=most).any(|s| interval == format!("PT{s}S"));
        assert!(is_one, "writer {}: the interval is {interval}, not PT{least}S to PT{most}S", self.number);
    }
}

/// The writers of which acknowledged events have not come yet, with the numbers of those.
fn missing(writers: &[Writer], received: &Received) -> Vec<(u32, Vec<u64>)> {
    let received = received.lock().unwrap();
    let missing = writers.iter().map(|writer| {
        let mut left = writer.submitted.clone();
        received.get(&writer.number.to_string()).into_iter().flatten().for_each(|number| {
            left.remove(number);
        });
        (writer.number, left.into_iter().collect::<Vec<_>>())
    });
    missing.filter(|(_, left)| !left.is_empty()).collect()
}

/// Checks that no report of a series is missing. Returns their number; a report may have come again after a kill.
fn check_reports(series: &str, moments: &[u64]) -> usize {
    let moments: BTreeSet<_> = moments.iter().collect();
    let pairs = moments.iter().zip(moments.iter().skip(1));
    let steps: BTreeSet<_> = pairs.map(|(one, next)| *next - *one).collect();
    assert!(steps.iter().all(|step| *step == REPORT_S), "{series}: reports are missing: {moments:?}");
    moments.len()
}

/// Kills a daemon again and again. Returns a sentence with the numbers.
fn kill_often(own_roots: bool) -> String {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (kills, seed) = (number("FAUXMETAL_KILLS", KILLS), number("FAUXMETAL_KILL_SEED", 1));
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let nodes = WRITERS.to_string();
    let mut flags = vec!["--state", state.to_str().unwrap(), "--nodes", &nodes];
    if own_roots {
        flags.extend(["--addresses", "ip", "--listen", "http://127.87.0.0/24:0"]);
        flags.extend(["--agent-listen", "http://127.88.0.0/24:0"]);
    }
    let mut daemon = Daemon::start(dir.path(), &flags);
    let (address, received) = receiver();
    let member = |client: &mut Client, collection: &str, n: usize| {
        let members = client.get(&format!("/redfish/v1/{collection}"))["Members"].clone();
        members[n]["@odata.id"].as_str().unwrap().to_owned()
    };
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let node = own_roots.then_some(number);
        let mut client = node.map_or_else(|| daemon.client(), |node| daemon.client_of(node));
        let n = if own_roots { 0 } else { number as usize };
        let (system, manager) = (member(&mut client, "Systems", n), member(&mut client, "Managers", n));
        if own_roots || number == 0 {
            let quick = json!({"DeliveryRetryIntervalSeconds": 1});
            Writer::ask(&mut client, "PATCH", SERVICE, &quick).unwrap();
            for format in ["Event", "MetricReport"] {
                let wanted = json!({
                    "Destination": format!("http://{address}/"), "Protocol": "Redfish", "DeliveryRetryPolicy": "RetryForever",
                    "EventFormatType": format, "Context": number.to_string(),
                });
                Writer::ask(&mut client, "POST", &format!("{SERVICE}/Subscriptions"), &wanted).unwrap();
            }
        }
        let prefix =
            if own_roots { String::new() } else { format!("{}-", system.rsplit('/').next().unwrap()) };
        let every = json!({
            "Id": format!("{prefix}Every"), "MetricReportDefinitionType": "Periodic", "ReportActions": ["RedfishEvent"],
            "Schedule": {"RecurrenceInterval": format!("PT{REPORT_S}S")}, "Metrics": [{"MetricId": "PowerConsumed"}],
        });
        Writer::ask(&mut client, "POST", DEFINITIONS, &every).unwrap();
        let definition = format!("{DEFINITIONS}/{prefix}PowerMetrics");
        let schedule = json!({"RecurrenceInterval": format!("PT{REPORT_S}S")});
        Writer::ask(&mut client, "PATCH", &definition, &json!({ "Schedule": schedule })).unwrap();
        let (submitted, interval_s) = (BTreeSet::new(), REPORT_S);
        // The definitions of both reports are the first entries.
        let changed = 2;
        writers.push(Writer {
            number,
            node,
            system,
            manager,
            definition,
            count: 0,
            submitted,
            before_change: 0,
            changed,
            interval_s,
        });
    }
    let mut dice = Dice(seed);
    for kill in 1..=kills {
        let clients: Vec<_> = writers.iter().map(|writer| writer.client(&daemon)).collect();
        std::thread::scope(|scope| {
            for (writer, client) in writers.iter_mut().zip(clients) {
                scope.spawn(|| writer.write(client));
            }
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
        let of_node =
            |(series, moments): (&String, &Vec<u64>)| series.contains('/').then_some(moments.len() as u64);
        // A few reports can be on their way.
        let reports = 3 + received.lock().unwrap().iter().filter_map(of_node).max().unwrap_or(0);
        for writer in &writers {
            writer.compare(&mut writer.client(&daemon), kill, reports);
        }
    }
    for _ in 0..LOOKS {
        if missing(&writers, &received).is_empty() {
            break;
        }
        std::thread::sleep(LOOK);
    }
    assert_eq!(missing(&writers, &received), [], "acknowledged events that no subscriber got");
    let (mut events, mut reports, mut twice) = (0, 0, 0);
    for (series, numbers) in received.lock().unwrap().iter() {
        let Ok(writer) = series.parse::<usize>() else {
            reports += check_reports(series, numbers);
            continue;
        };
        let mut first: Vec<u64> = Vec::new();
        for number in numbers {
            match first.last() {
                Some(last) if number <= last => twice += 1,
                _ => first.push(*number),
            }
        }
        // A request without an answer may have been lost with its daemon.
        let submitted = &writers[writer].submitted;
        let in_order: Vec<_> = first.into_iter().filter(|number| submitted.contains(number)).collect();
        assert!(in_order.iter().eq(submitted), "writer {writer}: {in_order:?} in order, of {submitted:?}");
        events += in_order.len();
    }
    let changed: u64 = writers.iter().map(|writer| writer.changed).sum();
    assert!(events as u64 > kills, "too few events were acknowledged to prove anything");
    let place = if own_roots { "own roots" } else { "the shared root" };
    format!(
        "{place}: {kills} kills (seed {seed}), {events} events in order, none lost, {twice} repeated after a kill; {changed} entries \
         of logs, none lost; {reports} reports, each on time"
    )
}

#[test]
fn events_and_logs_at_the_shared_root_survive_kill_9() {
    println!("{}", kill_often(false));
}

#[test]
fn events_and_logs_of_each_bmc_survive_kill_9() {
    println!("{}", kill_often(true));
}
