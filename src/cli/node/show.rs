//! `fauxmetal node show`: one node in full, and what it waits for.

use std::io::{self, Write};

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::list::labels;
use crate::admin::api::{Agent, BootSettings, Medium, NodeDetails};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::view::{Format, shown};
use crate::cli::{complete, out};

/// Show a node in full; the last line says what it waits for
///
/// JSON: the object of GET /fauxmetal/v1/nodes/NODE.
#[derive(Parser)]
pub(super) struct Args {
    /// Name or UUID of the node
    #[arg(add = ArgValueCompleter::new(complete::nodes))]
    node: String,
    /// Format of the node
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let node: NodeDetails = run(async { Ok(client.get(&["nodes", &args.node], &[]).await?) })?;
    args.output.print(&mut out::stdout(), &node, text)?;
    Ok(ExitCode::Ok)
}

fn text(mut out: &mut dyn Write, details: &NodeDetails) -> io::Result<()> {
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String| {
        if !value.is_empty() {
            rows.push([key.to_owned(), shown(value)]);
        }
    };
    let node = &details.node;
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    row("Name", word(&node.name));
    row("UUID", word(&node.uuid));
    row("Index", node.index.map(|index| index.to_string()).unwrap_or_default());
    row("Profile", format!("{} ({})", word(&node.profile), details.model));
    row("Serial number", details.serial.clone());
    row("MAC addresses", node.macs.as_deref().unwrap_or_default().join(", "));
    row("Labels", labels(node.labels.as_ref()));
    row("Power", word(&node.power));
    row("State", word(&node.state));
    row("Starts", details.starts.to_string());
    row("Disk", if details.installed { "an operating system" } else { "no operating system" }.to_owned());
    row("Boot", boot(&details.boot));
    if let Some(failure) = &details.boot_failure {
        let at = failure.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
        row("Boot failure", format!("{}{at}", failure.reason));
    }
    for medium in &details.media {
        row(&format!("Media {}", medium.slot), media(medium));
    }
    row("BMC", details.bmc.url.clone());
    row("BMC firmware", format!("{}, MAC address {}", details.bmc.firmware, details.bmc.mac));
    row(
        "BMC restarts",
        details.bmc.restarting_until.as_ref().map(|until| format!("until {until}")).unwrap_or_default(),
    );
    if let Some(agent) = &details.agent_details {
        rows.extend(agent_rows(agent));
    }
    rows.push([
        "Generation".to_owned(),
        node.generation.map(|number| number.to_string()).unwrap_or_default(),
    ]);
    rows.push(["Simulated time".to_owned(), details.now.clone()]);
    out::table(&mut out, "", &rows)?;
    writeln!(out, "\n{}", shown(details.wait.text.clone()))
}

fn boot(boot: &BootSettings) -> String {
    let order = boot.order.join(", ");
    if boot.enabled == "Disabled" || boot.target == "None" {
        return format!("{order} ({})", boot.mode);
    }
    let uri = boot.http_boot_uri.as_ref().map(|uri| format!(" {uri}")).unwrap_or_default();
    format!("{} {}{uri}, then {order} ({})", boot.target, boot.enabled.to_lowercase(), boot.mode)
}

fn media(medium: &Medium) -> String {
    let error = medium.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{} ({}{error})", medium.image, medium.state)
}

fn agent_rows(agent: &Agent) -> Vec<[String; 2]> {
    let failed = match agent.failed_calls {
        0 => String::new(),
        1 => "1 call".to_owned(),
        count => format!("{count} calls"),
    };
    let command = agent.command.as_ref().map(|command| {
        let until = command.until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
        format!("{}{until}", command.name)
    });
    let rows = [
        ("Agent", Some(format!("{}, started {}", agent.phase, agent.started))),
        ("Agent URL", agent.url.clone()),
        ("Ironic", agent.api_url.clone()),
        ("Ironic node", agent.ironic_uuid.clone()),
        ("Failed calls", Some(failed).filter(|failed| !failed.is_empty())),
        ("Last heartbeat", agent.last_heartbeat.clone()),
        ("Next call", agent.next_call.clone()),
        ("Command", command),
        ("Closed", agent.closed.clone()),
    ];
    rows.into_iter().filter_map(|(key, value)| Some([key.to_owned(), shown(value?)])).collect()
}
