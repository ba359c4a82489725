//! `fauxmetal report compare`: what changed from one run to another.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::{Parser, ValueEnum};

use super::super::exit_code::ExitCode;
use super::super::out;
use super::super::view::{Cell, Column, Hue, Paper, Table};
use super::Runs;
use super::text::lines;
use crate::report::text::{count, duration, or_dash, short};
use crate::report::{Change, Comparison, Folder, OperationChange};

/// Compare two runs: what changed by more than chance
///
/// The durations of each operation are compared by the test of Mann and Whitney, and the slowest twentieth by its share. A change is
/// named if chance alone makes one of this size in fewer than one of a thousand comparisons (3.29 standard deviations), and if it
/// matters: Cliff's delta is at least 0.147 and the median moves by 2 %, or p95 moves by 5 %. The chance is that of the items within the
/// runs: a run on a busier day differs, too. Values that each run has once, such as CPU seconds, have no verdict.
#[derive(Parser)]
pub(super) struct Args {
    /// Id of the first run, or path of its folder
    before: String,
    /// The second run, by its id or path
    after: String,
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    runs: Runs,
}

/// Format of the comparison
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people; can change with each version
    Text,
    /// For programs; keys are added, never renamed or removed
    Json,
    /// Tables for the comment of a pull request
    Markdown,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let (one, other) = (args.runs.open(&args.before)?, args.runs.open(&args.after)?);
    let comparison = of(&one, &other)?;
    let mut out = out::stdout();
    match args.format {
        Format::Text => text(&mut out, Paper::new(), &comparison)?,
        Format::Json => out::json(&mut out, &comparison)?,
        Format::Markdown => out.write_all(markdown(&comparison).as_bytes())?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

/// The comparison of two runs with their plans.
pub(super) fn of(before: &Folder, after: &Folder) -> anyhow::Result<Comparison> {
    let plan = |folder: &Folder| folder.plan().unwrap_or_default();
    Ok(Comparison::of((&before.figures()?, &plan(before)), (&after.figures()?, &plan(after))))
}

const TITLES: [&str; 8] = ["OPERATION", "SUCCEEDED", "P50", "P95", "P99", "LONGEST", "RATE", "CHANGE"];

/// The cells of an operation, without the last one.
fn cells(one: &OperationChange) -> [String; 7] {
    let (before, after) = (&one.before, &one.after);
    let pair = |before: Option<f64>, after: Option<f64>| match (before, after) {
        (None, None) => "–".to_owned(),
        _ => format!("{} → {}", or_dash(before, duration), or_dash(after, duration)),
    };
    let rate = |rate: Option<f64>| or_dash(rate, |rate| format!("{}/min", short(rate)));
    let ends = |succeeded: u64, failed: u64| match failed {
        0 => count(succeeded),
        failed => format!("{} ({} failed)", count(succeeded), count(failed)),
    };
    [
        one.operation.name().to_owned(),
        format!("{} → {}", ends(before.succeeded, before.failed), ends(after.succeeded, after.failed)),
        pair(before.p50, after.p50),
        pair(before.p95, after.p95),
        pair(before.p99, after.p99),
        pair(before.max, after.max),
        if one.operation.is_of_machine() {
            "–".to_owned()
        } else {
            format!("{} → {}", rate(before.rate), rate(after.rate))
        },
    ]
}

/// The verdict on an operation, and what it means.
fn verdict(one: &OperationChange) -> (String, Hue) {
    let (mut text, mut hue) = match one.change {
        Change::None | Change::TooFew => (one.change.text().to_owned(), Hue::Dim),
        change => {
            let effect = or_dash(one.effect, |effect| format!(" ({effect:+.2})"));
            let is_better = matches!(change, Change::Faster | Change::ShorterTail);
            (format!("{}{effect}", change.text()), if is_better { Hue::Good } else { Hue::Bad })
        }
    };
    match one.failures {
        Change::Slower => (text, hue) = (format!("{text}, more failures"), Hue::Bad),
        Change::Faster => text += ", fewer failures",
        _ => {}
    }
    (text, hue)
}

pub(super) fn text(out: &mut impl Write, paper: Paper, comparison: &Comparison) -> io::Result<()> {
    let (before, after) = (&comparison.before, &comparison.after);
    lines(out, paper, "", &[(&format!("{} → {}", before.id, after.id), Hue::Strong)])?;
    for note in &comparison.notes {
        lines(out, paper, "note: ", &[(note, Hue::Busy)])?;
    }
    writeln!(out)?;
    let mut table = Table::new(TITLES.map(|title| Column { title }).into());
    for one in &comparison.operations {
        let (text, hue) = verdict(one);
        let cells = cells(one).map(Cell::plain).into_iter().chain([Cell { text, hue }]);
        table.push(out, cells.collect())?;
    }
    table.end(out)?;
    writeln!(out)?;
    let mut table = Table::new(
        ["ONE VALUE PER RUN", "BEFORE", "AFTER", "DIFFERENCE"].map(|title| Column { title }).into(),
    );
    for value in &comparison.values {
        let percent = or_dash(value.percent(), |percent| format!("{percent:+.1} %"));
        table.push(
            out,
            [value.name.clone(), plain(value.before), plain(value.after), percent].map(Cell::plain).into(),
        )?;
    }
    table.end(out)?;
    writeln!(out)?;
    let says = if comparison.has_change() {
        "Something changed by more than chance."
    } else {
        "Nothing changed by more than chance."
    };
    lines(out, paper, "", &[(says, Hue::Strong)])
}

/// A value without a unit; the name of the row has it.
fn plain(value: f64) -> String {
    if value.fract() == 0.0 && value >= 0.0 { count(value as u64) } else { short(value) }
}

fn markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "### `{}` → `{}`\n\n",
        comparison.before.id.replace('`', "'"),
        comparison.after.id.replace('`', "'")
    );
    for note in &comparison.notes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "- `{}`", note.replace('`', "'"));
    }
    let _ =
        writeln!(text, "\n| {} |\n|{}", TITLES.map(capitalized).join(" | "), " --- |".repeat(TITLES.len()));
    for one in &comparison.operations {
        let _ = writeln!(text, "| {} | {} |", cells(one).join(" | "), verdict(one).0);
    }
    text.push_str("\n| One value per run | Before | After | Difference |\n| --- | ---: | ---: | ---: |\n");
    for value in &comparison.values {
        let percent = or_dash(value.percent(), |percent| format!("{percent:+.1} %"));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {percent} |",
            value.name.replace(['`', '|'], "'"),
            plain(value.before),
            plain(value.after)
        );
    }
    text
}

fn capitalized(title: &str) -> String {
    let (first, rest) = title.split_at(1.min(title.len()));
    format!("{first}{}", rest.to_lowercase())
}
