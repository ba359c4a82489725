//! Extension `system`: lockdown stops the agent of a machine that must stay powered on.

use super::command::{Command, Mode, Signature};
use crate::node::ipa::{Closed, Work};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "lockdown",
    method: "SystemExtension.lockdown",
    mode: Mode::Sync,
    signature: Signature::NONE,
    validate: None,
    run: |_, _| Ok(Work::Close("null".into(), Closed::LockedDown)),
}];
