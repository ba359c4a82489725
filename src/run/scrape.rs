//! Metrics of other programs, in the text format of Prometheus.

use std::collections::BTreeMap;

/// The most values of one page.
const MAX_VALUES: usize = 2000;
/// The longest name with its labels, bytes.
const MAX_NAME: usize = 300;

/// The values of a page by name and labels, as the server writes them. Buckets of histograms are left out: their sums and counts
/// tell the same of a sample.
pub(super) fn values(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let value = |line: &str| {
        // Labels can contain spaces, and a time can stand behind the value.
        let end = line.rfind('}').map_or_else(|| line.find(' '), |brace| Some(brace + 1))?;
        let (name, rest) = line.split_at_checked(end)?;
        let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
        let kept = name.len() <= MAX_NAME && value.is_finite() && !name.contains("_bucket{");
        kept.then(|| (name.to_owned(), value))
    };
    lines.filter_map(value).take(MAX_VALUES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_names_and_values() {
        let page = "# HELP a b\n# TYPE a counter\na 1\nb{c=\"d e\",f=\"}\"} 2.5 1700000000\n\nh_bucket{le=\"1\"} 3\nh_sum 4e2\nn NaN\nbroken\nx{\n";
        let expected = [("a", 1.0), ("b{c=\"d e\",f=\"}\"}", 2.5), ("h_sum", 400.0)];
        assert_eq!(values(page), expected.map(|(name, value)| (name.to_owned(), value)).into());
    }
}
