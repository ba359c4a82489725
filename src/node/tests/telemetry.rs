//! Metric reports: their moments, their values, and what they keep.

use super::*;
use crate::dmtf::{CollectionFunction, ReportType, ReportUpdates};
use crate::node::bmc::environment::SensorId;
use crate::node::bmc::subscriptions::{self, Filter, Wanted};
use crate::node::bmc::telemetry::{Command as Change, Group, Measured, Report, Settings};

const POWER: Measured = Measured::Power;
const FAN: Measured = Measured::Sensor(SensorId::Fan(0));
const INTERVAL_S: u32 = 60;

fn settings(kind: ReportType) -> Settings {
    let group =
        Group { label: None, measured: vec![POWER, FAN], function: None, duration_s: 0, is_plain: false };
    Settings {
        interval_s: if kind == ReportType::Periodic { INTERVAL_S } else { 0 },
        groups: vec![group],
        ..Settings::new(kind)
    }
}

fn average(duration_s: u32) -> Settings {
    let mut settings = settings(ReportType::Periodic);
    let function = Some(CollectionFunction::Average);
    settings.groups =
        vec![Group { label: None, measured: vec![POWER], function, duration_s, is_plain: false }];
    settings
}

impl Bench {
    fn define(&mut self, id: &str, settings: Settings) {
        let (id, settings, most) = (id.into(), Box::new(settings), 16);
        let command = Change::Create { id, name: None, settings, most };
        self.apply(Command::Telemetry(command)).unwrap();
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now.after_ms(seconds * 1000);
        self.node.settle(self.now);
    }

    fn report(&self, id: &str) -> Report {
        let definition = self.node.bmc().telemetry.get(id, self.node.profile()).unwrap();
        self.node.report(&definition, self.now).into_owned()
    }

    /// The values of a report, in thousandths.
    fn values(&self, id: &str) -> Vec<i64> {
        self.report(id).values.iter().map(|value| value.milli).collect()
    }

    fn watts(&self, at: SimTime) -> i64 {
        thousandths(self.node.watts(at))
    }
}

fn thousandths(value: f64) -> i64 {
    crate::node::remember::thousandths(value)
}

#[test]
fn a_new_machine_waits_for_no_report() {
    let bench = Bench::new();
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER);
    let ids: Vec<_> = bench.node.bmc().telemetry.ids(&bench.node.profile().telemetry).collect();
    assert_eq!(ids, ["ThermalMetrics", "PowerMetrics", "SystemLoad"]);
    assert_eq!(bench.report("PowerMetrics"), Report::default(), "its definition is disabled");
    assert_eq!(bench.values("SystemLoad"), [0], "it is made when a client asks");
}

#[test]
fn a_periodic_report_is_made_on_time_and_keeps_its_values() {
    let mut bench = Bench::new();
    bench.define("a", settings(ReportType::Periodic));
    assert_eq!(bench.node.next_deadline(), T0.after_ms(60_000));
    bench.wait(59);
    assert_eq!(bench.report("a"), Report::default());
    bench.wait(2);
    let first = T0.after_ms(60_000);
    assert_eq!(bench.report("a").at, Some(first));
    assert_eq!(bench.values("a"), [bench.watts(first), 0]);
    // A change of the machine changes no report that was made before.
    let before = bench.report("a");
    bench.reset(ResetType::On);
    bench.wait(10);
    assert_eq!(bench.report("a"), before);
    bench.wait(60);
    assert!(bench.values("a")[0] > before.values[0].milli, "the machine is on");
    assert_eq!(bench.report("a").at, Some(T0.after_ms(120_000)));
}

#[test]
fn a_report_on_request_has_the_values_of_the_moment() {
    let mut bench = Bench::new();
    bench.define("a", settings(ReportType::OnRequest));
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER);
    assert_eq!(bench.values("a")[1], 0, "the fans of a machine that is off stand still");
    bench.reset(ResetType::On);
    bench.wait(30);
    assert_eq!(bench.report("a").at, Some(bench.now));
    assert!(bench.values("a")[1] > 0);
}

