//! State directories and snapshots that earlier versions wrote: today's version reads the same fleet from them.
//!
//! Each folder `fixtures/format-<n>/` contains one fleet, written by the first version of that format: `state.redb` is its state
//! directory, `fleet.snapshot` a snapshot of it, `tokens.json` the tokens of two sessions. `expected.snap` is what that
//! version itself showed of the fleet. `tests/README.md` says how a fixture is made.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fauxmetal::address::Urls;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::{Effects, Fleet, New};
use fauxmetal::ipa::Api;
use fauxmetal::node::effect::EffectKind;
use fauxmetal::node::ipa::{Ipa, Job, Phase};
use fauxmetal::node::{Node, NodeId};
use fauxmetal::profile::built_in;
use fauxmetal::redfish::accounts::SharedAccounts;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{crawl, crawl_own};
use fauxmetal::redfish::session::Sessions;
use fauxmetal::redfish::task_settings::TaskSettings;
use fauxmetal::redfish::{Redfish, SharedEvents};
use fauxmetal::store::{Directory, FORMAT, Store, StoredFleet, snapshot};
use fauxmetal::time::SimTime;
use http::StatusCode;

use crate::documents::changes::changes;

/// The token of every agent in the fixtures.
const AGENT_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A fleet that was read, with its clock at the moment at which it was stored. So no deadline has passed, whatever the
/// date is today.
struct Opened {
    /// The format in which it was stored.
    format: u32,
    held: StoredFleet,
    redfish: Redfish,
    effects: Effects,
}

impl Opened {
    /// A fleet as `held` describes it, in which every node is new.
    fn new(format: u32, held: StoredFleet, time: SimTime) -> Self {
        let (fleet, effects) = Fleet::new(held.seed, Clock::by_hand(time));
        for model in held.models.iter().chain(&held.added) {
            let profile = built_in(&model.profile).unwrap();
            let added = match &model.systems {
                Some(systems) => fleet.import(New::of(&profile, model.count), Arc::clone(systems)),
                None => fleet.add(&profile, model.count),
            };
            added.unwrap();
        }
        for id in &held.removed {
            assert!(fleet.remove(NodeId(*id)));
        }
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        Self { format, held, redfish, effects }
    }

    fn from_directory(format: u32, folder: &Path) -> Self {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(folder.join("state.redb"), copy.path().join("state.redb")).unwrap();
        let directory = Directory::lock(copy.path(), false).unwrap();
        let store = Store::open(&directory).unwrap().unwrap();
        let opened = Self::new(format, store.fleet().clone(), store.time());
        store.restore(&opened.redfish.fleet).unwrap();
        opened.redfish.sessions.restore(&store.records(Sessions::RECORDS).unwrap(), store.time()).unwrap();
        for (_, record) in store.records(SharedAccounts::RECORD).unwrap() {
            opened.redfish.accounts.restore(&record).unwrap();
        }
        opened.redfish.task_settings.restore(&store.records(TaskSettings::RECORD).unwrap()).unwrap();
        opened.redfish.events.restore(&store.records(SharedEvents::RECORDS).unwrap()).unwrap();
        opened
    }

    fn from_snapshot(format: u32, folder: &Path) -> Self {
        let reader = snapshot::Reader::open(&folder.join("fleet.snapshot")).unwrap();
        let header = reader.header().clone();
        let opened = Self::new(format, header.fleet, SimTime::from_ms(header.time_ms));
        for (id, state) in reader.nodes(0).unwrap() {
            assert!(opened.redfish.fleet.restore(id, state));
        }
        opened
    }

