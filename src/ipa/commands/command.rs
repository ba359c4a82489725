//! The parts of a command: its parameters, its signature, and the function that runs it.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::Reported;
use crate::node::Node;
use crate::node::ipa::{CommandEnd, Ipa, IpaError, Serving, Work};
use crate::time::SimTime;

/// The node and the agent that run a command.
#[derive(Clone, Copy)]
pub(in crate::ipa) struct Situation<'a> {
    pub(in crate::ipa) node: &'a Node,
    pub(in crate::ipa) agent: &'a Ipa,
    pub(in crate::ipa) serving: &'a Serving,
    pub(in crate::ipa) now: SimTime,
    /// The addresses in the inventory.
    pub(in crate::ipa) reported: &'a Reported,
}

/// The parameters of a command by name. They stay JSON text until they are needed, because the node that Ironic sends
/// with most commands is large.
pub(in crate::ipa) type Params<'a> = BTreeMap<String, &'a RawValue>;

/// One parameter as JSON; null if it is missing.
pub(super) fn value(params: &Params<'_>, name: &str) -> Value {
    params.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null)
}

/// A command of an extension.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// The Python method, as Python's errors name it.
    pub(super) method: &'static str,
    pub(super) mode: Mode,
    pub(super) signature: Signature,
    /// Checks the parameters before the command starts. A failure is the response and is not recorded as a command.
    pub(super) validate: Option<Validate>,
    pub(super) run: Run,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The response contains the result.
    Sync,
    /// The command runs on after the response. Its end brings the next heartbeat forward.
    Async,
}

pub(super) type Validate = fn(&Situation<'_>, &Params<'_>) -> Result<(), IpaError>;

/// Runs a command whose parameters fit its signature.
pub(super) type Run = fn(&Situation<'_>, &Params<'_>) -> Result<Work, Stop>;

/// A command that succeeds at once with `result`.
pub(super) fn done(result: &Value) -> Work {
    Work::Done(CommandEnd::Succeeded(result.to_string().into()))
}

/// Why a command cannot be run.
pub(super) enum Stop {
    Failed(IpaError),
    /// The steps that Ironic knows are of another version.
    Mismatch(IpaError),
    /// A Python dictionary lacks this key. In a synchronous command, IPA reports it as a missing extension
    /// (`extensions/base.py`, `execute_command`).
    MissingKey(&'static str),
}

impl From<IpaError> for Stop {
    fn from(error: IpaError) -> Self {
        Self::Failed(error)
    }
}

/// The parameters of a Python method.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    /// The method also accepts any other parameter (`**kwargs`).
    pub(super) open: bool,
}

impl Signature {
    pub(super) const NONE: Self = Self { required: &[], optional: &[], open: false };

    /// # Errors
    /// In Python's words, if a parameter is missing or unexpected.
    pub(super) fn check<'a>(&self, method: &str, given: impl Iterator<Item = &'a str>) -> Result<(), String> {
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
