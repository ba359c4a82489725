//! The commands of an agent: a name and JSON parameters become an [`IpaCommand`] or an error.
//!
//! Mirrors `ironic_python_agent/extensions`. An asynchronous command always starts, even if only to fail.

mod clean;
mod command;
mod configdrive;
mod deploy;
mod flow;
mod image;
mod image_info;
mod inject;
mod log;
mod node_info;
mod poll;
mod raid;
mod rescue;
mod service;
mod standby;
mod step_lists;
mod steps;
mod system;

use http::StatusCode;

pub use configdrive::check as check_configdrive;
pub use image_info::written;

pub(super) use command::{Params, Situation};

use super::error::ApiError;
use super::failure;
use crate::node::ipa::{AskedFor, CommandEnd, IpaCommand, Then, Work};
use crate::time::Span;
use command::{Command, Mode, Stop};

/// All extensions (`pyproject.toml` of IPA, `ironic_python_agent.extensions`).
const EXTENSIONS: [(&str, &[Command]); 10] = [
    ("clean", clean::COMMANDS),
    ("deploy", deploy::COMMANDS),
    ("flow", flow::COMMANDS),
    ("image", image::COMMANDS),
    ("log", log::COMMANDS),
    ("poll", poll::COMMANDS),
    ("rescue", rescue::COMMANDS),
    ("service", service::COMMANDS),
    ("standby", standby::COMMANDS),
    ("system", system::COMMANDS),
];

/// Splits `extension.command`.
///
/// # Errors
/// 400 if `name` has no dot.
pub(super) fn split(name: &str) -> Result<(&str, &str), ApiError> {
    let wrong = || failure::command("Command name must be of the form <extension>.<name>".to_owned());
    Ok(name.split_once('.').ok_or_else(wrong)?)
}

/// Finds the command `name` and runs it with `params`.
///
/// # Errors
/// As in IPA: 404 for an unknown extension; 400 for an unknown command of a known extension, or for parameters that a
/// command refuses before it starts; 500 if the parameters do not fit the signature of a synchronous command.
pub(super) fn parse(at: &Situation<'_>, name: &str, params: &Params<'_>) -> Result<IpaCommand, ApiError> {
    let (extension, command) = split(name)?;
    let (_, commands) = EXTENSIONS
        .iter()
        .find(|(known, _)| *known == extension)
        .ok_or_else(|| failure::not_found("Extension", extension))?;
    let command = commands
        .iter()
        .find(|known| known.name == command)
        .ok_or_else(|| failure::command(format!("Unknown command: {command}")))?;
    if let Some(validate) = command.validate {
        validate(at, params)?;
    }
    let fits = command.signature.check(command.method, params.keys().map(String::as_str));
    let result = match (fits, command.mode) {
        (Ok(()), _) => (command.run)(at, params),
        (Err(why), Mode::Async) => Err(failure::execution(why).into()),
        // Unlike IPA, the error is not recorded as a command: IPA cannot serialize it, which breaks its list of
        // commands.
        (Err(why), Mode::Sync) => return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, why)),
    };
    let parsed = recorded(name, command, extension, result)?;
    // Only rules of the node ask for it.
    let has_rules = !at.node.faults().rules().is_empty();
    let asked = has_rules.then(|| Box::new(AskedFor { name: name.into(), step: steps::name(params) }));
    Ok(IpaCommand { asked, ..parsed })
}

/// The command as it is recorded, or the error that is returned instead. `full` is the name with the extension.
fn recorded(
    full: &str,
    command: &Command,
    extension: &str,
    result: Result<Work, Stop>,
) -> Result<IpaCommand, ApiError> {
    let name = command.name;
    let at_once = |status| Work::Timed(Span::exactly_ms(0), status, Then::Nothing);
    match (result, command.mode) {
        (Ok(work), _) => Ok(IpaCommand::new(name, work)),
        (Err(Stop::Failed(error)), Mode::Async) => {
            Ok(IpaCommand::new(name, at_once(CommandEnd::Failed(Box::new(error)))))
        }
        (Err(Stop::Mismatch(error)), _) => {
            Ok(IpaCommand::new(name, at_once(CommandEnd::VersionMismatch(Box::new(error)))))
        }
        (Err(Stop::MissingKey(key)), Mode::Async) => {
            let error = failure::execution(format!("'{key}'"));
            Ok(IpaCommand::new(name, at_once(CommandEnd::Failed(Box::new(error)))))
        }
        (Err(Stop::MissingKey(_)), Mode::Sync) => Err(failure::not_found("Extension", extension).into()),
        // IPA returns errors about the content of a request. It records other errors, with the full name.
        (Err(Stop::Failed(error)), Mode::Sync) if error.code == 400 => Err(error.into()),
        (Err(Stop::Failed(error)), Mode::Sync) => {
            Ok(IpaCommand::new(full, Work::Done(CommandEnd::Failed(Box::new(error)))))
        }
    }
}
