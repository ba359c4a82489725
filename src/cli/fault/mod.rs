//! `fauxmetal fault`: rules that say which nodes of a running daemon misbehave, when, and how.

mod add;
mod clear;
mod list;
mod presets;
mod read;
mod schema;
mod show;
mod test;

use clap::{Parser, Subcommand};

use super::exit_code::ExitCode;

/// Make nodes of a running daemon misbehave: rules say which ones, when, and how
#[derive(Parser)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Args),
    List(list::Args),
    Show(show::Args),
    Clear(clear::Args),
    Test(test::Args),
    Presets(presets::Args),
    Schema(schema::Args),
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Add(args) => add::command(args),
        Verb::List(args) => list::command(&args),
        Verb::Show(args) => show::command(&args),
        Verb::Clear(args) => clear::command(args),
        Verb::Test(args) => test::command(args),
        Verb::Presets(args) => presets::command(&args),
        Verb::Schema(args) => schema::command(&args),
    }
}
