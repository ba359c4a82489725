//! Overlays: a JSON merge patch (RFC 7396) for all documents of one DMTF type of a model.
//!
//! The patch is prepared once and applied while a document is written (`redfish/doc.rs`), so that no document is parsed
//! again. A text in a patch can contain facts of the node, such as `{serial}`; `{{` and `}}` stand for braces.

use serde_json::{Map, Value};

/// A prepared merge patch.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The properties that the patch names, in the order of the file. At most [`Overlay::MAX_KEYS`].
    pub keys: Vec<(Box<str>, Patch)>,
}

/// The change of one property.
#[derive(Clone, Debug)]
pub enum Patch {
    /// The document omits the property.
    Remove,
    /// The property is an object, and some of its properties change.
    Inside(Overlay),
    /// The property gets this JSON value.
    Set(Vec<Piece>),
}

/// A part of a JSON text with facts in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// JSON text without facts.
    Text(Box<str>),
    /// A fact of the node whose document is written.
    Fact(Fact),
}

/// A fact of a node that an overlay can contain. No fact contains a character that JSON escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Name,
    Serial,
    Uuid,
    System,
    Manager,
    Chassis,
    /// The maker's word for what the host does, from `oem.post_state` of the profile.
    PostState,
    /// The number at the end of the version of the BMC's firmware: `1.73` of `iLO 6 v1.73`.
    ManagerVersion,
    /// The host name of the BMC as it is ex works.
    HostName,
    /// The URI of the document.
    Uri,
}

impl Fact {
    const ALL: [(&'static str, Self); 10] = [
        ("name", Self::Name),
        ("serial", Self::Serial),
        ("uuid", Self::Uuid),
        ("system", Self::System),
        ("manager", Self::Manager),
        ("chassis", Self::Chassis),
        ("post_state", Self::PostState),
        ("manager_version", Self::ManagerVersion),
        ("host_name", Self::HostName),
        ("uri", Self::Uri),
    ];
}

/// Why an overlay is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverlayError {
    #[error("not JSON: {0}")]
    Json(String),
    #[error("an overlay must be a JSON object, and this is {0}")]
    NotAnObject(&'static str),
    #[error(
        "'{{{0}}}' is not a fact of a node; allowed are {{name}}, {{serial}}, {{uuid}}, {{system}}, {{manager}}, {{chassis}}, {{post_state}}, {{manager_version}}, {{host_name}} and {{uri}}"
    )]
    UnknownFact(String),
    #[error("one object of an overlay has more than {} keys, the most that are allowed", Overlay::MAX_KEYS)]
    TooManyKeys,
}

impl Overlay {
    /// Maximum number of keys in one object of an overlay: the writer of documents has a bit for each key in one
    /// machine word.
    pub const MAX_KEYS: usize = 64;

    /// Prepares the text of an overlay file.
    ///
    /// # Errors
    /// If the text is not a JSON object, or contains an unknown fact.
    pub fn parse(text: &str) -> Result<Self, OverlayError> {
        match serde_json::from_str(text).map_err(|e| OverlayError::Json(e.to_string()))? {
            Value::Object(map) => Self::prepare(&map),
            other => Err(OverlayError::NotAnObject(kind(&other))),
        }
    }

    fn prepare(map: &Map<String, Value>) -> Result<Self, OverlayError> {
        if map.len() > Self::MAX_KEYS {
            return Err(OverlayError::TooManyKeys);
        }
        let mut keys = Vec::with_capacity(map.len());
        for (key, value) in map {
            let patch = match value {
                Value::Null => Patch::Remove,
                Value::Object(inner) => Patch::Inside(Self::prepare(inner)?),
                value => Patch::Set(pieces(&value.to_string())?),
            };
            keys.push((key.as_str().into(), patch));
        }
        Ok(Self { keys })
    }
}

