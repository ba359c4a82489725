//! `$expand`: replaces links by the documents that they lead to (DSP0266, "The $expand query parameter").

use serde_json::Value;

use super::common::{out_of_range, wrong_format};
use crate::redfish::document::Document;
use crate::redfish::error::Problem;
use crate::redfish::message::INSUFFICIENT_STORAGE;

/// What a client asks to expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expand {
    /// Expands links outside `Links`.
    pub(super) subordinate: bool,
    /// Expands links within `Links`.
    pub(super) links: bool,
    pub(super) levels: u32,
}

impl Expand {
    /// The limit of `$levels`.
    pub(super) const MAX_LEVELS: u32 = 3;

    pub(super) fn parse(value: &str) -> Result<Self, Problem> {
        let wrong = || wrong_format(value, "$expand");
        let (what, options) = value.split_at_checked(1).ok_or_else(wrong)?;
        let (subordinate, links) = match what {
            "." => (true, false),
            "~" => (false, true),
            "*" => (true, true),
            _ => return Err(wrong()),
        };
        let levels = match options {
            "" => 1,
            options => {
                let number = options.strip_prefix("($levels=").and_then(|rest| rest.strip_suffix(')'));
                number.and_then(|n| n.parse::<u32>().ok()).ok_or_else(wrong)?
            }
        };
        if !(1..=Self::MAX_LEVELS).contains(&levels) {
            return Err(out_of_range(value, "$expand", &format!("of 1 to {} levels", Self::MAX_LEVELS)));
        }
        Ok(Self { subordinate, links, levels })
    }
}

/// The limit of expanded documents is reached.
struct Full;

/// An expansion of the links in one document.
pub(super) struct Expansion<R> {
    pub(super) read: R,
    pub(super) asked: Expand,
    /// How many more documents may be expanded.
    pub(super) left: usize,
}

impl<R: FnMut(&str) -> Option<Document>> Expansion<R> {
    /// Expands a document. A collection keeps as many members as can be expanded.
    pub(super) fn whole(&mut self, document: &mut Value) -> Result<(), Problem> {
        let levels = self.asked.levels;
        let outcome = match document["Members"].as_array_mut().filter(|members| !members.is_empty()) {
            Some(members) => {
                let full = members.iter_mut().position(|member| self.at(member, levels, false).is_err());
                members.truncate(full.unwrap_or(members.len()));
                if full == Some(0) { Err(Full) } else { Ok(()) }
            }
            None => self.within(document, levels, false),
        };
        // DSP0266, "The $expand query parameter": 507 when the payload is too large for one response.
        outcome.map_err(|Full| (&INSUFFICIENT_STORAGE).into())
    }

    fn within(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Full> {
        match value {
            Value::Object(map) => {
                map.iter_mut().try_for_each(|(key, inner)| self.at(inner, levels, in_links || key == "Links"))
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.at(item, levels, in_links)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Expands `value` if it is a link, and the links within it if not. A link to a document that cannot be read now stays
    /// a link.
    fn at(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Full> {
        let Some(uri) = link(value) else { return self.within(value, levels, in_links) };
        if !(if in_links { self.asked.links } else { self.asked.subordinate }) {
            return Ok(());
        }
        let Some(document) = (self.read)(uri) else { return Ok(()) };
        self.left = self.left.checked_sub(1).ok_or(Full)?;
        *value = document.value();
        if levels > 1 { self.within(value, levels - 1, false) } else { Ok(()) }
    }
}

/// The URI in a value that is a link to a resource and nothing else.
pub(super) fn link(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get("@odata.id")?.as_str().filter(|uri| !uri.contains('#'))
}
