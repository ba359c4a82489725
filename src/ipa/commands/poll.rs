//! Extension `poll`: for agents that are asked instead of calling. Ironic's drivers do not use it.

use super::{Command, Mode, Signature, done};
use crate::ipa::{failure, inventory};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "get_hardware_info",
        method: "PollExtension.get_hardware_info",
        mode: Mode::Sync,
        signature: Signature::NONE,
        validate: None,
        run: |at, _| Ok(done(&inventory::inventory(at.node, &at.agent.params, at.bmcs))),
    },
    Command {
        name: "set_node_info",
        method: "PollExtension.set_node_info",
        mode: Mode::Sync,
        signature: Signature { required: &[], optional: &["node_info"], open: false },
        validate: None,
        // Every agent here has looked its node up, and none runs on its own.
        run: |_, _| {
            let text = "Node lookup data can only be set when the Ironic Python Agent is running in standalone mode.";
            Err(failure::command(text.to_owned()).into())
        },
    },
];
