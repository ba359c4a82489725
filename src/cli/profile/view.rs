//! The output of `profile show -o json`: the keys of `profile.toml` and derived values.

use serde::Serialize;

use crate::profile::Profile;

#[derive(Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    memory_mib: u64,
    cpu_arch: &'static str,
    /// DMTF types that have an overlay.
    overlays: Vec<&'a str>,
    #[serde(flatten)]
    profile: &'a Profile,
}

impl<'a> View<'a> {
    pub(super) fn new(profile: &'a Profile) -> Self {
        Self {
            name: &profile.name,
            memory_mib: profile.memory_mib(),
            cpu_arch: profile.cpu_arch(),
            overlays: profile.overlays.keys().map(String::as_str).collect(),
            profile,
        }
    }
}
