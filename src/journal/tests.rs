//! Tests of the journal: folding, limits, encodings, texts, followers.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::entry::stamp;
use super::*;
use crate::node::NodeId;
use crate::time::SimTime;

const T0: SimTime = SimTime::from_ms(1_767_268_987_000); // 2026-01-01T12:03:07Z
const NODE: NodeId = NodeId(3);

fn journal() -> Arc<Journal> {
    Arc::new(Journal::new(1 << 20))
}

fn asked<'a>(after_s: u64, method: &'a str, uri: &'a str) -> Asked<'a> {
    let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
    Asked {
        at: T0.after_ms(after_s * 1000),
        face: Face::Redfish,
        client: Some(IpAddr::from([10, 0, 0, 7])),
        user_agent: Some(b"python-requests/2.32"),
        method,
        path,
        query,
        changed: "",
        status: Some(200),
        message: None,
    }
}

fn call(call: CallKind, outcome: Outcome, error: Option<&str>) -> Call {
    let status = (outcome == Outcome::Refused).then_some(404);
    Call { call, url: "http://ironic:6385/v1/x".into(), outcome, status, error: error.map(Into::into) }
}

/// The entries of the node as text.
fn lines(journal: &Journal) -> Vec<String> {
    journal.entries(NODE).iter().map(ToString::to_string).collect()
}

/// Counts and kinds, such as `GET x5`.
fn counts(journal: &Journal) -> Vec<(String, u32)> {
    let name = |what: &What| match what {
        What::Request(request) => request.method.to_string(),
        What::Call(call) => call.call.name().to_owned(),
        What::State(change) => change.event.text().to_owned(),
    };
    journal.entries(NODE).iter().map(|entry| (name(&entry.what), entry.count)).collect()
}

#[test]
fn every_kind_of_entry_is_one_readable_line() {
    let journal = journal();
    let uri = "/redfish/v1/Systems/c4761ce6-14fc-8f4f-bec3-9a057624dd62";
    for minutes in 0..5 {
        let change = Asked {
            changed: "Boot\u{2}BootSourceOverrideTarget BootSourceOverrideEnabled \u{3}",
            status: Some(204),
            ..asked(150 * minutes, "PATCH", uri)
        };
        journal.request(NODE, &change);
    }
    let refused = Asked {
        user_agent: None,
        status: Some(400),
        message: Some(("Base.1.22", "PropertyUnknown")),
        changed: "AssetTagg",
        ..asked(601, "PATCH", uri)
    };
    journal.request(NODE, &refused);
    journal.state(NODE, T0.after_ms(602_000), Event::Reading, "Cd");
    journal.call(NODE, T0.after_ms(603_000), &call(CallKind::Boot, Outcome::Ok, None));
    journal.call(NODE, T0.after_ms(604_000), &call(CallKind::Lookup, Outcome::Refused, Some("no such node")));
    journal.call(
        NODE,
        T0.after_ms(604_500),
        &call(CallKind::Lookup, Outcome::Held, Some("next probe in 7 ms")),
    );
    journal.state(NODE, T0.after_ms(605_000), Event::PowerOff, "");
    let silent = Asked { client: None, user_agent: None, status: None, ..asked(606, "OPTIONS", "/v1/") };
    journal.request(NODE, &silent);
    assert_eq!(
        lines(&journal),
        [
            "12:03:07  PATCH /redfish/v1/Systems/c4761ce6-14fc-8f4f-bec3-9a057624dd62 \
             Boot.BootSourceOverrideTarget Boot.BootSourceOverrideEnabled → 204   \
             python-requests/2.32 from 10.0.0.7  x5 over 10m",
            "12:13:08  PATCH /redfish/v1/Systems/c4761ce6-14fc-8f4f-bec3-9a057624dd62 AssetTagg → 400 \
             Base.1.22.PropertyUnknown   from 10.0.0.7",
            "12:13:09  booting from Cd",
            "12:13:10  boot http://ironic:6385/v1/x → ok",
            "12:13:11  lookup http://ironic:6385/v1/x → 404: no such node",
            "12:13:11  lookup http://ironic:6385/v1/x → held back: next probe in 7 ms",
            "12:13:12  power off",
            "12:13:13  OPTIONS /v1/ → connection closed",
        ]
    );
}

