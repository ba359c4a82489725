//! `fauxmetal fault test`.

use std::io::{self, Write};

use clap::Parser;

use super::read::Source;
use crate::admin::api::{Fault, TestFault, TestedFault};
use crate::cli::client::{Client, ClientError, Connection, run};
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::out;
use crate::cli::view::{Cell, Column, Format, Table, nodes};
use crate::fault::Rule;

/// Tell which nodes and which occasions a rule would hit, and change nothing
///
/// The same rule in the same fleet hits the same nodes and the same occasions. JSON: the object of POST
/// /fauxmetal/v1/faults/test, and with several rules an array of them.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal fault test faults.yaml
  fauxmetal fault test --rule flaky-bmc
  fauxmetal fault test --preset forgetful-bmc --all --count 5%")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// A rule of the running fleet, by its name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "preset"], add = clap_complete::engine::ArgValueCompleter::new(super::show::names))]
    rule: Option<String>,
    /// The occasions that are looked at, from the first one
    #[arg(long, value_name = "N", default_value = "20")]
    occasions: u32,
    /// Nodes that are listed
    #[arg(long, value_name = "N", default_value = "1000")]
    limit: u32,
    /// Format of the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.connection)?;
    let (occasions, limit) = (args.occasions, args.limit);
    let given = match args.rule {
        Some(_) => Vec::new(),
        None => args.source.rules()?,
    };
    let tested: Vec<(Rule, TestedFault)> = run(async {
        let rules = match &args.rule {
            Some(name) => vec![client.get::<Fault>(&["faults", name], &[]).await?.rule],
            None => given,
        };
        let mut tested = Vec::with_capacity(rules.len());
        for rule in rules {
            let body = TestFault { rule: rule.clone(), occasions, limit };
            let result: Result<TestedFault, ClientError> = client.post("faults/test", &body).await;
            tested.push((rule, result?));
        }
        Ok(tested)
    })?;
    if tested.is_empty() {
        return Err(UsageError("the file has no rules".to_owned()).into());
    }
    let mut out = out::stdout();
    let results: Vec<_> = tested.iter().map(|(_, result)| result).collect();
    match (args.output, &*results) {
        (Format::Text, _) => {
            for (rule, result) in &tested {
                text(&mut out, rule, result)?;
            }
            out.flush()?;
        }
        (format, [one]) => format.print(&mut out, one, |_, _| Ok(()))?,
        (format, many) => format.print(&mut out, &many, |_, _| Ok(()))?,
    }
    Ok(ExitCode::Ok)
}

fn text(out: &mut impl Write, rule: &Rule, result: &TestedFault) -> io::Result<()> {
    let TestedFault { name, selected, nodes: count, occasion, per, items } = result;
    writeln!(
        out,
        "{name}: {} at {occasion} of {}, of {selected} selected; counted for each {per}",
        rule.what.name(),
        nodes(*count)
    )?;
    let mut table = Table::new(vec![Column { title: "NODE" }, Column { title: "OCCASIONS" }]);
    for node in items {
        let occasions = ranges(&node.occasions);
        let occasions = if occasions.is_empty() { "none of these" } else { &occasions };
        table.push(out, vec![Cell::plain(&node.node), Cell::plain(occasions)])?;
    }
    table.end(out)?;
    match count - items.len() as u64 {
        0 => Ok(()),
        more => writeln!(out, "{} more; --limit lists more", nodes(more)),
    }
}

/// Numbers in order, as `1-3, 7`.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
