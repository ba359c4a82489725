//! A parser of the metrics page that is stricter than the one of Prometheus.

use std::collections::BTreeMap;

/// The samples of a page. It panics unless each family comes once, with help and type before its samples, and each sample
/// comes once.
pub(crate) fn parse(text: &str) -> BTreeMap<String, f64> {
    let (mut family, mut kind, mut seen) = ("", "", Vec::new());
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
            assert!(!seen.contains(&family), "the family {family} comes twice");
            assert!(rest.len() > family.len() + 5, "{family} has no help text");
            seen.push(family);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, rest) = rest.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(["counter", "gauge", "histogram"].contains(&rest), "{line}");
            kind = rest;
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            let of_family = match kind {
                "histogram" => ["_bucket", "_sum", "_count"].iter().any(|s| *name == format!("{family}{s}")),
                _ => name == family,
            };
            assert!(of_family, "{line} stands below {family}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{line}");
            if let Some(labels) = sample.strip_prefix(name).filter(|l| !l.is_empty()) {
                let labels = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}')).unwrap();
                assert!(labels.split("\",").all(|l| l.contains("=\"")), "{line}");
            }
            assert!(
                samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(),
                "the sample {sample} comes twice"
            );
        }
    }
    samples
}

#[test]
fn a_page_with_a_mistake_is_refused() {
    let right = "# HELP a_total How often\n# TYPE a_total counter\na_total{x=\"y\"} 1\n";
    assert_eq!(parse(right)["a_total{x=\"y\"}"], 1.0);
    for wrong in [
        "# HELP a_total How often\n# TYPE a_total gauge\na_total 1\n".to_owned(),
        "# HELP a_total How often\n# TYPE a_total counter\nb_total 1\n".to_owned(),
        "# HELP a_total How often\n# TYPE a_total counter\na_total 1\na_total 2\n".to_owned(),
        right.repeat(2),
    ] {
        assert!(std::panic::catch_unwind(|| parse(&wrong)).is_err(), "{wrong}");
    }
}
