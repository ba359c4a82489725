//! `--boot-time` and `--timing`: times that replace the profiles' own.

use std::sync::Arc;

use super::error::ConfigError;
use super::fleet::FleetConfig;
use super::raw::RawSettings;
use super::setting::{BOOT_TIME, TIMING};
use crate::profile::Profile;
use crate::time::Span;
use crate::time::timing::Timing;

/// The times of the configuration.
#[derive(Clone, Debug)]
pub struct Timings {
    boot_time: Option<Span>,
    /// Valid names of timings, with their values.
    timings: Vec<(String, Span)>,
}

impl Timings {
    pub(super) fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let boot_time =
            raw.optional(&BOOT_TIME, |text| text.parse::<Span>().map_err(|error| error.to_string()))?;
        let timings = raw.list(&TIMING, Timing::default().list().len(), |text| {
            let (name, range) = text
                .split_once('=')
                .ok_or_else(|| format!("'{text}' has no value; write NAME=RANGE, such as post=30s..60s"))?;
            let span: Span = range.parse().map_err(|error| format!("{name}: {error}"))?;
            Timing::default().set(name, span).map_err(|error| error.to_string())?;
            Ok((name.to_owned(), span))
        })?;
        Ok(Self { boot_time, timings: timings.into_iter().map(|(timing, _)| timing).collect() })
    }

    /// Sets the times in every model of the fleet.
    pub(super) fn apply(&self, fleet: &mut FleetConfig) {
        for model in fleet.models.iter_mut().chain(&mut fleet.added) {
            self.apply_to(&mut model.profile);
        }
    }

    /// Sets the times in a model.
    pub fn apply_to(&self, profile: &mut Arc<Profile>) {
        if self.boot_time.is_none() && self.timings.is_empty() {
            return;
        }
        let timing = &mut Arc::make_mut(profile).timing;
        if let Some(boot_time) = self.boot_time {
            split_boot_time(timing, boot_time);
        }
        for (name, span) in &self.timings {
            timing.set(name, *span).expect("the name was tried above");
        }
    }
}

/// One half for the firmware, the other half for the system that it starts, so that their sum stays within the range.
fn split_boot_time(timing: &mut Timing, whole: Span) {
    let post = Span::ms(whole.min_ms / 2, whole.max_ms / 2);
    let boot = Span::ms(whole.min_ms - post.min_ms, whole.max_ms - post.max_ms);
    timing.power_on = Span::exactly_ms(0);
    timing.post = post;
    timing.boot_ramdisk = boot;
    timing.boot_os = boot;
}