    /// Every node: its identity, its deadline, what its format adds, its documents where they differ from a new node's, its agent's
    /// commands; and the calls that are due.
    fn nodes(&mut self) -> String {
        let (held, fleet) = (&self.held, &self.redfish.fleet);
        let now = fleet.clock().now();
        let new = Self::new(self.format, held.clone(), now).redfish;
        let mut text = format!(
            "seed {}, {} nodes, {} indexes, {} ms\n",
            held.seed.0,
            held.living(),
            held.indexes(),
            now.ms()
        );
        for id in fleet.ids() {
            let Some(identity) = fleet.look(id, |node, _| identity(node, now)) else {
                let _ = writeln!(text, "\nnode {}: removed", id.0);
                continue;
            };
            let _ = writeln!(text, "\nnode {}: {identity}", id.0);
            if self.format >= 3 {
                text.push_str(&fleet.look(id, |node, _| since_format_3(node, now)).unwrap());
            }
            let (pages, problems) = crawl_own(&self.redfish, id);
            match problems.as_slice() {
                [] => text.push_str(&changes(&crawl_own(&new, id).0, &pages)),
                problems => text.push_str(&problems.join("\n")),
            }
            if fleet.look(id, |node, _| node.ipa().is_some()) == Some(true) {
                let _ = writeln!(text, "agent: {}", commands(fleet, id));
            }
        }
        let mut calls = Vec::new();
        while let Ok((id, effect)) = self.effects.try_recv() {
            let call = match effect.kind {
                EffectKind::ReadBoot { start } => format!("ReadBoot of {start}"),
                EffectKind::OpenMedia { slot, insertion } => format!("OpenMedia({slot}) of {insertion}"),
                EffectKind::FetchFirmware { component, update } => {
                    format!("FetchFirmware({component}) of {update}")
                }
                EffectKind::FetchLicense { task } => format!("FetchLicense of {task}"),
                EffectKind::Deliver { subscription } => format!("Deliver to {subscription}"),
                EffectKind::Ipa { start, effect } => format!("{effect:?} of {start}"),
            };
            calls.push(format!("node {}: {call}\n", id.0));
        }
        calls.sort_unstable();
        let _ = write!(text, "\ncalls that are due:\n{}", calls.concat());
        text
    }

    /// Sessions, accounts and tasks of the shared service root, as far as they differ from a new service's.
    fn sessions(&self) -> String {
        let shown: &[&str] = if self.format >= 4 {
            &["SessionService", "AccountService", "TaskService"]
        } else {
            &["SessionService"]
        };
        let of = |redfish: &Redfish| {
            let mut pages = crawl(redfish).0;
            pages.retain(|(uri, _)| {
                shown.iter().any(|service| uri["/redfish/v1".len()..].starts_with(&format!("/{service}")))
            });
            pages
        };
        let new = Self::new(self.format, self.held.clone(), self.redfish.fleet.clock().now());
        format!("\nshared service root:\n{}", changes(&of(&new.redfish), &of(&self.redfish)))
    }
}

fn identity(node: &Node, now: SimTime) -> String {
    let (spec, profile) = (node.spec(), node.profile());
    let macs: Vec<_> = (0u8..).zip(&profile.nics).map(|(port, _)| spec.mac(port).to_string()).collect();
    let deadline = match node.next_deadline() {
        SimTime::NEVER => "never".to_owned(),
        at => format!("in {} ms", at.since_ms(now)),
    };
    format!(
        "{} {}\n{}, serial number {}, MACs {}\n{} starts, next deadline {deadline}",
        profile.name,
        spec.name(),
        spec.uuid(),
        spec.serial(),
        macs.join(" "),
        node.starts()
    )
}

/// What format 3 adds to a node. It is not shown of older fixtures, which no later version changes.
fn since_format_3(node: &Node, now: SimTime) -> String {
    let labels: Vec<_> = node.labels().iter().map(|(key, value)| format!("{key}={value}")).collect();
    let disk = serde_json::to_value(node.state()).unwrap()["system_disk"].take();
    let mut text =
        format!("generation {}, labels [{}], system on disk {disk}\n", node.generation(), labels.join(", "));
    if let Some(Phase::Closed(closed)) = node.ipa().map(|agent| &agent.phase) {
        let _ = writeln!(text, "agent is closed: {}", closed.reason());
    }
    if let Some(Job::Timed { until, end: _, then }) = node.ipa().and_then(Ipa::job) {
        let _ = writeln!(text, "command ends in {} ms, then {then:?}", until.since_ms(now));
    }
    text
}

