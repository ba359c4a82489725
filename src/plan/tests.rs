//! Reading, checking, items and schedules.

use std::time::Duration;

use super::*;
use crate::seed::Seed;

const SMALLEST: &str = r#"
target: {ironic: {url: "http://127.0.0.1:6385"}}
groups: [{name: small, count: 12, until: inspected}]
pacing: {batchSize: 4, delay: 3s}
cleanup: {when: always}
assert: ["failed == 0", "p99(inspect) <= 120s"]
"#;

const LARGE: &str = r#"name: night
seed: ci
target:
  ironic:
    url: ["http://127.0.0.1:6385", "http://127.0.0.1:6386"]
    microversion: "1.109"
    auth:
      keystone: {cloud: lab}
fleet:
  own:
    settings: {boot-time: 5s, timing: {post: 1s..2s}}
groups:
  - name: clusters
    count: 4
    until: active
    roles: {controlPlane: 3, worker: workers}
    gang: true
    values: {workers: [2, 3]}
    profiles: [generic, hpe-dl380-gen11]
    image: {url: "http://127.0.0.1:6180/i.qcow2"}
    labels: {rack: r7}
  - name: spare
    count: 2
    until: available
    park: true
pacing: {maxInFlight: 20, order: shuffled}
phases:
  - {name: up, grace: 5s}
  - name: storm
    groups: [clusters]
    until: available
    repeat: 2
    faults:
      - {name: flaky, who: {all: true}, when: {requests: {methods: [GET]}, first: 2}, what: {status: {code: 503}}}
  - {name: calm, quiet: 30s}
  - {name: churn, groups: [clusters], churn: {percent: 10, pause: 5s, duration: 1m}}
sweep: {pacing.maxInFlight: [20, 40]}
expire: 4h
abortOnFail: true
watch: {pids: {ironic: /run/ironic.pid}, scrape: ["http://127.0.0.1:8440/metrics"]}
assert: ["cpu(ironic) <= 400s"]
"#;

fn plan(text: &str) -> Plan {
    read(text, "plan.yaml", &[]).unwrap()
}

fn said(text: &str) -> String {
    read(text, "plan.yaml", &[]).unwrap_err().to_string()
}

#[test]
fn a_plan_is_read_and_written() {
    for text in [SMALLEST, LARGE] {
        let read_once = plan(text);
        let written = serde_json::to_string(&read_once).unwrap();
        assert_eq!(plan(&written), read_once, "JSON is YAML");
    }
    let smallest = plan(SMALLEST);
    assert_eq!(smallest.cleanup, Cleanup::default());
    assert_eq!(smallest.fleet, FleetSource::default());
}

