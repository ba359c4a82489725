//! `fauxmetal report`: what load runs have left behind.

mod compare;
mod html;
mod index;
mod merge;
mod send;
mod show;
mod text;

use std::io::Write as _;
use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Parser, Subcommand};

use super::exit_code::{ExitCode, UsageError};
use super::out;
use super::view::Paper;
use crate::report::{Error, Folder, Summary};

/// Read load runs: show, draw, compare, merge and index them
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal report show RUN
  fauxmetal report show RUN --format junit > junit.xml
  fauxmetal report html RUN
  fauxmetal report compare runs/before runs/after
  fauxmetal report merge runs/shard-1 runs/shard-2 -o runs/all
  fauxmetal report index RUN --url https://search.example:9200 --name install-timings")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Show(show::Args),
    Html(html::Args),
    Compare(compare::Args),
    Merge(merge::Args),
    Index(Box<index::Args>),
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Show(args) => show::command(&args),
        Verb::Html(args) => html::command(&args),
        Verb::Compare(args) => compare::command(&args),
        Verb::Merge(args) => merge::command(&args),
        Verb::Index(args) => index::command(*args),
    }
}

/// Prints the figures of a run that has ended.
pub(super) fn print(summary: &Summary) -> anyhow::Result<()> {
    let mut out = out::stdout();
    text::summary(&mut out, Paper::new(), summary)?;
    out.flush()?;
    Ok(())
}

/// Prints what changed from one run to another.
pub(super) fn print_comparison(before: &Folder, after: &Folder) -> anyhow::Result<()> {
    let mut out = out::stdout();
    compare::text(&mut out, Paper::new(), &compare::of(before, after)?)?;
    out.flush()?;
    Ok(())
}

/// Where runs are found.
#[derive(Debug, clap::Args)]
struct Runs {
    /// Folder with the folders of runs, for runs that are named by their ids
    #[arg(long, value_name = "DIR", default_value = "runs", value_hint = ValueHint::DirPath)]
    runs: PathBuf,
}

impl Runs {
    /// The folder of a run that the user names by its id or its path.
    fn open(&self, name: &str) -> anyhow::Result<Folder> {
        Folder::named(&self.runs, name).map_err(usage)
    }
}

/// The error of a command: a path that is no run, or that is taken, is a mistake in the command line.
fn usage(error: Error) -> anyhow::Error {
    match error {
        Error::NoRun(_) | Error::Exists(_) | Error::Id(_) => UsageError(error.to_string()).into(),
        error => error.into(),
    }
}
