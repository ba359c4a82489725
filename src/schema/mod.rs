//! DMTF's schemas in CSDL (OData XML, DSP8010), as the crate `nv-redfish-schema` carries them: every version of every type.
//!
//! [`read`] turns the XML into the definitions below, [`check`] compares a document with them. The files are read from the
//! crate's own folder, so the check needs no network and runs on every clone.

mod check;
mod read;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;

/// All schemas of the bundle.
pub(crate) struct Schemas {
    /// The versions of each family: `ComputerSystem` holds 1.28.0, and `None` for its types without a version.
    families: BTreeMap<String, BTreeMap<Option<Version>, Types>>,
    /// Parameters of actions by qualified name, as `ComputerSystem.Reset`. The first is the object that has the action.
    actions: BTreeMap<String, Vec<Property>>,
    /// Annotations that a document may carry, as `Redfish.AllowableValues`.
    terms: BTreeMap<String, Property>,
}

/// The types of a namespace by name: `ComputerSystem.v1_28_0` holds `ComputerSystem`.
type Types = BTreeMap<String, Type>;

/// An `EntityType`, `ComplexType`, `EnumType` or `TypeDefinition`.
enum Type {
    Structure(Structure),
    /// The words of an `EnumType`.
    Words(Vec<String>),
    /// A `TypeDefinition`: a primitive type with a narrower range.
    Narrowed {
        base: String,
        limits: Limits,
    },
}

/// An `EntityType` or a `ComplexType`.
struct Structure {
    base: Option<String>,
    is_abstract: bool,
    /// An `EntityType`: it has a URI of its own.
    is_entity: bool,
    properties: Vec<Property>,
    /// `OData.AdditionalProperties`; the nearest base type that states it decides.
    open: Option<bool>,
    /// `Redfish.DynamicPropertyPatterns`: patterns of names, with the type of the value.
    patterns: Vec<(Regex, String)>,
}

/// A `Property`, `NavigationProperty`, `Parameter` or `Term`.
#[derive(Clone)]
struct Property {
    name: String,
    /// Qualified type, without `Collection(…)`.
    kind: String,
    is_collection: bool,
    is_nullable: bool,
    is_required: bool,
    shape: Shape,
    /// The name of the copy that an excerpt is (`Redfish.ExcerptCopy`), as `Voltage`; empty for a plain copy.
    copy: String,
    /// `Redfish.Excerpt`: names of the copies that show this property; an empty name means all copies.
    excerpts: Vec<String>,
    /// `Redfish.ExcerptCopyOnly`: the resource itself does not have it.
    is_copy_only: bool,
    limits: Limits,
}

/// How a property holds its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The value itself.
    Value,
    /// A link to a resource: `{"@odata.id": …}`.
    Link,
    /// A resource in place of a link (`OData.AutoExpand`).
    Expanded,
    /// Some properties of a resource (`Redfish.ExcerptCopy`).
    Excerpt,
}

/// Limits of a primitive value.
#[derive(Clone, Default)]
struct Limits {
    /// `Validation.Minimum`.
    minimum: Option<f64>,
    /// `Validation.Maximum`.
    maximum: Option<f64>,
    /// `Validation.Pattern`.
    pattern: Option<Regex>,
    /// `Redfish.Enumeration`: the only texts that are allowed.
    words: Vec<String>,
}

/// A version as it stands in a namespace: `v1_28_0`.
type Version = [u32; 3];

/// Family and version of a namespace: `ComputerSystem` and 1.28.0 of `ComputerSystem.v1_28_0`.
fn split(namespace: &str) -> (&str, Option<Version>) {
    let Some((family, version)) = namespace.split_once(".v") else { return (namespace, None) };
    let mut numbers = version.split('_').map(|n| n.parse().ok());
    let mut next = || numbers.next().flatten();
    (family, next().zip(next()).zip(next()).map(|((major, minor), errata)| [major, minor, errata]))
}

impl Schemas {
    /// The bundle, read once in a run.
    pub(crate) fn get() -> &'static Self {
        static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
        SCHEMAS.get_or_init(read::bundle)
    }

    /// The types of a namespace, if it exists.
    fn namespace(&self, namespace: &str) -> Option<&Types> {
        let (family, version) = split(namespace);
        self.families.get(family)?.get(&version)
    }

    /// Whether a namespace exists, as `ComputerSystem.v1_28_0`.
    pub(crate) fn has(&self, namespace: &str) -> bool {
        self.namespace(namespace).is_some()
    }

    /// The type with exactly that qualified name.
    fn exact(&self, qualified: &str) -> Option<&Type> {
        let (namespace, name) = qualified.rsplit_once('.')?;
        self.namespace(namespace)?.get(name)
    }

    /// The type that a reference to `qualified` means in a document of version `newest` of the type family `family`: the
    /// newest version of the type, within the document's own family the newest that is not later than the document.
    ///
    /// A schema refers to the version that first had a type, or to no version (DSP0266, "Schema versioning").
    fn resolve(&self, qualified: &str, family: &str, newest: Option<Version>) -> Option<&Type> {
        let (namespace, name) = qualified.rsplit_once('.')?;
        let (wanted, version) = split(namespace);
        let named = self.exact(qualified)?;
        let is_abstract = matches!(named, Type::Structure(s) if s.is_abstract);
        if version.is_none() && !is_abstract {
            return Some(named);
        }
        let newest = newest.filter(|_| wanted == family);
        let versions = self.families.get(wanted)?.iter().rev();
        let mut allowed = versions.filter(|(version, _)| newest.is_none() || **version <= newest);
        allowed.find_map(|(_, types)| types.get(name))
    }

    /// A structure and its base types, the most derived first.
    fn chain<'s>(&'s self, structure: &'s Structure) -> impl Iterator<Item = &'s Structure> {
        std::iter::successors(Some(structure), |s| match self.exact(s.base.as_deref()?) {
            Some(Type::Structure(base)) => Some(base),
            other => panic!("{:?} is no base type: {}", s.base, other.is_some()),
        })
    }
}
