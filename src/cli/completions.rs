//! `fauxmetal completions`: the script with which a shell asks this program for completions, and the answers to the shell.
//!
//! The shell runs the program for each completion, so that names of nodes come from the running fleet.

use std::env;
use std::io::Write as _;

use clap::{CommandFactory as _, Parser};
use clap_complete::env::{CompleteEnv, Shells};

use super::exit_code::{ExitCode, UsageError};
use super::{Cli, out};

/// The environment variable with which a shell asks for completions. Its value is the name of the shell.
const VARIABLE: &str = "FAUXMETAL_COMPLETE";

/// Print the completion script for a shell
///
/// Names of nodes and profiles are those of the running fleet, if a daemon answers within half a second.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  fauxmetal completions bash > ~/.local/share/bash-completion/completions/fauxmetal"
)]
pub(super) struct Args {
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(UsageError(format!("there are no completions for {}", args.shell)).into());
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "fauxmetal", "fauxmetal", "fauxmetal", &mut script)?;
    let mut out = out::stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}

/// Answers a shell that asks for completions. Returns whether one has asked.
///
/// # Errors
/// If the shell is unknown, or its request is incomplete.
pub(super) fn answer() -> clap::error::Result<bool> {
    if env::var_os(VARIABLE).is_none() {
        return Ok(false);
    }
    let folder = env::current_dir().ok();
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).try_complete(env::args_os(), folder.as_deref())
}
