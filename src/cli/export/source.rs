//! The fleet that is exported: the one of a running daemon, of a state directory, of a snapshot, or of the settings.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::super::exit_code::UsageError;
use crate::address::Layout;
use crate::config::setting::{ADDRESSES, IMPORT, NODES, PROFILE, SNAPSHOT, STATE, USER};
use crate::config::{FleetConfig, RawSettings, addresses};
use crate::store::{self, StoredFleet, snapshot};

/// The nodes, and what their source says about their addresses.
pub(super) struct Source {
    pub(super) config: FleetConfig,
    pub(super) layout: Layout,
    /// The URL of the BMCs, if a daemon has said it.
    pub(super) bmc: Option<String>,
    /// The certificate with which clients verify the BMCs.
    pub(super) ca: Option<String>,
    /// No setting and no source names the nodes.
    pub(super) is_default: bool,
}

/// The READY line of a daemon, as far as an export needs it.
#[derive(Deserialize)]
pub(super) struct ReadyLine {
    pub(super) addresses: String,
    pub(super) bmc: String,
    pub(super) ca: String,
    pub(super) user: String,
    pub(super) fleet: StoredFleet,
}

/// The longest file with a READY line, in bytes. The line names all nodes that were removed while the fleet ran.
const MAX_READY_BYTES: u64 = 256 << 20;

impl Source {
    pub(super) fn new(raw: &RawSettings, from: Option<&Path>) -> anyhow::Result<Self> {
        let mut config = FleetConfig::new(raw)?;
        if let Some(file) = from {
            let ready = ReadyLine::read(file)?;
            config.adopt(&ready.fleet, file)?;
            if !raw.is_given(&USER) {
                config.user = ready.user;
            }
            let layout = addresses::named(&ready.addresses);
            let layout = layout.with_context(|| {
                format!("{}: '{}' is not a way to share addresses", file.display(), ready.addresses)
            })?;
            if raw.is_given(&ADDRESSES) && addresses::layout(raw)? != layout {
                let problem = format!("{} says '{}'; leave it out", file.display(), layout.as_str());
                return Err(UsageError(format!("--addresses: {problem}")).into());
            }
            let ca = ready.bmc.starts_with("https://").then_some(ready.ca);
            return Ok(Self { config, layout, bmc: Some(ready.bmc), ca, is_default: false });
        }
        let layout = addresses::layout(raw)?;
        let is_default = match held(raw)? {
            Some((fleet, place)) => {
                config.adopt(&fleet, &place)?;
                false
            }
            None => ![&NODES, &PROFILE, &IMPORT].into_iter().any(|setting| raw.is_given(setting)),
        };
        Ok(Self { config, layout, bmc: None, ca: None, is_default })
    }
}

/// The fleet of the state directory or of the snapshot that the settings name, as `serve` would take it.
fn held(raw: &RawSettings) -> anyhow::Result<Option<(StoredFleet, std::path::PathBuf)>> {
    let snapshot = raw.path(&SNAPSHOT)?;
    if let Some(dir) = raw.path(&STATE)? {
        match store::describe(&dir)? {
            Some(fleet) => return Ok(Some((fleet, dir))),
            None if snapshot.is_some() => {}
            None => anyhow::bail!(
                "{0}: there is no fleet; start one with `fauxmetal serve --state {0}`, or leave --state out",
                dir.display()
            ),
        }
    }
    let Some(file) = snapshot else { return Ok(None) };
    let fleet = snapshot::Reader::open(&file)?.header().fleet.clone();
    Ok(Some((fleet, file)))
}

impl ReadyLine {
    /// Reads the last READY line of a file, or of standard input if the file is `-`.
    fn read(file: &Path) -> anyhow::Result<Self> {
        let name = || file.display().to_string();
        let mut text = String::new();
        let read = match file.as_os_str() == "-" {
            true => io::stdin().take(MAX_READY_BYTES).read_to_string(&mut text),
            false => File::open(file).and_then(|open| open.take(MAX_READY_BYTES).read_to_string(&mut text)),
        };
        read.with_context(name)?;
        let json = text.lines().rev().find_map(|line| line.strip_prefix("READY ")).unwrap_or(&text);
        serde_json::from_str(json).map_err(|error| {
            let problem = "it has no READY line of this version of fauxmetal; write the standard output of `fauxmetal serve` to it";
            anyhow::anyhow!("{}: {problem} ({error})", name())
        })
    }
}
