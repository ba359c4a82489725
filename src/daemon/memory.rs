//! What a fleet remembers of an earlier run or of a snapshot, and where it is kept from here on.

use std::sync::Arc;

use anyhow::Context as _;

use crate::clock;
use crate::config::Config;
use crate::fleet::Fleet;
use crate::node::{NodeId, State};
use crate::redfish::Redfish;
use crate::redfish::session::Sessions;
use crate::store::{Directory, Keeper, Store, StoredFleet, snapshot};
use crate::time::SimTime;

/// What the fleet remembers of an earlier run, or of a snapshot.
pub(super) struct Memory {
    /// Where it is kept from here on.
    pub(super) directory: Option<Directory>,
    /// What was found there.
    store: Option<Store>,
    /// What the snapshot holds.
    nodes: Vec<(NodeId, State)>,
    /// Nodes that are gone.
    pub(super) removed: Vec<u32>,
    /// Simulated time goes on from there at least.
    pub(super) time: SimTime,
}

impl Memory {
    /// Reads what is to be remembered, and makes the configured fleet the one that it is of.
    pub(super) fn open(config: &mut Config) -> anyhow::Result<Self> {
        let directory = config.state.as_deref().map(|dir| Directory::lock(dir, true)).transpose()?;
        let store = directory.as_ref().map(Store::open).transpose()?.flatten();
        let (mut nodes, mut removed, mut time) = (Vec::new(), Vec::new(), SimTime::from_ms(0));
        if let Some(store) = &store {
            config.adopt(store.fleet(), store.file())?;
            time = store.time();
            removed.clone_from(&store.fleet().removed);
        } else if let Some(file) = config.snapshot.clone() {
            let snapshot = snapshot::Reader::open(&file)?;
            let then = SimTime::from_ms(snapshot.header().time_ms);
            config.adopt(&snapshot.header().fleet, &file)?;
            removed.clone_from(&snapshot.header().fleet.removed);
            time = then.max(SimTime::from_ms(clock::unix_ms()));
            nodes = snapshot.nodes(time.since_ms(then))?;
        }
        Ok(Self { directory, store, nodes, removed, time })
    }

    pub(super) fn restore(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let mut restored = self.store.as_ref().map_or(Ok(0), |store| store.restore(fleet))?;
        for (id, state) in &self.nodes {
            restored += u32::from(fleet.restore(*id, state.clone()));
        }
        if restored > 0 {
            tracing::info!(nodes = restored, "remembered; all others are new");
        }
        Ok(())
    }

    pub(super) fn restore_sessions(&self, redfish: &Redfish) -> anyhow::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let now = redfish.fleet.clock().now();
        let restored = redfish.sessions.restore(&store.records(Sessions::RECORDS)?, now);
        restored.map_err(|why| anyhow::anyhow!("{}: {why}", store.file().display()))
    }

    /// Begins to keep the fleet, if it is to be kept. A new one is written only now that nothing else can go wrong.
    pub(super) fn keep(self, config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Option<Kept>> {
        let (Some(directory), Some(ledger)) = (self.directory, fleet.ledger()) else { return Ok(None) };
        let store = match self.store {
            Some(store) => store,
            None => {
                let now = fleet.clock().now();
                let held = StoredFleet { removed: self.removed, ..config.fleet.held() };
                Store::create(&directory, &held, now, self.nodes.into_iter().map(Ok))?
            }
        };
        let keeper =
            Keeper::start(store, Arc::clone(fleet), Arc::clone(ledger)).context("no thread to be had")?;
        Ok(Some(Kept { keeper, _directory: directory }))
    }
}

/// A fleet that is kept, in a directory that is held meanwhile.
pub(super) struct Kept {
    pub(super) keeper: Keeper,
    _directory: Directory,
}
