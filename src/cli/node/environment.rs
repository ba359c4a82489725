//! `fauxmetal node heat`, `cool`, `fail` and `repair`: the air around machines, and parts that fail.

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::{Change, ChangeFlags};
use super::targets::{Selected, Targets};
use crate::admin::api;
use crate::cli::complete;
use crate::cli::exit_code::{ExitCode, UsageError};

/// Heat the air that enters machines
///
/// What is behind the inlet gets warmer, the fans turn faster, and readings cross their thresholds.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal node heat generic-3 --inlet 45
  fauxmetal node heat -l rack=r7 --inlet 38")]
pub(super) struct Heat {
    #[command(flatten)]
    targets: Targets,
    /// Temperature of the inlet air, whole degrees Celsius from -20 to 80
    #[arg(long, value_name = "CELSIUS", allow_negative_numbers = true)]
    inlet: i64,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Make the air that enters machines normal again
#[derive(Parser)]
pub(super) struct Cool {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Make a fan, a disk, a memory module or a power supply fail
///
/// The part stays in its place. The BMC shows it as failed, and the host does without it: a fan stands still, a disk is not seen,
/// a memory module is left out by the next self test, a power supply gives no power. A part that has failed already accepts it,
/// too. A machine keeps one memory module and one power supply that work.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node fail [OPTIONS] [NODE]... <fan=NAME|disk=NAME|dimm=NAME|psu=NAME>",
    after_help = "Examples:
  fauxmetal node fail generic-3 fan=Fan1
  fauxmetal node fail generic-3 dimm=DIMM-B1
  fauxmetal node fail -l rack=r7 disk=sda"
)]
pub(super) struct Fail {
    #[command(flatten)]
    part: Part,
}

/// Repair a part that has failed
///
/// A disk has its content again, and the next self test uses a memory module again. A part that works accepts it, too.
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node repair [OPTIONS] [NODE]... <fan=NAME|disk=NAME|dimm=NAME|psu=NAME>",
    after_help = "Examples:
  fauxmetal node repair generic-3 fan=Fan1
  fauxmetal node repair -l rack=r7 disk=sda"
)]
pub(super) struct Repair {
    #[command(flatten)]
    part: Part,
}

#[derive(clap::Args)]
struct Part {
    /// Names or UUIDs of nodes, and the part: fan=, disk=, dimm= or psu= with its Id in Redfish, the Name of a fan or a power supply,
    /// or the name of a disk under Linux
    #[arg(
        value_name = "NODE|fan=NAME|disk=NAME|dimm=NAME|psu=NAME", required = true,
        add = ArgValueCompleter::new(complete::nodes_and_failing)
    )]
    words: Vec<String>,
    #[command(flatten)]
    many: Selected,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn heat(args: Heat) -> anyhow::Result<ExitCode> {
    let inlet_celsius = args.inlet;
    let body = |nodes, dry_run| api::Heat { nodes, inlet_celsius, dry_run };
    let what = format!("heat --inlet {inlet_celsius}");
    Change { path: "heat", what, nodes: args.targets.nodes()?, body }.run(&args.flags)
}

pub(super) fn cool(args: Cool) -> anyhow::Result<ExitCode> {
    let body = |nodes, dry_run| api::Cool { nodes, dry_run };
    Change { path: "cool", what: "cool".to_owned(), nodes: args.targets.nodes()?, body }.run(&args.flags)
}

pub(super) fn fail(args: Fail) -> anyhow::Result<ExitCode> {
    args.part.change("fail")
}

pub(super) fn repair(args: Repair) -> anyhow::Result<ExitCode> {
    args.part.change("repair")
}

impl Part {
    fn change(self, verb: &'static str) -> anyhow::Result<ExitCode> {
        let (parts, names): (Vec<_>, Vec<_>) = self.words.into_iter().partition(|word| word.contains('='));
        let Named { fan, disk, dimm, psu } = named(&parts)?;
        let change = Change {
            path: verb,
            what: format!("{verb} {}", parts.concat()),
            nodes: self.many.with(names)?,
            body: |nodes, dry_run| api::Fail {
                nodes,
                fan: fan.clone(),
                disk: disk.clone(),
                dimm: dimm.clone(),
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
    fan: Option<String>,
    disk: Option<String>,
    dimm: Option<String>,
    psu: Option<String>,
}

/// The fan, the disk, the memory module or the power supply that the words name.
fn named(parts: &[String]) -> Result<Named, UsageError> {
    let [part] = parts else {
        return Err(UsageError(match parts {
            [] => "no part is named; write fan=NAME, disk=NAME, dimm=NAME or psu=NAME, such as fan=Fan1"
                .to_owned(),
            many => format!("{} parts are named ({}); name one of them", many.len(), many.join(", ")),
        }));
    };
    match part.split_once('=') {
        Some((_, "")) => {
            let why = format!("'{part}' has no name; write fan=Fan1, disk=sda, dimm=DIMM-A1 or psu=PSU1");
            Err(UsageError(why))
        }
        Some(("fan", name)) => Ok(Named { fan: Some(name.to_owned()), ..Named::default() }),
        Some(("disk", name)) => Ok(Named { disk: Some(name.to_owned()), ..Named::default() }),
        Some(("dimm", name)) => Ok(Named { dimm: Some(name.to_owned()), ..Named::default() }),
        Some(("psu", name)) => Ok(Named { psu: Some(name.to_owned()), ..Named::default() }),
        _ => Err(UsageError(format!(
            "'{part}' is no part that can fail; write fan=NAME, disk=NAME, dimm=NAME or psu=NAME"
        ))),
    }
}
