//! The definitions of DMTF's schemas. The build script writes them, and the binary reads them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All schemas of the bundle: names, types and limits, without DMTF's texts.
#[derive(Default, Serialize, Deserialize)]
pub struct Schemas {
    /// The versions of each family, in ascending order: `ComputerSystem` holds 1.28.0, and `None` for its types without a
    /// version.
    pub(super) families: BTreeMap<String, Vec<(Option<Version>, Types)>>,
    /// Parameters of actions by qualified name, as `ComputerSystem.Reset`. The first is the object that has the action.
    pub(super) actions: BTreeMap<String, Vec<Property>>,
    /// Annotations that a document may carry, as `Redfish.AllowableValues`.
    pub(super) terms: BTreeMap<String, Property>,
}

/// The types of a namespace by name: `ComputerSystem.v1_28_0` holds `ComputerSystem`.
pub(super) type Types = BTreeMap<String, Type>;

/// An `EntityType`, `ComplexType`, `EnumType` or `TypeDefinition`.
#[derive(Serialize, Deserialize)]
pub(super) enum Type {
    Structure(Structure),
    Words(Vec<String>),
    /// A `TypeDefinition`: a primitive type with a narrower range.
    Narrowed {
        base: String,
        limits: Limits,
    },
}

/// An `EntityType` or a `ComplexType`.
#[derive(Serialize, Deserialize)]
pub(super) struct Structure {
    pub(super) base: Option<String>,
    pub(super) is_abstract: bool,
    /// An `EntityType`: it has a URI of its own.
    pub(super) is_entity: bool,
    pub(super) properties: Vec<Property>,
    /// `OData.AdditionalProperties`; the nearest base type that states it decides.
    pub(super) open: Option<bool>,
    /// `Redfish.DynamicPropertyPatterns`: regular expressions for names, with the type of the value.
    pub(super) patterns: Vec<(String, String)>,
}

/// A `Property`, `NavigationProperty`, `Parameter` or `Term`.
#[derive(Serialize, Deserialize)]
pub(super) struct Property {
    pub(super) name: String,
    /// Qualified type, without `Collection(…)`.
    pub(super) kind: String,
    pub(super) is_collection: bool,
    pub(super) is_nullable: bool,
    pub(super) is_required: bool,
    pub(super) shape: Shape,
    /// The name of the copy that an excerpt is (`Redfish.ExcerptCopy`), as `Voltage`; empty for a plain copy.
    pub(super) copy: String,
    /// `Redfish.Excerpt`: names of the copies that show this property; an empty name means all copies.
    pub(super) excerpts: Vec<String>,
    /// `Redfish.ExcerptCopyOnly`: the resource itself does not have it.
    pub(super) is_copy_only: bool,
    pub(super) limits: Limits,
}

/// How a property holds its value.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    Value,
    /// A link to a resource: `{"@odata.id": …}`.
    Link,
    /// A resource in place of a link (`OData.AutoExpand`).
    Expanded,
    /// Some properties of a resource (`Redfish.ExcerptCopy`).
    Excerpt,
}

/// Limits of a primitive value, which the vocabulary `Validation` annotates.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Limits {
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    /// A regular expression, which a text must match.
    pub(super) pattern: Option<String>,
    /// `Redfish.Enumeration`: the only texts that are allowed.
    pub(super) words: Vec<String>,
}

/// A version as it stands in a namespace: `v1_28_0`.
pub(super) type Version = [u32; 3];

/// Family and version of a namespace: `ComputerSystem` and 1.28.0 of `ComputerSystem.v1_28_0`.
pub(super) fn split(namespace: &str) -> (&str, Option<Version>) {
    let Some((family, version)) = namespace.split_once(".v") else { return (namespace, None) };
    let mut numbers = version.split('_').map(|n| n.parse().ok());
    let mut next = || numbers.next().flatten();
    (family, next().zip(next()).zip(next()).map(|((major, minor), errata)| [major, minor, errata]))
}
