//! Values along the time of a run whose length is not known before its end.

/// The most bins. A chart is some hundred pixels wide.
const MAX_BINS: usize = 240;
/// The width of the first bins, seconds.
const WIDTH: f64 = 0.25;

/// A value of a bin, into which that of the next bin can be folded.
pub(super) trait Fold: Default {
    /// Takes over the value of a later bin.
    fn fold(&mut self, later: Self);
}

/// Bins of equal width from 0 on. When there would be too many, two neighbours become one.
#[derive(Debug)]
pub(super) struct Bins<T> {
    width: f64,
    bins: Vec<T>,
}

impl<T: Fold> Bins<T> {
    pub(super) fn new() -> Self {
        Self { width: WIDTH, bins: Vec::new() }
    }

    /// The bin of a moment, in seconds. A moment before 0 belongs to the first bin.
    pub(super) fn at(&mut self, moment: f64) -> &mut T {
        // No run takes longer than a century, and the loop below ends.
        let moment = if moment.is_finite() { moment.clamp(0.0, 3e9) } else { 0.0 };
        while moment / self.width >= MAX_BINS as f64 {
            self.halve();
        }
        let index = (moment / self.width) as usize;
        while self.bins.len() <= index {
            self.bins.push(T::default());
        }
        &mut self.bins[index]
    }

    fn halve(&mut self) {
        self.width *= 2.0;
        let mut old = std::mem::take(&mut self.bins).into_iter();
        while let Some(mut first) = old.next() {
            if let Some(second) = old.next() {
                first.fold(second);
            }
            self.bins.push(first);
        }
    }

    /// The width of a bin in seconds.
    pub(super) fn width(&self) -> f64 {
        self.width
    }

    /// The bins with their starts in seconds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, &T)> {
        self.bins.iter().enumerate().map(|(index, bin)| (index as f64 * self.width, bin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Fold for u64 {
        fn fold(&mut self, later: Self) {
            *self += later;
        }
    }

    #[test]
    fn bins_grow_with_the_run_and_lose_nothing() {
        let mut bins = Bins::new();
        for second in 0..10_000 {
            *bins.at(f64::from(second)) += 1_u64;
        }
        assert!(bins.bins.len() <= MAX_BINS && bins.bins.len() > MAX_BINS / 2);
        assert_eq!((bins.bins.iter().sum::<u64>(), bins.width()), (10_000, 64.0));
        assert_eq!(bins.iter().nth(1), Some((64.0, &64)));
        for odd in [-1.0, f64::NAN, f64::INFINITY] {
            *bins.at(odd) += 1;
        }
        assert_eq!(bins.bins[0], 67);
        bins.at(1e300);
        assert!(bins.bins.len() <= MAX_BINS);
    }
}
