//! A change of nodes: the question before it, the requests in pieces, and the result.

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write};

use serde::Serialize;

use crate::admin::api::{Done, Fleet, Nodes, Refused};
use crate::cli::client::{Client, ClientError, Connection, run};
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::cli::view::{self, Cell, Column, Format, Progress, Table, nodes};

/// A change of more nodes asks on a terminal.
const ASKS_ABOVE: u64 = 100;
/// Bytes of the answer that are read.
const MAX_ANSWER: u64 = 100;
/// Nodes of one request. A change of more nodes is sent in ranges of the index, so that its progress is known.
const PIECE: u64 = 10_000;
/// Refusals that the text shows.
const SHOWN: usize = 20;

/// The flags of every change.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct ChangeFlags {
    /// Change nothing, and say what the change would do
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Do not ask before a change of more than 100 nodes; without a terminal, there is no question
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Format of the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) output: Format,
    #[command(flatten)]
    pub(in crate::cli) connection: Connection,
}

impl ChangeFlags {
    /// Whether a change of so many nodes may begin. It asks the user if standard input and standard error are a terminal.
    pub(in crate::cli) fn may(&self, what: &str, count: u64) -> io::Result<bool> {
        if !self.asks() || count <= ASKS_ABOVE {
            return Ok(true);
        }
        let yes = ask(&mut io::stdin().lock(), &mut io::stderr().lock(), what, count)?;
        if !yes {
            out::message("nothing was changed");
        }
        Ok(yes)
    }

