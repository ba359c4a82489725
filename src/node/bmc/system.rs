//! Settings of the `ComputerSystem` that its BMC keeps and that do not belong to the boot.

use serde::{Deserialize, Serialize};

use crate::dmtf::PowerRestorePolicy;
use crate::node::sparse::Part;

/// Settings of the `ComputerSystem`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SystemSettings {
    /// `HostName`, if a client has set it.
    pub host_name: Option<Box<str>>,
    /// `PowerRestorePolicy`, if a client has set it.
    pub power_restore: Option<PowerRestorePolicy>,
}

impl Part for SystemSettings {
    fn of_new_machine() -> &'static Self {
        static NEW: SystemSettings = SystemSettings { host_name: None, power_restore: None };
        &NEW
    }
}
