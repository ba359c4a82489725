//! `fauxmetal node power`: the buttons of a machine.

use clap::{Parser, ValueEnum};

use super::change::{Change, ChangeFlags};
use super::targets::Targets;
use crate::admin::api::{Power, PowerAction};
use crate::cli::exit_code::ExitCode;

/// Switch machines on or off
#[derive(Parser)]
pub(super) struct Args {
    action: Action,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Action {
    /// Switch on, as ResetType On
    On,
    /// Switch off at once (ForceOff)
    Off,
    /// Ask the operating system to end (GracefulShutdown)
    Shutdown,
    /// Switch off and on again (PowerCycle)
    Cycle,
    /// Restart at once (ForceRestart)
    Restart,
    /// Press the power button (PushPowerButton)
    Press,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let (action, word) = match args.action {
        Action::On => (PowerAction::On, "on"),
        Action::Off => (PowerAction::Off, "off"),
        Action::Shutdown => (PowerAction::Shutdown, "shutdown"),
        Action::Cycle => (PowerAction::Cycle, "cycle"),
        Action::Restart => (PowerAction::Restart, "restart"),
        Action::Press => (PowerAction::Press, "press"),
    };
    let change = Change {
        path: "power",
        what: format!("power {word}"),
        nodes: args.targets.nodes()?,
        body: |nodes, dry_run| Power { nodes, action, dry_run },
    };
    change.run(&args.flags)
}
