//! What a maker adds to the standard: resources of its own, and properties of its own that clients can change.
//!
//! A resource is a JSON file in the folder `resources` of a profile: the document as it is served, with `@odata.id` and
//! `@odata.type`. An OEM object of a standard resource is part of that resource's overlay.

mod property;

use serde::{Deserialize, Serialize};

use super::overlay::{Fact, Overlay, Patch, Piece};
pub use property::{Kind, Property, Shows, Value};

/// The OEM parts of a model.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oem {
    /// The properties that clients can change, or that follow from the state of the machine.
    #[serde(rename = "property")]
    pub properties: Vec<Property>,
    /// The maker's words for what the host does. The fact `{post_state}` is one of them.
    pub post_state: Option<PostState>,
    /// The list of all resources, as a property of an OEM resource.
    pub directory: Option<Directory>,
    /// The files in the folder `resources`, in the order of their names.
    #[serde(skip)]
    pub resources: Vec<Resource>,
}

/// The maker's words for what the host does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PostState {
    /// The host has no power.
    pub off: String,
    /// The firmware tests the hardware.
    pub post: String,
    /// The self test is over.
    pub finished: String,
}

/// A property that lists every resource of the service: URI, type, ETag and methods of each.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The path of an OEM resource, as [`Resource::generic`] has it.
    pub of: String,
    /// The name of the property.
    pub name: String,
    /// Paths as in `absent` of a profile. What is there and below is not listed.
    #[serde(default)]
    pub without: Vec<String>,
}

impl Directory {
    /// Whether the list has the resources at a path that is written as in `absent` of a profile.
    pub fn lists(&self, generic: &str) -> bool {
        let covers = |path: &String| {
            generic.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !self.without.iter().any(covers)
    }
}

/// The part of the service that an OEM resource is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// The service root. Such a resource is there where a root belongs to one machine.
    Root,
    System,
    Manager,
    Chassis,
}

impl Below {
    /// Every part with the beginning of the paths below it, and what stands for the id of the machine in a file.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::System, "Systems", "{system}"),
        (Self::Manager, "Managers", "{manager}"),
        (Self::Chassis, "Chassis", "{chassis}"),
        (Self::Root, "", ""),
    ];
}

/// A resource of the maker, which a file describes.
#[derive(Clone, Debug)]
pub struct Resource {
    pub below: Below,
    /// The path below [`Resource::below`] and the id of the machine, without a slash at either end.
    pub tail: Box<str>,
    /// `@odata.type` without its `#`.
    pub kind: Box<str>,
    /// The path below `/redfish/v1`, with `{}` for the id of the machine.
    pub generic: Box<str>,
    /// Everything else in the document.
    pub document: Overlay,
    /// The file, for errors.
    pub file: Box<str>,
}

/// The beginning of the URI of each resource.
const ROOT: &str = "/redfish/v1/";
/// The folder of a profile with the files of resources.
pub(super) const FOLDER: &str = "resources";

