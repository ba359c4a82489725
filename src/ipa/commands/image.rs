//! Extension `image`: the boot loader.

use serde_json::Value;

use super::{Command, Mode, Signature, Situation, value};
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
        let span = at.node.profile().timing.command;
        Ok(Work::Timed(span, CommandEnd::Succeeded("null".into()), Then::Nothing))
    },
}];

/// There must be a system to boot, except where Ironic itself knows of none. Every image is taken to bring what its boot
/// loader needs; that Ironic forbids boot loaders of BIOS machines by default is not followed.
fn check(at: &Situation<'_>, root_uuid: &Value) -> Result<(), IpaError> {
    match root_uuid.as_str() {
        Some(uuid) if uuid != "0x00000000" && !at.node.installed() => {
            Err(failure::no_device(format!("No partition with UUID {uuid} found on any device")))
        }
        _ => Ok(()),
    }
}
