//! Extension `rescue`: the ramdisk becomes a rescue system, and its agent stops.

use super::command::{Command, Mode, Signature};
use crate::node::ipa::{Closed, Work};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "finalize_rescue",
    method: "RescueExtension.finalize_rescue",
    mode: Mode::Sync,
    signature: Signature { required: &[], optional: &["rescue_password", "hashed"], open: false },
    validate: None,
    run: |_, _| Ok(Work::Close("null".into(), Closed::Rescued)),
}];
