//! `fauxmetal fault schema`.

use std::io::Write as _;

use clap::Parser;

use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::config::faults_schema;

/// Print the JSON Schema of a file with rules
///
/// An editor that knows it completes and checks the file.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fault schema > faults.schema.json")]
pub(super) struct Args {}

pub(super) fn command(_: &Args) -> anyhow::Result<ExitCode> {
    let mut out = out::stdout();
    out::json(&mut out, &faults_schema()?)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}