#[test]
fn the_json_form_has_stable_keys_and_times_of_rfc_3339() {
    let journal = journal();
    let change = Asked {
        changed: "AssetTag",
        message: Some(("Base.1.22", "PropertyUnknown")),
        status: Some(400),
        ..asked(0, "PATCH", "/x")
    };
    journal.request(NODE, &change);
    journal.request(NODE, &Asked { at: T0.after_ms(1500), ..change });
    journal.call(NODE, T0.after_ms(2000), &call(CallKind::Lookup, Outcome::Refused, Some("no")));
    journal.state(NODE, T0.after_ms(3000), Event::BmcRestarts, "");
    let entries = journal.entries(NODE);
    let json = serde_json::to_value(&entries).unwrap();
    assert_eq!(
        json,
        serde_json::json!([
            {
                "id": 1, "revision": 2, "time": "2026-01-01T12:03:07Z", "lastTime": "2026-01-01T12:03:08.5Z",
                "count": 2, "kind": "request", "face": "redfish", "client": "10.0.0.7",
                "userAgent": "python-requests/2.32", "method": "PATCH", "uri": "/x", "changed": ["AssetTag"],
                "status": 400, "messageId": "Base.1.22.PropertyUnknown",
            },
            {
                "id": 2, "revision": 3, "time": "2026-01-01T12:03:09Z", "lastTime": "2026-01-01T12:03:09Z",
                "count": 1, "kind": "call", "call": "lookup", "url": "http://ironic:6385/v1/x",
                "result": "refused", "status": 404, "error": "no",
            },
            {
                "id": 3, "revision": 4, "time": "2026-01-01T12:03:10Z", "lastTime": "2026-01-01T12:03:10Z",
                "count": 1, "kind": "state", "event": "bmc-restarts", "detail": "",
            },
        ])
    );
    assert_eq!(serde_json::from_value::<Vec<Entry>>(json).unwrap(), entries);
}

#[test]
fn polls_that_alternate_are_folded_until_something_else_happens() {
    let journal = journal();
    let poll = |second: u64| {
        journal.request(NODE, &asked(second, "GET", "/a"));
        journal.request(NODE, &asked(second, "GET", "/b"));
        journal.call(NODE, T0.after_ms(second * 1000), &call(CallKind::Heartbeat, Outcome::Ok, None));
    };
    (0..10).for_each(poll);
    let three = [("GET".to_owned(), 10), ("GET".to_owned(), 10), ("heartbeat".to_owned(), 10)];
    assert_eq!(counts(&journal), three);
    let newest = journal.entries(NODE);
    assert_eq!((newest[0].first, newest[0].last), (T0, T0.after_ms(9000)));
    journal.state(NODE, T0.after_ms(10_000), Event::BmcRestarts, "");
    poll(11);
    assert_eq!(counts(&journal).len(), 7, "no entry is folded over another event");
    let change = |second| journal.request(NODE, &asked(second, "PATCH", "/a"));
    change(12);
    journal.request(NODE, &asked(12, "GET", "/a"));
    change(13);
    assert_eq!(counts(&journal).len(), 10, "a change is folded only into the same change right before");
    change(14);
    assert_eq!(counts(&journal)[9], ("PATCH".to_owned(), 2));
}

