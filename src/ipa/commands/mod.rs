//! What an agent can be told to do: from a name and its JSON parameters to an [`IpaCommand`], or to a fault.
//!
//! Mirrors `ironic_python_agent/extensions`: a synchronous command is over when it is answered, an asynchronous one
//! runs, even if only to fail, and its end brings a heartbeat on.

mod clean;
mod configdrive;
mod deploy;
mod flow;
mod image;
mod image_info;
mod inject;
mod log;
mod poll;
mod raid;
mod rescue;
mod service;
mod standby;
mod steps;
mod system;

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use configdrive::check as check_configdrive;
pub use image_info::{ALGORITHMS, by_length as checksum_algorithm, written};

use super::error::Fault;
use super::{failure, python};
use crate::address::Place;
use crate::node::Node;
use crate::node::ipa::{CommandEnd, Ipa, IpaCommand, IpaError, Serving, Then, Work};
use crate::time::{SimTime, Span};

/// Where a command finds itself.
#[derive(Clone, Copy)]
pub(super) struct Situation<'a> {
    pub(super) node: &'a Node,
    pub(super) agent: &'a Ipa,
    pub(super) serving: &'a Serving,
    pub(super) now: SimTime,
    /// Where the controllers are.
    pub(super) bmcs: &'a [Place],
}

/// The parameters of a command, by name. The node that Ironic sends along is large, so they are parsed on demand.
pub(super) type Params<'a> = BTreeMap<String, &'a RawValue>;

/// Whether a command is over when it is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sync,
    Async,
}

/// A command of an extension.
struct Command {
    name: &'static str,
    /// As Python names it in its errors.
    method: &'static str,
    mode: Mode,
    signature: Signature,
    /// What must hold before it even begins; a failure is answered as such and not recorded.
    validate: Option<Validate>,
    run: Run,
}

/// What checks a command before it begins.
type Validate = fn(&Situation<'_>, &Params<'_>) -> Result<(), IpaError>;

/// What carries a command out, once its parameters fit.
type Run = fn(&Situation<'_>, &Params<'_>) -> Result<Work, Stop>;

/// The parameters that a Python method takes.
#[derive(Clone, Copy)]
struct Signature {
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// It takes any others too.
    open: bool,
}

/// Why a command comes to nothing.
enum Stop {
    /// With an error of IPA's.
    Failed(IpaError),
    /// Ironic's steps are of another version.
    Mismatch(IpaError),
    /// A dictionary lacks this key; of a synchronous command IPA takes it for a missing extension
    /// (`extensions/base.py`, `execute_command`).
    MissingKey(&'static str),
}

impl From<IpaError> for Stop {
    fn from(error: IpaError) -> Self {
        Self::Failed(error)
    }
}

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
/// 400 for a name without a dot.
pub(super) fn split(name: &str) -> Result<(&str, &str), Fault> {
    let wrong = || failure::command("Command name must be of the form <extension>.<name>".to_owned());
    Ok(name.split_once('.').ok_or_else(wrong)?)
}

/// The command that a name and its parameters stand for.
///
/// # Errors
/// 404 for an unknown extension, 400 for an unknown command of a known one or for parameters that a command refuses
/// before it begins, 500 for a synchronous command whose parameters do not fit its signature; all as IPA has them.
pub(super) fn parse(at: &Situation<'_>, name: &str, params: &Params<'_>) -> Result<IpaCommand, Fault> {
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
    let done = match (fits, command.mode) {
        (Ok(()), _) => (command.run)(at, params),
        (Err(why), Mode::Async) => Err(failure::execution(why).into()),
        // IPA records an error here that it cannot write down, and so breaks the list of its commands. That is left out.
        (Err(why), Mode::Sync) => return Err(Fault::new(StatusCode::INTERNAL_SERVER_ERROR, why)),
    };
    conclude(name, command, extension, done)
}

/// From what a command came to, to how it is recorded.
fn conclude(
    full: &str,
    command: &Command,
    extension: &str,
    done: Result<Work, Stop>,
) -> Result<IpaCommand, Fault> {
    let name = command.name.into();
    let at_once = |status| Work::Timed(Span::exactly_ms(0), status, Then::Nothing);
    match (done, command.mode) {
        (Ok(work), _) => Ok(IpaCommand { name, work }),
        (Err(Stop::Failed(error)), Mode::Async) => {
            Ok(IpaCommand { name, work: at_once(CommandEnd::Failed(Box::new(error))) })
        }
        (Err(Stop::Mismatch(error)), _) => {
            Ok(IpaCommand { name, work: at_once(CommandEnd::VersionMismatch(Box::new(error))) })
        }
        (Err(Stop::MissingKey(key)), Mode::Async) => {
            let error = failure::execution(format!("'{key}'"));
            Ok(IpaCommand { name, work: at_once(CommandEnd::Failed(Box::new(error))) })
        }
        (Err(Stop::MissingKey(_)), Mode::Sync) => Err(failure::not_found("Extension", extension).into()),
        // Errors about the content of a request are answered as such, others recorded under the full name.
        (Err(Stop::Failed(error)), Mode::Sync) if error.code == 400 => Err(error.into()),
        (Err(Stop::Failed(error)), Mode::Sync) => {
            Ok(IpaCommand { name: full.into(), work: Work::Done(CommandEnd::Failed(Box::new(error))) })
        }
    }
}

impl Signature {
    const NONE: Self = Self { required: &[], optional: &[], open: false };

