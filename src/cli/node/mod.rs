//! `fauxmetal node`: shows and changes the nodes of a running daemon.

mod add;
mod boot;
mod change;
mod environment;
mod label;
mod list;
mod media;
mod plain;
mod plug;
mod power;
mod show;
mod targets;
mod wait;

use clap::{Parser, Subcommand};

use super::exit_code::ExitCode;
pub(super) use add::labels;
pub(super) use change::{Change, ChangeFlags};
pub(super) use targets::{Selected, Targets};

/// List, show and change the nodes of a running daemon
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
A change works on names or UUIDs, on a selection (-l), or on all nodes (--all):
  fauxmetal node power on generic-3 generic-4
  fauxmetal node power off -l rack=r7
  fauxmetal node power cycle --all --yes

docs/selections.md explains selections, docs/cli.md the verbs.";

#[derive(Subcommand)]
enum Verb {
    List(list::Args),
    Show(show::Args),
    Add(add::Args),
    Remove(plain::Remove),
    Power(power::Args),
    RestartBmc(plain::RestartBmc),
    OpenBmc(plain::OpenBmc),
    Boot(boot::Args),
    Insert(media::Insert),
    Eject(media::Eject),
    Plug(plug::Plug),
    Unplug(plug::Unplug),
    Heat(environment::Heat),
    Cool(environment::Cool),
    Fail(environment::Fail),
    Repair(environment::Repair),
    Label(label::Args),
    Crash(plain::Crash),
    Wait(wait::Args),
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::List(args) => list::command(args),
        Verb::Show(args) => show::command(&args),
        Verb::Add(args) => add::command(args),
        Verb::Remove(args) => plain::remove(args),
        Verb::Power(args) => power::command(args),
        Verb::RestartBmc(args) => plain::restart_bmc(args),
        Verb::OpenBmc(args) => plain::open_bmc(args),
        Verb::Boot(args) => boot::command(args),
        Verb::Insert(args) => media::insert(args),
        Verb::Eject(args) => media::eject(args),
        Verb::Plug(args) => plug::plug(args),
        Verb::Unplug(args) => plug::unplug(args),
        Verb::Heat(args) => environment::heat(args),
        Verb::Cool(args) => environment::cool(args),
        Verb::Fail(args) => environment::fail(args),
        Verb::Repair(args) => environment::repair(args),
        Verb::Label(args) => label::command(args),
        Verb::Crash(args) => plain::crash(args),
        Verb::Wait(args) => wait::command(args),
    }
}
