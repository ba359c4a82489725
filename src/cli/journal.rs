//! `fauxmetal journal`: what happened to a node, and why it is where it is.

use std::io::Write;

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::client::{Client, ClientError, Connection, run, until_interrupted};
use super::complete;
use super::exit_code::ExitCode;
use super::out::{self, Output};
use super::view::{Hue, Paper, hue};
use crate::admin::api::{NodeDetails, NodeJournal};
use crate::journal::Entry;

/// Show the last requests, calls and changes of a node, and what it waits for
///
/// The steps that took the time of the last boot and of the last deployment follow, the last step first. Times are simulated times
/// of day (UTC). JSON: the object of GET /fauxmetal/v1/nodes/NODE/journal; with --follow one entry for each line.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal journal generic-3
  fauxmetal journal generic-3 --follow")]
pub(super) struct Args {
    /// Name or UUID of the node
    #[arg(add = ArgValueCompleter::new(complete::nodes))]
    node: String,
    /// Go on with each new entry, until Ctrl-C or the removal of the node. A repeated entry comes again, with its count
    #[arg(short, long)]
    follow: bool,
    /// Format of the journal
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    if args.follow {
        let client = Client::for_streams(&args.connection)?;
        return run(until_interrupted(follow(&client, args)));
    }
    let client = Client::new(&args.connection)?;
    let journal: NodeJournal = run(async { Ok(client.get(&["nodes", &args.node, "journal"], &[]).await?) })?;
    let mut out = out::stdout();
    match args.output {
        Output::Json => out::json(&mut out, &journal)?,
        Output::Text => text(&mut out, Paper::new(), &journal)?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn text(out: &mut impl Write, paper: Paper, journal: &NodeJournal) -> std::io::Result<()> {
    if journal.missed {
        writeln!(out, "{}", paper.painted("Older entries were dropped.", Hue::Dim))?;
    }
    for line in journal.entries.iter().flat_map(|entry| lines(paper, entry)) {
        writeln!(out, "{line}")?;
    }
    for chain in &journal.chains {
        writeln!(out)?;
        for (number, line) in chain.to_string().lines().enumerate() {
            let hue = if number == 0 { Hue::Strong } else { Hue::Plain };
            for line in paper.entry("", &[(line, hue)]) {
                writeln!(out, "{line}")?;
            }
        }
    }
    if !journal.entries.is_empty() {
        writeln!(out)?;
    }
    paper.sentence(out, &journal.node, &journal.explanation)
}

/// An entry as lines that fit.
fn lines(paper: Paper, entry: &Entry) -> Vec<String> {
    let text = entry.to_string();
    let (time, what) = text.split_once("  ").unwrap_or(("", &text));
    // Three spaces separate a request from its client.
    let (what, client) = what.find("   ").map_or((what, ""), |at| what.split_at(at));
    paper.entry(&format!("{time}  "), &[(what, hue::of_entry(entry)), (client, Hue::Dim)])
}

async fn follow(client: &Client, args: &Args) -> anyhow::Result<ExitCode> {
    let mut answer = client.lines(&["nodes", &args.node, "journal", "stream"], &[]).await?;
    let (mut out, paper) = (out::stdout(), Paper::new());
    // The entry in the last lines of a terminal, and the number of these lines.
    let mut last = None;
    loop {
        match args.output {
            Output::Json => {
                let Some(line) = answer.next().await? else { break };
                out.write_all(&line)?;
                out.write_all(b"\n")?;
            }
            Output::Text => {
                let Some(entry) = answer.document::<Entry>().await? else { break };
                let lines = lines(paper, &entry);
                if let Some((id, rows)) = last
                    && id == entry.id
                    && paper.is_terminal()
                {
                    // It takes the place of its last occurrence.
                    write!(out, "\x1b[{rows}A\x1b[J")?;
                }
                for line in &lines {
                    writeln!(out, "{line}")?;
                }
                last = Some((entry.id, lines.len()));
            }
        }
        out.flush()?;
    }
    match client.get::<NodeDetails>(&["nodes", &args.node], &[]).await.err() {
        Some(error) if error.is_missing() => {
            out::message(&format!("{} was removed from the fleet", args.node));
            Ok(ExitCode::Ok)
        }
        Some(error @ ClientError::NoAnswer { .. }) => Err(error.into()),
        _ => anyhow::bail!("the daemon has ended the stream"),
    }
}
