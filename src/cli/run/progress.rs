//! What a person sees while a run goes on.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::out;
use crate::plan::{Figures as _, Function, Operation};
use crate::report::Summary;
use crate::run::{Place, VIEW_EVERY, View};

/// Time between two lines without a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows a run until its end.
pub(super) struct Progress {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Progress {
    /// `expected` are the operations if nothing fails. Lines are printed so often; by default without a terminal only.
    pub(super) fn begin(view: View, expected: BTreeMap<Operation, u64>, every: Option<Duration>) -> Self {
        let (end, ended) = oneshot::channel();
        let is_terminal = io::stderr().is_terminal();
        let every = every.or((!is_terminal).then_some(LINE_EVERY));
        let task = tokio::spawn(async move {
            let mut bars = is_terminal.then(|| Bars::new(&expected));
            let work = async {
                let (mut since_line, mut told) = (Duration::ZERO, 0);
                loop {
                    tokio::time::sleep(VIEW_EVERY).await;
                    if let Some(bars) = &mut bars {
                        bars.show(&view, &expected);
                    }
                    let warnings: Vec<_> = view.summary.lock().warnings.iter().skip(told).cloned().collect();
                    told += warnings.len();
                    for warning in warnings {
                        say(bars.as_ref(), &format!("warning: {warning}"));
                    }
                    since_line += VIEW_EVERY;
                    if every.is_some_and(|every| since_line >= every) {
                        since_line = Duration::ZERO;
                        say(bars.as_ref(), &line(&view));
                    }
                }
            };
            tokio::select! {
                _ = ended => {}
                () = work => {}
            }
            if let Some(bars) = &mut bars {
                bars.show(&view, &expected);
                // What has been shown stays on the screen.
                bars.each.values().for_each(ProgressBar::abandon);
                bars.status.finish_and_clear();
            }
        });
        Self { end, task }
    }

    pub(super) async fn end(self) {
        // An error means that the task has ended.
        let _ = self.end.send(());
        let _ = self.task.await;
    }
}

/// Prints a line, above the bars if there are some.
fn say(bars: Option<&Bars>, line: &str) {
    match bars {
        // A terminal that is gone shows nothing.
        Some(bars) => drop(bars.all.println(line)),
        None => out::message(line),
    }
}

/// A line for each operation, and one for the counts.
struct Bars {
    all: MultiProgress,
    each: BTreeMap<Operation, ProgressBar>,
    status: ProgressBar,
}

impl Bars {
    fn new(expected: &BTreeMap<Operation, u64>) -> Self {
        let all = MultiProgress::new();
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let bar = |(operation, total): (&Operation, &u64)| {
            let bar = all.add(ProgressBar::new(*total));
            bar.set_style(style("{prefix:<11} {bar:24} {human_pos:>7}/{human_len:<7} {msg}"));
            bar.set_prefix(operation.name());
            (*operation, bar)
        };
        let each = expected.iter().map(bar).collect();
        let status = all.add(ProgressBar::new_spinner());
        status.set_style(style("{msg}"));
        Self { all, each, status }
    }

    fn show(&mut self, view: &View, expected: &BTreeMap<Operation, u64>) {
        let summary = view.summary.lock().clone();
        for (operation, bar) in &self.each {
            let figures = summary.operations.get(operation);
            let ends = figures.map(|figures| figures.ends).unwrap_or_default();
            bar.set_position(ends.succeeded + ends.failed);
            bar.set_message(details(
                &summary,
                *operation,
                expected.get(operation).copied().unwrap_or_default(),
            ));
        }
        self.status.set_message(line(view));
    }
}

/// Rate, time to go, percentiles and failures of an operation.
fn details(summary: &Summary, operation: Operation, expected: u64) -> String {
    let value = |function: Function| summary.value(&function);
    let seconds = |tenths| value(Function::Percentile(tenths, operation));
    let (Some(median), Some(slow)) = (seconds(500), seconds(990)) else { return String::new() };
    let mut text = format!("p50 {median:.1}s  p99 {slow:.1}s");
    let ends = summary.operations.get(&operation).map(|figures| figures.ends).unwrap_or_default();
    if let Some(rate) = value(Function::Rate(operation)).filter(|rate| *rate > 0.0 && rate.is_finite()) {
        text = format!("{rate:.1}/min  {text}");
        let left = expected.saturating_sub(ends.succeeded + ends.failed);
        if left > 0 {
            text = format!("{text}  ETA {:.0}s", left as f64 / rate * 60.0);
        }
    }
    if ends.failed > 0 {
        text = format!("{text}  failed {}", ends.failed);
    }
    text
}

/// The counts in a line.
fn line(view: &View) -> String {
    let board = &view.board;
    if let Some(left) = view.left() {
        return format!("cleanup: {left} of {} items still have a node", board.len());
    }
    let count = |place| board.count(place);
    let phase = view.phase().map(|phase| format!("{phase}: ")).unwrap_or_default();
    let mut text = format!(
        "{phase}{} of {} started, {} in flight, {} done, {} failed",
        board.len() - count(Place::Waiting),
        board.len(),
        count(Place::InFlight),
        count(Place::Succeeded),
        count(Place::Failed)
    );
    if count(Place::Parked) > 0 {
        text = format!("{text}, {} parked", count(Place::Parked));
    }
    let states = view.states();
    if !states.is_empty() {
        let each: Vec<_> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
        text = format!("{text} ({})", each.join(", "));
    }
    text
}