impl Piece {
    /// The piece as the file has it.
    pub(super) fn as_written(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Fact(fact) => {
                let name = Fact::ALL.iter().find(|(_, known)| known == fact).map_or("", |(name, _)| name);
                format!("{{{name}}}")
            }
        }
    }
}

impl Overlay {
    /// Whether a text in it contains the fact.
    pub(super) fn names(&self, fact: Fact) -> bool {
        self.keys.iter().any(|(_, patch)| match patch {
            Patch::Remove => false,
            Patch::Inside(inside) => inside.names(fact),
            Patch::Set(pieces) => pieces.contains(&Piece::Fact(fact)),
        })
    }

    /// What happens to the property at the end of `names`.
    pub fn find<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<&Patch> {
        let first = names.next()?;
        let patch = &self.keys.iter().find(|(key, _)| **key == *first)?.1;
        let mut rest = names.peekable();
        match patch {
            patch if rest.peek().is_none() => Some(patch),
            Patch::Inside(inside) => inside.find(&mut rest as &mut dyn Iterator<Item = &str>),
            Patch::Set(_) | Patch::Remove => None,
        }
    }

    /// Whether it sets the property at the end of `names`.
    pub fn has<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        !matches!(self.find(names), None | Some(Patch::Remove))
    }

    /// Sets the property at the end of `names` to a JSON value, if the overlay has it there.
    pub fn set<'n>(&mut self, mut names: impl Iterator<Item = &'n str>, json: &str) {
        let Some(first) = names.next() else { return };
        let Some((_, patch)) = self.keys.iter_mut().find(|(key, _)| **key == *first) else { return };
        let mut rest = names.peekable();
        match patch {
            patch if rest.peek().is_none() => *patch = Patch::Set(vec![Piece::Text(json.into())]),
            Patch::Inside(inside) => inside.set(&mut rest as &mut dyn Iterator<Item = &str>, json),
            Patch::Set(_) | Patch::Remove => {}
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Splits JSON text at its facts. A brace outside a string belongs to JSON itself.
fn pieces(json: &str) -> Result<Vec<Piece>, OverlayError> {
    let (mut out, mut text, mut in_string) = (Vec::new(), String::new(), false);
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' if in_string => 2,
            '{' | '}' if in_string && rest[1..].starts_with(c) => {
                text.push(c);
                rest = &rest[2..];
                continue;
            }
            '{' if in_string => {
                let end = rest.find('}').unwrap_or(rest.len());
                let name = &rest[1..end];
                let Some((_, fact)) = Fact::ALL.iter().find(|(known, _)| *known == name) else {
                    return Err(OverlayError::UnknownFact(name.to_owned()));
                };
                out.push(Piece::Text(std::mem::take(&mut text).into()));
                out.push(Piece::Fact(*fact));
                rest = &rest[end + 1..];
                continue;
            }
            '"' => {
                in_string = !in_string;
                1
            }
            c => c.len_utf8(),
        };
        text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push(Piece::Text(text.into()));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_only_inside_strings() {
        assert_eq!(
            pieces(r#"[{"a":"x-{serial}"},"{{no}}"]"#).unwrap(),
            [
                Piece::Text(r#"[{"a":"x-"#.into()),
                Piece::Fact(Fact::Serial),
                Piece::Text(r#""},"{no}"]"#.into())
            ]
        );
    }

    #[test]
    fn an_error_names_the_unknown_fact() {
        let error = Overlay::parse(r#"{"HostName": "{hostname}"}"#).unwrap_err();
        assert_eq!(error, OverlayError::UnknownFact("hostname".into()));
    }

    #[test]
    fn null_removes_and_objects_nest() {
        let overlay = Overlay::parse(r#"{"SKU": null, "Status": {"Health": "Warning"}}"#).unwrap();
        assert!(matches!(&overlay.keys[0], (k, Patch::Remove) if &**k == "SKU"));
        assert!(matches!(&overlay.keys[1], (_, Patch::Inside(inner)) if inner.keys.len() == 1));
        assert!(Overlay::parse("[]").is_err());
    }
}
