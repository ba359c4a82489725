//! Extension `poll`: for agents that send no requests and are polled instead. Ironic's drivers do not use it.

use super::command::{Command, Mode, Signature, done};
use crate::ipa::{failure, inventory};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "get_hardware_info",
        method: "PollExtension.get_hardware_info",
        mode: Mode::Sync,
        signature: Signature::NONE,
        validate: None,
        run: |at, _| Ok(done(&inventory::inventory(at.node, &at.agent.params, at.reported))),
    },
    Command {
        name: "set_node_info",
        method: "PollExtension.set_node_info",
        mode: Mode::Sync,
        signature: Signature { required: &[], optional: &["node_info"], open: false },
        validate: None,
        // No simulated agent runs in standalone mode.
        run: |_, _| {
            let text = "Node lookup data can only be set when the Ironic Python Agent is running in standalone mode.";
            Err(failure::command(text.to_owned()).into())
        },
    },
];
