//! `fauxmetal events`: the changes of state of the fleet, as they happen.

use std::io::Write;
use std::time::Duration;

use clap::Parser;
use http::HeaderValue;
use serde::Deserialize;

use super::client::{Client, ClientError, Connection, Event, Events, run, until_interrupted};
use super::exit_code::ExitCode;
use super::out::{self, Output};
use super::view::{Hue, Paper, duration, hue, shown, time_of_day};

/// The pause before the first try to connect again. Each pause is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The longest column of names.
const WIDEST_NAME: usize = 40;

/// Print the events of the fleet as they happen, until Ctrl-C
///
/// If the connection breaks, the program connects again and continues after the last event. Lost events are a message on standard
/// error. JSON: one object for each line, {id, time, node, uuid, event, text}.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal events
  fauxmetal events -l rack=r7 -o json")]
pub(super) struct Args {
    /// The nodes of a selection, such as 'rack=r7,power!=off'; by default all nodes
    #[arg(short = 'l', long, value_name = "SELECTION")]
    selector: Option<String>,
    /// Format of the events
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
    /// Begin after the event with this id, which -o json prints; by default with the next event
    #[arg(long, value_name = "ID", value_parser = id)]
    since: Option<String>,
    /// How long a daemon that goes away is waited for; the exit code is 1 afterwards
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = patience)]
    retry_for: Patience,
    #[command(flatten)]
    connection: Connection,
}

fn id(text: &str) -> Result<String, String> {
    match HeaderValue::from_str(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("'{text}' is no id of an event; write the id that -o json prints")),
    }
}

/// The longest wait for a daemon, as written and as a duration.
#[derive(Clone, Debug)]
struct Patience {
    text: String,
    time: Duration,
}

fn patience(text: &str) -> Result<Patience, String> {
    Ok(Patience { text: text.to_owned(), time: duration(text)? })
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    run(until_interrupted(async move {
        let mut printer = Printer { output: args.output, paper: Paper::new(), name: 0 };
        let mut last = args.since.clone();
        let mut events = connect(&client, &args, last.as_deref()).await?;
        loop {
            let why = match print(&mut events, &mut printer, &mut last).await {
                Ok(()) => "the daemon has ended the stream".to_owned(),
                Err(error) => match error.downcast_ref().filter(|why: &&ClientError| why.may_pass()) {
                    Some(why) => why.brief(),
                    None => return Err(error),
                },
            };
            out::message(&format!("{why}; connecting again for {}", args.retry_for.text));
            let again =
                tokio::time::timeout(args.retry_for.time, connect_again(&client, &args, last.as_deref()));
            let Ok(connected) = again.await else {
                anyhow::bail!("no daemon has answered for {}", args.retry_for.text);
            };
            events = connected?;
            out::message(match last {
                Some(_) => "connected again",
                None => "connected again; the events in between are lost",
            });
        }
    }))
}

async fn connect(client: &Client, args: &Args, last: Option<&str>) -> Result<Events, ClientError> {
    let selector = args.selector.as_deref().map(|selector| ("selector", selector));
    client.events(&["events"], selector.as_slice(), last).await
}

/// Tries to connect, with longer and longer pauses.
async fn connect_again(client: &Client, args: &Args, last: Option<&str>) -> Result<Events, ClientError> {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        match connect(client, args, last).await {
            Err(error) if error.may_pass() => pause = (2 * pause).min(LONGEST_PAUSE),
            connected => return connected,
        }
    }
}

/// Prints events until the stream ends. `last` is the id of the last one.
async fn print(events: &mut Events, printer: &mut Printer, last: &mut Option<String>) -> anyhow::Result<()> {
    let mut out = out::stdout();
    while let Some(event) = events.next().await? {
        if event.kind == "missed" {
            let missed: Missed = serde_json::from_str(&event.data).unwrap_or_default();
            out::message(&format!("events are missing here: {}", shown(missed.reason)));
            continue;
        }
        printer.print(&mut out, &event)?;
        out.flush()?;
        if event.id.is_some() {
            *last = event.id;
        }
    }
    Ok(())
}

struct Printer {
    output: Output,
    paper: Paper,
    /// The width of the column of names: the longest name so far.
    name: usize,
}

/// The members of an event that the text needs. The kind may be one that this version does not know.
#[derive(Deserialize)]
struct Shown {
    time: String,
    node: String,
    event: serde_json::Value,
    text: String,
}

#[derive(Default, Deserialize)]
struct Missed {
    reason: String,
}

impl Printer {
    fn print(&mut self, out: &mut impl Write, event: &Event) -> anyhow::Result<()> {
        match self.output {
            Output::Json => {
                let data: &serde_json::value::RawValue = serde_json::from_str(&event.data)?;
                Ok(out.write_all(with_id(data.get(), event.id.as_deref()).as_bytes())?)
            }
            Output::Text => {
                let Shown { time, node, event, text } = serde_json::from_str(&event.data)?;
                let node = shown(node);
                self.name = self.name.max(node.chars().count().min(WIDEST_NAME));
                let hue = serde_json::from_value(event).map_or(Hue::Plain, hue::of_event);
                let head = format!("{}  {node:<width$}  ", time_of_day(&time), width = self.name);
                for line in self.paper.entry(&head, &[(&text, hue)]) {
                    writeln!(out, "{line}")?;
                }
                Ok(())
            }
        }
    }
}

/// An event's object as a line, with its id as the first member.
fn with_id(object: &str, id: Option<&str>) -> String {
    let object: String = object.lines().collect();
    match (object.strip_prefix('{'), id) {
        (Some(members), Some(id)) => {
            let comma = if members.trim_start().starts_with('}') { "" } else { "," };
            format!("{{\"id\":{}{comma}{members}\n", serde_json::Value::from(id))
        }
        _ => object + "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_first_member() {
        assert_eq!(with_id(r#"{"a":1}"#, Some("x-1")), "{\"id\":\"x-1\",\"a\":1}\n");
        assert_eq!(with_id("{}", Some("x-1")), "{\"id\":\"x-1\"}\n");
        assert_eq!(with_id("{\n\"a\":1}", None), "{\"a\":1}\n");
    }
}
