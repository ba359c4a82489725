//! The command line: one file per subcommand, and the exit codes.

mod clean;
mod client;
mod clock;
mod complete;
mod completions;
mod events;
mod exit_code;
mod export;
mod fault;
mod flags;
mod fleet;
mod journal;
mod licenses;
mod log;
mod man;
mod node;
mod out;
mod plan;
mod profile;
mod report;
mod run;
mod serve;
mod snapshot;
mod view;

use std::io::{self, ErrorKind};

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::ConfigError;
use client::ClientError;
pub use exit_code::ExitCode;
use exit_code::UsageError;

/// A data centre in a process: simulated bare-metal servers with Redfish BMCs and Ironic agents
#[derive(Parser)]
#[command(
    name = "fauxmetal",
    version,
    after_help = "Begin with:  fauxmetal serve",
    after_long_help = format!("Begin with:  fauxmetal serve\n\n{}", ExitCode::HELP),
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Run(Box<run::Args>),
    Plan(plan::Args),
    Clean(clean::Args),
    Fleet(fleet::Args),
    Node(node::Args),
    Clock(clock::Args),
    Fault(Box<fault::Args>),
    Journal(journal::Args),
    Events(events::Args),
    Export(Box<export::Args>),
    Profile(profile::Args),
    Report(report::Args),
    Snapshot(snapshot::Args),
    Completions(completions::Args),
    Man(man::Args),
    Licenses(licenses::Args),
}

/// Runs the command line of the binary.
pub fn main() -> ExitCode {
    let outcome = match completions::answer() {
        Ok(true) => Ok(ExitCode::Ok),
        Ok(false) => Cli::try_parse().map_or_else(|error| clap_result(&error), run),
        Err(error) => clap_result(&error),
    };
    outcome.unwrap_or_else(|error| told(&error))
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Some(Command::Serve(args)) => serve::command(args),
        Some(Command::Run(args)) => run::command(*args),
        Some(Command::Plan(args)) => plan::command(args),
        Some(Command::Clean(args)) => clean::command(&args),
        Some(Command::Fleet(args)) => fleet::command(args),
        Some(Command::Node(args)) => node::command(args),
        Some(Command::Clock(args)) => clock::command(args),
        Some(Command::Fault(args)) => fault::command(*args),
        Some(Command::Journal(args)) => journal::command(&args),
        Some(Command::Events(args)) => events::command(args),
        Some(Command::Export(args)) => export::command(*args),
        Some(Command::Profile(args)) => profile::command(args),
        Some(Command::Report(args)) => report::command(args),
        Some(Command::Snapshot(args)) => snapshot::command(args),
        Some(Command::Completions(args)) => completions::command(&args),
        Some(Command::Man(args)) => man::command(&args),
        Some(Command::Licenses(args)) => licenses::command(&args),
        None => {
            Cli::command().print_help()?;
            Ok(ExitCode::Ok)
        }
    }
}

/// Prints help or version; every other result of clap is a mistake in the command line.
fn clap_result(error: &clap::Error) -> anyhow::Result<ExitCode> {
    if !error.use_stderr() {
        error.print()?;
        return Ok(ExitCode::Ok);
    }
    let text = error.render().to_string();
    out::message(text.strip_prefix("error: ").unwrap_or(&text).trim_end());
    Ok(ExitCode::Usage)
}

fn told(error: &anyhow::Error) -> ExitCode {
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::Ok;
    }
    out::message(&sentence(error));
    let is_usage = error.is::<ConfigError>()
        || error.is::<UsageError>()
        || error.downcast_ref::<ClientError>().is_some_and(ClientError::is_usage);
    if is_usage { ExitCode::Usage } else { ExitCode::Failure }
}

/// An error with its causes. A cause that the text already ends with is left out.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_closed_pipe_is_not_a_failure() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        assert_eq!(told(&anyhow::Error::from(broken())), ExitCode::Ok);
        assert_eq!(
            told(&anyhow::Error::from(serde_json::Error::io(broken())).context("printing")),
            ExitCode::Ok
        );
        assert_eq!(told(&UsageError("x".into()).into()), ExitCode::Usage);
        assert_eq!(told(&anyhow::anyhow!("x")), ExitCode::Failure);
    }
}
