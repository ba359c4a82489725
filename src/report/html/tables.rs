//! The parts of the page that are text.

use maud::{Markup, html};

use super::section;
use crate::report::summary::{Idle, Outcome, Summary, Tally};
use crate::report::text::{count, duration, or_dash, short};

fn seconds(value: Option<f64>) -> String {
    or_dash(value, duration)
}

/// A table with a row of titles. Columns from the second on are numbers, up to `numbers` of them.
pub(super) fn table(titles: &[&str], numbers: usize, rows: &[Vec<Markup>]) -> Markup {
    let class = |column: usize| (1..=numbers).contains(&column).then_some("num");
    html! {
        // The border is for pages whose style sheet is not loaded.
        div class="wide" { table border="1" cellpadding="4" cellspacing="0" {
            tr { @for (column, title) in titles.iter().enumerate() { th class=[class(column)] { (title) } } }
            @for row in rows {
                tr { @for (column, cell) in row.iter().enumerate() { td class=[class(column)] { (cell) } } }
            }
        } }
    }
}

fn text(value: impl maud::Render) -> Markup {
    html! { (value) }
}

/// What was run, and what became of it.
pub(super) fn head(summary: &Summary) -> Markup {
    let facts = &summary.facts;
    let items = summary.items();
    let mut rows = vec![
        ("Plan", facts.plan.clone()),
        ("Target", facts.target.clone()),
        ("Start", facts.start.clone()),
        ("Duration", duration(summary.seconds)),
    ];
    let mut parts = vec![format!("{} in all", count(items.total()))];
    parts.extend(items.named().map(|(number, name)| format!("{} {name}", count(number))));
    rows.push(("Items", parts.join(", ")));
    if let Some(code) = summary.exit_code {
        rows.push(("Exit code", code.to_string()));
    }
    rows.push(("fauxmetal", facts.version.clone()));
    html! {
        table class="facts" {
            @for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                tr { th align="left" { (name) } td { (value) } }
            }
        }
        @if summary.outcome == Outcome::Running {
            p class="warn" { "The run has not written its end: it still runs, or was killed. All figures go to the last line that it wrote." }
        }
    }
}

pub(super) fn warnings(summary: &Summary) -> Markup {
    if summary.warnings.is_empty() {
        return html! {};
    }
    let list = html! { ul { @for warning in &summary.warnings { li class="warn" { (warning) } } } };
    section("Warnings", "", &list)
}

/// The assertions with their values, and the rules of faults.
pub(super) fn assertions(summary: &Summary) -> Markup {
    let verdict = |good: bool, yes: &str, no: &str| match good {
        true => html! { span class="good" { (yes) } },
        false => html! { span class="bad" { (no) } },
    };
    let judged = summary.assertions.iter().map(|judged| {
        let value = judged.value.as_deref().unwrap_or("no item to compute it from");
        vec![
            html! { code { (judged.assertion) } },
            text(value),
            verdict(judged.holds, "✓ holds", "✗ does not hold"),
        ]
    });
    let judged: Vec<Vec<Markup>> = judged.collect();
    let rules = summary.rules.iter().map(|rule| {
        let phase = rule.phase.as_deref().unwrap_or("whole run");
        vec![
            text(&rule.name),
            text(count(rule.fired)),
            text(phase),
            verdict(rule.reached, "✓ reached", "✗ never reached"),
        ]
    });
    let rules: Vec<Vec<Markup>> = rules.collect();
    html! {
        @if !judged.is_empty() {
            (section("Assertions", "", &table(&["Assertion", "Value", ""], 1, &judged)))
        }
        @if !rules.is_empty() {
            (section("Faults", "A rule that is never reached makes the run fail.", &table(&["Rule", "Fired", "Phase", ""], 1, &rules)))
        }
    }
}

