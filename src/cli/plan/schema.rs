//! `fauxmetal plan schema`.

use std::io::Write as _;

use clap::Parser;

use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::plan;

/// Print the JSON Schema of a plan
///
/// An editor that knows it completes and checks the file.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal plan schema > plan.schema.json")]
pub(super) struct Args {}

pub(super) fn command(_: &Args) -> anyhow::Result<ExitCode> {
    let mut out = out::stdout();
    out::json(&mut out, &plan::schema()?)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}
