//! `fauxmetal fault show`.

use std::ffi::OsStr;
use std::io;

use clap::Parser;
use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCompleter;

use super::list::word;
use crate::admin::api::{Fault, Faults};
use crate::cli::client::{Client, Connection, run};
use crate::cli::complete;
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::cli::view::Format;

/// Show a rule with what it has done so far
///
/// JSON: the object of GET /fauxmetal/v1/faults/NAME.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fault show flaky-bmc")]
pub(super) struct Args {
    /// Name of the rule
    #[arg(add = ArgValueCompleter::new(names))]
    name: String,
    /// Format of the rule
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Names of rules that begin with the word.
pub(super) fn names(word: &OsStr) -> Vec<CompletionCandidate> {
    let faults: Option<Faults> = complete::ask(&["faults"], &[]);
    let names = faults.into_iter().flat_map(|faults| faults.items).map(|fault| fault.rule.name.to_string());
    let word = word.to_string_lossy();
    names.filter(|name| name.starts_with(&*word)).map(CompletionCandidate::new).collect()
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let fault: Fault = run(async { Ok(client.get(&["faults", &args.name], &[]).await?) })?;
    args.output.print(&mut out::stdout(), &fault, text)?;
    Ok(ExitCode::Ok)
}

fn text(out: &mut dyn io::Write, fault: &Fault) -> io::Result<()> {
    let rows = [
        ["Name".to_owned(), fault.rule.name.to_string()],
        ["State".to_owned(), word(fault.state).to_owned()],
        ["Added".to_owned(), fault.added.clone()],
        ["Nodes".to_owned(), fault.nodes.to_string()],
        ["Fired".to_owned(), format!("{} times on {} nodes", fault.fired, fault.fired_nodes)],
        ["In effect on".to_owned(), format!("{} nodes", fault.active_nodes)],
        ["Last fired".to_owned(), fault.last_fired.clone().unwrap_or_else(|| "never".to_owned())],
        ["Who".to_owned(), serde_json::to_string(&fault.rule.who)?],
        ["When".to_owned(), serde_json::to_string(&fault.rule.when)?],
        ["What".to_owned(), serde_json::to_string(&fault.rule.what)?],
    ];
    out::table(&mut { out }, "", &rows)
}
