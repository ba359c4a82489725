//! `fauxmetal node plug` and `node unplug`: cables of network interfaces, and drives.

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::{Change, ChangeFlags};
use super::targets::Selected;
use crate::admin::api;
use crate::cli::complete;
use crate::cli::exit_code::{ExitCode, UsageError};

/// Plug in a network cable or a drive again
///
/// A part that is plugged in already accepts it, too.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node plug [OPTIONS] [NODE]... <nic=NAME|disk=NAME>",
    after_help = "Examples:
  fauxmetal node plug generic-3 nic=ens1f0
  fauxmetal node plug -l rack=r7 disk=sda"
)]
pub(super) struct Plug {
    #[command(flatten)]
    part: Part,
}

/// Pull a network cable or a drive
///
/// A drive keeps its content, and takes it along. A part that is pulled already accepts it, too.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node unplug [OPTIONS] [NODE]... <nic=NAME|disk=NAME>",
    after_help = "Examples:
  fauxmetal node unplug generic-3 nic=ens1f0
  fauxmetal node unplug -l rack=r7 disk=sda"
)]
pub(super) struct Unplug {
    #[command(flatten)]
    part: Part,
}

#[derive(clap::Args)]
struct Part {
    /// Names or UUIDs of nodes, and the part: nic= or disk= with its Id in Redfish, or its name under Linux
    #[arg(
        value_name = "NODE|nic=NAME|disk=NAME", required = true,
        add = ArgValueCompleter::new(complete::nodes_and_parts)
    )]
    words: Vec<String>,
    #[command(flatten)]
    many: Selected,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn plug(args: Plug) -> anyhow::Result<ExitCode> {
    args.part.change("plug")
}

pub(super) fn unplug(args: Unplug) -> anyhow::Result<ExitCode> {
    args.part.change("unplug")
}

impl Part {
    fn change(self, verb: &'static str) -> anyhow::Result<ExitCode> {
        let (parts, names): (Vec<_>, Vec<_>) = self.words.into_iter().partition(|word| word.contains('='));
        let (nic, disk) = named(&parts)?;
        let change = Change {
            path: verb,
            what: format!("{verb} {}", parts.concat()),
            nodes: self.many.with(names)?,
            body: |nodes, dry_run| api::Plug { nodes, nic: nic.clone(), disk: disk.clone(), dry_run },
        };
        change.run(&self.flags)
    }
}

/// The network interface or the disk that the words name.
fn named(parts: &[String]) -> Result<(Option<String>, Option<String>), UsageError> {
    let [part] = parts else {
        return Err(UsageError(match parts {
            [] => "no part is named; write nic=NAME or disk=NAME, such as nic=ens1f0".to_owned(),
            many => format!("{} parts are named ({}); name one of them", many.len(), many.join(", ")),
        }));
    };
    match part.split_once('=') {
        Some((_, "")) => Err(UsageError(format!("'{part}' has no name; write nic=ens1f0 or disk=sda"))),
        Some(("nic", name)) => Ok((Some(name.to_owned()), None)),
        Some(("disk", name)) => Ok((None, Some(name.to_owned()))),
        _ => Err(UsageError(format!("'{part}' is no part of a machine; write nic=NAME or disk=NAME"))),
    }
}
