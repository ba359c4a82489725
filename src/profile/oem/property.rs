//! A property of a maker that clients can change, or that shows the state of the machine in the maker's words.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::profile::overlay::{Overlay, Patch, Piece};

/// A declared property of one kind of resource.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// The resource, as a path below `/redfish/v1` with `{}` for ids: `Managers/{}/DateTime`.
    pub of: String,
    /// The names on the way to the property, with `/` between them: `Oem/Maker/IPv4/DNSServers`.
    pub name: String,
    pub kind: Kind,
    /// The smallest integer that is allowed.
    #[serde(default)]
    pub lower: Option<i64>,
    /// The largest integer that is allowed.
    #[serde(default)]
    pub upper: Option<i64>,
    /// Largest number of characters of a text.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// Largest number of elements of a list.
    #[serde(default)]
    pub max_items: Option<usize>,
    /// The words that a text can be. Of a property that shows a boot order: the maker's names, in the order of `boot_order`.
    #[serde(default)]
    pub values: Vec<String>,
    /// The property of the same resource with the list of objects of which a client names one.
    #[serde(default)]
    pub list: Option<String>,
    /// The property of these objects by which a client names one.
    #[serde(default)]
    pub key: Option<String>,
    /// The setting of the machine that the property shows and changes. Without it, the value is kept for itself.
    #[serde(default)]
    pub shows: Option<Shows>,
    /// Clients cannot change the property.
    #[serde(default)]
    pub read_only: bool,
}

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Boolean,
    Integer,
    Text,
    /// A list of texts.
    Texts,
    /// One of the objects of a list.
    Member,
}

/// Settings of the machine that a property can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// `Boot.BootOrder` of the system.
    BootOrder,
}

/// A value that a client has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Flag(bool),
    Number(i64),
    Text(Box<str>),
    Texts(Vec<Box<str>>),
    /// The JSON text of an object.
    Object {
        object: Box<str>,
    },
}

impl Value {
    /// The value as JSON.
    pub fn json(&self) -> String {
        match self {
            Self::Object { object } => object.to_string(),
            other => serde_json::to_string(other).unwrap_or_default(),
        }
    }
}

impl Property {
    /// Largest number of characters of a text, and of elements of a list, that a profile can allow.
    const MAX: usize = 1024;

    /// Largest number of characters of a text.
    pub fn max_length(&self) -> usize {
        self.max_length.unwrap_or(256)
    }

    /// Largest number of elements of a list.
    pub fn max_items(&self) -> usize {
        self.max_items.unwrap_or(16)
    }

    /// The names on the way to the property.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.name.split('/')
    }

    /// `document` is that of the OEM resource. Of a standard resource there is none, and its property is an OEM property.
    pub(super) fn check(&self, document: Option<&Overlay>) -> Result<(), String> {
        if self.names().any(str::is_empty) {
            return Err("name must be names with '/' between them".to_owned());
        }
        if self.max_length() > Self::MAX || self.max_items() > Self::MAX {
            return Err(format!("max_length and max_items are at most {}", Self::MAX));
        }
        if self.shows.is_some() && (self.kind != Kind::Texts || self.values.is_empty()) {
            return Err("shows needs kind = \"texts\" and the values".to_owned());
        }
        // A PATCH of a standard resource asks for one change of the machine already.
        if document.is_none() && self.shows.is_some() {
            return Err("shows is for a property of an OEM resource".to_owned());
        }
        if document.is_none() && (self.names().count() < 3 || self.names().next() != Some("Oem")) {
            return Err(
                "a property of a standard resource must begin with 'Oem/' and the maker's name".to_owned()
            );
        }
        match (self.kind, &self.list, &self.key) {
            (Kind::Member, Some(list), Some(_)) => {
                let found = document.and_then(|document| document.find(list.split('/')));
                let is_list = matches!(found, Some(Patch::Set(pieces)) if members(pieces).is_some());
                if !is_list {
                    return Err(format!("list: the file of the resource has no list of objects at '{list}'"));
                }
            }
            (Kind::Member, ..) => return Err("kind = \"member\" needs list and key".to_owned()),
            (_, None, None) => {}
            _ => return Err("list and key are for kind = \"member\"".to_owned()),
        }
        match document.map(|document| document.find(self.names())) {
            Some(None) => Err("the file of the resource has no such property".to_owned()),
            Some(Some(_)) | None => Ok(()),
        }
    }

    /// The objects of which a client names one, in the document of the resource.
    pub fn members(&self, document: &Overlay) -> Vec<Json> {
        let found = self.list.as_ref().and_then(|list| document.find(list.split('/')));
        match found {
            Some(Patch::Set(pieces)) => members(pieces).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

fn members(pieces: &[Piece]) -> Option<Vec<Json>> {
    let text: String = pieces.iter().map(Piece::as_written).collect();
    let list: Vec<Json> = serde_json::from_str(&text).ok()?;
    list.iter().all(Json::is_object).then_some(list)
}
