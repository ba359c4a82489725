//! Metrics: atomic counters, gauges and histograms, and the page that Prometheus scrapes.
//!
//! Each room owns its metrics and updates them directly, so a request looks up nothing by name. Names and labels are
//! added only when a [`Page`] is requested, in the text format 0.0.4 of
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A number of events. Counting one costs one relaxed atomic addition.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn one(&self) {
        self.add(1);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number of things that exist at the moment.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Adds one and returns the new value.
    pub fn up(&self) -> u64 {
        self.0.fetch_add(1, Relaxed) + 1
    }

    /// Adds one until the returned guard is dropped.
    pub fn enter(&self) -> GaugeGuard<'_> {
        self.up();
        GaugeGuard(self)
    }

    /// Subtracts one. Each call must match an earlier call of [`up`](Self::up).
    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Subtracts one from its [`Gauge`] when it is dropped.
#[derive(Debug)]
pub struct GaugeGuard<'a>(&'a Gauge);

impl Drop for GaugeGuard<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}

/// Upper bounds of the buckets of every histogram, in microseconds: from 25 µs to 30 s.
pub const BOUNDS_US: [u64; 10] =
    [25, 100, 500, 2_500, 10_000, 50_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// [`BOUNDS_US`] in seconds, as text for the label `le`.
const BOUNDS_TEXT: [&str; 10] =
    ["0.000025", "0.0001", "0.0005", "0.0025", "0.01", "0.05", "0.25", "1", "5", "30"];

/// Durations, counted per bucket. Recording one costs two relaxed atomic additions.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    pub fn note(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().take_while(|bound| **bound * 1000 < ns).count();
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// The number of recorded durations.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|b| b.load(Relaxed)).sum()
    }

    fn add_to(&self, whole: &mut Times) {
        for (sum, bucket) in whole.buckets.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Relaxed);
        }
        whole.sum_ns += self.sum_ns.load(Relaxed);
    }
}

/// The sum of one or several histograms.
#[derive(Clone, Copy, Default)]
struct Times {
    buckets: [u64; BOUNDS_US.len() + 1],
    sum_ns: u64,
}

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The request metrics of one face, by kind of resource and by status class. The kinds are few and fixed; there is
/// never one per node.
pub struct Requests {
    face: &'static str,
    kinds: Box<[Kind]>,
}

/// The metrics of one kind of resource. They are in one struct so that a request touches neighbouring memory.
struct Kind {
    resource: &'static str,
    part: &'static str,
    by_class: [Histogram; STATUS_CLASSES.len()],
    received_bytes: Counter,
    sent_bytes: Counter,
}

impl Requests {
    /// `kinds` are pairs (resource, part); their positions are the numbers that [`note`](Self::note) takes. The page
    /// adds up kinds that have the same resource and part.
    pub fn new(face: &'static str, kinds: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let kind = |(resource, part)| Kind {
            resource,
            part,
            by_class: Default::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
        };
        Self { face, kinds: kinds.into_iter().map(kind).collect() }
    }

    /// Records one answered request.
    pub fn note(&self, kind: usize, status: u16, took: Duration, received_bytes: usize, sent_bytes: usize) {
        let kind = &self.kinds[kind];
        kind.by_class[usize::from(status / 100).clamp(1, STATUS_CLASSES.len()) - 1].note(took);
        if received_bytes > 0 {
            kind.received_bytes.add(received_bytes as u64);
        }
        kind.sent_bytes.add(sent_bytes as u64);
    }

    /// Adds bytes to a response that was recorded before, for a body that is sent in parts.
    pub fn sent(&self, kind: usize, bytes: usize) {
        self.kinds[kind].sent_bytes.add(bytes as u64);
    }

    pub fn show(&self, page: &mut Page) {
        let mut times: BTreeMap<(&str, &str, &str), Times> = BTreeMap::new();
        let (mut received, mut sent) = (0, 0);
        for kind in &self.kinds {
            let used = STATUS_CLASSES.into_iter().zip(&kind.by_class).filter(|(_, h)| h.count() > 0);
            for (class, histogram) in used {
                histogram.add_to(times.entry((kind.resource, kind.part, class)).or_default());
            }
            received += kind.received_bytes.get();
            sent += kind.sent_bytes.get();
        }
        for ((resource, part, status), times) in times {
            let labels = [("face", self.face), ("resource", resource), ("part", part), ("status", status)];
            page.times(
                "fauxmetal_request_duration_seconds",
                "Time from a completely received request to its response, before the response is sent",
                &labels,
                &times,
            );
        }
        let face = [("face", self.face)];
        page.counter("fauxmetal_received_bytes_total", "Bytes of request bodies", &face, received);
        page.counter("fauxmetal_sent_bytes_total", "Bytes of response bodies", &face, sent);
    }
}

