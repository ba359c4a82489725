//! DMTF's schemas in CSDL (OData XML, DSP8010), every version of every type, to check documents.
//!
//! The build script reads the XML files, which the crate `nv-redfish-schema` carries, and writes the names, types and limits
//! that they define into the binary, compressed: about 1 % of their size. [`Schemas::mistakes`] compares a document with them.

mod check;
mod model;

use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

pub use check::Mistake;
pub use model::Schemas;
use model::{Structure, Type, Types, Version, split};

impl Schemas {
    /// The bundle, read once in a run.
    pub fn get() -> &'static Self {
        static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
        SCHEMAS.get_or_init(|| {
            let packed: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/schemas.json.gz"));
            let mut text = Vec::new();
            GzDecoder::new(packed).read_to_end(&mut text).expect("the build script has packed it");
            serde_json::from_slice(&text).expect("the build script has written it")
        })
    }

    /// The types of a namespace, if it exists.
    fn namespace(&self, namespace: &str) -> Option<&Types> {
        let (family, version) = split(namespace);
        let versions = self.families.get(family)?;
        versions.iter().find(|(known, _)| *known == version).map(|(_, types)| types)
    }

    /// Whether a namespace exists, as `ComputerSystem.v1_28_0`.
    pub fn has(&self, namespace: &str) -> bool {
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
        let mut allowed = versions.filter(|(version, _)| newest.is_none() || *version <= newest);
        allowed.find_map(|(_, types)| types.get(name))
    }

    /// A structure and its base types, the most derived first.
    fn chain<'s>(&'s self, structure: &'s Structure) -> impl Iterator<Item = &'s Structure> {
        std::iter::successors(Some(structure), |s| match self.exact(s.base.as_deref()?) {
            Some(Type::Structure(base)) => Some(base),
            Some(Type::Words(_) | Type::Narrowed { .. }) | None => None,
        })
    }

    /// The names of all schemas of resources and their parts, without collections.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.families.keys().map(String::as_str).filter(|name| !name.ends_with("Collection"))
    }

    /// The properties of a resource by its namespace, as `ComputerSystem.v1_28_0`, without links to the schema and OEM parts.
    #[cfg(test)]
    pub(crate) fn properties(&self, namespace: &str) -> std::collections::BTreeSet<&str> {
        let name = split(namespace).0;
        let Some(Type::Structure(structure)) = self.exact(&format!("{namespace}.{name}")) else {
            return std::collections::BTreeSet::new();
        };
        let all = self.chain(structure).flat_map(|structure| &structure.properties);
        let own = all.filter(|property| !property.is_copy_only).map(|property| property.name.as_str());
        own.filter(|name| *name != "Oem").collect()
    }

    /// The resources whose schemas mark properties with `Redfish.Excerpt`, each with these properties, in alphabetical order.
    #[cfg(test)]
    pub(crate) fn excerpts(&self) -> Vec<(String, Vec<String>)> {
        let of = |family: &String, versions: &Vec<(Option<Version>, Types)>| {
            let structures = versions.iter().filter_map(|(_, types)| match types.get(family) {
                Some(Type::Structure(structure)) => Some(structure),
                _ => None,
            });
            let properties = structures.flat_map(|structure| &structure.properties);
            let marked = properties.filter(|p| !p.excerpts.is_empty() && !p.is_copy_only);
            let mut names: Vec<_> = marked.map(|property| property.name.clone()).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let all = self.families.iter().map(|(family, versions)| (family.clone(), of(family, versions)));
        all.filter(|(_, names)| !names.is_empty()).collect()
    }
}