impl Resource {
    /// Reads a file of a resource.
    fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut document = Overlay::parse(text).map_err(|error| error.to_string())?;
        let mut text = |key: &str| -> Result<String, String> {
            let at = document.keys.iter().position(|(name, _)| **name == *key);
            let Some(at) = at else { return Err(format!("it has no {key}, which every resource has")) };
            match document.keys.remove(at).1 {
                Patch::Set(pieces) => {
                    let text: String = pieces.iter().map(Piece::as_written).collect();
                    Ok(text.trim_matches('"').to_owned())
                }
                Patch::Remove | Patch::Inside(_) => Err(format!("its {key} is no text")),
            }
        };
        let (uri, kind) = (text("@odata.id")?, text("@odata.type")?);
        let named = ["Id", "Name"].iter().find(|key| !document.keys.iter().any(|(name, _)| **name == ***key));
        if let Some(key) = named {
            return Err(format!("it has no {key}, which every resource has"));
        }
        let path = uri.strip_prefix(ROOT).filter(|path| !path.is_empty() && !path.ends_with('/'));
        let path = path.ok_or_else(|| {
            format!("its @odata.id '{uri}' must begin with '{ROOT}', go on, and not end with '/'")
        })?;
        let (below, generic, tail) = split(path).ok_or_else(|| {
            format!(
                "its @odata.id '{uri}' must lead to a place below Systems/{{system}}, Managers/{{manager}}, Chassis/{{chassis}} \
                 or the root, with words of ASCII letters, digits and any of . _ -"
            )
        })?;
        let name = kind.strip_prefix('#').filter(|name| {
            name.rsplit_once('.').is_some_and(|(a, b)| !b.is_empty() && a.split('.').next() == Some(b))
        });
        let name = name.ok_or_else(|| {
            format!(
                "its @odata.type '{kind}' must be like '#Name.v1_0_0.Name', with the same name at both ends"
            )
        })?;
        Ok(Self {
            below,
            tail: tail.into(),
            kind: name.into(),
            generic: generic.into(),
            document,
            file: file.into(),
        })
    }

    /// The URI at a root where the machine's parts have these ids.
    pub fn uri(&self, system: &str, manager: &str, chassis: &str) -> String {
        let id = match self.below {
            Below::Root => "",
            Below::System => system,
            Below::Manager => manager,
            Below::Chassis => chassis,
        };
        format!("{ROOT}{}", self.generic.replace("{}", id))
    }

    /// Whether an `@odata.type` is that of the resource.
    pub fn is_of(&self, kind: &serde_json::Value) -> bool {
        kind.as_str().and_then(|kind| kind.strip_prefix('#')) == Some(&self.kind)
    }

    /// The type without its version.
    pub fn type_name(&self) -> &str {
        self.kind.split('.').next().unwrap_or_default()
    }
}

/// The part of the service, the generic path and the rest of a path with facts in it.
fn split(path: &str) -> Option<(Below, String, String)> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let all_words = |path: &str| path.split('/').all(is_word);
    for (below, word, id) in Below::ALL {
        if below == Below::Root {
            let is_free = !Below::ALL.iter().any(|(_, first, _)| path.split('/').next() == Some(first));
            return (is_free && all_words(path)).then(|| (below, path.to_owned(), path.to_owned()));
        }
        let rest = path.strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.and_then(|rest| rest.strip_prefix(id)).and_then(|rest| rest.strip_prefix('/'));
        if let Some(tail) = rest {
            return all_words(tail).then(|| (below, format!("{word}/{{}}/{tail}"), tail.to_owned()));
        }
    }
    None
}

impl Oem {
    /// Maximum number of OEM resources of a model.
    pub const MAX_RESOURCES: usize = 256;
    /// Maximum number of OEM properties of a model that clients can change.
    pub const MAX_PROPERTIES: usize = 256;

    /// Adds the resource in a file.
    pub(super) fn add(&mut self, file: &str, text: &str) -> Result<(), String> {
        let resource = Resource::parse(file, text)?;
        if self.resources.iter().any(|other| other.generic.eq_ignore_ascii_case(&resource.generic)) {
            return Err(format!("there is another resource at '{}'", resource.generic));
        }
        if self.resources.len() == Self::MAX_RESOURCES {
            return Err(format!("a model has at most {} OEM resources", Self::MAX_RESOURCES));
        }
        self.resources.push(resource);
        Ok(())
    }

    /// The resource with this path below a part of the service, in any case of its letters.
    pub fn at(&self, below: Below, tail: &str) -> Option<&Resource> {
        self.resources.iter().find(|one| one.below == below && one.tail.eq_ignore_ascii_case(tail))
    }

    /// The resource with this generic path.
    pub fn named(&self, generic: &str) -> Option<&Resource> {
        self.resources.iter().find(|one| *one.generic == *generic)
    }