/// The page for one scrape. Each room adds its samples; the page groups them by metric name, as the format requires.
#[derive(Default)]
pub struct Page(BTreeMap<&'static str, Family>);

struct Family {
    help: &'static str,
    kind: &'static str,
    samples: String,
}

impl Page {
    /// The media type of [`Page::text`].
    pub const MEDIA_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    pub fn counter(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample("counter", name, help, labels, value);
    }

    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample("gauge", name, help, labels, value);
    }

    /// A gauge with fractions.
    pub fn number(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.sample("gauge", name, help, &[], value);
    }

    /// A counter of seconds, with fractions.
    pub fn seconds(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.sample("counter", name, help, &[], value);
    }

    /// Adds how often a limit was hit. The limits of all rooms share one metric name, with the limit as a label.
    pub fn limit(&mut self, limit: &str, hits: &Counter) {
        let help = "How often a limit (--limit) was hit";
        self.counter("fauxmetal_limit_hits_total", help, &[("limit", limit)], hits.get());
    }

    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        histogram: &Histogram,
    ) {
        let mut times = Times::default();
        histogram.add_to(&mut times);
        self.times(name, help, labels, &times);
    }

    fn times(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], times: &Times) {
        let samples = &mut self.family("histogram", name, help).samples;
        let mut below = 0;
        for (le, count) in BOUNDS_TEXT.into_iter().chain(["+Inf"]).zip(times.buckets) {
            below += count;
            let bounded: Vec<_> = labels.iter().copied().chain([("le", le)]).collect();
            line(samples, name, "_bucket", &bounded, below);
        }
        line(samples, name, "_sum", labels, seconds(times.sum_ns));
        line(samples, name, "_count", labels, below);
    }

    fn sample(
        &mut self,
        kind: &'static str,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: impl std::fmt::Display,
    ) {
        line(&mut self.family(kind, name, help).samples, name, "", labels, value);
    }

    fn family(&mut self, kind: &'static str, name: &'static str, help: &'static str) -> &mut Family {
        self.0.entry(name).or_insert_with(|| Family { help, kind, samples: String::new() })
    }

    /// The page in the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, Family { help, kind, samples }) in &self.0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
        }
        text
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an f64 holds 104 days of nanoseconds exactly; beyond that only the last digits are lost"
)]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn line(text: &mut String, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    text.push_str(name);
    text.push_str(suffix);
    for (n, (label, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{}{label}=\"{value}\"", if n == 0 { '{' } else { ',' });
    }
    let _ = writeln!(text, "{} {value}", if labels.is_empty() { "" } else { "}" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_that_ends_at_or_above_it() {
        let histogram = Histogram::default();
        for us in [0, 25, 26, 1_000_000, 60_000_000] {
            histogram.note(Duration::from_micros(us));
        }
        let mut page = Page::default();
        page.histogram("x_seconds", "X", &[("a", "b\"\\")], &histogram);
        let text = page.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["# HELP x_seconds X", "# TYPE x_seconds histogram"]);
        assert_eq!(lines[2], r#"x_seconds_bucket{a="b\"\\",le="0.000025"} 2"#);
        assert_eq!(lines[3], r#"x_seconds_bucket{a="b\"\\",le="0.0001"} 3"#);
        assert_eq!(lines[9], r#"x_seconds_bucket{a="b\"\\",le="1"} 4"#);
        assert_eq!(
            lines[11..13],
            [r#"x_seconds_bucket{a="b\"\\",le="30"} 4"#, r#"x_seconds_bucket{a="b\"\\",le="+Inf"} 5"#]
        );
        assert_eq!(lines[13..], [r#"x_seconds_sum{a="b\"\\"} 61.000051"#, r#"x_seconds_count{a="b\"\\"} 5"#]);
    }

    #[test]
    fn the_text_of_each_bound_equals_the_bound() {
        for (us, text) in BOUNDS_US.into_iter().zip(BOUNDS_TEXT) {
            assert_eq!(text.parse::<f64>().unwrap(), us as f64 / 1e6);
        }
    }

    #[test]
    fn samples_of_one_metric_are_grouped_in_any_order_of_additions() {
        let mut page = Page::default();
        let hits = Counter::default();
        hits.one();
        page.limit("a", &hits);
        page.gauge("fauxmetal_z", "Z", &[], 3);
        page.limit("b", &hits);
        assert_eq!(
            page.text(),
            "# HELP fauxmetal_limit_hits_total How often a limit (--limit) was hit\n\
             # TYPE fauxmetal_limit_hits_total counter\n\
             fauxmetal_limit_hits_total{limit=\"a\"} 1\nfauxmetal_limit_hits_total{limit=\"b\"} 1\n\
             # HELP fauxmetal_z Z\n# TYPE fauxmetal_z gauge\nfauxmetal_z 3\n"
        );
    }

    #[test]
    fn kinds_with_equal_names_are_added_up_and_unused_kinds_are_absent() {
        let requests = Requests::new("f", [("A", "document"), ("B", "document"), ("A", "document")]);
        requests.note(0, 200, Duration::ZERO, 0, 10);
        requests.note(2, 204, Duration::ZERO, 5, 0);
        let mut page = Page::default();
        requests.show(&mut page);
        let text = page.text();
        let count = r#"_count{face="f",resource="A",part="document",status="2xx"} 2"#;
        assert!(text.contains(count) && !text.contains("\"B\""), "{text}");
        assert!(text.contains("fauxmetal_received_bytes_total{face=\"f\"} 5\n"), "{text}");
    }
}
