//! `fauxmetal fault presets`.

use std::io::Write as _;

use clap::Parser;

use crate::cli::exit_code::ExitCode;
use crate::cli::out::{self, Output};
use crate::fault::presets;

/// List the presets: rules that are asked for often
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fault presets")]
pub(super) struct Args {
    /// Format of the list; JSON has the rules
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = out::stdout();
    match args.output {
        Output::Json => out::json(&mut out, &presets())?,
        Output::Text => {
            let head = ["NAME".to_owned(), "WHAT IT DOES".to_owned()];
            let rows = presets().iter().map(|preset| [preset.name.to_string(), preset.about.clone()]);
            out::table(&mut out, "", &std::iter::once(head).chain(rows).collect::<Vec<_>>())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}
