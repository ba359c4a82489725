//! `fauxmetal fleet import`: new nodes with the identities of another simulator's file.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use crate::admin::api::{Added, Import, ImportedSystem, MAX_SYSTEMS};
use crate::cli::client::{Client, run};
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::node::{ChangeFlags, labels};
use crate::cli::view::nodes;
use crate::cli::{complete, out};
use crate::config::is_setting;
use crate::import;
use crate::profile::identities::Identity;

/// Add the nodes of a file of sushy-tools or fake-ipa to the fleet
///
/// The file is a nodes.json, a fake_nodes.json or a conf.py, which is read and not executed. The nodes keep UUIDs, names and MAC
/// addresses. Settings of a conf.py have no effect on a running daemon. JSON: the object of POST /fauxmetal/v1/nodes/import.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fleet import nodes.json --label from=sushy-tools")]
pub(super) struct Args {
    /// The file with the systems
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// A built-in model, or a model that the fleet has
    #[arg(long, value_name = "NAME", default_value = "generic", add = ArgValueCompleter::new(complete::profiles))]
    profile: String,
    /// A label of all new nodes; can be repeated
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    #[command(flatten)]
    flags: ChangeFlags,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let (labels, flags, profile) = (labels(&args.labels)?, args.flags, args.profile);
    let file = args.file.display();
    let read =
        import::read(&args.file, is_setting).map_err(|problem| UsageError(format!("{file}: {problem}")))?;
    for warning in &read.warnings {
        out::message(&format!("{file}: {warning}"));
    }
    let settings: Vec<_> = read.settings.iter().flatten().map(|set| set.name.as_str()).collect();
    if !settings.is_empty() {
        out::message(&format!("{file}: only its systems are imported; ignored: {}", settings.join(", ")));
    }
    if read.systems.is_empty() {
        return Err(UsageError(format!("{file}: it has no systems")).into());
    }
    let client = Client::new(&flags.connection)?;
    run(async move {
        if !flags.may("import", read.systems.len() as u64)? {
            return Ok(ExitCode::Failure);
        }
        let pieces: Vec<_> = read.systems.chunks(MAX_SYSTEMS).collect();
        let body = |piece: &[Identity], dry_run| request(piece, &profile, &labels, dry_run);
        // A refusal of a later piece would come too late.
        if pieces.len() > 1 && !flags.dry_run {
            for piece in &pieces {
                let _: Added = client.post("nodes/import", &body(piece, true)).await?;
            }
        }
        let mut sum: Option<Added> = None;
        for piece in pieces {
            let added: Added = client.post("nodes/import", &body(piece, flags.dry_run)).await?;
            sum = Some(match sum {
                Some(sum) => Added { last: added.last, count: sum.count + added.count, ..sum },
                None => added,
            });
        }
        if let Some(sum) = sum {
            flags.output.print(&mut out::stdout(), &sum, text)?;
        }
        Ok(ExitCode::Ok)
    })
}

fn request(systems: &[Identity], profile: &str, labels: &BTreeMap<String, String>, dry_run: bool) -> Import {
    let system = |system: &Identity| ImportedSystem {
        uuid: system.uuid.to_string(),
        name: system.name.to_string(),
        macs: system.macs.iter().map(ToString::to_string).collect(),
        on: system.on,
    };
    let (profile, labels) = (profile.to_owned(), labels.clone());
    Import { profile, systems: systems.iter().map(system).collect(), labels, dry_run }
}

fn text(out: &mut dyn Write, added: &Added) -> io::Result<()> {
    let Added { first, last, count, dry_run } = added;
    let what = if *dry_run { "import (dry run)" } else { "import" };
    match count {
        1 => writeln!(out, "{what}: {first}"),
        _ => writeln!(out, "{what}: {}, {first} to {last}", nodes((*count).into())),
    }
}