    /// The properties of a resource that are declared, by its generic path.
    pub fn of<'a>(&'a self, generic: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.of == generic)
    }

    /// Whether a client can change a property of the resource.
    pub fn is_writable(&self, generic: &str) -> bool {
        self.of(generic).any(|property| !property.read_only)
    }

    /// Checks the parts against each other. `overlays` are all overlays of the model.
    pub(super) fn check<'a>(
        &self,
        overlays: impl Iterator<Item = (&'a String, &'a Overlay)>,
    ) -> Result<(), String> {
        if self.properties.len() > Self::MAX_PROPERTIES {
            return Err(format!("oem.property: at most {} are allowed", Self::MAX_PROPERTIES));
        }
        for (n, property) in self.properties.iter().enumerate() {
            let earlier = self.properties[..n].iter();
            if earlier.clone().any(|other| (&other.of, &other.name) == (&property.of, &property.name)) {
                return Err(format!("oem.property '{}' of '{}' is there twice", property.name, property.of));
            }
            let problem = match self.named(&property.of) {
                Some(resource) => property.check(Some(&resource.document)),
                None => property.check(None),
            };
            problem.map_err(|problem| {
                format!("oem.property '{}' of '{}': {problem}", property.name, property.of)
            })?;
        }
        if let Some(directory) = &self.directory
            && self.named(&directory.of).is_none_or(|resource| resource.below != Below::Root)
        {
            return Err(format!(
                "oem.directory: '{}' must be the path of an OEM resource directly below the root",
                directory.of
            ));
        }
        let own = self.resources.iter().map(|one| (&*one.generic, &one.document));
        let all = own.chain(overlays.map(|(name, overlay)| (name.as_str(), overlay)));
        for (name, overlay) in all {
            if self.post_state.is_none() && overlay.names(Fact::PostState) {
                return Err(format!("{name}: the fact {{post_state}} needs the table oem.post_state"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_where_its_resource_is() {
        let file = |uri: &str| {
            Resource::parse(
                "x",
                &format!(
                    r##"{{"@odata.id": "{uri}", "@odata.type": "#A.v1_0_0.A", "Id": "x", "Name": "y"}}"##
                ),
            )
        };
        let found = file("/redfish/v1/Managers/{manager}/Date/Time").unwrap();
        assert_eq!(
            (found.below, &*found.tail, &*found.generic),
            (Below::Manager, "Date/Time", "Managers/{}/Date/Time")
        );
        assert_eq!((&*found.kind, found.type_name(), found.document.keys.len()), ("A.v1_0_0.A", "A", 2));
        assert_eq!(file("/redfish/v1/Directory").unwrap().below, Below::Root);
        for uri in [
            "/redfish/v1",
            "/redfish/v1/",
            "/redfish/v1/Date/",
            "/redfish/v1/Systems/1/Date",
            "/redfish/v1/Systems",
            "/redfish/v1/Managers/{system}/Date",
            "/redfish/v1/Managers/{manager}",
            "/redfish/v1/Managers/{manager}/a b",
            "/redfish/v1/a//b",
            "/elsewhere",
        ] {
            let error = file(uri).unwrap_err();
            assert!(error.starts_with(&format!("its @odata.id '{uri}' must ")), "{error}");
        }
    }

    #[test]
    fn a_file_without_what_every_resource_has_is_refused() {
        let all = [
            r##""@odata.id": "/redfish/v1/A""##,
            r##""@odata.type": "#A.v1_0_0.A""##,
            r#""Id": "1""#,
            r#""Name": "n""#,
        ];
        for left in 0..all.len() {
            let rest: Vec<_> =
                all.iter().enumerate().filter(|(n, _)| *n != left).map(|(_, text)| *text).collect();
            let error = Resource::parse("x", &format!("{{{}}}", rest.join(","))).unwrap_err();
            let name = all[left].split('"').nth(1).unwrap();
            assert_eq!(error, format!("it has no {name}, which every resource has"));
        }
        for kind in ["A.v1_0_0.A", "#A.v1_0_0.B", "#A", "#"] {
            let text = format!(
                r#"{{"@odata.id": "/redfish/v1/A", "@odata.type": "{kind}", "Id": "1", "Name": "n"}}"#
            );
            let error = Resource::parse("x", &text).unwrap_err();
            assert!(error.contains(&format!("its @odata.type '{kind}' must be like")), "{error}");
        }
    }
}
