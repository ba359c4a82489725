//! `fauxmetal node boot`: the source of the next boots.

use clap::{Parser, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::change::{Change, ChangeFlags};
use super::targets::Targets;
use crate::admin::api::{Boot, Enabled};
use crate::cli::complete;
use crate::cli::exit_code::ExitCode;
use crate::dmtf::{BootMode, BootTarget};

/// Choose the source of the next boot
///
/// The machine is not started. `fauxmetal node power on` starts it.
#[derive(Parser)]
#[command(after_help = "Examples:
  fauxmetal node boot pxe generic-3
  fauxmetal node boot cd -l rack=r7 --enabled continuous
  fauxmetal node boot uefihttp generic-3 --http-boot-uri http://127.0.0.1:8000/boot.efi
  fauxmetal node boot none --all")]
pub(super) struct Args {
    /// BootSourceOverrideTarget of Redfish, such as Pxe, Cd, Hdd or UefiHttp; None ends the override
    #[arg(value_parser = source, add = ArgValueCandidates::new(complete::boot_sources))]
    source: String,
    #[command(flatten)]
    targets: Targets,
    /// For how many boots: BootSourceOverrideEnabled [default: once; disabled for the source None]
    #[arg(long, value_name = "ENABLED")]
    enabled: Option<EnabledFlag>,
    /// Mode of the firmware: BootSourceOverrideMode
    #[arg(long)]
    mode: Option<Mode>,
    /// URL for the source UefiHttp, at most 2048 bytes; an empty text removes it
    #[arg(long, value_name = "URL")]
    http_boot_uri: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EnabledFlag {
    Once,
    Continuous,
    Disabled,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Uefi,
    Legacy,
}

/// A source of DMTF in any case. Other words can be those of a maker, which the daemon knows.
#[expect(clippy::unnecessary_wraps, reason = "clap takes parsers that can fail")]
fn source(text: &str) -> Result<String, String> {
    let known = BootTarget::ALL.iter().find(|target| target.as_str().eq_ignore_ascii_case(text));
    Ok(known.map_or(text, |target| target.as_str()).to_owned())
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let enabled = match args.enabled {
        Some(EnabledFlag::Once) => Enabled::Once,
        Some(EnabledFlag::Continuous) => Enabled::Continuous,
        Some(EnabledFlag::Disabled) => Enabled::Disabled,
        None if args.source == BootTarget::None.as_str() => Enabled::Disabled,
        None => Enabled::Once,
    };
    let mode = args.mode.map(|mode| match mode {
        Mode::Uefi => BootMode::Uefi,
        Mode::Legacy => BootMode::Legacy,
    });
    let change = Change {
        path: "boot",
        what: format!("boot {}", args.source),
        nodes: args.targets.nodes()?,
        body: |nodes, dry_run| Boot {
            nodes,
            target: Some(args.source.clone()),
            enabled: Some(enabled),
            mode: mode.map(|mode| mode.as_str().to_owned()),
            http_boot_uri: args.http_boot_uri.clone(),
            dry_run,
        },
    };
    change.run(&args.flags)
}