    fn asks(&self) -> bool {
        !self.yes && !self.dry_run && io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

/// Whether the user agrees to a change. Every answer but yes, also the end of the input, means no.
fn ask(input: &mut impl BufRead, output: &mut impl Write, what: &str, count: u64) -> io::Result<bool> {
    write!(output, "fauxmetal: {what}: {}. Go on? [y/N] ", nodes(count))?;
    output.flush()?;
    let mut answer = String::new();
    input.take(MAX_ANSWER).read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// A verb with its nodes.
pub(in crate::cli) struct Change<F> {
    /// The last segment of the path.
    pub(in crate::cli) path: &'static str,
    /// The verb in the words of the user, such as `power on`.
    pub(in crate::cli) what: String,
    pub(in crate::cli) nodes: Nodes,
    /// The body of a request for these nodes; the flag is `dryRun`.
    pub(in crate::cli) body: F,
}

impl<B: Serialize, F: Fn(Nodes, bool) -> B> Change<F> {
    /// Makes the change and prints its result.
    ///
    /// # Errors
    /// If the daemon cannot be reached, or refuses the request as a whole.
    pub(in crate::cli) fn run(self, flags: &ChangeFlags) -> anyhow::Result<ExitCode> {
        let client = Client::new(&flags.connection)?;
        run(async move {
            let count = match &self.nodes {
                Nodes::Names(names) => Some(names.len() as u64),
                Nodes::All(_) | Nodes::Selector(_) if flags.asks() => Some(self.count(&client).await?),
                Nodes::All(_) | Nodes::Selector(_) => None,
            };
            if !flags.may(&self.what, count.unwrap_or_default())? {
                return Ok(ExitCode::Failure);
            }
            let done = match flags.dry_run {
                true => self.send(&client, self.nodes.clone(), true).await?,
                false => self.make(&client, count).await?,
            };
            flags.output.print(&mut out::stdout(), &done, |out, done| text(out, &self.what, done))?;
            Ok(if done.refused > 0 { ExitCode::Failure } else { ExitCode::Ok })
        })
    }

    /// The number of nodes, which a dry run counts.
    async fn count(&self, client: &Client) -> Result<u64, ClientError> {
        Ok(self.send(client, self.nodes.clone(), true).await?.selected)
    }

    /// Makes the change. If it is large, it is made in pieces, with a progress bar.
    async fn make(&self, client: &Client, count: Option<u64>) -> anyhow::Result<Done> {
        let selector = match &self.nodes {
            Nodes::Names(_) => return Ok(self.send(client, self.nodes.clone(), false).await?),
            Nodes::Selector(selector) => Some(selector),
            Nodes::All(_) => None,
        };
        let fleet: Fleet = client.get(&["fleet"], &[]).await?;
        // A selection of few nodes in a large fleet is one request.
        let count = match (fleet.nodes > PIECE, count) {
            (false, _) => fleet.nodes,
            (true, Some(count)) => count,
            (true, None) => self.count(client).await?,
        };
        if count <= PIECE {
            return Ok(self.send(client, self.nodes.clone(), false).await?);
        }
        let progress = Progress::new(&self.what, Some(count));
        let mut sum = Done::default();
        for range in ranges(fleet.nodes) {
            let nodes = match selector {
                Some(selector) => format!("{selector},{range}"),
                None => range,
            };
            match self.send(client, Nodes::Selector(nodes), false).await {
                Ok(done) => add(&mut sum, done),
                Err(error) if sum.accepted == 0 => return Err(error.into()),
                Err(error) => {
                    let before = format!("{} accepted before this error", view::nodes(sum.accepted));
                    return Err(anyhow::Error::from(error).context(before));
                }
            }
            progress.set(sum.selected);
        }
        Ok(sum)
    }

    /// One request. A change that every node refuses has a result, too.
    async fn send(&self, client: &Client, nodes: Nodes, dry_run: bool) -> Result<Done, ClientError> {
        client.post(self.path, &(self.body)(nodes, dry_run)).await.or_else(ClientError::into_result)
    }
}

/// Selections that cover every index once. The last one has no end, because the indexes of removed nodes are not used
/// again.
fn ranges(nodes: u64) -> impl Iterator<Item = String> {
    let last = nodes.div_ceil(PIECE).max(2) - 1;
    (0..=last).map(move |n| {
        let first = n * PIECE;
        if n == last {
            format!("index>{}", first - 1)
        } else {
            format!("index in ({first}..{})", first + PIECE - 1)
        }
    })
}

fn add(sum: &mut Done, done: Done) {
    /// Refusals that the API lists.
    const LISTED: usize = 1000;
    sum.selected += done.selected;
    sum.accepted += done.accepted;
    sum.refused += done.refused;
    let room = LISTED.saturating_sub(sum.refusals.len());
    sum.refusals.extend(done.refusals.into_iter().take(room));
}

/// The result for people.
fn text(out: &mut dyn Write, what: &str, done: &Done) -> io::Result<()> {
    let (accepted, refused) = match done.dry_run {
        true => (" would accept", " would refuse"),
        false => (" accepted", " refused"),
    };
    let dry = if done.dry_run { " (dry run)" } else { "" };
    if let ([Refused { node, reason }], 0) = (&*done.refusals, done.accepted) {
        return writeln!(out, "{what}{dry}: {node}{refused}: {reason}");
    }
    match (done.accepted, done.refused) {
        (0, 0) => return writeln!(out, "{what}{dry}: the selection has no nodes"),
        (count, 0) => return writeln!(out, "{what}{dry}: {}{accepted}", nodes(count)),
        (0, count) => writeln!(out, "{what}{dry}: {}{refused}", nodes(count))?,
        (some, others) => {
            writeln!(out, "{what}{dry}: {}{accepted}, {}{refused}", nodes(some), nodes(others))?;
        }
    }
    let mut table = Table::new(vec![Column { title: "NODE" }, Column { title: "REASON" }]);
    let mut rows = Vec::new();
    for Refused { node, reason } in done.refusals.iter().take(SHOWN) {
        table.push(&mut rows, vec![Cell::plain(node), Cell::plain(reason)])?;
    }
    table.end(&mut rows)?;
    out.write_all(&rows)?;
    match done.refused - done.refusals.len().min(SHOWN) as u64 {
        0 => Ok(()),
        more => writeln!(out, "{} more refused; -o json lists the first 1000", nodes(more)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_a_yes() {
        for (answer, yes) in [("y\n", true), (" YES \n", true), ("\n", false), ("", false), ("n\n", false)] {
            let mut question = Vec::new();
            assert_eq!(
                ask(&mut answer.as_bytes(), &mut question, "power off", 1_200).unwrap(),
                yes,
                "{answer:?}"
            );
            assert_eq!(question, b"fauxmetal: power off: 1,200 nodes. Go on? [y/N] ");
        }
    }

    #[test]
    fn ranges_cover_every_index_once() {
        assert_eq!(
            ranges(25_000).collect::<Vec<_>>(),
            ["index in (0..9999)", "index in (10000..19999)", "index>19999"]
        );
        for count in [10_001, 20_000, 20_001] {
            assert!(ranges(count).all(|range| range.parse::<crate::selection::Selection>().is_ok()));
        }
    }

    #[test]
    fn the_text_counts_both_and_shows_the_first_refusals() {
        let refusals: Vec<_> = (0..30)
            .map(|n| Refused { node: format!("generic-{n}"), reason: "it is on".to_owned() })
            .collect();
        let done = Done { selected: 1_230, accepted: 1_200, refused: 30, refusals, dry_run: false };
        let mut out = Vec::new();
        text(&mut out, "power on", &done).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "power on: 1,200 nodes accepted, 30 nodes refused");
        assert_eq!(lines[2], "generic-0   it is on");
        assert_eq!((lines.len(), lines[22]), (23, "10 nodes more refused; -o json lists the first 1000"));
    }

    #[test]
    fn the_sum_lists_the_first_thousand_refusals() {
        let some = Done {
            selected: 700,
            refused: 700,
            refusals: vec![Refused { node: "x".into(), reason: "y".into() }; 700],
            ..Done::default()
        };
        let mut sum = Done::default();
        add(&mut sum, some.clone());
        add(&mut sum, some);
        assert_eq!((sum.selected, sum.refused, sum.refusals.len()), (1_400, 1_400, 1_000));
    }
}
