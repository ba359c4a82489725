//! The logs of a BMC: the events that it remembers, until a log is full, a client clears it, or deletes an entry.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::tasks::Start;
use crate::dmtf::OverWritePolicy;
use crate::node::event::{Collection, Event, Log, What};
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::logs::LogService;
use crate::time::SimTime;

/// Commands to the log services of a BMC.
#[derive(Clone, Debug)]
pub enum Command {
    /// `LogService.ClearLog`: the entries that the log service with this number in the profile shows are gone.
    Clear(u8),
    /// `DELETE` of the entry with this number.
    DeleteEntry { service: u8, number: u32 },
    /// `LogService.CollectDiagnosticData`, for a log service that allows the type.
    Collect { collection: Box<Collection>, start: Box<Start> },
}

/// All logs of a BMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Logs {
    /// The number of the newest event.
    last: u32,
    /// Ordered by number. [`LogService::entries`] bounds the entries of each log. The oldest entry of a full log, which is near the
    /// front, goes with each new one.
    kept: VecDeque<Entry>,
    /// The entries of the time before the machine came into the fleet that are gone, one bit for each number.
    past_gone: u8,
}

/// An event in a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    event: Event,
    /// No client sees it any more. It stays for a moment, so that those who follow the events of the fleet can read it.
    #[serde(default)]
    hidden: bool,
}

static NEW: Logs = Logs { last: Logs::PAST, kept: VecDeque::new(), past_gone: 0 };

impl Default for Logs {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for Logs {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

impl Logs {
    /// The number of entries from the time before the machine came into the fleet. Their numbers are 1 to this one.
    pub const PAST: u32 = 6;
    /// Hidden entries that stay.
    const HIDDEN: usize = 8;

    /// The number of the newest event.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// The events after the one with this number that are still there, in their order.
    pub fn after(&self, number: u32) -> impl Iterator<Item = &Event> {
        let at = self.kept.partition_point(|entry| entry.event.number <= number);
        self.kept.range(at..).map(|entry| &entry.event)
    }

    /// The entries that a log service shows, the oldest first, without those of the past.
    pub fn of(&self, service: &LogService) -> impl Iterator<Item = &Event> {
        let shown = self.kept.iter().filter(|entry| !entry.hidden && entry.event.what.is_in(service));
        shown.map(|entry| &entry.event)
    }

    /// Whether the entry of the past with this number is still there.
    pub fn has_past(&self, number: u32) -> bool {
        self.past_gone & (1 << number) == 0
    }

    /// The logs of a machine that is new again. The numbers go on, so that the URI of an old entry never leads to a new one.
    pub(in crate::node) fn renewed(&self) -> Self {
        Self { last: self.last, past_gone: self.past_gone, kept: VecDeque::new() }
    }

    /// Remembers an event in the log service that holds it. Returns its number.
    pub(super) fn add(&mut self, what: What, at: SimTime, profile: &Profile) -> u32 {
        self.last = self.last.wrapping_add(1).max(Self::PAST + 1);
        let service = profile.logs.iter().find(|service| what.is_in(service));
        let mut hidden = service.is_none();
        if let Some(service) = service {
            let shown = |entry: &Entry| !entry.hidden && entry.event.what.is_in(service);
            let most = usize::from(service.entries);
            let full =
                self.kept.len() >= most && self.kept.iter().filter(|entry| shown(entry)).count() >= most;
            match service.overwrite {
                OverWritePolicy::NeverOverWrites => hidden = full,
                OverWritePolicy::WrapsWhenFull if full => {
                    if let Some(oldest) = self.kept.iter().position(shown) {
                        self.kept.remove(oldest);
                    }
                }
                OverWritePolicy::WrapsWhenFull => {}
            }
        }
        if matches!(what, What::Report(_)) {
            // A report is much larger than an event, and those who follow read it before the next moment with a report.
            let is_old = |event: &Event| matches!(event.what, What::Report(_)) && event.at < at;
            self.kept.retain(|entry| !is_old(&entry.event));
        }
        self.kept.push_back(Entry { event: Event { number: self.last, at, what }, hidden });
        if hidden {
            self.drop_hidden();
        }
        self.last
    }

    /// Whether a log service has as many entries as it may have.
    pub(in crate::node) fn is_full(&self, service: &LogService) -> bool {
        self.of(service).count() >= usize::from(service.entries)
    }

    /// Whether a client sees the entry with this number.
    pub(super) fn shows(&self, number: u32) -> bool {
        self.kept.iter().any(|entry| entry.event.number == number && !entry.hidden)
    }

    /// Removes the entry with this number.
    pub(super) fn hide(&mut self, number: u32) {
        for entry in self.kept.iter_mut().filter(|entry| entry.event.number == number) {
            entry.hidden = true;
        }
    }

    /// Keeps what clients see, and of each log the newest `most` entries.
    pub(super) fn shorten(&mut self, most: usize) {
        let mut seen: Vec<(Log, usize)> = Vec::new();
        let mut left = std::mem::take(&mut self.kept);
        left.make_contiguous().reverse();
        left.retain(|entry| {
            let Some(log) = entry.event.what.log().filter(|_| !entry.hidden) else { return false };
            let at = seen.iter().position(|(other, _)| *other == log).unwrap_or_else(|| {
                seen.push((log, 0));
                seen.len() - 1
            });
            seen[at].1 += 1;
            seen[at].1 <= most
        });
        left.make_contiguous().reverse();
        left.shrink_to_fit();
        self.kept = left;
    }

    /// Removes an entry of a log service, or all entries. Returns whether that has changed anything.
    pub(in crate::node) fn remove(&mut self, service: &LogService, number: Option<u32>) -> bool {
        let before = (self.past_gone, self.kept.iter().filter(|entry| entry.hidden).count());
        match number {
            None => {
                for number in (1..=Self::PAST).filter(|number| past_what(*number).is_in(service)) {
                    self.past_gone |= 1 << number;
                }
                for entry in &mut self.kept {
                    entry.hidden |= entry.event.what.is_in(service);
                }
            }
            Some(number) if number <= Self::PAST => self.past_gone |= 1 << number,
            Some(number) => self.hide(number),
        }
        let changed = before != (self.past_gone, self.kept.iter().filter(|entry| entry.hidden).count());
        self.drop_hidden();
        changed
    }

    /// Forgets all hidden entries but the newest ones. The number of reports at one moment is bounded by their definitions.
    fn drop_hidden(&mut self) {
        let is_hidden = |entry: &Entry| entry.hidden && !matches!(entry.event.what, What::Report(_));
        let hidden = self.kept.iter().filter(|entry| is_hidden(entry)).count();
        let mut too_many = hidden.saturating_sub(Self::HIDDEN);
        self.kept.retain(|entry| {
            let drops = is_hidden(entry) && too_many > 0;
            too_many -= usize::from(drops);
            !drops
        });
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { last: _, kept, past_gone: _ } = self;
        for Entry { event: Event { number: _, at, what }, hidden: _ } in kept {
            at.shift(ms);
            what.shift(ms);
        }
    }
}

/// The event of the past with this number: the test of a new machine at its maker.
pub fn past_what(number: u32) -> What {
    match number {
        1 => What::ManagerStarted,
        2 => What::PoweredOn,
        3 => What::SelfTestCompleted,
        4 => What::Booted,
        5 => What::PoweredOff,
        _ => What::LogCleared(0),
    }
}
