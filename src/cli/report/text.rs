//! The figures of a run for a terminal.

use std::io::{self, Write};

use super::super::view::{Cell, Column, Hue, Paper, Table};
use crate::report::text::{bytes, count, duration, or_dash, short};
use crate::report::{Outcome, Summary, Tally};

/// Prints the figures of a run.
pub(super) fn summary(out: &mut impl Write, paper: Paper, summary: &Summary) -> io::Result<()> {
    head(out, paper, summary)?;
    judged(out, paper, summary)?;
    writeln!(out)?;
    operations(out, summary)?;
    failures(out, paper, summary)?;
    writeln!(out)?;
    costs(out, paper, summary)?;
    for warning in &summary.warnings {
        lines(out, paper, "warning: ", &[(warning, Hue::Bad)])?;
    }
    Ok(())
}

/// Prints a text that fits the terminal.
pub(super) fn lines(out: &mut impl Write, paper: Paper, head: &str, parts: &[(&str, Hue)]) -> io::Result<()> {
    paper.entry(head, parts).into_iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn head(out: &mut impl Write, paper: Paper, summary: &Summary) -> io::Result<()> {
    let (facts, items) = (&summary.facts, summary.items());
    let hue = match summary.outcome {
        Outcome::Held => Hue::Good,
        Outcome::NotHeld | Outcome::CouldNotRun => Hue::Bad,
        Outcome::Aborted | Outcome::Running => Hue::Busy,
    };
    let named: Vec<_> = items.named().map(|(number, name)| format!("{} {name}", count(number))).collect();
    let all =
        format!(": {} items in {}: {}", count(items.total()), duration(summary.seconds), named.join(", "));
    let run = format!("Run {} ", facts.id);
    lines(out, paper, "", &[(&run, Hue::Strong), (summary.outcome.text(), hue), (&all, Hue::Plain)])?;
    let about = format!("{} on {}, started {}", facts.plan, facts.target, facts.start);
    lines(out, paper, "", &[(&about, Hue::Dim)])
}

/// Assertions with their values, and rules of faults.
fn judged(out: &mut impl Write, paper: Paper, summary: &Summary) -> io::Result<()> {
    let mark = |good: bool| if good { ("✓ ", Hue::Good) } else { ("✗ ", Hue::Bad) };
    let width = summary.assertions.iter().map(|judged| judged.assertion.chars().count()).max().unwrap_or(0);
    if !summary.assertions.is_empty() || !summary.rules.is_empty() {
        writeln!(out)?;
    }
    for judged in &summary.assertions {
        let value = judged.value.as_deref().unwrap_or("no item to compute it from");
        let assertion = format!("{:<width$}  ", judged.assertion);
        lines(out, paper, "", &[mark(judged.holds), (&assertion, Hue::Plain), (value, Hue::Strong)])?;
    }
    for rule in &summary.rules {
        let says = match (rule.reached, rule.fired) {
            (false, _) => "was never reached".to_owned(),
            (true, fired) => format!("was reached, firings: {}", count(fired)),
        };
        lines(
            out,
            paper,
            "",
            &[mark(rule.reached), (&format!("fault rule {} {says}", rule.name), Hue::Plain)],
        )?;
    }
    Ok(())
}

fn operations(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let titles = ["OPERATION", "SUCCEEDED", "FAILED", "P50", "P95", "P99", "LONGEST", "RATE"];
    let mut table = Table::new(titles.map(|title| Column { title }).into());
    for (operation, figures) in summary.rows() {
        let Tally { succeeded, failed, .. } = figures.ends;
        let quantile = |share| Cell::plain(or_dash(figures.durations.quantile(share), duration));
        let rate = figures.rate().filter(|_| !operation.is_of_machine());
        let hue = if failed > 0 { Hue::Bad } else { Hue::Plain };
        table.push(
            out,
            vec![
                Cell::plain(operation.name()),
                Cell::plain(count(succeeded)),
                Cell { text: count(failed), hue },
                quantile(0.5),
                quantile(0.95),
                quantile(0.99),
                Cell::plain(or_dash(figures.durations.max(), duration)),
                Cell::plain(or_dash(rate, |rate| format!("{}/min", short(rate)))),
            ],
        )?;
    }
    table.end(out)
}

fn failures(out: &mut impl Write, paper: Paper, summary: &Summary) -> io::Result<()> {
    if !summary.failures.is_empty() {
        writeln!(out)?;
    }
    for failure in &summary.failures {
        let names: Vec<_> = failure.names.iter().map(String::as_str).collect();
        let more = failure.count.saturating_sub(names.len() as u64);
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        let head = format!("{} × {} failed: ", count(failure.count), failure.operation.name());
        let names = format!(" ({}{more})", names.join(", "));
        lines(out, paper, "", &[(&head, Hue::Plain), (&failure.cause, Hue::Bad), (&names, Hue::Dim)])?;
    }
    Ok(())
}

/// Waits, lateness, requests and processes.
fn costs(out: &mut impl Write, paper: Paper, summary: &Summary) -> io::Result<()> {
    let mut say = |head: &str, text: String| lines(out, paper, head, &[(&text, Hue::Plain)]);
    for (gap, idle) in &summary.idle {
        let waits = &idle.waits;
        let longest = idle.longest.first().map(|(name, _)| format!(" ({name})")).unwrap_or_default();
        let quantile = |share| or_dash(waits.quantile(share), duration);
        say(
            "idle      ",
            format!(
                "{}: p50 {}, p99 {}, longest {}{longest}",
                gap.text(),
                quantile(0.5),
                quantile(0.99),
                or_dash(waits.max(), duration)
            ),
        )?;
    }
    if !summary.lateness.is_empty() {
        let late = |share| or_dash(summary.lateness.quantile(share), duration);
        say(
            "lateness  ",
            format!(
                "of starts: p50 {}, p99 {}, largest {}",
                late(0.5),
                late(0.99),
                or_dash(summary.lateness.max(), duration)
            ),
        )?;
    }
    let requests = summary.requests();
    let agents: u64 = requests.agents.values().sum();
    say(
        "requests  ",
        format!(
            "{} of the run ({} repeated), {} of polls ({}), {} of the machines themselves",
            count(requests.changes),
            count(summary.item_retries),
            count(requests.poll_requests),
            duration(requests.poll_seconds),
            count(agents)
        ),
    )?;
    if summary.conductors.len() > 1 {
        for (name, tally) in &summary.conductors {
            let ended =
                format!("{name}: {} succeeded, {} failed", count(tally.succeeded), count(tally.failed));
            say("conductor ", ended)?;
        }
    }
    for name in summary.process_names() {
        let used = summary.process(name).unwrap_or_default();
        say("process   ", format!("{name}: CPU {}, at most {}", duration(used.cpu), bytes(used.rss)))?;
    }
    Ok(())
}
