//! `fauxmetal fault clear`.

use std::io;

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::show::names;
use crate::admin::api::{ClearFaults, ClearedFaults};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::cli::view::{Format, nodes};

/// Clear rules: every condition that they impose ends, and what has happened stays
///
/// JSON: the object of POST /fauxmetal/v1/faults/clear.
#[derive(Parser)]
#[command(after_help = "Examples:\n  fauxmetal fault clear flaky-bmc\n  fauxmetal fault clear --all")]
pub(super) struct Args {
    /// Names of rules, such as flaky-bmc
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
        conflicts_with = "all",
        add = ArgValueCompleter::new(names)
    )]
    names: Vec<String>,
    /// Clear all rules of the fleet
    #[arg(long)]
    all: bool,
    /// Format of the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let body = ClearFaults { names: args.names, all: args.all };
    let cleared: ClearedFaults = run(async { Ok(client.post("faults/clear", &body).await?) })?;
    args.output.print(&mut out::stdout(), &cleared, text)?;
    Ok(ExitCode::Ok)
}

fn text(out: &mut dyn io::Write, cleared: &ClearedFaults) -> io::Result<()> {
    if cleared.rules.is_empty() {
        return writeln!(out, "there are no rules");
    }
    for rule in &cleared.rules {
        writeln!(out, "{} is cleared on {}", rule.name, nodes(rule.nodes))?;
    }
    Ok(())
}