#[test]
fn a_plan_matches_its_schema() {
    let schema = schema().unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in [SMALLEST, LARGE] {
        let written: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        let errors: Vec<_> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    for (from, to) in [
        ("count: 12", "cuont: 12"),
        ("until: inspected", "until: inspekted"),
        ("delay: 3s", "delay: 3"),
        ("when: always", "when: sometimes"),
    ] {
        let wrong: serde_json::Value = serde_saphyr::from_str(&SMALLEST.replace(from, to)).unwrap();
        assert!(!validator.is_valid(&wrong), "{to}");
    }
}

#[test]
fn an_error_names_its_line_and_what_is_allowed() {
    let change = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        said(&text.replacen(from, to, 1))
    };
    let small = |from: &str, to: &str| change(SMALLEST, from, to);
    let large = |from: &str, to: &str| change(LARGE, from, to);
    let errors = [
        small("batchSize", "batchSise"),
        small("groups", "grups"),
        small("inspected", "inspekted"),
        small("until: inspected", "until: walked"),
        small("until: inspected", "until: {walked: 1}"),
        small("until: inspected", "until: active"),
        small("count: 12", "count: 0"),
        small("count: 12", "count: many"),
        small("count: 12", "count: 2000000"),
        small("name: small", "name: Small"),
        small("delay: 3s", "delay: soon"),
        small("batchSize: 4, ", ""),
        small("p99(inspect)", "p99(inspekt)"),
        small("p99(inspect)", "p99(walk)"),
        small("p99(inspect) <= 120s", "cpu(ironic) <= 1s"),
        small("http://127.0.0.1:6385", "127.0.0.1:6385"),
        small("url: \"http://127.0.0.1:6385\"", ""),
        small("{ironic: {url: \"http://127.0.0.1:6385\"}}", "{redfish: {}}"),
        small("target: {ironic", "target: {irnic"),
        small("when: always", "when: sometimes"),
        small("\n", "\nfleet: {own: {settings: {nodes: 3}}}\n"),
        small("\n", "\nwatch: {every: 1ms}\n"),
        large("1.109", "1.20"),
        large("maxInFlight: 20,", "maxInFlight: 7,"),
        large("maxInFlight: 20, order: shuffled", "batchSize: 3, delay: 1s"),
        large("maxInFlight: 20, order: shuffled", "arrivals: [{rate: fast, duration: 1m}]"),
        large("maxInFlight: 20, order: shuffled", "arrivals: [{rate: 1/s, duration: 0s}]"),
        large("gang: true", "gang: true\n    park: true"),
        large("roles: {controlPlane: 3, worker: workers}\n", "\n"),
        large("worker: workers", "worker: heads"),
        large("values: {workers: [2, 3]}", "values: {workers: [2, three]}"),
        large("values: {workers: [2, 3]}", "values: {workers: [2], node: [1]}"),
        large("groups: [clusters]", "groups: [custers]"),
        large("name: storm", "name: up"),
        large("first: 2", "first: 0"),
        large("percent: 10", "percent: 0"),
        large("quiet: 30s", "quiet: 30s, until: active"),
        large("sweep: {pacing.maxInFlight: [20, 40]}", "sweep: {sweep.x: [1]}"),
        large("sweep: {pacing.maxInFlight: [20, 40]}", "sweep: {pacing.maxInFlight: []}"),
        large("rack: r7", "rack: '-'"),
        "target: [".to_owned().pipe(|text| said(&text)),
        said(""),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}

impl<T> Pipe for T {}

#[test]
fn values_are_replaced_by_path() {
    let set = |path: &str, value: serde_json::Value| read(LARGE, "plan.yaml", &[(path.to_owned(), value)]);
    assert_eq!(set("pacing.maxInFlight", 40.into()).unwrap().pacing.max_in_flight, Some(40));
    assert_eq!(set("groups.spare.count", 7.into()).unwrap().groups[1].count, 7);
    assert_eq!(set("groups.0.count", 3.into()).unwrap().groups[0].count, 3);
    assert_eq!(
        set("cleanup.keepFailed", true.into()).unwrap().cleanup,
        Cleanup { keep_failed: true, ..Cleanup::default() }
    );
    let errors: Vec<_> = [
        set("pacing.maxInFligt", 40.into()),
        set("pacing.maxInFlight", "many".into()),
        set("groups.sparse.count", 7.into()),
        set("name.first", 1.into()),
        set("a..b", 1.into()),
    ]
    .into_iter()
    .map(|result| result.unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn items_have_names_roles_and_values_in_turn() {
    let plan = plan(LARGE);
    let items = Items::new(&plan.groups);
    let names: Vec<_> = (0..items.all.len() as u32).map(|item| items.name(&plan.groups, item)).collect();
    assert_eq!(names.len(), 5 + 6 + 5 + 6 + 2);
    assert_eq!(
        names[..5],
        [
            "clusters-0000-controlplane-0",
            "clusters-0000-controlplane-1",
            "clusters-0000-controlplane-2",
            "clusters-0000-worker-0",
            "clusters-0000-worker-1"
        ]
    );
    assert_eq!(names[22..], ["spare-0000", "spare-0001"]);
    assert_eq!(
        items.set_and_role(&plan.groups, 5),
        Some(("clusters-0001".to_owned(), "controlPlane".to_owned()))
    );
    assert_eq!(items.values(&plan.groups, 5)["workers"], 3);
    assert_eq!(items.set_and_role(&plan.groups, 22), None);
    let all: Vec<_> = (0..24).collect();
    let units: Vec<_> = items.units(&plan.groups, &all).into_iter().map(|unit| unit.items).collect();
    assert_eq!(units, [0..5, 5..11, 11..16, 16..22, 22..23, 23..24]);
    let some: Vec<_> =
        items.units(&plan.groups, &[0, 1, 3, 11, 23]).into_iter().map(|unit| unit.items).collect();
    assert_eq!(some, [0..2, 3..4, 11..12, 23..24], "an item that has failed takes no part");
}

fn times(pacing: &Pacing, sizes: &[u32]) -> Vec<Option<u128>> {
    let mut from = 0;
    let units: Vec<_> = sizes
        .iter()
        .map(|size| {
            let items = from..from + size;
            from += size;
            Unit { items }
        })
        .collect();
    Schedule::new(pacing, units, Seed(1), 0).map(|start| start.at.map(|at| at.as_millis())).collect()
}

fn pacing(text: &str) -> Pacing {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn batches_start_at_their_times() {
    let batches = pacing("{batchSize: 4, delay: 3s}");
    assert_eq!(times(&batches, &[1; 9]), [0, 0, 0, 0, 3000, 3000, 3000, 3000, 6000].map(Some));
    assert_eq!(times(&batches, &[3, 2, 2, 1]), [0, 3000, 3000, 6000].map(Some), "no gang is divided");
    assert_eq!(times(&pacing("{batchSize: 4}"), &[1; 3]), [None; 3]);
    assert_eq!(pacing("{batchSize: 4}").cap(), Some(4));
    assert_eq!(pacing("{batchSize: 4, delay: 3s}").cap(), None);
    assert_eq!(pacing("{batchSize: 4, delay: 3s, maxInFlight: 9}").cap(), Some(9));
}

#[test]
fn arrivals_follow_their_rate() {
    let even = pacing("{arrivals: [{rate: 2/s, duration: 2s}, {rate: 1/s, duration: 1s}]}");
    assert_eq!(times(&even, &[1; 8]), [0, 500, 1000, 1500, 2000, 3000, 4000, 5000].map(Some));
    assert_eq!(times(&even, &[2, 2, 1]), [0, 1000, 2000].map(Some));
    // From 0.5 to 1.5 a second in 8 s: 8 starts, and the last interval is shorter than the first.
    let ramp = pacing("{arrivals: [{rate: 0.5/s, ramp: 1.5/s, duration: 8s}]}");
    let at = times(&ramp, &[1; 9]);
    assert_eq!(at[8], Some(8000));
    let (first, last) = (at[1].unwrap() - at[0].unwrap(), at[8].unwrap() - at[7].unwrap());
    assert!(first > 2 * last, "{first} {last}");
    let falling = times(&pacing("{arrivals: [{rate: 60/min, ramp: 1/h, duration: 10s}]}"), &[1; 6]);
    assert!(falling.is_sorted() && falling[5].is_some(), "{falling:?}");
}

#[test]
fn a_poisson_process_has_its_rate_and_its_spread() {
    let poisson = pacing("{arrivals: [{rate: 100/s, duration: 100s, distribution: poisson}]}");
    let at: Vec<_> =
        times(&poisson, &[1; 10_000]).into_iter().map(|at| at.unwrap() as f64 / 1000.0).collect();
    assert!((95.0..105.0).contains(&at[9999]), "{}", at[9999]);
    let gaps: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    let spread = variance.sqrt() / mean;
    assert!((0.9..1.1).contains(&spread), "the spread of exponential gaps is their mean: {spread}");
    assert_eq!(times(&poisson, &[1; 100]), times(&poisson, &[1; 100]), "the seed decides");
}

#[test]
fn a_shuffled_order_follows_from_the_seed() {
    let shuffled = pacing("{order: shuffled}");
    let units = || (0..100).map(|n| Unit { items: n..n + 1 }).collect::<Vec<_>>();
    let order = |seed, salt| {
        Schedule::new(&shuffled, units(), Seed(seed), salt)
            .map(|start| start.unit.items.start)
            .collect::<Vec<_>>()
    };
    assert_eq!(order(1, 0), order(1, 0));
    assert_ne!(order(1, 0), order(2, 0));
    assert_ne!(order(1, 0), order(1, 1), "each repetition has an order of its own");
    let mut sorted = order(1, 0);
    assert_ne!(sorted, (0..100).collect::<Vec<_>>());
    sorted.sort_unstable();
    assert_eq!(sorted, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_far_start_does_not_overflow() {
    let slow = pacing("{batchSize: 1, delay: 36500d}");
    assert_eq!(times(&slow, &[1; 2])[1], Some(Duration::from_secs(36_500 * 86_400).as_millis()));
}

#[test]
fn phases_at_the_same_time_share_no_item() {
    let phases =
        "phases:\n  - {name: one, groups: [clusters]}\n  - {name: two, groups: [GROUP], after: started}\n";
    let with = |group: &str| {
        let (head, rest) = LARGE.split_once("phases:").unwrap();
        let tail = &rest[rest.find("sweep:").unwrap()..];
        read(&format!("{head}{}{tail}", phases.replace("GROUP", group)), "plan.yaml", &[])
    };
    assert!(with("spare").is_ok());
    let said = with("clusters").unwrap_err().to_string();
    assert!(said.contains("group 'clusters' takes part in the phase before, too"), "{said}");
}
