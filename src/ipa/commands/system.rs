//! Extension `system`: locking the agent down, for machines that must not be turned off.

use super::{Command, Mode, Signature};
use crate::node::ipa::{Closed, Work};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "lockdown",
    method: "SystemExtension.lockdown",
    mode: Mode::Sync,
    signature: Signature::NONE,
    validate: None,
    run: |_, _| Ok(Work::Close("null".into(), Closed::LockedDown)),
}];
