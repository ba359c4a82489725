//! A plan on the command line: a file, and values that replace its own.

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::cli::exit_code::UsageError;
use crate::file;
use crate::plan::{self, Plan};

/// The longest file, bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The plan that a command line names.
#[derive(clap::Args, Clone, Debug)]
pub(in crate::cli) struct Source {
    /// YAML file with the plan; - for standard input
    #[arg(value_name = "PLAN", value_hint = clap::builder::ValueHint::FilePath)]
    plan: String,
    /// Replace a value of the plan, such as pacing.maxInFlight=40 or groups.small.count=3; can be repeated
    ///
    /// VALUE is read as YAML. An element of a list is named by its number, from 0, or by its name.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = setting)]
    sets: Vec<(String, Value)>,
}

fn setting(text: &str) -> Result<(String, Value), String> {
    let wrong = || format!("'{text}' is no PATH=VALUE; write one such as pacing.maxInFlight=40");
    let (path, value) = text.split_once('=').filter(|(path, _)| !path.trim().is_empty()).ok_or_else(wrong)?;
    Ok((path.trim().to_owned(), plan::value(value)))
}

impl Source {
    /// The plan with more values replaced.
    ///
    /// # Errors
    /// If the file cannot be read, or is no plan.
    pub(in crate::cli) fn read(&self, more: &[(String, Value)]) -> anyhow::Result<Plan> {
        let sets: Vec<_> = self.sets.iter().chain(more).cloned().collect();
        match self.plan.as_str() {
            "-" => {
                let text = file::read_all(io::stdin().lock(), MAX_BYTES).and_then(file::text);
                parse(text, "standard input", "", &sets)
            }
            path => parse(file::read_text(Path::new(path), MAX_BYTES), path, "", &sets),
        }
    }

    /// Whether the plan comes from standard input, which can be read once.
    pub(in crate::cli) fn is_stdin(&self) -> bool {
        self.plan == "-"
    }
}

/// Reads the plan in a file that a flag names; `flag` is the beginning of messages.
///
/// # Errors
/// If the file cannot be read, or is no plan.
pub(in crate::cli) fn read_file(path: &Path, flag: &str) -> anyhow::Result<Plan> {
    parse(file::read_text(path, MAX_BYTES), &path.display().to_string(), flag, &[])
}

fn parse(
    text: io::Result<String>,
    place: &str,
    flag: &str,
    sets: &[(String, Value)],
) -> anyhow::Result<Plan> {
    let text = text.map_err(|error| UsageError(format!("{flag}cannot read {place}: {error}")))?;
    Ok(plan::read(&text, place, sets).map_err(|error| UsageError(error.to_string()))?)
}
