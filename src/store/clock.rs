//! The record of a clock that was changed while the fleet ran: held, released, moved, or with another speed.

use serde::{Deserialize, Serialize};

use super::keeper::ahead;
use crate::clock::{Clock, Going, unix_ms};
use crate::fleet::persist::Ledger;
use crate::time::SimTime;

/// The time of a fleet whose clock was changed, for the next start. A fleet without the record follows the system's date.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredClock {
    /// A moment of simulated time, and the system's date at it. Their difference is what the clock has jumped, less what it was held.
    pub time_ms: SimTime,
    pub date_ms: u64,
    pub held: bool,
    /// The speed, if it was changed after the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
}

impl StoredClock {
    /// The key of the record.
    pub const RECORD: &str = "clock";

    /// The clock as it goes now.
    pub fn of(going: Going) -> Self {
        let speed = going.has_new_speed.then_some(going.speed);
        Self { time_ms: going.now, date_ms: unix_ms(), held: going.held, speed }
    }

    /// The record before the clock is changed to go like this. A restart in between is not earlier than what clients have seen by then.
    pub fn before(planned: Going) -> Self {
        let stored = Self::of(planned);
        let is_fast = !planned.held && planned.speed > 1.0;
        Self { time_ms: if is_fast { ahead(planned.now, planned.speed) } else { planned.now }, ..stored }
    }

    /// Reads the record; `None` if there is none.
    ///
    /// # Errors
    /// The key of a record that cannot be read, and the reason.
    pub fn read(records: &[(String, Vec<u8>)]) -> Result<Option<Self>, String> {
        let Some((key, value)) = records.iter().find(|(key, _)| key == Self::RECORD) else { return Ok(None) };
        let stored: Self =
            serde_json::from_slice(value).map_err(|error| format!("record '{key}': {error}"))?;
        let (time, most) = (stored.time_ms, SimTime::LATEST);
        if time > most {
            return Err(format!(
                "record '{key}': 'time_ms' is {}; at most {} is allowed",
                time.ms(),
                most.ms()
            ));
        }
        if let Some(speed) = stored.speed.filter(|speed| !Clock::SPEED.contains(speed)) {
            let (slowest, fastest) = (Clock::SPEED.start(), Clock::SPEED.end());
            return Err(format!("record '{key}': 'speed' is {speed}; allowed are {slowest} to {fastest}"));
        }
        Ok(Some(stored))
    }

    /// Writes the record. Callers inside [`Fleet::noting`](crate::fleet::Fleet::noting) wait until it is durable.
    pub fn write(&self, ledger: &Ledger) {
        let json = serde_json::to_vec(self).expect("numbers are valid JSON");
        ledger.record(Self::RECORD, Some(json));
    }

    /// The clock of the next start, which is not earlier than `seen`. `speed` is that of the settings, and takes precedence if it
    /// `is_given`.
    ///
    /// A clock that runs has gone on while the daemon was away, with the speed 1 at most: a fleet that runs a thousand times as fast
    /// does not age by years in a weekend without a daemon.
    pub fn start(&self, seen: SimTime, speed: f64, is_given: bool) -> Clock {
        let changed = self.speed.filter(|_| !is_given);
        let speed = changed.unwrap_or(speed);
        let clock = if self.held {
            Clock::held_at(speed, self.time_ms.max(seen))
        } else {
            let away = unix_ms().saturating_sub(self.date_ms) as f64 * speed.min(1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
            let now = self.time_ms.after_ms(away as u64);
            Clock::wall_from(speed, now.max(seen).min(SimTime::LATEST))
        };
        if changed.is_some() {
            clock.set_speed(speed);
        }
        clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: SimTime = SimTime::from_ms(1_800_000_000_000);
    const HOUR: u64 = 3_600_000;

    fn record(text: &str) -> Vec<(String, Vec<u8>)> {
        vec![(StoredClock::RECORD.to_owned(), text.as_bytes().to_vec())]
    }

    #[test]
    fn a_held_clock_stands_at_the_same_moment_after_a_restart() {
        let clock = Clock::held_at(1.0, T0);
        let stored = StoredClock::of(clock.going());
        let text = serde_json::to_string(&stored).unwrap();
        let read = StoredClock::read(&record(&text)).unwrap().unwrap();
        assert_eq!(read, stored);
        let again = read.start(SimTime::from_ms(0), 3.0, false);
        assert_eq!((again.now(), again.is_held(), again.speed()), (T0, true, 3.0));
        assert_eq!(
            read.start(T0.after_ms(5), 1.0, false).now(),
            T0.after_ms(5),
            "clients have seen this time"
        );
    }

    #[test]
    fn the_offset_to_the_systems_date_stays() {
        let ahead = StoredClock { time_ms: T0, date_ms: unix_ms() - HOUR, held: false, speed: None };
        let now = ahead.start(SimTime::from_ms(0), 1.0, false).now();
        assert!(now >= T0.after_ms(HOUR) && now < T0.after_ms(2 * HOUR), "{now:?}");
        let slow = ahead.start(SimTime::from_ms(0), 0.5, true).now();
        assert!(slow >= T0.after_ms(HOUR / 2) && slow < T0.after_ms(HOUR));
        let fast = ahead.start(SimTime::from_ms(0), 1000.0, true).now();
        assert!(fast < T0.after_ms(1000 * HOUR / 2), "the time without a daemon is not multiplied");
        let late = StoredClock { time_ms: SimTime::LATEST, ..ahead };
        assert_eq!(late.start(SimTime::from_ms(0), 1.0, false).now(), SimTime::LATEST);
    }

    #[test]
    fn a_speed_that_is_given_takes_precedence_over_a_changed_one() {
        let clock = Clock::held_at(1.0, T0);
        assert_eq!(StoredClock::of(clock.going()).speed, None);
        clock.set_speed(60.0);
        let stored = StoredClock::of(clock.going());
        let start = |is_given| stored.start(T0, 5.0, is_given).going();
        assert_eq!((start(false).speed, start(false).has_new_speed), (60.0, true));
        assert_eq!((start(true).speed, start(true).has_new_speed), (5.0, false));
    }

    #[test]
    fn a_damaged_record_is_refused_by_name() {
        assert_eq!(StoredClock::read(&[]), Ok(None));
        for (text, expected) in [
            ("{", "record 'clock': EOF"),
            (
                r#"{"time_ms":253370764800001,"date_ms":1,"held":true}"#,
                "record 'clock': 'time_ms' is 253370764800001",
            ),
            (
                r#"{"time_ms":1,"date_ms":1,"held":true,"speed":0}"#,
                "record 'clock': 'speed' is 0; allowed are 0.001",
            ),
        ] {
            let said = StoredClock::read(&record(text)).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
