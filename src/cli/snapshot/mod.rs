//! `fauxmetal snapshot`: a persisted fleet as one file, to restore, copy and start other fleets from.

mod running;
mod transfer;
mod view;

use std::path::{Path, PathBuf};

use clap::builder::ValueHint;
use clap::{Parser, Subcommand};

use super::client::Connection;
use super::exit_code::{ExitCode, UsageError};
use super::out::Output;
use crate::clock;
use crate::config::setting::STATE;
use crate::store::snapshot::{self, Reader};
use crate::store::{Directory, Store, StoreError};
use crate::time::SimTime;

/// Save, restore, list and copy snapshots of a fleet
///
/// A snapshot is one file with a whole fleet: its nodes and the state of each node, including secrets such as agents'
/// tokens. Sessions at a service root that all nodes share are not included.
///
/// `save` and `export` ask a running daemon. With --state they work on a state directory, which must not be in use, and so do the
/// other verbs.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
Examples:
  Persist a fleet, prepare it for tests, and save it:
    fauxmetal serve --nodes 1000 --state fleet
    fauxmetal snapshot save available
    fauxmetal snapshot export available.snapshot

  Start every CI job from there, with one file and one command:
    fauxmetal serve --snapshot available.snapshot

  Go back:
    fauxmetal snapshot restore available --state fleet";

#[derive(Subcommand)]
enum Verb {
    /// Save the fleet as a snapshot in its state directory
    ///
    /// A running daemon needs --state for it.
    Save {
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        state: MaybeState,
        #[command(flatten)]
        connection: Connection,
        #[command(flatten)]
        replace: Replace,
    },
    /// Replace the fleet by a snapshot
    ///
    /// Pending operations continue as if no time had passed since the snapshot was saved. The present state of the fleet
    /// is lost; save it first if you need it.
    Restore {
        #[arg(value_parser = name)]
        name: String,
        #[command(flatten)]
        state: State,
    },
    /// List the snapshots of a state directory
    ///
    /// JSON: an array of {name, created, nodes, stored, seed, models, version, bytes, error}, sorted by name. created is in
    /// ISO 8601, stored is the number of nodes that differ from new ones, models is an array of {profile, count}. If a file
    /// cannot be read, error has the reason, and all other values except name and bytes are null.
    List {
        #[command(flatten)]
        state: State,
        /// Format of the output
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
    /// Write the running fleet to a file, or copy a snapshot out of a state directory
    #[command(override_usage = "fauxmetal snapshot export [OPTIONS] <FILE>
       fauxmetal snapshot export [OPTIONS] --state <DIR> <NAME> <FILE>")]
    Export {
        /// The name of the snapshot in the state directory, and the file to write; - for standard output
        #[arg(value_name = "NAME|FILE", required = true, num_args = 1..=2, value_hint = ValueHint::FilePath)]
        words: Vec<PathBuf>,
        #[command(flatten)]
        state: MaybeState,
        #[command(flatten)]
        connection: Connection,
    },
    /// Copy a snapshot into a state directory, after all of it has been read and verified
    Import {
        /// The file to read, or - for standard input
        file: PathBuf,
        /// Name of the snapshot in the directory [default: the name of the file]
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
struct MaybeState {
    /// The state directory, if no daemon uses it
    #[arg(long = "state", value_name = "DIR", env = "FAUXMETAL_STATE")]
    dir: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Replace {
    /// Replace an existing snapshot of the same name
    #[arg(long)]
    force: bool,
}

/// The name of standard input and output.
const DASH: &str = "-";

fn name(text: &str) -> Result<String, String> {
    snapshot::name(text).map(str::to_owned)
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    debug_assert_eq!(STATE.variable(), "FAUXMETAL_STATE");
    match args.verb {
        Verb::Save { name, state, connection, replace } => match state.dir {
            Some(dir) => save(&dir, &name, replace.force)?,
            None => running::save(&connection, &name, replace.force)?,
        },
        Verb::Restore { name, state } => restore(&state.dir, &name)?,
        Verb::List { state, output } => view::list(&state.dir, output)?,
        Verb::Export { words, state, connection } => match (&*words, state.dir) {
            ([named, file], Some(dir)) => {
                let named = name(&named.to_string_lossy()).map_err(UsageError)?;
                transfer::export(&dir, &named, file)?;
            }
            ([file], None) => running::export(&connection, file)?,
            (_, Some(_)) => {
                let why =
                    "with --state, a snapshot of the directory is copied; write its name before the file";
                return Err(UsageError(why.to_owned()).into());
            }
            (_, None) => {
                let why = "a running fleet has no names; write the file alone, or name the directory of the snapshot with --state";
                return Err(UsageError(why.to_owned()).into());
            }
        },
        Verb::Import { file, name, state, replace } => {
            transfer::import(&state.dir, &file, name.as_deref(), replace.force)?;
        }
    }
    Ok(ExitCode::Ok)
}

fn save(dir: &Path, name: &str, replace: bool) -> anyhow::Result<()> {
    let directory = Directory::lock(dir, false)?;
    let store = Store::open(&directory)?.ok_or_else(|| {
        StoreError::Missing(format!(
            "{}: there is no fleet to save; start one with fauxmetal serve --state",
            dir.display()
        ))
    })?;
    let header = snapshot::save(&directory, &store, name, replace, clock::unix_ms())?;
    view::print(&format!("saved '{name}': {}", view::size(&header)))
}

fn restore(dir: &Path, name: &str) -> anyhow::Result<()> {
    let directory = Directory::lock(dir, false)?;
    let reader = Reader::open(&file_of(dir, name)?)?;
    let size = view::size(reader.header());
    snapshot::restore(&directory, reader, SimTime::from_ms(clock::unix_ms()))?;
    view::print(&format!("restored '{name}': {size}"))
}

/// # Errors
/// If there is no such snapshot.
fn file_of(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let file = snapshot::file_of(dir, name);
    if file.exists() {
        return Ok(file);
    }
    let names: Vec<_> = snapshot::list(dir)?.into_iter().map(|(name, _)| name).collect();
    let known = match names.is_empty() {
        true => "the directory has no snapshots".to_owned(),
        false => format!("the known names are {}", names.join(", ")),
    };
    Err(UsageError(format!("{}: there is no snapshot '{name}'; {known}", dir.display())).into())
}
