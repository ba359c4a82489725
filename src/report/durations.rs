//! Durations as a histogram that can be added to others without a loss.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as Decoder, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Significant digits of a value in the histogram, so a percentile is at most 0.1 % too large.
const DIGITS: u8 = 3;
/// The longest duration, 30 days in microseconds. A longer one counts as this.
const MAX_US: u64 = 30 * 24 * 3600 * 1_000_000;
/// The longest encoded histogram that is read, bytes. One with a count in each of its 31,000 classes is shorter.
const MAX_ENCODED: usize = 400 << 10;
/// The start of an encoded histogram: the cookie of the format and the length of what follows, and the head of the latter.
const OUTER: usize = 8;
const INNER: usize = 40;

/// Counted durations: a histogram of microseconds, the exact shortest and longest, and the sum.
///
/// Adding two of them gives the same value as counting all durations in one.
#[derive(Clone, PartialEq)]
pub struct Durations {
    histogram: Histogram<u64>,
    /// Microseconds, as the others.
    min: u64,
    max: u64,
    sum: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { histogram: empty(), min: u64::MAX, max: 0, sum: 0 }
    }
}

impl fmt::Debug for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histogram, min, max, sum } = self;
        write!(f, "{} durations of {min} to {max} us, {sum} in all", histogram.len())
    }
}

#[expect(clippy::expect_used, reason = "three digits are allowed")]
fn empty() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are allowed")
}

/// Seconds as whole microseconds, from 0 to [`MAX_US`].
fn micros(seconds: f64) -> u64 {
    // A number below zero, or none at all, becomes zero.
    ((seconds * 1e6).round() as u64).min(MAX_US)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl Durations {
    /// Counts a duration in seconds.
    pub fn record(&mut self, duration: f64) {
        let value = micros(duration);
        // The histogram grows to any value, so there is no error.
        let _ = self.histogram.record(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum = self.sum.saturating_add(value);
    }

    /// Counts all durations of `other`, too.
    pub fn add(&mut self, other: &Self) {
        // A histogram that grows takes all values of another one.
        let _ = self.histogram.add(&other.histogram);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
    }

    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// The duration in seconds that a share of all durations does not exceed: 0.5 is the median. `None` without a duration.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        // A class stands for its largest value, which no duration need have.
        let within = |value: u64| value.clamp(self.min, self.max);
        (!self.is_empty()).then(|| seconds(within(self.histogram.value_at_quantile(share))))
    }

    /// The shortest duration in seconds.
    pub fn min(&self) -> Option<f64> {
        (!self.is_empty()).then(|| seconds(self.min))
    }

    /// The longest duration in seconds.
    pub fn max(&self) -> Option<f64> {
        (!self.is_empty()).then(|| seconds(self.max))
    }

    /// The mean in seconds.
    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| seconds(self.sum) / self.count() as f64)
    }

    /// The classes with a count, from short to long: the largest duration of the class in seconds, and its count.
    pub fn classes(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.histogram
            .iter_recorded()
            .map(|class| (seconds(class.value_iterated_to()), class.count_since_last_iteration()))
    }

    /// How many durations are longer than `bound` seconds, to the precision of the histogram.
    pub fn longer_than(&self, bound: f64) -> u64 {
        self.classes().filter(|(value, _)| *value > bound).map(|(_, count)| count).sum()
    }

    fn encoded(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        // A histogram that was read, or that others were added to, has another size than one that grew. As text they are equal.
        let bounds = Histogram::new_with_bounds(1, self.histogram.max().max(2), DIGITS);
        let mut histogram: Histogram<u64> = bounds.map_err(|error| error.to_string())?;
        histogram.add(&self.histogram).map_err(|error| error.to_string())?;
        let done = V2DeflateSerializer::new().serialize(&histogram, &mut bytes);
        done.map_err(|error| error.to_string())?;
        Ok(STANDARD.encode(bytes))
    }
}

