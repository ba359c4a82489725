//! The machine and the component that an update is for.

use super::error::Problem;
use super::message::{ACTION_PARAMETER_MISSING, ACTION_PARAMETER_VALUE_NOT_IN_LIST, Message};
use crate::node::Node;
use crate::node::bmc::firmware::{self, Source};
use crate::profile::inventory::{Firmware, FirmwareOf};

const SIMPLE_UPDATE: &str = "UpdateService.SimpleUpdate";

/// A request for an update.
pub(super) struct Update {
    /// The only one of `Targets`.
    pub target: Option<Box<str>>,
    pub source: Source,
}

impl Update {
    /// The UUID of the machine that is meant, below the root that all machines share.
    pub(super) fn machine(&self) -> Option<uuid::Uuid> {
        let rest = self.target.as_deref()?.strip_prefix("/redfish/v1/")?;
        let key = ["UpdateService/FirmwareInventory/", "Managers/", "Systems/"]
            .into_iter()
            .find_map(|collection| rest.strip_prefix(collection))?;
        // A UUID as text has 36 characters.
        key.get(..36)?.parse().ok()
    }

    /// The command for this machine.
    pub(super) fn command(self, node: &Node, own_root: bool) -> Result<firmware::Command, Problem> {
        let profile = node.profile();
        let component = match self.target.as_deref() {
            Some(target) => {
                let key = if own_root { String::new() } else { node.spec().uuid().to_string() };
                let (system, manager, dash) = match own_root {
                    true => (profile.ids.system.as_str(), profile.ids.manager.as_str(), ""),
                    false => (key.as_str(), key.as_str(), "-"),
                };
                let system = format!("/redfish/v1/Systems/{system}");
                // A UUID can be written in capitals.
                let is = |uri: &str| target.eq_ignore_ascii_case(uri);
                profile.component(|firmware| {
                    let of = match firmware.of {
                        FirmwareOf::Bios => is(&system) || is(&format!("{system}/Bios")),
                        FirmwareOf::Manager => is(&format!("/redfish/v1/Managers/{manager}")),
                        FirmwareOf::Chassis => false,
                    };
                    let id = &firmware.id;
                    of || is(&format!("/redfish/v1/UpdateService/FirmwareInventory/{key}{dash}{id}"))
                })
            }
            None => profile.component(|firmware| is_image_of(&self.source.image, firmware)),
        };
        match component {
            Some(component) => Ok(firmware::Command { component, source: self.source }),
            None => Err(self.no_target()),
        }
    }

    /// No component is meant.
    pub(super) fn no_target(&self) -> Problem {
        match &self.target {
            Some(target) => {
                Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [target, "Targets", SIMPLE_UPDATE])
                    .about("#/Targets/0".to_owned())
                    .into()
            }
            None => Message::new(&ACTION_PARAMETER_MISSING, [SIMPLE_UPDATE, "Targets"]).into(),
        }
    }
}

/// Whether the name of an image names the component, by its id or its name: `BIOS_2.5.0.bin`, `ilo6_174.fwpkg`. A real image
/// says in its content what it is for.
fn is_image_of(image: &str, component: &Firmware) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let image = plain(firmware::file_name(image));
    // A number says nothing.
    let names = |text: &str| text.contains(|c: char| c.is_ascii_alphabetic()) && image.contains(&plain(text));
    names(&component.id) || names(&component.name)
}
