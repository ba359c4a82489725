//! Extension `deploy`: the steps of deployment.

use super::command::{Command, Mode, Signature};
use super::steps::{self, DEPLOY};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "get_deploy_steps",
        method: "DeployExtension.get_deploy_steps",
        mode: Mode::Sync,
        signature: steps::GET,
        validate: None,
        run: |_, params| steps::list(&DEPLOY, params),
    },
    Command {
        name: "execute_deploy_step",
        method: "DeployExtension.execute_deploy_step",
        mode: Mode::Async,
        signature: Signature {
            required: &["step", "node", "ports"],
            optional: &["deploy_version"],
            open: true,
        },
        validate: None,
        run: |at, params| steps::execute(&DEPLOY, at, params),
    },
];