    /// Whether a call with these parameters fits; if not, says so as Python does.
    fn check<'a>(&self, method: &str, given: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let given: Vec<_> = given.collect();
        let known = |name: &&str| self.required.contains(name) || self.optional.contains(name);
        if !self.open
            && let Some(name) = given.iter().find(|name| !known(name))
        {
            return Err(format!("{method}() got an unexpected keyword argument '{name}'"));
        }
        let missing: Vec<_> = self.required.iter().filter(|r| !given.contains(r)).collect();
        match missing.as_slice() {
            [] => Ok(()),
            [one] => Err(format!("{method}() missing 1 required positional argument: '{one}'")),
            [first @ .., last] => {
                let first: Vec<_> = first.iter().map(|m| format!("'{m}'")).collect();
                let (count, first) = (missing.len(), first.join(", "));
                Err(format!("{method}() missing {count} required positional arguments: {first} and '{last}'"))
            }
        }
    }
}

/// A command that succeeds at once with this result.
fn done(result: &Value) -> Work {
    Work::Done(CommandEnd::Succeeded(result.to_string().into()))
}

/// One parameter as JSON; null when it is not given.
fn value(params: &Params<'_>, name: &str) -> Value {
    params.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null)
}

/// The node that Ironic sends with steps, as far as the agent looks at it. Anything of the wrong type counts as absent.
struct NodeInfo {
    uuid: String,
    properties: Map<String, Value>,
    instance_info: Map<String, Value>,
    driver_internal_info: Map<String, Value>,
    target_raid_config: Value,
}

impl NodeInfo {
    /// Reads parameter `node`; `None` without a UUID in it.
    fn of(params: &Params<'_>) -> Option<Self> {
        let raw = params.get("node")?;
        let mut node: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
        let mut take = |name: &str| {
            node.remove(name)
                .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
                .unwrap_or(Value::Null)
        };
        let map = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
        let Value::String(uuid) = take("uuid") else { return None };
        Some(Self {
            uuid,
            properties: map(take("properties")),
            instance_info: map(take("instance_info")),
            driver_internal_info: map(take("driver_internal_info")),
            target_raid_config: take("target_raid_config"),
        })
    }

    /// Nothing known, as for a command that comes without a node.
    fn unknown() -> Self {
        Self {
            uuid: "local".to_owned(),
            properties: Map::new(),
            instance_info: Map::new(),
            driver_internal_info: Map::new(),
            target_raid_config: Value::Null,
        }
    }

    /// A capability, of the instance before that of the node (`utils.py`, `parse_capabilities`).
    fn capability(&self, name: &str) -> Option<String> {
        [&self.instance_info, &self.properties]
            .into_iter()
            .find_map(|map| capability(map.get("capabilities")?, name))
    }
}

/// A capability out of an object, a JSON text of one, or a text like `boot_mode:uefi,secure_boot:true`.
fn capability(capabilities: &Value, name: &str) -> Option<String> {
    match capabilities {
        Value::Object(map) => map.get(name).map(python::str),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => map.get(name).map(python::str),
            _ => text
                .split(',')
                .filter_map(|pair| pair.split_once(':'))
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.into()),
        },
        _ => None,
    }
}