#[test]
fn entries_differ_if_any_part_of_them_differs() {
    let journal = journal();
    let base = asked(0, "GET", "/a");
    let others = [
        Asked { client: Some("10.0.0.8".parse().unwrap()), ..base },
        Asked { client: Some("::1".parse().unwrap()), ..base },
        Asked { user_agent: Some(b"curl"), ..base },
        Asked { method: "HEAD", ..base },
        Asked { path: "/b", ..base },
        Asked { query: Some("b"), ..base },
        Asked { status: Some(304), ..base },
        Asked { face: Face::Agent, ..base },
        Asked { message: Some(("Base.1.22", "ResourceInUse")), ..base },
    ];
    journal.request(NODE, &base);
    others.iter().for_each(|other| journal.request(NODE, other));
    assert_eq!(journal.len(), 10);
    journal.request(NODE, others.last().unwrap());
    assert_eq!(journal.len(), 10);
}

#[test]
fn secrets_and_control_characters_do_not_enter() {
    let journal = journal();
    let uri = "/uuid/v1/commands/?wait=true&agent_token=8Cz5rcX1hT6uuV6oOBoS";
    let user_agent: Option<&[u8]> = Some(b"evil\x1b[31m\xff token=hunter2");
    journal.request(NODE, &Asked { user_agent, ..asked(0, "POST", uri) });
    let line = lines(&journal).remove(0);
    assert!(!line.contains("8Cz5") && !line.contains("hunter2") && !line.contains('\u{1b}'), "{line}");
    assert!(line.contains("/uuid/v1/commands/?wait=true&agent_token=***"), "{line}");
}

#[test]
fn long_texts_are_cut_and_a_node_has_a_bounded_number_of_bytes() {
    let journal = journal();
    let long = "/ä".repeat(40_000);
    journal.request(
        NODE,
        &Asked { changed: &long, user_agent: Some(long.as_bytes()), ..asked(0, "GET", &long) },
    );
    let line = lines(&journal).remove(0);
    assert!(line.len() < 1200, "{}", line.len());
    for n in 0..1000 {
        journal.request(NODE, &asked(n, "GET", &format!("/redfish/v1/Systems/{n:036}")));
    }
    assert!(journal.bytes() < NODE_BYTES + 1024, "{}", journal.bytes());
    let entries = journal.entries(NODE);
    assert!((30..60).contains(&entries.len()), "{}", entries.len());
    let What::Request(last) = &entries.last().unwrap().what else { panic!("a request") };
    assert!(last.uri.ends_with("0999"), "the newest entries are kept");
    assert!(entries.windows(2).all(|pair| pair[0].id + 1 == pair[1].id), "the oldest entries were dropped");
    assert!(journal.since(NODE, 1).missed && !journal.since(NODE, entries[0].revision).missed);
}

#[test]
fn changes_of_state_outlive_requests() {
    let journal = journal();
    journal.state(NODE, T0, Event::PowerOn, "");
    journal.state(NODE, T0.after_ms(1), Event::SelfTest, "");
    for n in 0..1000 {
        journal.request(NODE, &asked(n + 1, "GET", &format!("/{n:060}")));
    }
    assert!(lines(&journal)[0].ends_with("power on") && lines(&journal)[1].ends_with("self test"));
    for n in 0..1000 {
        journal.state(NODE, T0.after_ms(2_000_000 + n), Event::Reading, &n.to_string());
    }
    assert!(lines(&journal).last().unwrap().ends_with("booting from 999"));
    assert!(journal.bytes() < NODE_BYTES + 1024);
}

#[test]
fn a_noisy_node_never_evicts_the_history_of_a_quiet_one() {
    let limit = 64 << 10;
    let journal = Journal::new(limit);
    let quiet: Vec<NodeId> = (100..110).map(NodeId).collect();
    for id in &quiet {
        for n in 0..5 {
            journal.state(*id, T0.after_ms(n), Event::Reading, &n.to_string());
        }
    }
    for n in 0..20_000_u64 {
        // A hundred noisy nodes want 400 KiB.
        journal.request(NodeId(n as u32 % 100), &asked(n, "GET", &format!("/redfish/v1/Systems/{n:036}")));
        assert!(journal.bytes() <= limit + 1024, "{}", journal.bytes());
    }
    for id in &quiet {
        assert_eq!(journal.entries(*id).len(), 5, "{id:?}");
    }
    let mut page = crate::meter::Page::default();
    journal.meter(&mut page);
    let text = page.text();
    let hits =
        text.lines().find_map(|line| line.strip_prefix("fauxmetal_limit_hits_total{limit=\"journal\"} "));
    assert!(hits.is_some_and(|hits| hits.parse::<u64>().unwrap() > 0), "{text}");
}

