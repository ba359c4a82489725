//! At most some lines of one kind a second; the others are counted, and one line says how many there were.
//!
//! A kind is a place in the code that logs. Levels debug and trace are not limited: they were asked for.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

use crate::clock::Stopwatch;

/// Lines of one kind that are written in one second.
const LINES_PER_SECOND: u32 = 20;

/// The time after which a summary follows, and after which a kind may write lines again.
const WINDOW: Duration = Duration::from_secs(1);

/// The target of the summaries, which are not limited themselves.
const TARGET: &str = "fauxmetal::log";

/// The longest message in a summary, in bytes.
const MAX_MESSAGE: usize = 200;

/// Lets the first lines of each kind pass.
pub(super) struct Limiter {
    kinds: Arc<Kinds>,
    /// Wakes the thread that writes the summaries.
    wake: SyncSender<()>,
}

/// Writes the summaries: once a second while lines are held back, and when it is dropped.
pub(in crate::cli) struct Summary(Arc<Kinds>);

/// The kinds that have written a line. There are as many as the code has places that log.
struct Kinds {
    watch: Stopwatch,
    by_place: Mutex<HashMap<Identifier, Kind>>,
}

#[derive(Default)]
struct Kind {
    /// The start of the window, measured by `Kinds::watch`.
    since: Duration,
    written: u32,
    held_back: u64,
    /// The message of the lines, once one is held back.
    message: String,
}

impl Limiter {
    /// # Errors
    /// If no thread can be started.
    pub(super) fn new() -> std::io::Result<(Self, Summary)> {
        let kinds = Arc::new(Kinds { watch: Stopwatch::start(), by_place: Mutex::default() });
        let (wake, woken) = mpsc::sync_channel(1);
        let told = Arc::clone(&kinds);
        // A thread, because a log must not depend on the daemon's executor. It sleeps until a line is held back.
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            while woken.recv().is_ok() {
                thread::sleep(WINDOW);
                told.summarise();
            }
        })?;
        Ok((Self { kinds: Arc::clone(&kinds), wake }, Summary(kinds)))
    }
}

impl<S: Subscriber> Filter<S> for Limiter {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::INFO || metadata.target() == TARGET {
            return true;
        }
        let passes = self.kinds.admit(metadata.callsite(), self.kinds.watch.elapsed(), || message(event));
        if !passes {
            // A full channel means that the thread is awake or will be.
            let _ = self.wake.try_send(());
        }
        passes
    }
}

impl Kinds {
    /// Counts a line. Returns whether it may be written.
    fn admit(&self, place: Identifier, now: Duration, message: impl FnOnce() -> String) -> bool {
        let mut kinds = self.by_place.lock();
        let kind = kinds.entry(place).or_default();
        if now.saturating_sub(kind.since) >= WINDOW {
            kind.since = now;
            kind.written = 0;
        }
        if kind.written < LINES_PER_SECOND {
            kind.written += 1;
            return true;
        }
        if kind.held_back == 0 {
            kind.message = message();
        }
        kind.held_back += 1;
        false
    }

    /// Takes the numbers of lines that were held back, with their messages.
    fn take(&self) -> Vec<(u64, String)> {
        let mut kinds = self.by_place.lock();
        let held_back = kinds.values_mut().filter(|kind| kind.held_back > 0);
        let mut taken: Vec<_> = held_back
            .map(|kind| (std::mem::take(&mut kind.held_back), std::mem::take(&mut kind.message)))
            .collect();
        taken.sort();
        taken
    }

    fn summarise(&self) {
        for (lines, message) in self.take() {
            tracing::info!(target: TARGET, lines, "more lines of this kind in the last second: {message}");
        }
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        self.0.summarise();
    }
}

/// The message of an event, without its other fields.
fn message(event: &Event<'_>) -> String {
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                let _ = write!(self.0, "{value:?}");
            }
        }
    }
    let mut found = Message(String::new());
    event.record(&mut found);
    let end = (0..=MAX_MESSAGE.min(found.0.len())).rev().find(|at| found.0.is_char_boundary(*at));
    found.0.truncate(end.unwrap_or(0));
    found.0
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn beyond_some_lines_a_second_a_summary_says_how_many_there_were() {
        let (limiter, summary) = Limiter::new().unwrap();
        let sink = Sink::default();
        let to = sink.clone();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || to.clone());
        let log = tracing_subscriber::registry().with(layer.with_filter(limiter));
        tracing::subscriber::with_default(log, || {
            for node in 0..1000 {
                tracing::info!(node, "power on");
                tracing::debug!(node, "asked for");
            }
            tracing::info!("another kind");
            drop(summary);
        });
        let text = String::from_utf8(sink.0.lock().clone()).unwrap();
        let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        // A slow machine may begin a second window meanwhile, and the thread may write the summary.
        assert!((20..1000).contains(&lines(": power on node=")), "{text}");
        assert_eq!((lines("asked for"), lines("another kind")), (1000, 1), "{text}");
    }

    #[test]
    fn a_new_second_allows_lines_again_and_nothing_is_counted_twice() {
        let kinds = Kinds { watch: Stopwatch::start(), by_place: Mutex::default() };
        struct Place;
        impl tracing::callsite::Callsite for Place {
            fn set_interest(&self, _: tracing::subscriber::Interest) {}
            fn metadata(&self) -> &Metadata<'_> {
                unreachable!("a kind is only compared")
            }
        }
        static PLACE: Place = Place;
        let admit =
            |ms| kinds.admit(tracing::callsite::Identifier(&PLACE), Duration::from_millis(ms), || "m".into());
        assert_eq!((0..100).filter(|_| admit(10)).count(), 20);
        assert!(!admit(999));
        assert_eq!(kinds.take(), [(81, "m".to_owned())]);
        assert_eq!(kinds.take(), []);
        assert_eq!((0..100).filter(|_| admit(1500)).count(), 20);
    }
}
