//! `fauxmetal node wait`: waits until nodes have a value. Nothing is kept per node: the daemon is asked for those without it.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use clap_complete::engine::ArgValueCandidates;

use super::targets::Targets;
use crate::admin::api::{Listed, Node, NodeDetails, Nodes};
use crate::cli::client::{Client, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::view::{Progress, duration, nodes, shown};
use crate::cli::{complete, out};

/// The first pause between two questions to the daemon. Each pause is longer, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The pause from which on the nodes are counted for a progress bar: it comes after about a second.
const COUNTED_FROM: Duration = Duration::from_millis(500);
/// The longest time for the message after a wait that was too long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Names of one selection. A requirement has at most 1000 values.
const NAMES: usize = 1000;

/// Wait until nodes have a value
///
/// All nodes must have the value at the same time. The exit code is 5 if they do not in time. A node that is removed meanwhile
/// is not waited for.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal node wait --for state=agent-running -l rack=r7
  fauxmetal node wait --for power=off --timeout 5m --all
  fauxmetal node wait --for rack=r7 generic-3")]
pub(super) struct Args {
    /// A field or a label, and its value; != waits for any other value
    #[arg(long = "for", value_name = "FIELD=VALUE", add = ArgValueCandidates::new(complete::conditions))]
    condition: Condition,
    /// The longest wait, such as 90s or 5m; off waits for as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = timeout)]
    timeout: Limit,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    connection: Connection,
}

/// The longest wait, as written and as a duration.
#[derive(Clone, Debug)]
struct Limit {
    text: String,
    time: Option<Duration>,
}

fn timeout(text: &str) -> Result<Limit, String> {
    let time = if text == "off" { None } else { Some(duration(text)?) };
    Ok(Limit { text: text.to_owned(), time })
}

/// What each node must have: `FIELD=VALUE` or `FIELD!=VALUE`.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    field: String,
    value: String,
    is_other: bool,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("'{text}' is no condition; write FIELD=VALUE, such as state=agent-running or power=off")
        };
        let (field, value) = text.split_once('=').ok_or_else(wrong)?;
        let (field, is_other) = field.strip_suffix('!').map_or((field, false), |field| (field, true));
        let value = value.strip_prefix('=').filter(|_| !is_other).unwrap_or(value).trim();
        let field = field.trim();
        // Anything else would be another requirement of the selection.
        let special = |c: char| "=!<>(),".contains(c) || c.is_whitespace();
        if field.is_empty() || field.contains(special) || value.contains(special) {
            return Err(wrong());
        }
        Ok(Self { field: field.to_owned(), value: value.to_owned(), is_other })
    }
}

impl Condition {
    /// The requirement of nodes that do not meet the condition.
    fn unmet(&self) -> String {
        format!("{}{}{}", self.field, if self.is_other { "=" } else { "!=" }, self.value)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.field, if self.is_other { "!=" } else { "=" }, self.value)
    }
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let nodes = args.targets.nodes()?;
    let client = Client::new(&args.connection)?;
    let (condition, limit) = (args.condition, args.timeout);
    run(async move {
        let selections = selections(&client, nodes, &condition).await?;
        let met = wait(&client, &selections);
        let met = match limit.time {
            Some(time) => tokio::time::timeout(time, met).await.ok(),
            None => Some(met.await),
        };
        match met {
            Some(met) => met.map(|()| ExitCode::Ok),
            None => {
                let late =
                    tokio::time::timeout(PATIENCE, late(&client, &selections, &condition, &limit)).await;
                late.unwrap_or_else(|_| {
                    out::message(&format!("after {}, the daemon does not answer", limit.text));
                    Ok(ExitCode::Timeout)
                })
            }
        }
    })
}

/// The selections of nodes without the value.
async fn selections(client: &Client, nodes: Nodes, condition: &Condition) -> anyhow::Result<Vec<String>> {
    let unmet = condition.unmet();
    let selector = match nodes {
        Nodes::Names(names) => {
            let names = of_names(client, &names).await?;
            return Ok(names.into_iter().map(|names| format!("{names},{unmet}")).collect());
        }
        Nodes::Selector(selector) => Some(selector),
        Nodes::All(_) => None,
    };
    let query = [("selector", selector.as_deref().unwrap_or("index")), ("fields", "name"), ("limit", "1")];
    let listed: Listed = client.get(&["nodes"], &query).await?;
    if listed.items.is_empty() {
        anyhow::bail!("the selection has no nodes; `fauxmetal node list` lists all nodes");
    }
    Ok(vec![selector.map_or(unmet.clone(), |selector| format!("{selector},{unmet}"))])
}

