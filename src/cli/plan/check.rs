//! `fauxmetal plan check`.

use std::io::Write as _;
use std::time::Duration;

use clap::Parser;

use super::Source;
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::plan::{Items, Pacing, Plan, Schedule};

/// Starts at different moments that are printed for a phase; then the rest is counted.
const MOMENTS: usize = 12;

/// Check a plan, and print the items that would start, and when
///
/// No server is asked. The exit code is 2 if the plan is wrong.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal plan check plan.yaml --set groups.small.count=100")]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let plan = args.source.read(&[])?;
    let mut out = out::stdout();
    out.write_all(text(&plan).as_bytes())?;
    out.flush()?;
    Ok(ExitCode::Ok)
}

/// What a plan does.
fn text(plan: &Plan) -> String {
    let items = Items::new(&plan.groups);
    let mut lines = vec![format!("plan {}: {} items on {}", plan.name, items.all.len(), plan.target)];
    for group in &plan.groups {
        let count = group.items();
        let sets = match group.roles.is_empty() {
            true => String::new(),
            false => format!(" in {} {}", group.count, if group.gang { "gangs" } else { "sets" }),
        };
        let park = if group.park { ", parked there" } else { "" };
        lines.push(format!("  group {}: {count} items{sets}, until {}{park}", group.name, group.until));
    }
    let expected = plan.expected();
    if !expected.is_empty() {
        let each = expected.iter().map(|(operation, count)| format!("{} {count}", operation.name()));
        lines.push(format!("operations: {}", each.collect::<Vec<_>>().join(", ")));
    }
    if plan.phases.is_empty() {
        let all: Vec<_> = (0..items.all.len() as u32).collect();
        lines.extend(starts(plan, &plan.pacing, &items, &all, "  "));
    }
    for (phase, cycle) in plan.in_order().into_iter().take(MOMENTS) {
        let repetition =
            if phase.repeat > 1 { format!(" ({} of {})", cycle + 1, phase.repeat) } else { String::new() };
        lines.push(format!("phase {}{repetition}", phase.name));
        if let Some(quiet) = phase.quiet {
            lines.push(format!("  nothing starts for {quiet}, then all items must be well"));
            continue;
        }
        let takes_part = |item: &u32| {
            let group = &plan.groups[items.all[*item as usize].group as usize];
            phase.has(&group.name)
        };
        let all: Vec<_> = (0..items.all.len() as u32).filter(takes_part).collect();
        if let Some(churn) = &phase.churn {
            lines.push(format!(
                "  for {}: {} % of {} items are replaced, with a pause of {}",
                churn.duration,
                churn.percent,
                all.len(),
                churn.pause
            ));
            continue;
        }
        lines.extend(starts(plan, phase.pacing.as_ref().unwrap_or(&plan.pacing), &items, &all, "  "));
    }
    let when = serde_json::to_value(plan.cleanup.when).unwrap_or_default();
    lines.push(format!("cleanup: {}", when.as_str().unwrap_or_default()));
    lines.extend(plan.assert.iter().map(|assertion| format!("assert: {assertion}")));
    let runs: usize = plan.sweep.values().map(Vec::len).product();
    if !plan.sweep.is_empty() {
        lines.push(format!(
            "sweep: {runs} runs, over {}",
            plan.sweep.keys().cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The starts of a phase, grouped by moment.
fn starts(plan: &Plan, pacing: &Pacing, items: &Items, all: &[u32], indent: &str) -> Vec<String> {
    let name = |item| items.name(&plan.groups, item);
    let mut lines = Vec::new();
    if let Some(cap) = pacing.cap() {
        lines.push(format!("{indent}at most {cap} in flight"));
    }
    let mut moments: Vec<(Option<Duration>, u64, u32, u32)> = Vec::new();
    let mut later = (0_u64, None);
    for start in Schedule::new(pacing, items.units(&plan.groups, all), plan.seed(), 0) {
        let (first, size) =
            (start.unit.items.start, u64::from(start.unit.items.end - start.unit.items.start));
        let last = start.unit.items.end - 1;
        let room = moments.len() < MOMENTS;
        match moments.last_mut() {
            Some((at, count, _, to)) if *at == start.at && later.0 == 0 => {
                *count += size;
                *to = last;
            }
            _ if room => moments.push((start.at, size, first, last)),
            _ => later = (later.0 + size, start.at),
        }
    }
    for (at, count, first, last) in moments {
        let is_listed = pacing.order == crate::plan::Order::Listed;
        let range = if count == 1 {
            name(first)
        } else if !is_listed {
            "in an order by chance".to_owned()
        } else {
            format!("{} to {}", name(first), name(last))
        };
        let when = at.map_or_else(
            || "as soon as there is room".to_owned(),
            |at| format!("after {:.1} s", at.as_secs_f64()),
        );
        lines
            .push(format!("{indent}{when}: {count} {} ({range})", if count == 1 { "item" } else { "items" }));
    }
    if let (count @ 1.., at) = later {
        let until = at.map(|at| format!(", the last after {:.1} s", at.as_secs_f64())).unwrap_or_default();
        lines.push(format!("{indent}then {count} more{until}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn a_plan_says_what_starts_and_when() {
        let all: Vec<_> = super::super::example::EXAMPLES
            .iter()
            .map(|(name, example)| text(&plan::read(example, name, &[]).unwrap()))
            .collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
