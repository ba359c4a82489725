//! `fauxmetal node show`: one node in full, and what it waits for.

use std::io::{self, Write};

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::list::labels;
use crate::admin::api::{Agent, Alarm, BootSettings, Environment, NodeDetails};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::view::{Format, Hue, Paper, hue, moment};
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

fn text(out: &mut dyn Write, details: &NodeDetails) -> io::Result<()> {
    let (paper, now) = (Paper::new(), details.now.as_str());
    let node = &details.node;
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let mut rows = Rows(Vec::new());
    rows.add("Name", word(&node.name));
    rows.add("UUID", word(&node.uuid));
    rows.add("Profile", format!("{} ({})", word(&node.profile), details.model));
    rows.add("Serial number", details.serial.clone());
    rows.add("Labels", labels(node.labels.as_ref()));
    rows.add("Index", node.index.map(|index| index.to_string()).unwrap_or_default());
    rows.add("Generation", node.generation.map(|number| number.to_string()).unwrap_or_default());
    rows.gap();
    rows.state("Power", &word(&node.power), "");
    let starts = if details.starts == 1 { ", 1 start" } else { &format!(", {} starts", details.starts) };
    rows.state("State", &word(&node.state), starts);
    let wait = &details.wait;
    rows.add("Since", wait.since.as_ref().map(|since| moment(since, now)).unwrap_or_default());
    rows.add("Goes on", wait.until.as_ref().map(|until| moment(until, now)).unwrap_or_default());
    rows.add("Boot", boot(&details.boot));
    if let Some(failure) = &details.boot_failure {
        let at = failure.at.as_ref().map(|at| format!(" ({})", moment(at, now))).unwrap_or_default();
        rows.bad("Boot failure", format!("{}{at}", failure.reason));
    }
    for medium in &details.media {
        // The error begins with the URL, which stands before it already.
        let error = medium.error.as_ref().map(|error| error.strip_prefix(&*medium.image).unwrap_or(error));
        let error = error.map(|error| format!(": {}", error.trim_start_matches(": "))).unwrap_or_default();
        let tail = format!(", {}{error}", medium.image);
        rows.state(&format!("Media {}", medium.slot), &medium.state, &tail);
    }
    rows.gap();
    for (number, nic) in details.nics.iter().enumerate() {
        let cable = if nic.plugged { "" } else { ", no cable" };
        let key = if number == 0 { "Network" } else { "" };
        rows.part(key, format!("{} ({}) {}{cable}", nic.id, nic.name, nic.mac), nic.plugged);
    }
    for (number, disk) in details.disks.iter().enumerate() {
        let bay = if disk.plugged { "" } else { ", pulled" };
        let key = if number == 0 { "Disks" } else { "" };
        rows.part(key, format!("{} ({}){bay}", disk.id, disk.name), disk.plugged);
    }
    rows.environment(&details.environment, now);
    rows.add("Installed", if details.installed { "an operating system" } else { "nothing" }.to_owned());
    rows.gap();
    rows.add("BMC", details.bmc.url.clone());
    rows.add("BMC firmware", format!("{}, MAC address {}", details.bmc.firmware, details.bmc.mac));
    if let Some(until) = &details.bmc.restarting_until {
        rows.bad("BMC restarts", format!("until {}", moment(until, now)));
    }
    if let Some(agent) = &details.agent_details {
        rows.gap();
        rows.agent(agent, now);
    }
    rows.gap();
    rows.add("Simulated time", now.to_owned());
    rows.print(out, paper)?;
    writeln!(out)?;
    paper.sentence(out, &word(&node.name), &wait.text)
}

/// A fact about a node.
struct Row {
    key: String,
    value: String,
    hue: Hue,
    /// What follows the value, without a colour.
    tail: String,
}

impl Row {
    fn new(key: &str, value: String) -> Self {
        Self { key: key.to_owned(), value, hue: Hue::Plain, tail: String::new() }
    }
}

/// The facts about a node, in groups.
struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, key: &str, value: String) {
        self.0.push(Row::new(key, value));
    }

    /// A state, whose word says how the node is, and more about it.
    fn state(&mut self, key: &str, word: &str, more: &str) {
        let (hue, tail) = (hue::of_word(word), more.to_owned());
        self.0.push(Row { hue, tail, ..Row::new(key, word.to_owned()) });
    }

    fn bad(&mut self, key: &str, value: String) {
        self.0.push(Row { hue: Hue::Bad, ..Row::new(key, value) });
    }

    /// A part of the machine. Only the first one of its kind has a key.
    fn part(&mut self, key: &str, value: String, plugged: bool) {
        let hue = if plugged { Hue::Plain } else { Hue::Bad };
        self.0.push(Row { hue, ..Row::new(key, value) });
    }

    /// What is wrong around the machine. A healthy one has no row.
    fn environment(&mut self, environment: &Environment, now: &str) {
        if let Some(celsius) = environment.inlet_celsius {
            self.bad("Inlet air", format!("{celsius} °C"));
        }
        for (key, parts) in [
            ("Failed fans", &environment.failed_fans),
            ("Failed disks", &environment.failed_disks),
            ("Failed DIMMs", &environment.failed_dimms),
            ("Failed PSUs", &environment.failed_psus),
            ("Without input", &environment.supplies_without_input),
        ] {
            if !parts.is_empty() {
                self.bad(key, parts.join(", "));
            }
        }
        for alarm in &environment.alarms {
            let Alarm { sensor, side, level, since } = alarm;
            self.bad("Alarm", format!("{sensor}: {side} {level}, since {}", moment(since, now)));
        }
    }

    fn gap(&mut self) {
        self.add("", String::new());
    }

    fn agent(&mut self, agent: &Agent, now: &str) {
        let at = |at: &Option<String>| at.as_ref().map(|at| moment(at, now)).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        self.state("Agent", &agent.phase, &format!(", started {}", moment(&agent.started, now)));
        self.bad("Agent stopped", text(&agent.closed));
        self.add("Agent URL", text(&agent.url));
        self.add("Ironic", text(&agent.api_url));
        self.add("Ironic node", text(&agent.ironic_uuid));
        if let Some(command) = &agent.command {
            let until = command.until.as_ref().map(|until| format!(", until {}", moment(until, now)));
            self.add("Command", format!("{}{}", command.name, until.unwrap_or_default()));
        }
        if agent.failed_calls > 0 {
            self.bad("Failed calls", agent.failed_calls.to_string());
        }
        self.add("Last heartbeat", at(&agent.last_heartbeat));
        self.add("Next call", at(&agent.next_call));
    }

    /// Prints the rows that have a value, with aligned values.
    fn print(self, out: &mut dyn Write, paper: Paper) -> io::Result<()> {
        let width = self.0.iter().map(|row| row.key.chars().count()).max().unwrap_or_default();
        for Row { key, value, hue, tail } in self.0 {
            if value.is_empty() {
                if key.is_empty() {
                    writeln!(out)?;
                }
                continue;
            }
            for line in paper.entry(&format!("{key:<width$}  "), &[(&value, hue), (&tail, Hue::Plain)]) {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

fn boot(boot: &BootSettings) -> String {
    let order = boot.order.join(", ");
    if boot.enabled == "Disabled" || boot.target == "None" {
        return format!("{order} ({})", boot.mode);
    }
    let uri = boot.http_boot_uri.as_ref().map(|uri| format!(" {uri}")).unwrap_or_default();
    format!("{} {}{uri}, then {order} ({})", boot.target, boot.enabled.to_lowercase(), boot.mode)
}
