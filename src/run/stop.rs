//! The end of a run before its time.

use tokio::sync::watch;

/// How far a run is stopped. Each level includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The run goes on.
    Go,
    /// No item starts any more; those in flight go on.
    Drain,
    /// Items in flight are given up; the cleanup follows.
    Abort,
    /// The cleanup is given up, too.
    Quit,
}

/// Who can stop a run, and who waits for it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Level>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(Level::Go))
    }
}

impl Stop {
    /// Stops the run at least so far.
    pub fn at_least(&self, level: Level) {
        self.0.send_if_modified(|now| {
            let rises = *now < level;
            *now = (*now).max(level);
            rises
        });
    }

    /// Stops the run one level further, and returns the new level.
    pub fn further(&self) -> Level {
        let next = match self.level() {
            Level::Go => Level::Drain,
            Level::Drain => Level::Abort,
            Level::Abort | Level::Quit => Level::Quit,
        };
        self.at_least(next);
        next
    }

    /// How far the run is stopped.
    pub fn level(&self) -> Level {
        *self.0.borrow()
    }

    /// Waits until the run is stopped so far.
    pub async fn reached(&self, level: Level) {
        let mut levels = self.0.subscribe();
        // The sender lives as long as this value.
        let _ = levels.wait_for(|now| *now >= level).await;
    }

    /// The result of some work, or `None` if the run is stopped so far before it ends.
    pub async fn unless<T>(&self, level: Level, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.reached(level) => None,
            result = work => Some(result),
        }
    }
}
