//! `fauxmetal profile`: which models there are, what one is made of, and whether one of your own is right.

mod check;
mod list;
mod show;
mod view;

use clap::{Parser, Subcommand};

use super::ExitCode;
use super::out::Output;

/// List, show and check models of server
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
Examples:
  fauxmetal profile list
  fauxmetal profile show generic -o json
  fauxmetal profile check ./my-server

How to write one is in nodes/README.md of the source.";

#[derive(Subcommand)]
enum Verb {
    /// List the built-in models
    ///
    /// JSON: an array of {name, manufacturer, model, description}, sorted by name.
    List {
        #[command(flatten)]
        print: Print,
    },
    /// Show what a model is made of
    ///
    /// JSON: an object with the keys of profile.toml (nodes/README.md of the source has them), those with a default
    /// filled in, and with name, cpu_arch, memory_mib (of all modules) and overlays (DMTF types that have one).
    Show {
        /// A built-in model, or a path with a '/' in it
        #[arg(value_name = "NAME|DIR")]
        profile: String,
        #[command(flatten)]
        print: Print,
    },
    /// Check models as `serve` does, and what Ironic will want of them
    ///
    /// Ends with 3 when one is wrong. JSON: an array of {profile, ok, error, warnings}, in the order given; error is
    /// null when ok is true.
    Check {
        /// Built-in models, or paths with a '/' in them
        #[arg(value_name = "NAME|DIR", required = true)]
        profiles: Vec<String>,
        #[command(flatten)]
        print: Print,
    },
}

#[derive(clap::Args)]
struct Print {
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::List { print } => list::run(print.output),
        Verb::Show { profile, print } => show::run(&profile, print.output),
        Verb::Check { profiles, print } => check::run(&profiles, print.output),
    }
}
