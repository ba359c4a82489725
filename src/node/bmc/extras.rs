//! Settings that few clients change, in one place: a node without any of them pays for none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::oem::Kept;
use crate::node::sparse::Part;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// `Chassis.AssetTag`. It is empty until a client sets it.
    pub chassis_asset_tag: Box<str>,
    /// The boot options that a client has disabled, as indexes into `boot_order` of the profile.
    pub disabled_boot_options: BTreeSet<u8>,
    /// The properties of the maker that a client has set.
    pub oem: Vec<Kept>,
}

impl Part for Extras {
    fn of_new_machine() -> &'static Self {
        static NEW: std::sync::LazyLock<Extras> = std::sync::LazyLock::new(Extras::default);
        &NEW
    }
}

impl Extras {
    pub(in crate::node) fn enable_boot_option(&mut self, number: u8, enabled: bool) {
        if enabled {
            self.disabled_boot_options.remove(&number);
        } else {
            self.disabled_boot_options.insert(number);
        }
    }
}
