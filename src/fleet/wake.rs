//! The task that waits for the deadlines of the fleet. A timer decides nothing: it only settles a node.

use super::Fleet;
use crate::time::SimTime;

impl Fleet {
    /// Settles every node whose deadline has come. Returns the next deadline.
    pub fn wake_due(&self) -> SimTime {
        while let Some(id) = self.deadlines.take_due(self.clock.now()) {
            self.woken(id);
        }
        self.deadlines.next()
    }

    /// Settles each node at its deadline, for as long as this future is polled. A fleet needs exactly one such task.
    pub async fn keep_time(&self) {
        loop {
            let next = self.wake_due();
            match self.clock.wait(next) {
                Some(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.deadlines.earlier.notified() => {}
                    }
                }
                None => self.deadlines.earlier.notified().await,
            }
        }
    }
}
