//! `fauxmetal fault add`.

use std::io;

use clap::Parser;

use super::read::Source;
use crate::admin::api::{AddFaults, AddedFaults};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::cli::view::{Format, nodes};

/// Add rules, from a file or from a preset
///
/// All rules are added, or none. They are in effect at once. JSON: the object of POST /fauxmetal/v1/faults.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal fault add faults.yaml
  fauxmetal fault add --preset flaky-bmc -l rack=r7
  fauxmetal fault add --preset dead-rack --name feed-a -l feed=a")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Replace rules of the same names; otherwise they are an error
    #[arg(long)]
    replace: bool,
    /// Add nothing, and say how many nodes each rule would have
    #[arg(long)]
    dry_run: bool,
    /// Format of the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let rules = args.source.rules()?;
    let client = Client::new(&args.connection)?;
    let body = AddFaults { rules, replace: args.replace, dry_run: args.dry_run };
    let added: AddedFaults = run(async { Ok(client.post("faults", &body).await?) })?;
    args.output.print(&mut out::stdout(), &added, text)?;
    Ok(ExitCode::Ok)
}

fn text(out: &mut dyn io::Write, added: &AddedFaults) -> io::Result<()> {
    let would = if added.dry_run { "would have" } else { "has" };
    for rule in &added.rules {
        write!(out, "{} {would} {}", rule.name, nodes(rule.nodes))?;
        match rule.selected == rule.nodes {
            true => writeln!(out)?,
            false => writeln!(out, ", of {} selected", rule.selected)?,
        }
    }
    Ok(())
}
