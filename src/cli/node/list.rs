//! `fauxmetal node list`: nodes in a table or as documents, in constant memory.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};

use clap::Parser;

use crate::admin::api::{Listed, Node, NodeField};
use crate::cli::client::{Client, Connection, Lines, run};
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::out;
use crate::cli::view::{
    Cell, Column, Documents, Hue, ListFormat, Progress, Screen, Table, Watch, hue, watch,
};

/// The columns of a table.
const COLUMNS: [NodeField; 6] = [
    NodeField::Name,
    NodeField::Power,
    NodeField::State,
    NodeField::Agent,
    NodeField::Profile,
    NodeField::Labels,
];
/// The columns of a wide table.
const WIDE: [NodeField; 10] = [
    NodeField::Name,
    NodeField::Power,
    NodeField::State,
    NodeField::Agent,
    NodeField::Profile,
    NodeField::Index,
    NodeField::Uuid,
    NodeField::Macs,
    NodeField::Generation,
    NodeField::Labels,
];
/// Lines between two reports of progress.
const REPORTS: u64 = 1000;

/// List nodes, in the order of their indexes
///
/// JSON: an array of {name, uuid, index, profile, power, state, agent, macs, labels, generation}.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal node list -l 'state=agent-running,rack in (r7,r8)'
  fauxmetal node list -o json --fields name,power
  fauxmetal node list --watch")]
pub(super) struct Args {
    /// The nodes of a selection, such as 'rack=r7,power!=off'; by default all nodes
    #[arg(short = 'l', long, value_name = "SELECTION")]
    selector: Option<String>,
    /// The fields to print, with commas between them; by default those of the format
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = field)]
    fields: Vec<NodeField>,
    /// Format of the list
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
    #[command(flatten)]
    watch: Watch,
    #[command(flatten)]
    connection: Connection,
}

fn field(text: &str) -> Result<NodeField, String> {
    NodeField::ALL.into_iter().find(|field| field.as_str() == text).ok_or_else(|| {
        let all = NodeField::ALL.map(NodeField::as_str).join(", ");
        format!("'{text}' is no field; allowed are {all}")
    })
}

impl Args {
    /// The columns of a table; `None` for documents.
    fn columns(&self) -> Option<&[NodeField]> {
        let or = |columns: &'static [NodeField]| match self.fields.is_empty() {
            true => columns,
            false => &self.fields,
        };
        match self.output {
            ListFormat::Table => Some(or(&COLUMNS)),
            ListFormat::Wide => Some(or(&WIDE)),
            ListFormat::Name => Some(&[NodeField::Name]),
            ListFormat::Json | ListFormat::Yaml => None,
        }
    }

    /// The members that the daemon sends; empty for all.
    fn wanted(&self) -> String {
        let fields = self.columns().unwrap_or(&self.fields);
        fields.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(",")
    }

    fn query<'a>(&'a self, fields: &'a str) -> Vec<(&'static str, &'a str)> {
        let fields = Some(fields).filter(|fields| !fields.is_empty()).map(|fields| ("fields", fields));
        self.selector.as_deref().map(|selector| ("selector", selector)).into_iter().chain(fields).collect()
    }
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    if args.output == ListFormat::Name && !args.fields.is_empty() {
        let why = "--fields: not used by -o name, which prints names; leave it out";
        return Err(UsageError(why.to_owned()).into());
    }
    if args.watch.interval().is_some() && args.columns().is_none() {
        let why = "--watch: prints tables and names; leave out -o json or -o yaml";
        return Err(UsageError(why.to_owned()).into());
    }
    let client = Client::new(&args.connection)?;
    run(async move {
        match args.watch.interval() {
            // A terminal shows one screen of the list.
            Some(interval) => {
                watch(interval, async |screen, out| match screen.rows() {
                    Some(rows) => Ok(screen.draw(out, &page(&client, &args, rows).await?)?),
                    None => once(&client, &args, out, Some(screen)).await,
                })
                .await
            }
            None => once(&client, &args, &mut out::stdout(), None).await.map(|()| ExitCode::Ok),
        }
    })
}

