//! The verbs that need nodes only: `remove`, `restart-bmc`, `open-bmc` and `crash`.

use clap::Parser;

use super::change::{Change, ChangeFlags};
use super::targets::Targets;
use crate::admin::api;
use crate::cli::exit_code::ExitCode;

/// Remove nodes from the fleet, in any state
///
/// Names and indexes of removed nodes are never used again.
#[derive(Parser)]
pub(super) struct Remove {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Restart the BMCs of nodes; the machines go on
#[derive(Parser)]
pub(super) struct RestartBmc {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Let BMCs listen again for HTTP and HTTPS, after a client has disabled that
#[derive(Parser)]
pub(super) struct OpenBmc {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// End the agents' programs; the ramdisk goes on without an agent until the machine is restarted
#[derive(Parser)]
pub(super) struct Crash {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn remove(args: Remove) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| api::Remove { nodes, dry_run };
    Change { path: "remove", what: "remove".to_owned(), nodes: args.targets.nodes()?, body }.run(&args.flags)
}

pub(super) fn restart_bmc(args: RestartBmc) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| api::RestartBmc { nodes, dry_run };
    Change { path: "restart-bmc", what: "restart BMC".to_owned(), nodes: args.targets.nodes()?, body }
        .run(&args.flags)
}

pub(super) fn open_bmc(args: OpenBmc) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| api::OpenBmc { nodes, dry_run };
    Change { path: "open-bmc", what: "open BMC".to_owned(), nodes: args.targets.nodes()?, body }
        .run(&args.flags)
}

pub(super) fn crash(args: Crash) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| api::Crash { nodes, dry_run };
    Change { path: "crash", what: "crash".to_owned(), nodes: args.targets.nodes()?, body }.run(&args.flags)
}
