//! Progress of what takes long, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

/// Work that ends sooner shows no progress.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// Time between two pictures of a bar without news.
const TICK: Duration = Duration::from_millis(200);

/// A bar that appears on a terminal after a second, and disappears when it is dropped.
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    shower: JoinHandle<()>,
}

impl Progress {
    /// The progress of work on so many nodes; of an unknown number without `total`. It needs a runtime.
    pub(in crate::cli) fn new(what: &str, total: Option<u64>) -> Self {
        Self::shown_after(SHOWN_AFTER, what, total, "{human_pos} nodes")
    }

    /// The progress of a transfer of unknown length.
    pub(in crate::cli) fn of_bytes(what: &str) -> Self {
        Self::shown_after(SHOWN_AFTER, what, None, "{bytes}")
    }

    /// As [`new`](Self::new), for work that has taken a second already.
    pub(in crate::cli) fn of_slow(what: &str, total: u64) -> Self {
        Self::shown_after(Duration::ZERO, what, Some(total), "")
    }

    fn shown_after(after: Duration, what: &str, total: Option<u64>, done: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "{msg} {wide_bar} {human_pos}/{human_len} nodes, {elapsed}".to_owned(),
            None => format!("{{spinner}} {{msg}} {done}, {{elapsed}}"),
        };
        // The templates are valid; with the default one, the bar would only look different.
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what.to_owned());
        let shown = bar.clone();
        let shower = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.enable_steady_tick(TICK);
        });
        Self { bar, shower }
    }

    pub(in crate::cli) fn set(&self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shower.abort();
        self.bar.finish_and_clear();
    }
}
