//! `fauxmetal report merge`: several runs as one.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use clap::builder::ValueHint;

use super::super::exit_code::{ExitCode, UsageError};
use super::super::out;
use super::Runs;
use crate::report::text::count;
use crate::report::{Folder, MergeFailure, Merged, merge, page};

/// Merge runs, such as the shards of one load, into a new folder
///
/// Histograms and counts are added, so that percentiles are those of all items. A run that is given twice, and an item that two folders have,
/// counts once. The new folder has items, samples, track.csv, summary.json and report.html; times count from the first start.
#[derive(Parser)]
pub(super) struct Args {
    /// Ids of the runs, or paths of their folders
    #[arg(required = true, value_name = "RUN")]
    names: Vec<String>,
    /// New folder of the merged run
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: PathBuf,
    #[command(flatten)]
    runs: Runs,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let folders = args.names.iter().map(|name| args.runs.open(name)).collect::<anyhow::Result<Vec<_>>>()?;
    let Merged { summary, items, repeated } =
        merge(&folders, &args.output).map_err(|failure| match failure {
            MergeFailure::Files(error) => super::usage(error),
            failure => UsageError(failure.to_string()).into(),
        })?;
    let folder = Folder::open(&args.output)?;
    folder.write_report(&page(&folder)?)?;
    let mut out = out::stdout();
    let runs = summary.runs.len();
    let left_out = if repeated > 0 {
        format!("; {} that were given twice count once", count(repeated))
    } else {
        String::new()
    };
    writeln!(out, "{}: {} operations of {runs} runs{left_out}", args.output.display(), count(items))?;
    out.flush()?;
    Ok(ExitCode::Ok)
}