#[test]
fn a_report_on_change_is_made_only_when_a_value_differs() {
    let mut bench = Bench::new();
    let mut only_fan = settings(ReportType::OnChange);
    only_fan.groups[0].measured = vec![FAN];
    bench.define("a", only_fan);
    bench.wait(20);
    let first = bench.report("a");
    assert!(first.at.is_some(), "the first values are a change");
    bench.wait(600);
    assert_eq!(bench.report("a"), first, "the fan stands still");
    bench.reset(ResetType::On);
    bench.wait(20);
    assert!(bench.values("a")[0] > 0);
}

#[test]
fn an_average_covers_the_end_of_the_interval_across_a_change_of_the_machine() {
    // The machine is switched on between two samples.
    let life = |seconds: u64| {
        let mut bench = Bench::new();
        bench.define("a", average(40));
        bench.wait(seconds.min(35));
        if seconds > 35 {
            bench.reset(ResetType::On);
            bench.wait(seconds - 35);
        }
        bench
    };
    let watts = |seconds| {
        let bench = life(seconds);
        bench.watts(bench.now)
    };
    let samples = [30, 40, 50, 60].map(watts);
    assert!(samples[0] < samples[3] / 2, "the machine is off, and then on: {samples:?}");
    let made = life(60).report("a");
    assert_eq!(made.at, Some(T0.after_ms(60_000)));
    assert_eq!(made.values[0].milli, samples.iter().sum::<i64>() / 4);
}

#[test]
fn later_values_are_appended_up_to_the_limit() {
    for (updates, wraps) in
        [(ReportUpdates::AppendWrapsWhenFull, true), (ReportUpdates::AppendStopsWhenFull, false)]
    {
        let mut bench = Bench::new();
        bench.define("a", Settings { updates, ..settings(ReportType::Periodic) });
        bench.wait(2 * u64::from(INTERVAL_S));
        assert_eq!(bench.report("a").values.len(), 4);
        bench.wait(200 * u64::from(INTERVAL_S));
        let values = bench.report("a").values;
        assert_eq!(values.len(), 256);
        let last = T0.after_ms(202 * 60_000);
        assert_eq!(values[255].at == last, wraps);
        assert_eq!(values[0].at == T0.after_ms(60_000), !wraps);
        // A report that takes no more values disables its definition, until a client enables it again.
        let definition = bench.node.bmc().telemetry.get("a", bench.node.profile()).unwrap().into_owned();
        assert_eq!(definition.settings.enabled, wraps);
        assert_eq!(bench.node.next_deadline() == SimTime::NEVER, !wraps);
        if !wraps {
            let again = Box::new(Settings { enabled: true, ..definition.settings });
            bench.apply(Command::Telemetry(Change::Change { id: "a".into(), settings: again })).unwrap();
            bench.wait(u64::from(INTERVAL_S));
            assert_eq!(bench.report("a").values.len(), 2);
        }
    }
}

#[test]
fn a_report_leaves_out_repeated_values_except_at_a_heartbeat() {
    let mut bench = Bench::new();
    let suppressed = Settings { suppressed: true, heartbeat_s: 300, ..settings(ReportType::Periodic) };
    bench.define("a", suppressed.clone());
    bench.define("b", Settings { suppressed: true, ..settings(ReportType::OnChange) });
    let fans = |bench: &Bench, id: &str| {
        bench.report(id).values.iter().filter(|value| value.measured == FAN).count()
    };
    bench.wait(10);
    assert_eq!(fans(&bench, "b"), 1, "the first report has all values");
    bench.wait(50);
    assert_eq!((fans(&bench, "a"), fans(&bench, "b")), (1, 0), "the power draw has changed alone");
    let mut with_fan = Vec::new();
    for minute in 2..=12 {
        bench.wait(60);
        assert_eq!(bench.report("a").at, Some(bench.now), "a report without values is one, too");
        with_fan.extend((fans(&bench, "a") == 1).then_some(minute));
    }
    assert_eq!(with_fan, [6, 11], "the fan stands still");
    bench.reset(ResetType::On);
    bench.wait(60);
    assert_eq!((fans(&bench, "a"), fans(&bench, "b")), (1, 1));
    // Other settings begin again with all values.
    let settings = Box::new(suppressed);
    bench.apply(Command::Telemetry(Change::Change { id: "a".into(), settings })).unwrap();
    bench.wait(60);
    assert_eq!(bench.report("a").values.len(), 2);
}

