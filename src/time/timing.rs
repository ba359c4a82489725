//! Durations of a model's hardware: ranges from which each node draws one duration for each use.

use serde::{Deserialize, Serialize};

use super::Span;

macro_rules! timings {
    ($($(#[doc = $doc:literal])+ $name:ident = $low:literal .. $high:literal),+ $(,)?) => {
        /// Durations of a node's transitions, in simulated time.
        ///
        /// A profile contains only the durations that differ from these defaults.
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Timing { $($(#[doc = $doc])+ pub $name: Span),+ }

        impl Default for Timing {
            fn default() -> Self {
                Self { $($name: Span::ms($low, $high)),+ }
            }
        }

        impl Timing {
            /// Name, value and explanation of every timing, in the order in which a node passes through them.
            pub fn list(&self) -> Vec<(&'static str, Span, &'static str)> {
                vec![$((stringify!($name), self.$name, concat!($($doc),+).trim_ascii())),+]
            }

            /// Sets the timing called `name`.
            ///
            /// # Errors
            /// If no timing has that name; the error lists all names.
            pub fn set(&mut self, name: &str, span: Span) -> Result<(), UnknownTiming> {
                match name {
                    $(stringify!($name) => self.$name = span,)+
                    _ => return Err(UnknownTiming { name: name.to_owned(), known: &[$(stringify!($name)),+] }),
                }
                Ok(())
            }
        }
    };
}

timings! {
    /// From a power-on request until the power is on.
    power_on = 0 .. 500,
    /// From a forced power-off until the power is off.
    power_off = 0 .. 500,
    /// Orderly shutdown of an installed operating system.
    shutdown = 2_000 .. 5_000,
    /// Shutdown of a ramdisk by its agent or the power button; a ramdisk has no services to stop.
    shutdown_ramdisk = 1_000 .. 3_000,
    /// Power-on self test, until the firmware chooses a boot source.
    post = 2_000 .. 4_000,
    /// Loading and starting a ramdisk, until its agent or system runs; reading the image takes extra time.
    boot_ramdisk = 2_000 .. 4_000,
    /// Starting an installed operating system.
    boot_os = 3_000 .. 6_000,
    /// From a reset of the BMC until it stops answering, so that clients can log out.
    manager_grace = 3_000 .. 5_000,
    /// Restart of the BMC.
    manager_reset = 10_000 .. 20_000,
    /// Work on a volume: its creation, deletion or initialization.
    volume = 1_000 .. 3_000,
    /// Collecting diagnostic data for a log.
    diagnostics = 2_000 .. 5_000,
    /// From the start of a ramdisk until the first request of its agent.
    agent_start = 500 .. 1_500,
    /// Short commands of an agent (boot loader, cleaning of metadata).
    command = 300 .. 1_500,
    /// Erasing a whole disk.
    erase_disk = 2_000 .. 5_000,
    /// One burn-in test.
    burnin = 5_000 .. 10_000,
    /// Pulling a container image and installing it (`execute_bootc_install`).
    bootc_install = 5_000 .. 10_000,
}

/// A name that no timing has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no timing '{name}'; known are: {}", known.join(", "))]
pub struct UnknownTiming {
    pub name: String,
    pub known: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timing_is_set_by_name() {
        let mut timing = Timing::default();
        timing.set("post", Span::exactly_ms(7)).unwrap();
        assert_eq!(timing.post, Span::exactly_ms(7));
        let error = timing.set("lunch", Span::exactly_ms(7)).unwrap_err().to_string();
        assert!(error.contains("'lunch'") && error.contains("boot_ramdisk"), "{error}");
    }

    #[test]
    fn every_default_is_a_valid_range_with_an_explanation() {
        for (name, span, doc) in Timing::default().list() {
            assert!(span.min_ms <= span.max_ms && !doc.is_empty(), "{name}");
        }
    }
}
