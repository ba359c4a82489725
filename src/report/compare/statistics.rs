//! Whether two distributions differ by more than chance.

use crate::report::durations::Durations;

/// The number of standard deviations from which on a difference is no chance: two equal runs exceed it once in a thousand
/// comparisons, and a report makes at most some fifty.
pub(super) const SIGNIFICANT: f64 = 3.29;

/// How two sets of durations lie to each other (Mann and Whitney's test, with the correction for ties).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranks {
    /// The distance from equality in standard deviations; above zero if the second set is longer.
    pub(super) z: f64,
    /// Cliff's delta, from -1 to 1: how much more often a duration of the second set is longer than one of the first, than shorter.
    pub(super) delta: f64,
}

/// Compares two sets of durations by their classes. `None` if one is empty.
pub(super) fn ranks(before: &Durations, after: &Durations) -> Option<Ranks> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (a, b) = (before.count() as f64, after.count() as f64);
    let (mut before, mut after) = (before.classes().peekable(), after.classes().peekable());
    // Durations so far; pairs in which the second one is longer, where an equal pair counts half; the correction for ties.
    let (mut seen, mut longer, mut ties) = (0.0, 0.0, 0.0);
    loop {
        let next =
            [before.peek(), after.peek()].into_iter().flatten().map(|(value, _)| *value).reduce(f64::min);
        let Some(value) = next else { break };
        let take = |classes: &mut dyn FnMut() -> Option<(f64, u64)>| {
            classes().map_or(0.0, |(_, number)| number as f64)
        };
        let mine = take(&mut || before.next_if(|class| class.0 == value));
        let theirs = take(&mut || after.next_if(|class| class.0 == value));
        longer += theirs * (seen + mine / 2.0);
        seen += mine;
        let tied = mine + theirs;
        ties += tied * tied * tied - tied;
    }
    let (pairs, all) = (a * b, a + b);
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)).max(1.0));
    let distance = longer - pairs / 2.0;
    let z = if variance > 0.0 { distance / variance.sqrt() } else { 0.0 };
    Some(Ranks { z, delta: 2.0 * distance / pairs })
}

/// The difference of two shares `hits / of` in standard deviations; above zero if the second share is larger.
pub(super) fn shares((hits_a, of_a): (u64, u64), (hits_b, of_b): (u64, u64)) -> f64 {
    if of_a == 0 || of_b == 0 {
        return 0.0;
    }
    let (a, b) = (of_a as f64, of_b as f64);
    let pooled = (hits_a + hits_b) as f64 / (a + b);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / a + 1.0 / b)).sqrt();
    let difference = hits_b as f64 / b - hits_a as f64 / a;
    if deviation > 0.0 { difference / deviation } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = f64>) -> Durations {
        let mut durations = Durations::default();
        values.into_iter().for_each(|value| durations.record(value));
        durations
    }

    #[test]
    fn ranks_agree_with_a_published_example() {
        // The race of tortoises and hares: 19 of 36 pairs are won by the hares' side.
        let tortoises = of([1.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        let hares = of([2.0, 3.0, 4.0, 5.0, 6.0, 12.0]);
        let found = ranks(&hares, &tortoises).unwrap();
        assert!((found.delta - (25.0 - 11.0) / 36.0).abs() < 1e-9, "{found:?}");
        // U = 25, mean 18, deviation sqrt(36 * 13 / 12) = 6.245.
        assert!((found.z - 7.0 / 39.0_f64.sqrt()).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn equal_sets_do_not_differ_and_ties_are_no_difference() {
        let set = of((0..100).map(f64::from));
        assert_eq!(ranks(&set, &set), Some(Ranks { z: 0.0, delta: 0.0 }));
        let same = of([5.0; 50]);
        assert_eq!(ranks(&same, &same), Some(Ranks { z: 0.0, delta: 0.0 }));
        assert_eq!(ranks(&same, &of([])), None);
        let apart = ranks(&of([1.0; 30]), &of([2.0; 30])).unwrap();
        assert!((apart.delta - 1.0).abs() < 1e-9 && apart.z > 7.0, "{apart:?}");
    }

    #[test]
    fn shares_differ_by_their_distance() {
        assert_eq!(shares((0, 0), (1, 2)), 0.0);
        assert_eq!(shares((0, 10), (0, 10)), 0.0);
        // The textbook's 0.5 and 0.6 of 100 each.
        assert!((shares((50, 100), (60, 100)) - 1.4213).abs() < 1e-3);
        assert!(shares((50, 100), (40, 100)) < 0.0);
    }
}
