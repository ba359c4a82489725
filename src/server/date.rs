//! The `Date` header after the system's clock has been set back.
//!
//! hyper writes the header from a copy that it renews only when the clock has moved on, so after a step back it would repeat
//! the old time until the clock has caught up. Until then the server writes the header itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::Response;
use http::header::{DATE, HeaderValue};

use crate::clock;

#[derive(Debug, Default)]
pub(super) struct Dates {
    /// The latest second since the Unix epoch that the system's clock has shown.
    latest_s: AtomicU64,
}

impl Dates {
    /// Adds the header if hyper would write an old one.
    pub(super) fn correct<B>(&self, response: &mut Response<B>) {
        if let Some(date) = self.at(clock::unix_s()) {
            response.headers_mut().insert(DATE, date);
        }
    }

    /// The value of the header at a second since the Unix epoch, if the clock has been set back.
    fn at(&self, now_s: u64) -> Option<HeaderValue> {
        let latest_s = self.latest_s.load(Relaxed);
        if now_s >= latest_s {
            if now_s > latest_s {
                self.latest_s.fetch_max(now_s, Relaxed);
            }
            return None;
        }
        let stamp = jiff::Timestamp::from_second(i64::try_from(now_s).ok()?).ok()?;
        // RFC 9110, section 5.6.7.
        HeaderValue::try_from(stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_follows_a_clock_that_is_set_back() {
        let dates = Dates::default();
        assert_eq!((dates.at(784_111_800), dates.at(784_111_800)), (None, None), "hyper's date is right");
        let back = dates.at(784_111_777).unwrap();
        assert_eq!(back, "Sun, 06 Nov 1994 08:49:37 GMT", "the example of RFC 9110");
        assert_eq!(dates.at(784_111_778).unwrap(), "Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(dates.at(784_111_800), None);
    }

    #[test]
    fn a_response_has_a_date_of_its_own_only_after_a_step_back() {
        let dates = Dates::default();
        let mut response = Response::new(());
        dates.correct(&mut response);
        assert!(!response.headers().contains_key(DATE));
        dates.latest_s.store(u64::MAX, Relaxed);
        dates.correct(&mut response);
        assert!(response.headers().contains_key(DATE));
    }
}
