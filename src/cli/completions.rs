//! `fauxmetal completions`: the completion script of a shell.

use std::io::Write as _;

use clap::{CommandFactory as _, Parser};
use clap_complete::Shell;

use super::exit_code::ExitCode;
use super::{Cli, out};

/// Print the completion script for a shell
#[derive(Parser)]
#[command(
    after_help = "Example:\n  fauxmetal completions bash > ~/.local/share/bash-completion/completions/fauxmetal"
)]
pub(super) struct Args {
    shell: Shell,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    // The generator panics if its writer fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fauxmetal", &mut script);
    let mut out = out::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}
