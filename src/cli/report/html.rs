//! `fauxmetal report html`: the page of a run.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use clap::builder::ValueHint;

use super::super::exit_code::ExitCode;
use super::super::out;
use super::Runs;
use crate::file::Replacement;
use crate::report::page;

/// Draw a run as one HTML file, which loads nothing
///
/// Also the run that was killed, or that still runs, up to the last line that it wrote.
#[derive(Parser)]
pub(super) struct Args {
    /// Id of the run, or path of its folder
    run: String,
    /// File of the page; - is standard output [default: report.html in the folder of the run]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    #[command(flatten)]
    runs: Runs,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = args.runs.open(&args.run)?;
    let page = page(&folder)?;
    let mut out = out::stdout();
    match &args.output {
        Some(path) if path.as_os_str() == "-" => out.write_all(page.as_bytes())?,
        Some(path) => {
            write(path, &page).with_context(|| format!("-o: {}", path.display()))?;
            writeln!(out, "{}", path.display())?;
        }
        None => {
            folder.write_report(&page)?;
            writeln!(out, "{}", folder.report().display())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn write(path: &std::path::Path, page: &str) -> std::io::Result<()> {
    let (replacement, mut file) = Replacement::create(path, 0o644)?;
    file.write_all(page.as_bytes())?;
    file.sync_all()?;
    replacement.put_in_place()
}
