//! `fauxmetal fleet`: the fleet of a running daemon as a whole.

mod import;
mod reset;
mod show;

use clap::{Parser, Subcommand};

use super::exit_code::ExitCode;

/// Show the fleet of a running daemon, import nodes, or reset it
///
/// JSON: the object of GET /fauxmetal/v1/fleet.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(flatten)]
    show: show::Show,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    Import(import::Args),
    Reset(reset::Args),
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Some(Verb::Import(args)) => import::command(args),
        Some(Verb::Reset(args)) => reset::command(args),
        None => show::command(&args.show),
    }
}
