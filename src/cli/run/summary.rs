//! What a run prints at its end.

use std::io::Write as _;

use crate::cli::out;
use crate::plan::{Figures as _, Function};
use crate::report::{Folder, Summary};

/// Prints the figures of a run that has ended.
pub(super) fn print(summary: &Summary, folder: &Folder) -> anyhow::Result<()> {
    let mut out = out::stdout();
    let mut rows = vec![["operation", "ok", "failed", "p50", "p99", "max", "rate"].map(str::to_owned)];
    for (operation, figures) in &summary.operations {
        let shown = |function: Function| {
            summary.value(&function).map_or_else(|| "-".to_owned(), |value| function.shown(value))
        };
        rows.push([
            operation.name().to_owned(),
            figures.ends.succeeded.to_string(),
            figures.ends.failed.to_string(),
            shown(Function::Percentile(500, *operation)),
            shown(Function::Percentile(990, *operation)),
            shown(Function::Max(*operation)),
            shown(Function::Rate(*operation)),
        ]);
    }
    out::table(&mut out, "", &rows)?;
    for failure in &summary.failures {
        let names: Vec<_> = failure.names.iter().map(String::as_str).collect();
        writeln!(
            out,
            "{} failed in {}: {} ({})",
            failure.count,
            failure.operation.name(),
            failure.cause,
            names.join(", ")
        )?;
    }
    for warning in &summary.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for rule in summary.rules.iter().filter(|rule| !rule.reached) {
        writeln!(out, "the rule of faults '{}' was never reached", rule.name)?;
    }
    for judged in &summary.assertions {
        let value = judged.value.as_deref().unwrap_or("no value");
        writeln!(
            out,
            "{}  {} ({value})",
            if judged.holds { "holds" } else { "DOES NOT HOLD" },
            judged.assertion
        )?;
    }
    writeln!(out, "{}: {}", summary.outcome.text(), folder.path().display())?;
    out.flush()?;
    Ok(())
}