/// The selections of nodes with these names or UUIDs, each of which must exist.
async fn of_names(client: &Client, names: &[String]) -> anyhow::Result<Vec<String>> {
    let (uuids, names): (Vec<_>, Vec<_>) =
        names.iter().map(String::as_str).partition(|name| name.parse::<uuid::Uuid>().is_ok());
    let mut selections = Vec::new();
    for (field, words) in [("name", names), ("uuid", uuids)] {
        for words in words.chunks(NAMES) {
            let selection = format!("{field} in ({})", words.join(","));
            let mut missing: BTreeSet<String> = words.iter().map(|word| word.to_lowercase()).collect();
            let query = [("selector", selection.as_str()), ("fields", "name,uuid")];
            let mut lines = client.lines(&["nodes"], &query).await?;
            while let Some(Node { name, uuid, .. }) = lines.document().await? {
                for word in [name, uuid].into_iter().flatten() {
                    missing.remove(&word.to_lowercase());
                }
            }
            if let Some(name) = missing.first() {
                anyhow::bail!("there is no node '{name}'; `fauxmetal node list -o name` lists all names");
            }
            selections.push(selection);
        }
    }
    Ok(selections)
}

/// Waits until no node is in the selections.
async fn wait(client: &Client, selections: &[String]) -> anyhow::Result<()> {
    let mut pause = FIRST_PAUSE;
    // Counting is more work for the daemon than the question for one node, so it is for people only.
    let mut progress = None;
    while let Some(first) = first(client, selections).await? {
        drop(first);
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(LONGEST_PAUSE);
        if io::stderr().is_terminal() && pause >= COUNTED_FROM {
            let left = count(client, selections).await?;
            let (total, progress) = progress.get_or_insert_with(|| (left, Progress::of_slow("wait", left)));
            progress.set(total.saturating_sub(left));
        }
    }
    Ok(())
}

/// The name of the first node in the selections.
async fn first(client: &Client, selections: &[String]) -> anyhow::Result<Option<String>> {
    for selection in selections {
        let query = [("selector", selection.as_str()), ("fields", "name"), ("limit", "1")];
        let listed: Listed = client.get(&["nodes"], &query).await?;
        if let Some(node) = listed.items.into_iter().next() {
            return Ok(node.name);
        }
    }
    Ok(None)
}

/// Number of nodes in the selections.
async fn count(client: &Client, selections: &[String]) -> anyhow::Result<u64> {
    let mut count = 0;
    for selection in selections {
        let mut lines = client.lines(&["nodes"], &[("selector", selection), ("fields", "name")]).await?;
        while lines.next().await?.is_some() {
            count += 1;
        }
    }
    Ok(count)
}

/// Says which nodes do not have the value, and why the first of them does not.
async fn late(
    client: &Client,
    selections: &[String],
    condition: &Condition,
    limit: &Limit,
) -> anyhow::Result<ExitCode> {
    let Some(name) = first(client, selections).await? else { return Ok(ExitCode::Ok) };
    let left = count(client, selections).await?.max(1);
    let verb = if left == 1 { "does" } else { "do" };
    let node: NodeDetails = client.get(&["nodes", &name], &[]).await?;
    let left = format!("{} {verb} not have {condition}", nodes(left));
    out::message(&format!("after {}, {left}; {name} {}", limit.text, shown(node.wait.text)));
    io::stderr().flush()?;
    Ok(ExitCode::Timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_turned_into_the_selection_of_nodes_that_do_not_meet_it() {
        for (text, unmet) in [
            ("state=agent-running", "state!=agent-running"),
            ("power==off", "power!=off"),
            ("power != off", "power=off"),
            ("example.com/rack=r7", "example.com/rack!=r7"),
            ("name=web-*", "name!=web-*"),
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().unmet(), unmet);
        }
        for wrong in ["state", "=x", "power in (off)", "a=b,c=d", "a=b=c", "a>1"] {
            assert!(wrong.parse::<Condition>().is_err_and(|said| said.contains(wrong)), "{wrong}");
        }
    }
}
