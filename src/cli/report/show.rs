//! `fauxmetal report show`: the figures of a run.

use std::io::Write as _;

use clap::{Parser, ValueEnum};

use super::super::exit_code::ExitCode;
use super::super::out;
use super::super::view::Paper;
use super::{Runs, text};
use crate::report::{junit, markdown};

/// Show the figures of a run
///
/// A run that was killed, or that still runs, is read up to the last line that it wrote. The exit code does not say whether the run held.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal report show 20260131-120000
  fauxmetal report show runs/nightly --format markdown >> \"$GITHUB_STEP_SUMMARY\"")]
pub(super) struct Args {
    /// Id of the run, or path of its folder
    run: String,
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    runs: Runs,
}

/// Format of the figures
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people; can change with each version
    Text,
    /// The document summary.json, computed anew if the run has not ended
    Json,
    /// Tables for the comment of a pull request
    Markdown,
    /// JUnit XML, with a test case for each assertion, fault rule, and operation of a group
    Junit,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let summary = args.runs.open(&args.run)?.figures()?;
    let mut out = out::stdout();
    match args.format {
        Format::Text => text::summary(&mut out, Paper::new(), &summary)?,
        Format::Json => out::json(&mut out, &summary)?,
        Format::Markdown => out.write_all(markdown(&summary).as_bytes())?,
        Format::Junit => out.write_all(junit(&summary).map_err(anyhow::Error::msg)?.as_bytes())?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}
