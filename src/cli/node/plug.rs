//! `fauxmetal node plug` and `node unplug`: cables of network interfaces, drives, and cords of power supplies.

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::{Change, ChangeFlags};
use super::targets::Selected;
use crate::admin::api;
use crate::cli::complete;
use crate::cli::exit_code::{ExitCode, UsageError};

/// Plug in a network cable, a drive or a power cord again
///
/// A part that is plugged in already accepts it, too.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node plug [OPTIONS] [NODE]... <nic=NAME|disk=NAME|psu=NAME>",
    after_help = "Examples:
  fauxmetal node plug generic-3 nic=ens1f0
  fauxmetal node plug -l rack=r7 disk=sda"
)]
pub(super) struct Plug {
    #[command(flatten)]
    part: Part,
}

/// Pull a network cable, a drive or a power cord
///
/// A drive keeps its content, and takes it along. A part that is pulled already accepts it, too. A machine keeps one power supply
/// with input.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node unplug [OPTIONS] [NODE]... <nic=NAME|disk=NAME|psu=NAME>",
    after_help = "Examples:
  fauxmetal node unplug generic-3 nic=ens1f0
  fauxmetal node unplug -l rack=r7 disk=sda
  fauxmetal node unplug generic-3 psu=PSU1"
)]
pub(super) struct Unplug {
    #[command(flatten)]
    part: Part,
}

#[derive(clap::Args)]
struct Part {
    /// Names or UUIDs of nodes, and the part: nic=, disk= or psu= with its Id in Redfish, or the name of a nic or a disk under Linux
    #[arg(
        value_name = "NODE|nic=NAME|disk=NAME|psu=NAME", required = true,
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
        let Named { nic, disk, psu } = named(&parts)?;
        let change = Change {
            path: verb,
            what: format!("{verb} {}", parts.concat()),
            nodes: self.many.with(names)?,
            body: |nodes, dry_run| api::Plug {
                nodes,
                nic: nic.clone(),
                disk: disk.clone(),
                psu: psu.clone(),
                dry_run,
            },
        };
        change.run(&self.flags)
    }
}

/// The one part that a user has named.
#[derive(Default)]
struct Named {
    nic: Option<String>,
    disk: Option<String>,
    psu: Option<String>,
}

/// The network interface, the disk or the power supply that the words name.
fn named(parts: &[String]) -> Result<Named, UsageError> {
    let [part] = parts else {
        return Err(UsageError(match parts {
            [] => "no part is named; write nic=NAME, disk=NAME or psu=NAME, such as nic=ens1f0".to_owned(),
            many => format!("{} parts are named ({}); name one of them", many.len(), many.join(", ")),
        }));
    };
    match part.split_once('=') {
        Some((_, "")) => {
            Err(UsageError(format!("'{part}' has no name; write nic=ens1f0, disk=sda or psu=PSU1")))
        }
        Some(("nic", name)) => Ok(Named { nic: Some(name.to_owned()), ..Named::default() }),
        Some(("disk", name)) => Ok(Named { disk: Some(name.to_owned()), ..Named::default() }),
        Some(("psu", name)) => Ok(Named { psu: Some(name.to_owned()), ..Named::default() }),
        _ => {
            let why = format!("'{part}' is no part of a machine; write nic=NAME, disk=NAME or psu=NAME");
            Err(UsageError(why))
        }
    }
}