/// Prints the whole list as it arrives, as a further view of a screen.
async fn once(
    client: &Client,
    args: &Args,
    out: &mut impl Write,
    screen: Option<&mut Screen>,
) -> anyhow::Result<()> {
    let fields = args.wanted();
    let lines = client.lines(&["nodes"], &args.query(&fields)).await?;
    if let Some(screen) = screen {
        screen.draw(out, &[])?;
    }
    // On a terminal, the list itself shows the progress.
    let progress = (!io::stdout().is_terminal()).then(|| Progress::new("list", None));
    let mut lines = Counted { lines, progress, read: 0 };
    match (args.output, args.columns()) {
        (ListFormat::Name, _) => {
            while let Some(node) = lines.node().await? {
                writeln!(out, "{}", node.name.unwrap_or_default())?;
            }
            out.flush()?;
        }
        (_, Some(columns)) => {
            let mut table =
                if args.output == ListFormat::Wide { table(columns).uncut() } else { table(columns) };
            while let Some(node) = lines.node().await? {
                table.push(out, row(columns, &node))?;
            }
            table.end(out)?;
        }
        (format, None) => {
            let mut documents =
                if format == ListFormat::Json { Documents::json() } else { Documents::yaml() };
            while let Some(line) = lines.line().await? {
                documents.write(out, &line)?;
            }
            documents.end(out)?;
        }
    }
    Ok(())
}

/// The lines of a list, and how many were read.
struct Counted {
    lines: Lines,
    progress: Option<Progress>,
    read: u64,
}

impl Counted {
    async fn line(&mut self) -> anyhow::Result<Option<bytes::Bytes>> {
        self.count();
        Ok(self.lines.next().await?)
    }

    async fn node(&mut self) -> anyhow::Result<Option<Node>> {
        self.count();
        Ok(self.lines.document().await?)
    }

    fn count(&mut self) {
        if self.read.is_multiple_of(REPORTS)
            && let Some(progress) = &self.progress
        {
            progress.set(self.read);
        }
        self.read += 1;
    }
}

/// The first nodes, as many as a screen has rows.
async fn page(client: &Client, args: &Args, rows: u16) -> anyhow::Result<Vec<u8>> {
    let fields = args.wanted();
    // One row has the titles, one says whether more nodes follow, and the last one stays empty.
    let limit = rows.saturating_sub(3).max(1).to_string();
    let mut query = args.query(&fields);
    query.push(("limit", &limit));
    let listed: Listed = client.get(&["nodes"], &query).await?;
    let columns = args.columns().unwrap_or(&COLUMNS);
    let (mut table, mut view) = (table(columns), Vec::new());
    for node in &listed.items {
        table.push(&mut view, row(columns, node))?;
    }
    table.end(&mut view)?;
    if listed.next.is_some() {
        writeln!(view, "More nodes follow; -l chooses some.")?;
    }
    Ok(view)
}

fn table(columns: &[NodeField]) -> Table {
    let title = |field: &NodeField| match field {
        NodeField::Name => "NAME",
        NodeField::Uuid => "UUID",
        NodeField::Index => "INDEX",
        NodeField::Profile => "PROFILE",
        NodeField::Power => "POWER",
        NodeField::State => "STATE",
        NodeField::Agent => "AGENT",
        NodeField::Macs => "MACS",
        NodeField::Labels => "LABELS",
        NodeField::Generation => "GENERATION",
    };
    Table::new(columns.iter().map(|field| Column { title: title(field) }).collect())
}

fn row(columns: &[NodeField], node: &Node) -> Vec<Cell> {
    columns.iter().map(|field| cell(*field, node)).collect()
}

fn cell(field: NodeField, node: &Node) -> Cell {
    let number =
        |number: Option<u32>| Cell::plain(number.map(|number| number.to_string()).unwrap_or_default());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let hued = |value: &Option<String>| {
        let text = text(value);
        Cell { hue: hue::of_word(&text), text }
    };
    match field {
        NodeField::Name => Cell::plain(text(&node.name)),
        NodeField::Uuid => Cell::plain(text(&node.uuid)),
        NodeField::Index => number(node.index),
        NodeField::Profile => Cell::plain(text(&node.profile)),
        NodeField::Power => hued(&node.power),
        NodeField::State => hued(&node.state),
        NodeField::Agent => match node.agent.as_deref() {
            Some("none") => Cell { text: "-".to_owned(), hue: Hue::Dim },
            _ => hued(&node.agent),
        },
        NodeField::Macs => Cell::plain(node.macs.as_deref().unwrap_or_default().join(",")),
        NodeField::Labels => Cell::plain(labels(node.labels.as_ref())),
        NodeField::Generation => number(node.generation),
    }
}

/// Labels in one line, as a selection has them.
pub(super) fn labels(labels: Option<&BTreeMap<String, String>>) -> String {
    let pairs = labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}
