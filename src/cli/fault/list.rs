//! `fauxmetal fault list`.

use std::io::Write as _;

use clap::Parser;

use crate::admin::api::{Fault, Faults};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::cli::view::{Cell, Column, Documents, ListFormat, Table};
use crate::fleet::RuleState;

/// List the rules with what they have done so far
///
/// With --unreached the exit code is 1 if there is such a rule, because a test that met no fault proves nothing. JSON: the items
/// of GET /fauxmetal/v1/faults.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fault list --unreached")]
pub(super) struct Args {
    /// Only rules that have never fired; a paused rule is not meant
    #[arg(long)]
    unreached: bool,
    /// Format of the list
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let Faults { mut items } = run(async { Ok(client.get(&["faults"], &[]).await?) })?;
    if args.unreached {
        items.retain(|fault| fault.unreached);
    }
    let mut out = out::stdout();
    match args.output {
        ListFormat::Name => {
            for fault in &items {
                writeln!(out, "{}", fault.rule.name)?;
            }
        }
        ListFormat::Table | ListFormat::Wide => {
            let titles = ["NAME", "FAULT", "STATE", "NODES", "FIRED", "ON NODES", "LAST FIRED"];
            let mut table = Table::new(titles.map(|title| Column { title }).into());
            for fault in &items {
                table.push(&mut out, row(fault))?;
            }
            table.end(&mut out)?;
        }
        ListFormat::Json | ListFormat::Yaml => {
            let is_json = args.output == ListFormat::Json;
            let mut documents = if is_json { Documents::json() } else { Documents::yaml() };
            for fault in &items {
                documents.write(&mut out, &serde_json::to_vec(fault)?)?;
            }
            documents.end(&mut out)?;
        }
    }
    out.flush()?;
    Ok(if args.unreached && !items.is_empty() { ExitCode::Failure } else { ExitCode::Ok })
}

fn row(fault: &Fault) -> Vec<Cell> {
    let plain = |text: String| Cell::plain(&text);
    vec![
        Cell::plain(fault.rule.name.as_str()),
        Cell::plain(fault.rule.what.name()),
        Cell::plain(word(fault.state)),
        plain(fault.nodes.to_string()),
        plain(fault.fired.to_string()),
        plain(fault.fired_nodes.to_string()),
        Cell::plain(fault.last_fired.as_deref().unwrap_or("never")),
    ]
}

/// The state in one word.
pub(super) fn word(state: RuleState) -> &'static str {
    match state {
        RuleState::Armed => "armed",
        RuleState::Active => "active",
        RuleState::Recovered => "recovered",
        RuleState::Paused => "paused",
    }
}
