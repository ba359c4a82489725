//! `fauxmetal node add`: new nodes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::ChangeFlags;
use crate::admin::api::{Add, Added};
use crate::cli::client::{Client, run};
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::view::nodes;
use crate::cli::{complete, out};

/// Add new nodes to the fleet
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal node add generic --count 10 --label rack=r7")]
pub(super) struct Args {
    /// A built-in model, or a model that the fleet has
    #[arg(add = ArgValueCompleter::new(complete::profiles))]
    profile: String,
    /// Number of new nodes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// A label of all new nodes; can be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let labels = labels(&args.labels)?;
    let flags = args.flags;
    let client = Client::new(&flags.connection)?;
    run(async move {
        if !flags.may("add", args.count.into())? {
            return Ok(ExitCode::Failure);
        }
        let body = Add { profile: args.profile, count: args.count, labels, dry_run: flags.dry_run };
        let added: Added = client.post("nodes", &body).await?;
        flags.output.print(&mut out::stdout(), &added, text)?;
        Ok(ExitCode::Ok)
    })
}

/// The labels of `--label`.
pub(in crate::cli) fn labels(given: &[String]) -> Result<BTreeMap<String, String>, UsageError> {
    let label = |label: &String| match label.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(UsageError(format!("--label: '{label}' is no label; write KEY=VALUE"))),
    };
    given.iter().map(label).collect()
}

fn text(out: &mut dyn Write, added: &Added) -> io::Result<()> {
    let Added { first, last, count, dry_run } = added;
    let what = if *dry_run { "add (dry run)" } else { "add" };
    match count {
        1 => writeln!(out, "{what}: {first}"),
        _ => writeln!(out, "{what}: {}, {first} to {last}", nodes((*count).into())),
    }
}
