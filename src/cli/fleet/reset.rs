//! `fauxmetal fleet reset`: nodes as good as new.

use clap::Parser;

use crate::admin::api::Reset;
use crate::cli::exit_code::ExitCode;
use crate::cli::node::{Change, ChangeFlags, Targets};

/// Make nodes as good as new: off, with empty disks and default settings
///
/// Identity and labels stay.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fleet reset --all --yes")]
pub(super) struct Args {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| Reset { nodes, dry_run };
    Change { path: "reset", what: "reset".to_owned(), nodes: args.targets.nodes()?, body }.run(&args.flags)
}
