//! The figures of a run as Markdown, for the comment of a pull request.

use std::fmt::Write as _;

use super::summary::{Failure, Outcome, Summary};
use super::text::{count, duration, or_dash, short};

/// Causes of failures that are listed.
const MAX_FAILURES: usize = 10;
/// Warnings that are listed.
const MAX_WARNINGS: usize = 5;

/// The figures of a run in tables that fit a comment.
pub fn markdown(summary: &Summary) -> String {
    let (facts, items) = (&summary.facts, summary.items());
    let mark = if summary.outcome == Outcome::Held { "✅" } else { "❌" };
    let mut text = format!("### {mark} Run `{}` {}\n\n", code(&facts.id), summary.outcome.text());
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{} on {}: {} items in {}, {} succeeded, {} failed.",
        plain(&facts.plan),
        plain(&facts.target),
        count(items.total()),
        duration(summary.seconds),
        count(items.succeeded),
        count(items.failed)
    );
    assertions(&mut text, summary);
    text.push_str("\n| Operation | Succeeded | Failed | p50 | p95 | p99 | Longest | Rate |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (operation, figures) in summary.rows() {
        let quantile = |share| or_dash(figures.durations.quantile(share), duration);
        let rate = figures.rate().filter(|_| !operation.is_of_machine());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            operation.name(),
            count(figures.ends.succeeded),
            count(figures.ends.failed),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
            or_dash(figures.durations.max(), duration),
            or_dash(rate, |rate| format!("{}/min", short(rate)))
        );
    }
    failures(&mut text, summary);
    for warning in summary.warnings.iter().take(MAX_WARNINGS) {
        let _ = writeln!(text, "\n⚠️ {}", plain(warning));
    }
    text
}

fn assertions(text: &mut String, summary: &Summary) {
    if !summary.assertions.is_empty() {
        text.push_str("\n| | Assertion | Value |\n| --- | --- | --- |\n");
    }
    for judged in &summary.assertions {
        let mark = if judged.holds { "✅" } else { "❌" };
        let value = judged.value.as_deref().unwrap_or("no item");
        let _ = writeln!(text, "| {mark} | `{}` | {} |", code(&judged.assertion), plain(value));
    }
    for rule in summary.rules.iter().filter(|rule| !rule.reached) {
        let _ = writeln!(text, "\n❌ The fault rule `{}` was never reached.", code(&rule.name));
    }
}

fn failures(text: &mut String, summary: &Summary) {
    if summary.failures.is_empty() {
        return;
    }
    text.push_str("\n| Failures | Operation | Cause | Items |\n| ---: | --- | --- | --- |\n");
    for Failure { operation, cause, count: number, names } in summary.failures.iter().take(MAX_FAILURES) {
        let names: Vec<_> = names.iter().map(|name| plain(name)).collect();
        let more = number.saturating_sub(names.len() as u64);
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {}{more} |",
            count(*number),
            operation.name(),
            plain(cause),
            names.join(", ")
        );
    }
    if let Some(more) = summary.failures.len().checked_sub(MAX_FAILURES).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n{more} more causes.");
    }
}

/// A text in which no character has a meaning in Markdown or in a table, on one line.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => plain.push(' '),
            // GitHub notifies the users and teams that a comment mentions.
            '|' | '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '@' | '#' | '~' | '_' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}

/// A text between backticks.
fn code(text: &str) -> String {
    text.replace(['`', '\n', '\r'], "'").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{items, samples, summary};

    #[test]
    fn a_comment_fits_and_nothing_in_it_is_interpreted() {
        let items = items("r1", 0..40);
        let mut summary = summary("r1", &items, &samples("r1", &items, 5.0));
        summary.failures[0].cause = "| <img> @team `x` [a](b)\nc".to_owned();
        summary.warn("a *warning*");
        insta::assert_snapshot!(markdown(&summary));
    }
}
