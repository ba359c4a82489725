//! The machine and the components that an update is for.

use super::error::Problem;
use super::message::{ACTION_PARAMETER_MISSING, ACTION_PARAMETER_VALUE_NOT_IN_LIST, Message};
use crate::node::Node;
use crate::node::bmc::firmware;
use crate::node::bmc::source::Source;
use crate::profile::inventory::{Firmware, FirmwareOf};

const SIMPLE_UPDATE: &str = "UpdateService.SimpleUpdate";

/// A request for an update.
pub(super) struct Update {
    /// `Targets` of the action.
    pub targets: Vec<Box<str>>,
    pub source: Source,
    /// The service does the reset that applies the update.
    pub immediate: bool,
}

impl Update {
    /// The UUID of the machine that is meant, below the root that all machines share.
    pub(super) fn machine(&self) -> Option<uuid::Uuid> {
        let rest = self.targets.first()?.strip_prefix("/redfish/v1/")?;
        let key = ["UpdateService/FirmwareInventory/", "Managers/", "Systems/"]
            .into_iter()
            .find_map(|collection| rest.strip_prefix(collection))?;
        // A UUID as text has 36 characters.
        key.get(..36)?.parse().ok()
    }

    /// The command for this machine. All targets must be components of it.
    pub(super) fn command(&self, node: &Node, own_root: bool) -> Result<firmware::Command, Problem> {
        let mut components = Vec::with_capacity(self.targets.len().max(1));
        if self.targets.is_empty() {
            let named = node.profile().component(|firmware| is_image_of(&self.source.uri, firmware));
            components.push(named.ok_or_else(|| self.no_target(0))?);
        }
        for (at, target) in self.targets.iter().enumerate() {
            let component = component(node, own_root, target).ok_or_else(|| self.no_target(at))?;
            // A system and its BIOS are the same component.
            if !components.contains(&component) {
                components.push(component);
            }
        }
        let (source, immediate) = (self.source.clone(), self.immediate);
        Ok(firmware::Command { components: components.into(), source, immediate, start: Box::default() })
    }

    /// The target at this place in the list means no component.
    pub(super) fn no_target(&self, at: usize) -> Problem {
        match self.targets.get(at) {
            Some(target) => {
                Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [target, "Targets", SIMPLE_UPDATE])
                    .about(format!("#/Targets/{at}"))
                    .into()
            }
            None => Message::new(&ACTION_PARAMETER_MISSING, [SIMPLE_UPDATE, "Targets"]).into(),
        }
    }
}

/// The component that a target means.
fn component(node: &Node, own_root: bool, target: &str) -> Option<u8> {
    let profile = node.profile();
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
