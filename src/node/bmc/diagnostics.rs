//! Diagnostic data: what the machine was at the moment at which a client had it collected.
//!
//! The archive is not stored. It follows from what is stored here, so it has the same bytes at each request.

use serde::{Deserialize, Serialize};

use super::Bmc;
use crate::node::boot::Boot;
use crate::node::host::Host;
use crate::node::sparse::{Part, Sparse};
use crate::time::SimTime;

/// The diagnostic data that a BMC keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnostics {
    /// The oldest first, at most [`Diagnostics::MOST`].
    kept: Vec<Collected>,
}

/// The machine at a moment: its state without secrets, and without what the BMC does not see. [`Host`] has an agent without its
/// data, and the BMC has no sessions, accounts, subscriptions and diagnostic data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collected {
    /// The number of the log entry that stands for it.
    pub entry: u32,
    pub at: SimTime,
    pub host: Host,
    pub boot: Boot,
    pub starts: u32,
    pub installed: bool,
    pub system_disk: Option<u8>,
    pub bmc: Box<Bmc>,
}

static NEW: Diagnostics = Diagnostics { kept: Vec::new() };

impl Default for Diagnostics {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for Diagnostics {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

impl Diagnostics {
    /// The data that a BMC keeps. The oldest makes room, with its entry. Each has some kilobytes, and up to 64 KiB with logs full
    /// of entries; a node is stored with all of them at each change.
    pub const MOST: usize = 4;
    /// The newest entries of each log that are part of the data.
    pub(super) const ENTRIES: usize = 128;

    /// The data of the entry with this number.
    pub fn of(&self, entry: u32) -> Option<&Collected> {
        self.kept.iter().find(|collected| collected.entry == entry)
    }

    /// The numbers of the entries that have data, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = u32> {
        self.kept.iter().map(|collected| collected.entry)
    }

    /// Whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds data. Returns the number of the entry that makes room.
    pub(super) fn add(&mut self, collected: Collected) -> Option<u32> {
        self.kept.push(collected);
        (self.kept.len() > Self::MOST).then(|| self.kept.remove(0).entry)
    }

    /// Drops the data whose entry `is_there` does not find.
    pub(super) fn retain(&mut self, is_there: impl Fn(u32) -> bool) {
        self.kept.retain(|collected| is_there(collected.entry));
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { kept } = self;
        for collected in kept {
            let Collected { entry: _, at, host, boot: _, starts: _, installed: _, system_disk: _, bmc } =
                collected;
            at.shift(ms);
            host.shift(ms);
            bmc.shift(ms);
        }
    }
}

impl Bmc {
    /// The BMC as diagnostic data shows it.
    pub(in crate::node) fn outline(&self) -> Self {
        let mut outline = self.clone();
        outline.sessions = super::Sessions::NEW;
        outline.accounts = Sparse::NEW;
        outline.subscriptions = Sparse::NEW;
        outline.diagnostics = Sparse::NEW;
        // It has private keys, and no document of the archive shows it.
        outline.https = Sparse::NEW;
        outline.media.hide_passwords();
        if let Some(firmware) = outline.firmware.get_mut() {
            firmware.hide_passwords();
        }
        if let Some(tasks) = outline.tasks.get_mut() {
            tasks.hide_requests();
        }
        if let Some(telemetry) = outline.telemetry.get_mut() {
            telemetry.forget_values();
        }
        if let Some(logs) = outline.logs.get_mut() {
            logs.shorten(Diagnostics::ENTRIES);
        }
        outline
    }

    /// Keeps the machine as the data of its log entry. The data of the oldest entry may make room, with that entry.
    pub(in crate::node) fn keep(&mut self, collected: Collected) {
        if let Some(oldest) = self.diagnostics.change(|all| all.add(collected)) {
            self.logs.change(|logs| logs.hide(oldest));
        }
    }

    /// Drops the data whose log entry is gone.
    pub(in crate::node) fn drop_diagnostics(&mut self) {
        let logs = &self.logs;
        if let Some(diagnostics) = self.diagnostics.get_mut() {
            diagnostics.retain(|entry| logs.shows(entry));
        }
    }
}