/// What a node's agent answers to a request for its commands.
fn commands(fleet: &Arc<Fleet>, id: NodeId) -> String {
    let uuid = fleet.look(id, |node, _| node.spec().uuid()).unwrap();
    let api = Api::new(Arc::clone(fleet), Urls::Same("http://127.0.0.1:9999".into()), Vec::new());
    let uri = format!("/{uuid}/v1/commands/?agent_token={AGENT_TOKEN}");
    let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let response = runtime.block_on(api.call(None, &request));
    format!("{} {}", response.status(), String::from_utf8_lossy(response.body()))
}

/// The folders of the fixtures, each with its format.
fn fixtures() -> Vec<(u32, PathBuf)> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let mut found: Vec<_> = std::fs::read_dir(all)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let format = path.file_name()?.to_str()?.strip_prefix("format-")?.parse().unwrap();
            Some((format, path))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn each_format_has_a_fixture() {
    let formats: Vec<_> = fixtures().into_iter().map(|(format, _)| format).collect();
    let wanted: Vec<_> = (1..=FORMAT).collect();
    assert_eq!(formats, wanted, "a change of the format adds a fixture; tests/README.md says how it is made");
}

#[test]
fn a_fleet_that_an_earlier_version_stored_is_the_same_fleet_today() {
    for (format, folder) in fixtures() {
        let mut opened = Opened::from_directory(format, &folder);
        let nodes = opened.nodes();
        assert_eq!(
            Opened::from_snapshot(format, &folder).nodes(),
            nodes,
            "the snapshot of {}",
            folder.display()
        );
        insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("expected", nodes + &opened.sessions());
        });
    }
}

#[test]
fn a_session_that_an_earlier_version_stored_is_open_today() {
    for (format, folder) in fixtures() {
        let redfish = Opened::from_directory(format, &folder).redfish;
        let tokens: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("tokens.json")).unwrap()).unwrap();
        let get = |token: &str| {
            let request = http::Request::get("/redfish/v1/Systems").header("X-Auth-Token", token);
            request.body(bytes::Bytes::new()).unwrap()
        };
        let shared = redfish.call(&get(tokens["shared"].as_str().unwrap()));
        assert_eq!(shared.status(), StatusCode::OK, "the shared service root of {}", folder.display());
        let node = NodeId(u32::try_from(tokens["node"].as_u64().unwrap()).unwrap());
        let own = redfish.call_own(node, |_| true, &get(tokens["own"].as_str().unwrap())).unwrap();
        assert_eq!(
            own.status(),
            StatusCode::OK,
            "the service root of node {} of {}",
            node.0,
            folder.display()
        );
        assert_eq!(redfish.call(&get("no-token")).status(), StatusCode::UNAUTHORIZED);
    }
}

/// A state file and a snapshot whose format is one that no version knows yet.
#[test]
fn a_later_format_is_refused_and_the_message_says_what_to_do() {
    let (_, folder) = fixtures().pop().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let state = copy.path().join("state.redb");
    std::fs::copy(folder.join("state.redb"), &state).unwrap();
    let database = redb::Database::open(&state).unwrap();
    let write = database.begin_write().unwrap();
    let records = redb::TableDefinition::<&str, &[u8]>::new("records");
    write.open_table(records).unwrap().insert("format", b"99".as_slice()).unwrap();
    write.commit().unwrap();
    drop(database);
    let of_state = Store::open(&Directory::lock(copy.path(), false).unwrap()).err().unwrap();

    let file = copy.path().join("fleet.snapshot");
    let mut text = String::new();
    let packed = std::fs::File::open(folder.join("fleet.snapshot")).unwrap();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let later = text.replacen(&format!("\"format\":{FORMAT}"), "\"format\":99", 1);
    assert_ne!(later, text);
    let packed = std::fs::File::create(&file).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    packed.write_all(later.as_bytes()).unwrap();
    packed.finish().unwrap();
    let of_snapshot = snapshot::Reader::open(&file).err().unwrap();

    for (error, file) in [(of_state, &state), (of_snapshot, &file)] {
        let text = error.to_string();
        for part in
            [file.to_str().unwrap(), "99", &FORMAT.to_string(), "use the fauxmetal version that wrote it"]
        {
            assert!(text.contains(part), "'{part}' is missing: {text}");
        }
    }
}