#[test]
fn a_report_covers_no_more_than_its_timespan() {
    let mut bench = Bench::new();
    let updates = ReportUpdates::AppendWrapsWhenFull;
    bench.define("a", Settings { updates, timespan_s: 150, ..settings(ReportType::Periodic) });
    bench.wait(600);
    let mut moments: Vec<_> = bench.report("a").values.iter().map(|value| value.at).collect();
    moments.dedup();
    assert_eq!(moments, [480, 540, 600].map(|seconds| T0.after_ms(seconds * 1000)));
}

#[test]
fn a_disabled_definition_makes_no_report_and_keeps_the_last_one() {
    let mut bench = Bench::new();
    bench.define("a", settings(ReportType::Periodic));
    bench.wait(61);
    let last = bench.report("a");
    let disabled = Settings { enabled: false, ..settings(ReportType::Periodic) };
    bench.apply(Command::Telemetry(Change::Change { id: "a".into(), settings: Box::new(disabled) })).unwrap();
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER);
    assert_eq!(bench.report("a"), last);
    bench.apply(Command::Telemetry(Change::Delete("a".into()))).unwrap();
    assert!(bench.node.bmc().telemetry.get("a", bench.node.profile()).is_none());
}

#[test]
fn a_bmc_that_restarts_makes_no_report() {
    let mut bench = Bench::new();
    bench.apply(Command::Bmc(bmc::Command::Reset)).unwrap();
    let from = bench.node.bmc().restarting_from.unwrap();
    let interval_s = u32::try_from(from.since_ms(T0) / 1000).unwrap() + 1;
    bench.define("a", Settings { interval_s, ..settings(ReportType::Periodic) });
    bench.wait(u64::from(interval_s));
    let until = bench.node.bmc().restarting_until.unwrap();
    assert_eq!(bench.report("a"), Report::default());
    bench.now = until.after_ms(u64::from(interval_s) * 1000);
    bench.node.settle(bench.now);
    assert!(bench.report("a").at > Some(until));
}

#[test]
fn a_report_is_queued_for_those_who_want_reports_only() {
    let mut bench = Bench::new();
    for wants_reports in [false, true] {
        let filter = Filter { wants_reports, ..Filter::default() };
        let asked = Box::new(Wanted { destination: "http://x/".into(), filter, ..Wanted::default() });
        let command = subscriptions::Command::Subscribe { asked, most: 2 };
        bench.apply(Command::Event(command)).unwrap();
    }
    bench.define("a", Settings { sent: true, ..settings(ReportType::Periodic) });
    bench.wait(121);
    let reports = |bench: &Bench| {
        let queue = bench.node.bmc().subscriptions.from(0);
        let reports = queue.filter(|queued| matches!(queued.what, event::What::Report(_)));
        reports.map(|queued| queued.at).collect::<Vec<_>>()
    };
    assert_eq!(reports(&bench), [T0.after_ms(60_000), T0.after_ms(120_000)]);
    bench.apply(Command::Event(subscriptions::Command::Delete(2))).unwrap();
    bench.wait(60);
    assert_eq!(reports(&bench).len(), 2, "nobody wants the third");
}
