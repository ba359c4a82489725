//! Counting: plain atomics where something happens, and the page that Prometheus reads of them.
//!
//! Nothing here is looked up by name while a request is answered: who counts holds its own counter. Names and labels are
//! put together only when somebody asks for the page, in the text format 0.0.4 of
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How often something happened. One relaxed addition each time.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// It happened `n` times more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// It happened.
    pub fn one(&self) {
        self.add(1);
    }

    /// How often so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// How many of something there are at the moment.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more; how many there are with it.
    pub fn up(&self) -> u64 {
        self.0.fetch_add(1, Relaxed) + 1
    }

    /// One more, until what is returned is dropped.
    pub fn enter(&self) -> Here<'_> {
        self.up();
        Here(self)
    }

    /// One less; each belongs to an [`up`](Self::up).
    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One of those that a [`Level`] counts.
#[derive(Debug)]
pub struct Here<'a>(&'a Level);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}

/// Upper bounds of the buckets of every histogram, microseconds: from an answer out of memory to one that is as good as
/// none.
pub const BOUNDS_US: [u64; 10] =
    [25, 100, 500, 2_500, 10_000, 50_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// [`BOUNDS_US`] in seconds, as labels.
const BOUNDS_TEXT: [&str; 10] =
    ["0.000025", "0.0001", "0.0005", "0.0025", "0.01", "0.05", "0.25", "1", "5", "30"];

/// How long something took, each time. Two relaxed additions.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// It took so long.
    pub fn note(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().take_while(|bound| **bound * 1000 < ns).count();
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// How often anything was noted.
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

/// What one or several histograms hold.
#[derive(Clone, Copy, Default)]
struct Times {
    buckets: [u64; BOUNDS_US.len() + 1],
    sum_ns: u64,
}

/// Status classes of HTTP, 1xx to 5xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests of one face by kind of resource and class of status. A handful of kinds: never one a node.
pub struct Requests {
    face: &'static str,
    kinds: Box<[Kind]>,
}

/// A kind of resource; what a request adds to lies together.
struct Kind {
    resource: &'static str,
    part: &'static str,
    by_class: [Histogram; CLASSES.len()],
    received_bytes: Counter,
    sent_bytes: Counter,
}

impl Requests {
    /// None so far. `kinds` are (resource, part) by the number that [`note`](Self::note) is given; two of one name are
    /// shown as one.
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

    /// A request of that kind, with a body of so many bytes, was answered with that status and so many bytes after so
    /// long.
    pub fn note(&self, kind: usize, status: u16, took: Duration, received_bytes: usize, sent_bytes: usize) {
        let kind = &self.kinds[kind];
        kind.by_class[usize::from(status / 100).clamp(1, CLASSES.len()) - 1].note(took);
        if received_bytes > 0 {
            kind.received_bytes.add(received_bytes as u64);
        }
        kind.sent_bytes.add(sent_bytes as u64);
    }

    /// More of an answer that was noted already.
    pub fn sent(&self, kind: usize, bytes: usize) {
        self.kinds[kind].sent_bytes.add(bytes as u64);
    }

    /// Puts them on the page.
    pub fn show(&self, page: &mut Page) {
        let mut times: BTreeMap<(&str, &str, &str), Times> = BTreeMap::new();
        let (mut received, mut sent) = (0, 0);
        for kind in &self.kinds {
            for (class, histogram) in CLASSES.into_iter().zip(&kind.by_class).filter(|(_, h)| h.count() > 0) {
                histogram.add_to(times.entry((kind.resource, kind.part, class)).or_default());
            }
            received += kind.received_bytes.get();
            sent += kind.sent_bytes.get();
        }
        for ((resource, part, status), times) in times {
            let labels = [("face", self.face), ("resource", resource), ("part", part), ("status", status)];
            page.times(
                "fauxmetal_request_duration_seconds",
                "From a request that has been read whole to its answer, before it is sent",
                &labels,
                &times,
            );
        }
        let face = [("face", self.face)];
        page.counter("fauxmetal_received_bytes_total", "Bytes of requests' bodies", &face, received);
        page.counter("fauxmetal_sent_bytes_total", "Bytes of answers' bodies", &face, sent);
    }
}

/// What is put together for one scrape. Whoever counts adds to it; a family's samples end up together.
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

    /// What only ever grows.
    pub fn counter(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample("counter", name, help, labels, value);
    }

    /// What comes and goes.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: &[(&str, &str)], value: u64) {
        self.sample("gauge", name, help, labels, value);
    }

    /// A counter that is no whole number, such as seconds.
    pub fn seconds(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.sample("counter", name, help, &[], value);
    }

    /// A limit was hit. All of them are one family, whoever holds the limit.
    pub fn limit(&mut self, limit: &str, hits: &Counter) {
        let help = "How often a limit (--limit) was hit";
        self.counter("fauxmetal_limit_hits_total", help, &[("limit", limit)], hits.get());
    }

    /// How long something took.
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

    /// The whole page.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, Family { help, kind, samples }) in &self.0 {
            // A String takes all that is written to it.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
        }
        text
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds of months; the digits that go are none that matter"
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
    fn bounds_are_written_as_they_are() {
        for (us, text) in BOUNDS_US.into_iter().zip(BOUNDS_TEXT) {
            assert_eq!(text.parse::<f64>().unwrap(), us as f64 / 1e6);
        }
    }

    #[test]
    fn a_family_stands_together_whoever_adds_to_it() {
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
    fn kinds_of_one_name_are_shown_as_one_and_those_unused_not_at_all() {
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