/// The figures of each operation.
pub(super) fn operations(summary: &Summary) -> Markup {
    let rows: Vec<Vec<Markup>> = summary.rows().map(|(operation, figures)| {
        let Tally { succeeded, failed, .. } = figures.ends;
        let times = &figures.durations;
        let rate = figures.rate().filter(|_| !operation.is_of_machine());
        vec![
            html! { (operation.name()) @if operation.is_of_machine() { span class="dim" { " (machine)" } } },
            text(count(succeeded)),
            html! { @if failed > 0 { span class="bad" { (count(failed)) } } @else { "0" } },
            text(seconds(times.mean())),
            text(seconds(times.quantile(0.5))),
            text(seconds(times.quantile(0.95))),
            text(seconds(times.quantile(0.99))),
            text(seconds(times.max())),
            text(or_dash(rate, |rate| format!("{}/min", short(rate)))),
        ]
    }).collect();
    let about = "Durations are those of operations that succeeded. The rate counts them from the first start to the last end. \
                 Operations of the machine are parts of the others: boots as the simulated machine lived them.";
    let titles = ["Operation", "Succeeded", "Failed", "Mean", "p50", "p95", "p99", "Longest", "Rate"];
    section("Operations", about, &table(&titles, 8, &rows))
}

/// Failures by operation and cause, with a bar for their number.
pub(super) fn failures(summary: &Summary) -> Markup {
    if summary.failures.is_empty() {
        return html! {};
    }
    let most = summary.failures.iter().map(|failure| failure.count).max().unwrap_or(1) as f64;
    let rows: Vec<Vec<Markup>> = summary.failures.iter().map(|failure| {
        let width = super::svg::n((failure.count as f64 / most * 120.0).max(1.0));
        let more = failure.count.saturating_sub(failure.names.len() as u64);
        let names: Vec<_> = failure.names.iter().map(String::as_str).collect();
        vec![
            text(failure.operation.name()),
            text(count(failure.count)),
            html! { svg xmlns="http://www.w3.org/2000/svg" width="120" height="10" viewBox="0 0 120 10" aria-hidden="true" {
                rect width=(width) height="10" rx="2" fill=(super::svg::BAD) {}
            } },
            text(&failure.cause),
            html! { (names.join(", ")) @if more > 0 { " and " (count(more)) " more" } },
        ]
    }).collect();
    let about = "Equal errors are counted together: a word in capitals, such as NAME, UUID or N, stands for what differs.";
    section("Failures by cause", about, &table(&["Operation", "Count", "", "Cause", "Items"], 1, &rows))
}

/// The times in which agents waited for the control plane.
pub(super) fn idle(summary: &Summary) -> Markup {
    if summary.idle.is_empty() {
        return html! {};
    }
    let rows: Vec<Vec<Markup>> = summary
        .idle
        .iter()
        .map(|(gap, Idle { waits, longest })| {
            let longest: Vec<_> =
                longest.iter().map(|(name, waited)| format!("{name} {}", duration(*waited))).collect();
            vec![
                text(gap.text()),
                text(count(waits.count())),
                text(seconds(waits.quantile(0.5))),
                text(seconds(waits.quantile(0.95))),
                text(seconds(waits.max())),
                text(longest.join(", ")),
            ]
        })
        .collect();
    let about = "How long agents waited for the control plane, from the journal of the machines.";
    section(
        "Control plane idle",
        about,
        &table(&["Wait", "Count", "p50", "p95", "Longest", "Longest waits"], 4, &rows),
    )
}

/// The runs of a merged report.
pub(super) fn runs(summary: &Summary) -> Markup {
    if summary.runs.len() < 2 {
        return html! {};
    }
    let rows: Vec<Vec<Markup>> = summary
        .runs
        .iter()
        .map(|(id, part)| {
            vec![
                text(id),
                text(count(part.items.total())),
                text(count(part.items.failed)),
                text(duration(part.seconds)),
                text(&part.start),
                super::outcome(part.outcome),
            ]
        })
        .collect();
    section(
        "Runs",
        "The runs that were merged.",
        &table(&["Run", "Items", "Failed", "Duration", "Start", "Outcome"], 3, &rows),
    )
}
