//! `fauxmetal profile`: lists, shows and checks models of servers.

mod check;
mod list;
mod show;
mod view;

use clap::{Parser, Subcommand};

use super::exit_code::ExitCode;
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

docs/models.md in the source code says how to write a model.";

#[derive(Subcommand)]
enum Verb {
    /// List the built-in models
    ///
    /// JSON: an array of {name, manufacturer, model, description}, sorted by name.
    List {
        #[command(flatten)]
        print: Print,
    },
    /// Show the components, BIOS attributes and timings of a model
    ///
    /// JSON: an object with the keys of profile.toml (see docs/models.md in the source code), including keys that have their
    /// default value, and with name, cpu_arch, memory_mib (the sum of all modules) and overlays (the DMTF types that have
    /// one).
    Show {
        /// A built-in model, or a path with a '/' in it
        #[arg(value_name = "NAME|DIR")]
        profile: String,
        #[command(flatten)]
        print: Print,
    },
    /// Check models as `serve` does and by DMTF's schemas, and warn about missing parts that Ironic needs
    ///
    /// Every document of a new server is compared with the schema of its type, release 2026.1.
    ///
    /// The exit code is 3 if a model is wrong. JSON: an array of {profile, ok, error, warnings}, in the order given; error
    /// is null if ok is true.
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
    /// Format of the output
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
