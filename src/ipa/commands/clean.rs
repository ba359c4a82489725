//! Extension `clean`: the steps of cleaning.

use super::command::{Command, Mode, Signature};
use super::steps::{self, CLEAN};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "get_clean_steps",
        method: "CleanExtension.get_clean_steps",
        mode: Mode::Sync,
        signature: steps::GET,
        validate: None,
        run: |_, params| steps::list(&CLEAN, params),
    },
    Command {
        name: "execute_clean_step",
        method: "CleanExtension.execute_clean_step",
        mode: Mode::Async,
        signature: Signature {
            required: &["step", "node", "ports"],
            optional: &["clean_version"],
            open: true,
        },
        validate: None,
        run: |at, params| steps::execute(&CLEAN, at, params),
    },
];
