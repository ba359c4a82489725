//! The POST codes of the last starts of the host. The codes follow from the model and the clock; only the starts are stored.

use serde::{Deserialize, Serialize};

use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::logs::LogService;
use crate::profile::post_codes::PostCode;
use crate::time::SimTime;

/// The last starts of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PostCodes {
    /// The oldest first. [`PostCodes::most`] bounds them.
    starts: Vec<Start>,
}

/// A start of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Start {
    /// The number of the start.
    number: u32,
    /// The beginning of POST.
    at: SimTime,
    /// The duration of POST, ms.
    post_ms: u32,
    /// The time after which the power went off during POST, ms.
    #[serde(default)]
    cut_ms: Option<u32>,
    /// The codes whose entries a client has deleted, one bit for each.
    #[serde(default)]
    gone: u64,
}

/// A POST code that firmware has reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported<'a> {
    /// The number of its log entry.
    pub number: u32,
    /// The number of the start of the host.
    pub start: u32,
    pub at: SimTime,
    /// The time since the beginning of POST, ms.
    pub after_ms: u64,
    pub code: &'a PostCode,
}

static NEW: PostCodes = PostCodes { starts: Vec::new() };

impl Default for PostCodes {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for PostCodes {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

impl PostCodes {
    /// The number of starts that the log of POST codes keeps whole: at least one. `None` if the model has no such log.
    pub(in crate::node) fn most(profile: &Profile) -> Option<usize> {
        let service = profile.logs.iter().find(|service| service.holds_post_codes())?;
        Some((usize::from(service.entries) / profile.post_codes.len().max(1)).max(1))
    }

    /// A POST begins, which would last `post_ms`. Of the starts, the newest `most` are kept.
    pub(in crate::node) fn begin(&mut self, number: u32, at: SimTime, post_ms: u64, most: usize) {
        self.cut(at);
        let too_many = (self.starts.len() + 1).saturating_sub(most);
        self.starts.drain(..too_many.min(self.starts.len()));
        let post_ms = u32::try_from(post_ms).unwrap_or(u32::MAX);
        self.starts.push(Start { number, at, post_ms, cut_ms: None, gone: 0 });
    }

    /// The power goes off, or the host starts again. A POST that is not over ends.
    pub(in crate::node) fn cut(&mut self, at: SimTime) {
        if let Some(last) = self.starts.last_mut() {
            let passed = at.since_ms(last.at);
            if passed < u64::from(last.post_ms) && last.cut_ms.is_none() {
                last.cut_ms = u32::try_from(passed).ok();
            }
        }
    }

    /// Every code that firmware has reported until `now`, the oldest first, without those that a client has deleted.
    pub fn reported<'a>(&self, profile: &'a Profile, now: SimTime) -> impl Iterator<Item = Reported<'a>> {
        let codes = &profile.post_codes;
        self.starts.iter().flat_map(move |start| {
            let Start { number: of, at, post_ms, cut_ms, gone } = start.clone();
            let all = codes.iter().enumerate().map(move |(index, code)| {
                let after_ms = PostCode::offset_ms(codes, index, u64::from(post_ms));
                let number = LogService::post_code_number(of, index);
                let reported = Reported { number, start: of, at: at.after_ms(after_ms), after_ms, code };
                (index, reported)
            });
            let is_reported = move |after_ms: u64, at: SimTime| {
                at <= now && cut_ms.is_none_or(|cut| after_ms < u64::from(cut).max(1))
            };
            all.filter(move |(index, _)| gone & (1 << index) == 0)
                .map(|(_, reported)| reported)
                .filter(move |reported| is_reported(reported.after_ms, reported.at))
        })
    }

    /// Deletes the entries of all codes that firmware has reported until `now`. Returns whether there was one.
    pub(in crate::node) fn clear(&mut self, profile: &Profile, now: SimTime) -> bool {
        let numbers: Vec<u32> = self.reported(profile, now).map(|reported| reported.number).collect();
        for number in &numbers {
            self.delete(*number);
        }
        // Of a POST that goes on, later codes have entries again.
        self.starts.retain(|start| start.at.after_ms(start.post_ms.into()) > now && start.cut_ms.is_none());
        !numbers.is_empty()
    }

    /// Deletes the entry with this number. Returns whether there was one.
    pub(in crate::node) fn delete_reported(&mut self, number: u32, profile: &Profile, now: SimTime) -> bool {
        let is_there = self.reported(profile, now).any(|reported| reported.number == number);
        if is_there {
            self.delete(number);
        }
        is_there
    }

    fn delete(&mut self, number: u32) {
        for start in &mut self.starts {
            for index in 0..PostCode::MOST {
                if LogService::post_code_number(start.number, index) == number {
                    start.gone |= 1 << index;
                }
            }
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { starts } = self;
        for Start { number: _, at, post_ms: _, cut_ms: _, gone: _ } in starts {
            at.shift(ms);
        }
    }
}
