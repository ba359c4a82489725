//! The values of settings as one source has them.

use std::collections::BTreeMap;

use super::error::Origin;

/// A value as written. It has no `Debug`, since it may be a password.
#[derive(Clone)]
pub(super) struct RawValue {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// The values from one source, by the name of their setting.
pub(super) type Layer = BTreeMap<&'static str, Vec<RawValue>>;