/// Reads a histogram of the format V2, compressed or not, of the precision of this module.
fn decode(text: &str) -> Result<Histogram<u64>, String> {
    use std::io::Read as _;

    if text.len() > MAX_ENCODED * 2 {
        return Err(format!("a histogram has more than {MAX_ENCODED} bytes"));
    }
    let bytes = STANDARD.decode(text).map_err(|error| format!("a histogram is not base64: {error}"))?;
    let compressed = bytes.get(OUTER..).ok_or("a histogram is cut off")?;
    // The library trusts the lengths in the head, so they are checked before.
    let mut plain = Vec::new();
    let inflated =
        flate2::read::ZlibDecoder::new(compressed).take(MAX_ENCODED as u64 + 1).read_to_end(&mut plain);
    inflated.map_err(|error| format!("a histogram is not compressed as it should be: {error}"))?;
    let word = |at: usize| {
        plain.get(at..at + 4).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    let (length, digits, lowest) = (word(4), word(12), word(20));
    if plain.len() > MAX_ENCODED || length != plain.len().checked_sub(INNER) {
        return Err(format!(
            "a histogram does not have the length that it names, at most {MAX_ENCODED} bytes"
        ));
    }
    if (digits, lowest) != (Some(usize::from(DIGITS)), Some(1)) {
        return Err(format!("a histogram does not have {DIGITS} digits, or does not begin at 1"));
    }
    let read: Result<Histogram<u64>, _> = Decoder::new().deserialize(&mut plain.as_slice());
    let mut all = empty();
    all.add(read.map_err(|error| format!("a histogram cannot be read: {error}"))?)
        .map_err(|error| error.to_string())?;
    Ok(all)
}

/// The form in JSON. Readers of the file find percentiles; `hdr` is the histogram, and the others besides `min`, `max` and
/// `sum` follow from it.
#[derive(Serialize, Deserialize)]
struct Document {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    sum: f64,
    /// Base64 of the compressed format V2 of HdrHistogram.
    hdr: String,
}

impl Serialize for Durations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            count: self.count(),
            min: self.min(),
            mean: self.mean(),
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            max: self.max(),
            sum: seconds(self.sum),
            hdr: self.encoded().map_err(serde::ser::Error::custom)?,
        };
        document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Durations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::deserialize(deserializer)?;
        let histogram = decode(&document.hdr).map_err(D::Error::custom)?;
        if histogram.len() != document.count {
            return Err(D::Error::custom("a histogram does not have the count beside it"));
        }
        let (min, max) = (document.min.map_or(u64::MAX, micros), document.max.map_or(0, micros));
        if !histogram.is_empty() && min > max {
            return Err(D::Error::custom("the shortest duration is longer than the longest"));
        }
        // A sum can be longer than the longest duration.
        let sum = (document.sum * 1e6).round() as u64;
        Ok(Self { histogram, min, max, sum })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Durations {
        let mut durations = Durations::default();
        values.iter().for_each(|value| durations.record(*value));
        durations
    }

    proptest! {
        #[test]
        fn a_sum_of_parts_is_the_whole_also_after_storage(
            values in prop::collection::vec(0.0..1e6_f64, 0..60), cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = values.split_at(cut.index(values.len() + 1));
            let mut sum = of(left);
            sum.add(&of(right));
            let whole = of(&values);
            prop_assert_eq!(&sum, &whole);
            let stored: Durations = serde_json::from_str(&serde_json::to_string(&sum).unwrap()).unwrap();
            prop_assert_eq!(stored, whole);
        }
    }

    #[test]
    fn a_percentile_is_no_longer_than_the_longest_duration() {
        let durations = of(&[119.9, 120.0, 0.000_001, -1.0, f64::NAN]);
        assert_eq!((durations.quantile(0.99), durations.max()), (Some(120.0), Some(120.0)));
        assert_eq!((durations.min(), durations.count()), (Some(0.0), 5));
        assert_eq!(of(&[]).quantile(0.5), None);
        assert_eq!(of(&[1e12]).max(), Some(30.0 * 24.0 * 3600.0));
        assert_eq!(of(&[1.0, 2.0, 3.0]).longer_than(1.5), 2);
    }

    #[test]
    fn a_wrong_histogram_is_refused() {
        let good = serde_json::to_value(of(&[1.0, 2.0])).unwrap();
        let wrong = |field: &str, value: serde_json::Value| {
            let mut document = good.clone();
            document[field] = value;
            serde_json::from_value::<Durations>(document).unwrap_err().to_string()
        };
        assert!(wrong("hdr", "!".into()).contains("base64"));
        assert!(wrong("hdr", "AAAA".into()).contains("cut off"));
        assert!(wrong("hdr", STANDARD.encode([0; 60]).into()).contains("compressed"));
        assert!(wrong("count", 3.into()).contains("the count beside it"));
        assert!(wrong("min", 9.into()).contains("shortest"));
        // A head that names two gigabytes, and a kilobyte that becomes a megabyte.
        let compress = |plain: &[u8]| {
            let mut zlib = flate2::read::ZlibEncoder::new(plain, flate2::Compression::best());
            let mut bytes = vec![0; OUTER];
            std::io::Read::read_to_end(&mut zlib, &mut bytes).unwrap();
            serde_json::Value::from(STANDARD.encode(bytes))
        };
        let mut head = vec![0; INNER];
        head[4..8].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
        assert!(wrong("hdr", compress(&head)).contains("the length that it names"));
        assert!(wrong("hdr", compress(&vec![0; 1 << 20])).contains("at most"));
        let mut digits = vec![0; INNER];
        digits[15] = 5;
        assert!(wrong("hdr", compress(&digits)).contains("3 digits"));
    }
}
