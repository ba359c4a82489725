//! Versions of firmware and values of BIOS attributes, which follow from the profile and from what has changed since.

use super::Node;
use crate::profile::bios::{Attribute, Value};
use crate::profile::inventory::FirmwareOf;

impl Node {
    /// The version of the firmware component with this number in the profile.
    pub fn firmware_version(&self, component: u8) -> &str {
        self.bmc().firmware.version(&self.profile, component)
    }

    pub fn bios_version(&self) -> &str {
        self.firmware_version(self.profile.component(|firmware| firmware.of == FirmwareOf::Bios).unwrap_or(0))
    }

    pub fn manager_version(&self) -> &str {
        self.firmware_version(
            self.profile.component(|firmware| firmware.of == FirmwareOf::Manager).unwrap_or(0),
        )
    }

    /// The version of the component that has the name of a part, if there is one.
    pub fn version_of_part(&self, name: &str) -> Option<&str> {
        let component = self.profile.component(|firmware| firmware.name.eq_ignore_ascii_case(name))?;
        Some(self.firmware_version(component))
    }

    /// The value of a BIOS attribute that is in force. A read-only attribute whose default is the version of the BIOS shows
    /// the current version.
    pub fn bios_value(&self, attribute: &Attribute) -> Value {
        if let Some(value) = self.bmc().bios.current.get(attribute.name.as_str()) {
            return value.clone();
        }
        let default = attribute.default_value();
        if attribute.read_only && default == Value::Text(self.profile.bios_version().into()) {
            return Value::Text(self.bios_version().into());
        }
        default
    }
}
