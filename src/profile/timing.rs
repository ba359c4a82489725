//! How long a model's hardware takes for things, as ranges from which each node draws.

use serde::{Deserialize, Serialize};

use crate::time::Span;

macro_rules! timings {
    ($($(#[doc = $doc:literal])+ $name:ident = $low:literal .. $high:literal),+ $(,)?) => {
        /// The lengths of a node's transitions, simulated milliseconds.
        ///
        /// A profile states those in which its model differs from these defaults.
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Timing { $($(#[doc = $doc])+ pub $name: Span),+ }

        impl Default for Timing {
            fn default() -> Self {
                Self { $($name: Span::ms($low, $high)),+ }
            }
        }

        impl Timing {
            /// The name, value and meaning of every timing, in the order of a node's life.
            pub fn list(&self) -> Vec<(&'static str, Span, &'static str)> {
                vec![$((stringify!($name), self.$name, concat!($($doc),+).trim_ascii())),+]
            }

            /// Sets the timing called `name`.
            ///
            /// # Errors
            /// When no timing has that name; the error lists those there are.
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
    /// An installed operating system's orderly shutdown.
    shutdown = 2_000 .. 5_000,
    /// A ramdisk's shutdown, asked for by its agent or the power button; it has nothing to stop.
    shutdown_ramdisk = 1_000 .. 3_000,
    /// Power-on self test, until a boot source is chosen.
    post = 2_000 .. 4_000,
    /// Loading and starting a ramdisk, until its agent or system runs (the image's transfer comes on top).
    boot_ramdisk = 2_000 .. 4_000,
    /// Starting an installed operating system.
    boot_os = 3_000 .. 6_000,
    /// A controller's own reset.
    manager_reset = 10_000 .. 20_000,
    /// From a ramdisk's start until its agent makes its first request.
    agent_start = 500 .. 1_500,
    /// An agent's short commands (boot loader, cleaning of metadata).
    command = 300 .. 1_500,
    /// Erasing one disk whole.
    erase_disk = 2_000 .. 5_000,
    /// A burn-in test.
    burnin = 5_000 .. 10_000,
    /// Pulling a container image and installing it (`execute_bootc_install`).
    bootc_install = 5_000 .. 10_000,
}

/// A timing's name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no timing '{name}'; known are: {}", known.join(", "))]
pub struct UnknownTiming {
    /// What was asked for.
    pub name: String,
    /// What there is.
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
    fn every_default_is_a_range() {
        for (name, span, doc) in Timing::default().list() {
            assert!(span.min_ms <= span.max_ms && !doc.is_empty(), "{name}");
        }
    }
}
