//! `fauxmetal plan`: plans of load runs.

mod check;
mod example;
mod read;
mod schema;

use clap::{Parser, Subcommand};

use super::exit_code::ExitCode;
pub(super) use read::{Source, read_file};

/// Check a plan of a load run, or print an example or the schema
#[derive(Parser)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::Args),
    Example(example::Args),
    Schema(schema::Args),
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Check(args) => check::command(&args),
        Verb::Example(args) => example::command(&args),
        Verb::Schema(args) => schema::command(&args),
    }
}
