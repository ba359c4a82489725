//! Extension `image`: installation of the boot loader.

use serde_json::Value;

use super::command::{Command, Mode, Signature, Situation, value};
use crate::ipa::failure;
use crate::node::ipa::{CommandEnd, IpaError, Then, Work};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "install_bootloader",
    method: "ImageExtension.install_bootloader",
    mode: Mode::Async,
    signature: Signature {
        required: &["root_uuid"],
        optional: &[
            "efi_system_part_uuid",
            "prep_boot_part_uuid",
            "target_boot_mode",
            "ignore_bootloader_failure",
        ],
        open: false,
    },
    validate: None,
    run: |at, params| {
        let ignore = value(params, "ignore_bootloader_failure") == Value::Bool(true);
        if let Err(error) = check(at, &value(params, "root_uuid"))
            && !ignore
        {
            return Err(error.into());
        }
        let span = at.node.timing().command;
        Ok(Work::Timed(span, CommandEnd::Succeeded("null".into()), Then::Nothing))
    },
}];

/// Checks that an operating system is installed, unless Ironic sent no root UUID.
///
/// Every image is assumed to contain the files that its boot loader needs. By default, Ironic forbids
/// boot loaders in BIOS mode; this is not simulated.
fn check(at: &Situation<'_>, root_uuid: &Value) -> Result<(), IpaError> {
    match root_uuid.as_str() {
        Some(uuid) if uuid != "0x00000000" && !at.node.installed() => {
            Err(failure::no_device(format!("No partition with UUID {uuid} found on any device")))
        }
        _ => Ok(()),
    }
}
