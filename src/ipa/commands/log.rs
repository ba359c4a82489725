//! Extension `log`: the ramdisk's journal.

use serde_json::json;

use super::{Command, Mode, Signature, done};
use crate::ipa::journal;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "collect_system_logs",
    method: "LogExtension.collect_system_logs",
    mode: Mode::Sync,
    signature: Signature::NONE,
    validate: None,
    run: |at, _| Ok(done(&json!({"system_logs": journal::archive(at.node, at.agent, at.now)}))),
}];
