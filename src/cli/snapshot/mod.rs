//! `fauxmetal snapshot`: a kept fleet as one file, to go back to, copy, and begin others from.

mod transfer;
mod view;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use super::out::Output;
use super::{ExitCode, UsageError};
use crate::clock;
use crate::config::setting::STATE;
use crate::store::snapshot::{self, Reader};
use crate::store::{Directory, Store, StoreError};
use crate::time::SimTime;

/// Save, restore, list and copy snapshots of a kept fleet
///
/// A snapshot is one file that holds a whole fleet: which nodes there are, and what each remembers, secrets such as
/// agents' tokens among it. Sessions at a service root that all nodes share are not in it.
/// The state directory must not be in use.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
Examples:
  Keep a fleet, bring it to where tests begin, and save that:
    fauxmetal serve --nodes 1000 --state fleet
    fauxmetal snapshot save available --state fleet
    fauxmetal snapshot export available available.snapshot --state fleet

  Begin every CI job from there, with one file and one command:
    fauxmetal serve --snapshot available.snapshot

  Go back:
    fauxmetal snapshot restore available --state fleet";

#[derive(Subcommand)]
enum Verb {
    /// Save the fleet as a snapshot of that name
    Save {
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        state: State,
        #[command(flatten)]
        replace: Replace,
    },
    /// Make the fleet what it was when the snapshot was saved
    ///
    /// What was pending then goes on as if no time had passed. What the directory holds now is lost; save it first.
    Restore {
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// List the snapshots of a state directory
    ///
    /// JSON: an array of {name, created, nodes, stored, seed, models, version, bytes, error}, sorted by name; created is
    /// ISO 8601, stored are the nodes that differ from new ones, models an array of {profile, count}. Of a file that
    /// cannot be read, error says why and the others are null.
    List {
        #[command(flatten)]
        state: State,
        /// How to print it
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
    /// Copy a snapshot out of a state directory
    Export {
        #[arg(value_parser = name)]
        name: String,
        /// The file to write; - is standard output
        file: PathBuf,
        #[command(flatten)]
        state: State,
    },
    /// Copy a snapshot into a state directory, once all of it has been read and found good
    Import {
        /// The file to read; - is standard input
        file: PathBuf,
        /// Its name there, by default the file's
        #[arg(value_parser = name)]
        name: Option<String>,
        #[command(flatten)]
        state: State,
        #[command(flatten)]
        replace: Replace,
    },
}

#[derive(clap::Args)]
struct State {
    /// The state directory
    #[arg(long = "state", value_name = "DIR", env = "FAUXMETAL_STATE")]
    dir: PathBuf,
}

#[derive(clap::Args)]
struct Replace {
    /// Replace a snapshot of that name
    #[arg(long)]
    force: bool,
}

fn name(text: &str) -> Result<String, String> {
    snapshot::name(text).map(str::to_owned)
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    debug_assert_eq!(STATE.variable(), "FAUXMETAL_STATE");
    match args.verb {
        Verb::Save { name, state, replace } => save(&state.dir, &name, replace.force)?,
        Verb::Restore { name, state } => restore(&state.dir, &name)?,
        Verb::List { state, output } => view::list(&state.dir, output)?,
        Verb::Export { name, file, state } => transfer::export(&state.dir, &name, &file)?,
        Verb::Import { file, name, state, replace } => {
            transfer::import(&state.dir, &file, name.as_deref(), replace.force)?;
        }
    }
    Ok(ExitCode::Ok)
}

fn save(dir: &Path, name: &str, replace: bool) -> anyhow::Result<()> {
    let directory = Directory::lock(dir, false)?;
    let store = Store::open(&directory)?
        .ok_or_else(|| StoreError::Missing(format!("{}: it holds no fleet to be saved", dir.display())))?;
    let header = snapshot::save(&directory, &store, name, replace, clock::unix_ms())?;
    view::tell(&format!("saved '{name}': {}", view::size(&header)))
}

fn restore(dir: &Path, name: &str) -> anyhow::Result<()> {
    let directory = Directory::lock(dir, false)?;
    let reader = Reader::open(&file_of(dir, name)?)?;
    let size = view::size(reader.header());
    snapshot::restore(&directory, reader, SimTime::from_ms(clock::unix_ms()))?;
    view::tell(&format!("restored '{name}': {size}"))
}

/// The file of a snapshot that must be there.
fn file_of(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let file = snapshot::file_of(dir, name);
    if file.exists() {
        return Ok(file);
    }
    let names: Vec<_> = snapshot::list(dir)?.into_iter().map(|(name, _)| name).collect();
    let there =
        if names.is_empty() { "it holds none".to_owned() } else { format!("it holds {}", names.join(", ")) };
    Err(UsageError(format!("{}: there is no snapshot '{name}'; {there}", dir.display())).into())
}
