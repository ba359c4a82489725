//! A model as `profile show -o json` prints it: the keys of its `profile.toml`, and what follows from them.

use serde::Serialize;

use crate::profile::Profile;

/// The model with what its `profile.toml` does not say by itself.
#[derive(Serialize)]
pub(super) struct View<'a> {
    name: &'a str,
    memory_mib: u64,
    cpu_arch: &'static str,
    /// DMTF types whose documents the model changes.
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
