//! Extension `service`: the steps of servicing.

use super::command::{Command, Mode, Signature};
use super::steps::{self, SERVICE};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "get_service_steps",
        method: "ServiceExtension.get_service_steps",
        mode: Mode::Sync,
        signature: steps::GET,
        validate: None,
        run: |_, params| steps::list(&SERVICE, params),
    },
    Command {
        name: "execute_service_step",
        method: "ServiceExtension.execute_service_step",
        mode: Mode::Async,
        signature: Signature {
            required: &["step", "node", "ports"],
            optional: &["service_version"],
            open: true,
        },
        validate: None,
        run: |at, params| steps::execute(&SERVICE, at, params),
    },
];
