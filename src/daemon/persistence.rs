//! The stored fleet: what is read from a state directory or a snapshot at the start, and stored from then on.

use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::{self, Clock};
use crate::config::Config;
use crate::config::setting::{SNAPSHOT, STATE, Setting};
use crate::fleet::Fleet;
use crate::node::{NodeId, State};
use crate::redfish::accounts::SharedAccounts;
use crate::redfish::aggregates::Aggregates;
use crate::redfish::session::Sessions;
use crate::redfish::task_settings::TaskSettings;
use crate::redfish::{Redfish, SharedEvents};
use crate::store::{Directory, Keeper, Store, StoreError, StoredClock, StoredFleet, snapshot};
use crate::time::SimTime;

/// The contents of the state directory or of the snapshot; empty for a new fleet.
pub(super) struct Stored {
    pub(super) directory: Option<Directory>,
    /// The state file, if the directory has one.
    store: Option<Store>,
    /// The nodes of the snapshot.
    nodes: Vec<(NodeId, State)>,
    /// Indexes of removed nodes.
    pub(super) removed: Vec<u32>,
    /// Simulated time must not start before it: clients have seen it.
    pub(super) time: SimTime,
    /// The clock, if it was changed while the fleet ran.
    clock: Option<StoredClock>,
}

impl Stored {
    /// Reads the stored fleet, and changes the configuration to its nodes.
    pub(super) fn open(config: &mut Config) -> anyhow::Result<Self> {
        let locked = config.state.as_deref().map(|dir| Directory::lock(dir, true)).transpose();
        let directory = locked.map_err(|error| {
            let way_out = "name a directory that this user may write";
            of_flag(&STATE, error, way_out)
        })?;
        let store = directory.as_ref().map(Store::open).transpose()?.flatten();
        let (mut nodes, mut removed, mut time) = (Vec::new(), Vec::new(), SimTime::from_ms(0));
        let mut clock = None;
        if let Some(store) = &store {
            config.adopt(store.fleet(), store.file())?;
            time = store.time();
            let read = StoredClock::read(&store.records(StoredClock::RECORD)?);
            clock = read.map_err(|problem| anyhow::anyhow!("{}: {problem}", store.file().display()))?;
            removed.clone_from(&store.fleet().removed);
        } else if let Some(file) = config.snapshot.clone() {
            let snapshot = snapshot::Reader::open(&file).map_err(|error| {
                let way_out = "write a snapshot to a file with `fauxmetal snapshot export FILE`";
                of_flag(&SNAPSHOT, error, way_out)
            })?;
            let then = SimTime::from_ms(snapshot.header().time_ms);
            config.adopt(&snapshot.header().fleet, &file)?;
            removed.clone_from(&snapshot.header().fleet.removed);
            time = then.max(SimTime::from_ms(clock::unix_ms()));
            nodes = snapshot.nodes(time.since_ms(then))?;
        }
        Ok(Self { directory, store, nodes, removed, time, clock })
    }

    /// The clock of the fleet: as it went before the restart, or a new one.
    pub(super) fn clock(&self, config: &Config) -> Clock {
        let Some(stored) = &self.clock else { return Clock::wall_after(config.speed, self.time) };
        let clock = stored.start(self.time, config.speed, config.speed_is_given);
        let (time, speed) = (clock.now().rfc3339(), clock.speed());
        if clock.is_held() {
            tracing::warn!(%time, speed, "the clock is held, as before the restart; `fauxmetal clock run` lets time go on");
        } else {
            tracing::info!(%time, speed, "the clock was changed before the restart, so it does not show the system's date");
        }
        clock
    }

    /// Restores the nodes, and the rules of faults that they have.
    pub(super) fn restore_nodes(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let rules = match &self.store {
            Some(store) => store.records(Fleet::RULES)?,
            None => Vec::new(),
        };
        fleet.restore_rules(&rules).map_err(|problem| {
            let file = self.store.as_ref().map(|store| store.file().display().to_string());
            anyhow::anyhow!("{}: {problem}", file.unwrap_or_default())
        })?;
        let mut restored = self.store.as_ref().map_or(Ok(0), |store| store.restore(fleet))?;
        for (id, state) in &self.nodes {
            restored += u32::from(fleet.restore(*id, state.clone()));
        }
        if restored > 0 {
            tracing::info!(nodes = restored, "restored the stored nodes; all other nodes are new");
        }
        fleet.complete_rules(&rules);
        Ok(())
    }

    pub(super) fn restore_sessions(&self, redfish: &Redfish) -> anyhow::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let now = redfish.fleet.clock().now();
        let mut restored = redfish.sessions.restore(&store.records(Sessions::RECORDS)?, now);
        for (_, record) in store.records(SharedAccounts::RECORD)? {
            restored = restored.and_then(|()| redfish.accounts.restore(&record));
        }
        let events = store.records(SharedEvents::RECORDS)?;
        restored = restored.and_then(|()| redfish.events.restore(&events));
        let tasks = store.records(TaskSettings::RECORD)?;
        let aggregates = store.records(Aggregates::RECORDS)?;
        restored
            .and_then(|()| redfish.task_settings.restore(&tasks))
            .and_then(|()| redfish.aggregates.restore(&aggregates))
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", store.file().display()))
    }

    /// Starts to persist the fleet, if there is a state directory. Creates the state file of a new fleet.
    pub(super) fn persist(self, config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Option<Persistence>> {
        let (Some(directory), Some(ledger)) = (self.directory, fleet.ledger()) else { return Ok(None) };
        let store = match self.store {
            Some(store) => store,
            None => {
                let now = fleet.clock().now();
                let stored = StoredFleet { removed: self.removed, ..config.fleet.stored() };
                // A machine that is on in an imported file is no new one any more.
                let nodes = if self.nodes.is_empty() { fleet.imported_states() } else { self.nodes };
                Store::create(&directory, &stored, now, nodes.into_iter().map(Ok))?
            }
        };
        let keeper = Keeper::start(store, Arc::clone(fleet), Arc::clone(ledger))
            .context("cannot start the thread that stores the fleet")?;
        Ok(Some(Persistence { keeper, _directory: directory }))
    }
}

/// An error about the file or directory of a flag. An error of the system, which has no advice of its own, gets `way_out`.
fn of_flag(setting: &Setting, error: StoreError, way_out: &str) -> anyhow::Error {
    let flag = setting.flag();
    match error {
        StoreError::Io { .. } => anyhow::anyhow!("{flag}: {error}; {way_out}"),
        other => other.into(),
    }
}

/// A fleet that is being persisted. The state directory stays locked meanwhile.
pub(super) struct Persistence {
    keeper: Keeper,
    _directory: Directory,
}

impl Persistence {
    /// Stores the remaining changes and closes the state file.
    pub(super) fn stop(self) -> Result<(), StoreError> {
        self.keeper.stop()
    }
}
