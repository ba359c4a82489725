//! Extension `log`: the logs of the ramdisk.

use serde_json::json;

use super::command::{Command, Mode, Signature, done};
use crate::ipa::journal;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "collect_system_logs",
    method: "LogExtension.collect_system_logs",
    mode: Mode::Sync,
    signature: Signature::NONE,
    validate: None,
    run: |at, _| Ok(done(&json!({"system_logs": journal::archive(at.node, at.agent, at.now, at.reported)}))),
}];