#[test]
fn more_nodes_than_fit_take_turns() {
    let limit = 32 << 10;
    let journal = Journal::new(limit);
    for n in 0..5000 {
        journal.state(NodeId(n), T0, Event::PowerOn, "");
        assert!(journal.bytes() <= limit, "{}", journal.bytes());
    }
    assert_eq!(journal.entries(NodeId(4999)).len(), 1, "the newest node has its entry");
    assert!(journal.len() > 50, "{}", journal.len());
}

#[test]
fn without_bytes_the_journal_is_off_and_one_byte_holds_nothing() {
    for bytes in [0, 1, 200] {
        let journal = Journal::new(bytes);
        journal.state(NODE, T0, Event::PowerOn, "");
        assert_eq!((journal.is_on(), journal.len()), (bytes > 0, 0));
        assert_eq!(journal.entries(NODE), []);
    }
}

#[test]
fn a_removed_node_leaves_nothing_behind() {
    let journal = journal();
    let empty = journal.bytes();
    journal.state(NODE, T0, Event::PowerOn, "");
    assert!(journal.bytes() > empty);
    journal.forget(NODE);
    assert_eq!((journal.bytes(), journal.len()), (empty, 0));
}

/// The next batch, if it is there at once.
fn now(follower: &mut Follower) -> Poll<Option<Batch>> {
    let mut next = std::pin::pin!(follower.next());
    next.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_follower_gets_each_entry_and_each_repetition_once() {
    let journal = journal();
    journal.state(NODE, T0, Event::PowerOn, "");
    let mut follower = journal.follow(NODE);
    let Poll::Ready(Some(first)) = now(&mut follower) else { panic!("the old entries") };
    assert_eq!((first.entries.len(), first.missed), (1, false));
    assert!(now(&mut follower).is_pending());
    journal.request(NODE, &asked(1, "GET", "/a"));
    journal.request(NODE, &asked(2, "GET", "/a"));
    let Poll::Ready(Some(second)) = now(&mut follower) else { panic!("a new entry") };
    assert_eq!(second.entries.iter().map(|entry| (entry.id, entry.count)).collect::<Vec<_>>(), [(2, 2)]);
    journal.request(NODE, &asked(3, "GET", "/a"));
    let Poll::Ready(Some(third)) = now(&mut follower) else { panic!("a repetition") };
    assert_eq!(third.entries.iter().map(|entry| (entry.id, entry.count)).collect::<Vec<_>>(), [(2, 3)]);
    journal.forget(NODE);
    assert_eq!(now(&mut follower), Poll::Ready(None));
    journal.state(NODE, T0, Event::PowerOn, "");
    assert_eq!(journal.entries(NODE).len(), 1);
}

#[tokio::test]
async fn a_follower_is_woken_by_its_node_alone() {
    let journal = journal();
    let mut follower = journal.follow(NODE);
    let other = Arc::clone(&journal);
    let task = tokio::spawn(async move { follower.next().await });
    tokio::task::yield_now().await;
    other.state(NodeId(4), T0, Event::PowerOn, "");
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    other.state(NODE, T0, Event::PowerOn, "");
    assert_eq!(task.await.unwrap().unwrap().entries.len(), 1);
}

#[test]
fn a_node_under_watch_keeps_more_until_the_last_follower_is_gone() {
    let journal = journal();
    let (one, two) = (journal.follow(NODE), journal.follow(NODE));
    let many = |journal: &Journal| {
        for n in 0..400 {
            journal.request(NODE, &asked(n, "GET", &format!("/redfish/v1/Systems/{n:036}")));
        }
    };
    many(&journal);
    assert_eq!(journal.entries(NODE).len(), 400);
    drop(one);
    assert_eq!(journal.entries(NODE).len(), 400);
    drop(two);
    assert!(journal.entries(NODE).len() < 60);
    assert!(journal.bytes() < NODE_BYTES + 1024);
    many(&journal);
    assert!(journal.entries(NODE).len() < 60);
}

#[test]
fn a_full_store_does_not_take_the_normal_part_of_a_node_under_watch() {
    let limit = 64 << 10;
    let journal = Arc::new(Journal::new(limit));
    let _follower = journal.follow(NODE);
    for n in 0..3000_u64 {
        journal.request(NODE, &asked(n, "GET", &format!("/redfish/v1/Systems/{n:036}")));
    }
    assert!(journal.bytes() <= limit + 1024);
    for n in 0..3000 {
        journal.state(NodeId(100 + n), T0, Event::PowerOn, "");
    }
    assert!(journal.bytes() <= limit + 1024);
    assert!(journal.entries(NODE).len() > 10, "{}", journal.entries(NODE).len());
}

#[test]
fn user_agents_have_a_bound() {
    let journal = journal();
    for n in 0..2000 {
        journal.request(
            NODE,
            &Asked { user_agent: Some(format!("client/{n}").as_bytes()), ..asked(n, "GET", "/a") },
        );
    }
    assert!(journal.bytes() < NODE_BYTES + 1024 + 254 * 2 * 12);
    assert!(lines(&journal).iter().any(|line| line.contains("(other) from 10.0.0.7")));
}

#[test]
fn durations_are_short() {
    for (ms, text) in [
        (0, "0ms"),
        (340, "340ms"),
        (1000, "1s"),
        (3299, "3.2s"),
        (600_000, "10m"),
        (605_000, "10m 5s"),
        (3_900_000, "1h 5m"),
        (180_000_000, "2d 2h"),
    ] {
        assert_eq!(show::Took(ms).to_string(), text);
    }
    assert_eq!(stamp(SimTime::NEVER).to_string(), jiff::Timestamp::MAX.to_string());
}

proptest! {
    /// Whatever is recorded, the bytes stay below the limit, the books are right, and the last entry is there.
    #[test]
    fn the_store_is_bounded_and_keeps_the_newest(
        steps in prop::collection::vec((0u32..40, 0usize..900, 0u8..12, any::<bool>()), 1..400),
        kib in 4usize..64,
    ) {
        let journal = Arc::new(Journal::new(kib << 10));
        let (mut followers, mut recorded) = (Vec::new(), 0);
        for (n, (node, length, what, _)) in steps.iter().enumerate() {
            let (id, at) = (NodeId(*node), T0.after_ms(n as u64));
            let uri = format!("/{}{n}", "x".repeat(*length));
            match what {
                0 => journal.forget(id),
                1 => followers.push(journal.follow(id)),
                2 => { followers.pop(); }
                3..6 => journal.state(id, at, Event::Reading, &n.to_string()),
                _ => journal.request(id, &Asked { at, ..asked(0, "GET", &uri) }),
            }
            recorded += usize::from(*what > 2);
            if n % 16 > 0 {
                continue;
            }
            let counted: usize = (0..40).map(|node| journal.entries(NodeId(node)).len()).sum();
            prop_assert_eq!(counted, journal.len());
            prop_assert!(journal.len() <= recorded);
            prop_assert!(journal.bytes() <= (kib << 10) + 64, "{} of {}", journal.bytes(), kib << 10);
        }
        drop(followers);
        for node in 0..40 {
            let entries = journal.entries(NodeId(node));
            prop_assert!(entries.windows(2).all(|pair| pair[0].first <= pair[1].first));
            journal.forget(NodeId(node));
        }
        prop_assert_eq!(journal.len(), 0);
    }
}
