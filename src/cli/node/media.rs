//! `fauxmetal node insert` and `node eject`: virtual media.

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::{Change, ChangeFlags};
use super::targets::{Selected, Targets};
use crate::admin::api;
use crate::cli::complete;
use crate::cli::exit_code::{ExitCode, UsageError};

/// Insert an image into a slot for virtual media
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node insert [OPTIONS] [NODE]... <URL>",
    after_help = "Examples:
  fauxmetal node insert generic-3 http://127.0.0.1:8000/boot.iso
  fauxmetal node insert -l rack=r7 --slot Cd http://127.0.0.1:8000/boot.iso"
)]
pub(super) struct Insert {
    /// Names or UUIDs of nodes, and the URL of the image
    #[arg(value_name = "NODE|URL", required = true, add = ArgValueCompleter::new(complete::nodes))]
    words: Vec<String>,
    #[command(flatten)]
    many: Selected,
    /// Id of the slot in Redfish [default: the first one for CDs]
    #[arg(long)]
    slot: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// Eject images from slots for virtual media
#[derive(Parser)]
pub(super) struct Eject {
    #[command(flatten)]
    targets: Targets,
    /// Id of the slot in Redfish [default: all slots]
    #[arg(long)]
    slot: Option<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn insert(args: Insert) -> anyhow::Result<ExitCode> {
    let (mut urls, names): (Vec<_>, Vec<_>) = args.words.into_iter().partition(|word| word.contains("://"));
    let image = match (urls.pop(), urls.len()) {
        (Some(image), 0) => image,
        (None, _) => {
            let why = "no URL of an image is given, such as http://127.0.0.1:8000/boot.iso";
            return Err(UsageError(why.to_owned()).into());
        }
        (Some(_), others) => {
            return Err(UsageError(format!("{} URLs are given; a slot holds one image", others + 1)).into());
        }
    };
    let change = Change {
        path: "insert",
        what: "insert".to_owned(),
        nodes: args.many.with(names)?,
        body: |nodes, dry_run| api::Insert { nodes, image: image.clone(), slot: args.slot.clone(), dry_run },
    };
    change.run(&args.flags)
}

pub(super) fn eject(args: Eject) -> anyhow::Result<ExitCode> {
    let change = Change {
        path: "eject",
        what: "eject".to_owned(),
        nodes: args.targets.nodes()?,
        body: |nodes, dry_run| api::Eject { nodes, slot: args.slot.clone(), dry_run },
    };
    change.run(&args.flags)
}
