//! Files of other simulators: sushy-tools' `nodes.json` and `conf.py`, and the `fake_nodes.json` of metal3-dev-env.
//!
//! The files are read as data and never executed. sushy-tools' fake driver (`emulator/resources/systems/fakedriver.py`) and fake-ipa
//! of metal3-io/utility-images say what their keys mean.

pub mod htpasswd;
mod python;
mod systems;
mod value;

use std::path::Path;

use crate::file;
use crate::profile::Profile;
use crate::profile::identities::Identity;
use python::{Reader, Statement};
pub use value::{Literal, Value};

/// The longest file, in bytes. A system has about 250.
pub const MAX_BYTES: u64 = 32 << 20;
/// The largest number of systems in a file.
pub const MAX_SYSTEMS: usize = 100_000;
/// The key of the systems in `conf.py`.
const FAKE_SYSTEMS: &str = "SUSHY_EMULATOR_FAKE_SYSTEMS";
/// The key that switches sushy-tools to its fake driver.
const FAKE_DRIVER: &str = "SUSHY_EMULATOR_FAKE_DRIVER";

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The systems, in the order of the file.
    pub systems: Vec<Identity>,
    /// The other assignments of a `conf.py`, in their order; the last one of each name. `None` for a list of systems.
    pub settings: Option<Vec<Assigned>>,
    /// What was ignored, one sentence each.
    pub warnings: Vec<String>,
}

/// `NAME = VALUE` of a `conf.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    pub name: String,
    /// The line of the name, from 1.
    pub line: usize,
    pub value: Value,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Wrong {
    /// The number of the line, from 1.
    pub line: usize,
    /// The value, and what is allowed.
    pub problem: String,
}

/// Reads a file. `is_used` tells whether a setting of a `conf.py` has a meaning here, so that its value must be one that can be read.
///
/// # Errors
/// What is wrong, with the line. The caller adds the name of the file.
pub fn read(path: &Path, is_used: impl Fn(&str) -> bool) -> Result<Imported, String> {
    let text = file::read(path, MAX_BYTES).map_err(|error| error.to_string())?;
    let text = String::from_utf8(text).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("line {line}: the text is not UTF-8")
    })?;
    parse(&text, is_used).map_err(|wrong| wrong.to_string())
}

/// Reads a list, or another value, as a value of JSON. Its text is a literal of Python as templates write it (`True`, `'x'`), or JSON.
///
/// # Errors
/// The line at which the text is no such literal.
pub fn literal(text: &str) -> Result<serde_json::Value, Wrong> {
    Ok(Reader::new(text).only_literal()?.into())
}

/// Reads the text of a file; see [`read`].
///
/// # Errors
/// What is wrong.
pub fn parse(text: &str, is_used: impl Fn(&str) -> bool) -> Result<Imported, Wrong> {
    let mut reader = Reader::new(text);
    if reader.is_at_list() {
        let list = reader.only_literal()?;
        let (systems, warnings) = systems::read(&list, "the file")?;
        return Ok(Imported { systems, settings: None, warnings });
    }
    let (mut settings, mut warnings) = (Vec::<Assigned>::new(), Vec::new());
    let mut systems = None;
    while let Some(statement) = reader.statement()? {
        match statement {
            Statement::Assigned { name, literal, .. } if name == FAKE_SYSTEMS => systems = Some(literal),
            Statement::Assigned { name, line, literal } => {
                settings.retain(|earlier| earlier.name != name);
                settings.push(Assigned { name, line, value: literal.value });
            }
            Statement::Other { name: Some(name), line, problem }
                if name == FAKE_SYSTEMS || is_used(&name) =>
            {
                return Err(Wrong { line, problem: format!("{name}: {problem}") });
            }
            Statement::Other { name: Some(name), line, problem } => {
                warnings.push(format!("line {line} is ignored: {name}: {problem}"));
            }
            Statement::Other { name: None, line, problem } => {
                warnings.push(format!("line {line} is ignored: {problem}"));
            }
        }
    }
    if settings.is_empty() && systems.is_none() {
        let problem = "the file is neither a list of systems nor a conf.py with assignments";
        return Err(Wrong { line: 1, problem: problem.to_owned() });
    }
    let is_fake = settings.iter().any(|set| set.name == FAKE_DRIVER && set.value == Value::Bool(true));
    let systems = match systems {
        Some(list) => {
            let (systems, more) = systems::read(&list, FAKE_SYSTEMS)?;
            warnings.extend(more);
            systems
        }
        None if is_fake => vec![systems::default_of_sushy()],
        None => Vec::new(),
    };
    Ok(Imported { systems, settings: Some(settings), warnings })
}

/// Checks that a model has all interfaces of the systems.
///
/// # Errors
/// The first system that has more.
pub fn fits(systems: &[Identity], profile: &Profile) -> Result<(), String> {
    let most = profile.nics.len();
    match systems.iter().position(|system| system.macs.len() > most) {
        None => Ok(()),
        Some(at) => Err(format!(
            "entry {} ({}): it has {} interfaces, and the model {} has {most}; choose another model for the imported nodes",
            at + 1,
            systems[at].name,
            systems[at].macs.len(),
            profile.name
        )),
    }
}

/// Checks that all names can be parts of host names.
///
/// # Errors
/// The first name that cannot.
pub fn are_host_labels(systems: &[Identity]) -> Result<(), String> {
    match systems.iter().position(|system| !system.is_host_label()) {
        None => Ok(()),
        Some(at) => Err(format!(
            "entry {} ({}): with --addresses host a name has letters, digits and '-' only, as a host name",
            at + 1,
            systems[at].name
        )),
    }
}

#[cfg(test)]
mod tests;
