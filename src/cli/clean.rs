//! `fauxmetal clean`: deletes the nodes that a run has left.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser;
use futures_util::StreamExt as _;

use super::client::run;
use super::exit_code::{ExitCode, UsageError};
use super::out;
use super::plan::read_file;
use crate::plan::{self, IronicTarget, Plan, Target};
use crate::report::Folder;
use crate::run::Epoch;
use crate::run::ironic::{Api, Marked, marked, remove};

/// Deletions at the same time.
const CONCURRENCY: usize = 16;

/// Delete the nodes of a load run from Ironic
///
/// Only nodes with exactly the mark of the run (extra.fauxmetal_run) are deleted, whatever their state is, and also if the run was
/// killed. They are printed first; a terminal is asked.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal clean run-20261128-183000-x7k
  fauxmetal clean run-20261128-183000-x7k --plan plan.yaml --dry-run
  fauxmetal clean --expired --plan plan.yaml")]
pub(super) struct Args {
    /// Id of the run
    #[arg(value_name = "RUN", required_unless_present = "expired")]
    id: Option<String>,
    /// Delete the nodes of all runs whose `expire` has passed
    #[arg(long, conflicts_with = "id", requires = "plan")]
    expired: bool,
    /// Plan that names Ironic; by default that in the folder of the run
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Folder with the folders of runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Print the nodes, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete without a question, also in a terminal
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = plan(args)?;
    let Target::Ironic(target) = &plan.target else {
        return Err(UsageError(
            "a run with the target redfish creates nothing, so there is nothing to delete".to_owned(),
        )
        .into());
    };
    run(clean(args, target))
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    if let Some(path) = &args.plan {
        return read_file(path, "--plan: ");
    }
    let id = args.id.as_deref().ok_or_else(|| UsageError("--expired needs --plan".to_owned()))?;
    let folder = Folder::named(&args.runs, id).context("name the plan of the run with --plan")?;
    let place = folder.path().join("plan.yaml").display().to_string();
    Ok(plan::read(&folder.plan()?, &place, &[]).map_err(|error| UsageError(error.to_string()))?)
}

async fn clean(args: &Args, target: &IronicTarget) -> anyhow::Result<ExitCode> {
    let api = Api::new(target).await?;
    let id =
        args.id.as_deref().map(|id| Path::new(id).file_name().and_then(|name| name.to_str()).unwrap_or(id));
    let mut nodes =
        marked(&api, id).await.with_context(|| format!("{} gives no list of nodes", api.names()))?;
    if args.expired {
        let now = Epoch::begin().date();
        nodes.retain(|node| {
            node.expires.as_deref().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok_and(|at| at <= now))
        });
    }
    let mut out = out::stdout();
    let rows: Vec<_> = nodes
        .iter()
        .map(|node| [node.name.clone(), node.state.clone(), node.uuid.clone(), node.run.clone()])
        .collect();
    out::table(&mut out, "", &rows)?;
    out.flush()?;
    drop(out);
    if nodes.is_empty() {
        out::message("no node has this mark");
        return Ok(ExitCode::Ok);
    }
    if args.dry_run || (!args.yes && !is_confirmed(nodes.len())?) {
        out::message("nothing is deleted");
        return Ok(ExitCode::Ok);
    }
    let count = nodes.len();
    let delete = async |node: Marked| {
        let deleted = remove(&api, &node.uuid, &node.run).await;
        deleted.err().map(|error| format!("{}: {error}", node.name))
    };
    let failed: Vec<_> = futures_util::stream::iter(nodes)
        .map(delete)
        .buffer_unordered(CONCURRENCY)
        .filter_map(std::future::ready)
        .collect()
        .await;
    failed.iter().for_each(|failure| out::message(failure));
    out::message(&format!("{} of {count} nodes are deleted", count - failed.len()));
    Ok(if failed.is_empty() { ExitCode::Ok } else { ExitCode::Failure })
}

/// Asks a person. A program that calls the command has decided already.
fn is_confirmed(count: usize) -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(true);
    }
    let mut err = io::stderr();
    write!(err, "delete these {count} nodes? [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "yes"))
}
