//! Compares a document with the schema of its `@odata.type`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::model::{Limits, Property, Shape};
use super::{Schemas, Structure, Type, Version, split};

/// A difference between a document and its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// A JSON pointer into the document.
    pub pointer: String,
    /// What is wrong there.
    pub problem: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.pointer, self.problem)
    }
}

/// The document that is checked, and the mistakes found so far.
struct Check<'s> {
    schemas: &'s Schemas,
    mistakes: Vec<Mistake>,
}

/// An object of the document: where it is, and the schema that decides which versions of other types it holds.
#[derive(Clone)]
struct Place<'a> {
    pointer: String,
    family: &'a str,
    version: Option<Version>,
}

impl Place<'_> {
    fn below(&self, key: impl std::fmt::Display) -> Self {
        Self { pointer: format!("{}/{key}", self.pointer), ..self.clone() }
    }
}

impl Schemas {
    /// The mistakes of the document of a resource or of a collection.
    pub fn mistakes(&self, document: &Value) -> Vec<Mistake> {
        let mut check = Check { schemas: self, mistakes: Vec::new() };
        check.document(document);
        check.mistakes
    }

    /// The mistakes of the body of an error response (DSP0266, "Error responses").
    pub fn mistakes_of_error(&self, body: &Value) -> Vec<Mistake> {
        let mut check = Check { schemas: self, mistakes: Vec::new() };
        let place = Place { pointer: String::new(), family: "RedfishError", version: None };
        check.value(&place, "RedfishError.v1_0_0.RedfishError", &Limits::default(), body);
        check.mistakes
    }
}

impl<'s> Check<'s> {
    fn mistake(&mut self, place: &Place<'_>, what: impl std::fmt::Display) {
        self.mistakes.push(Mistake { pointer: place.pointer.clone(), problem: what.to_string() });
    }

    fn document(&mut self, document: &Value) {
        let root = Place { pointer: String::new(), family: "", version: None };
        let Some(object) = document.as_object() else { return self.mistake(&root, "it is not an object") };
        match self.stated(object) {
            Some(Ok((place, structure))) if structure.is_entity => {
                self.structure(&place, structure, None, object);
            }
            Some(Ok(_)) => self.mistake(&root, format!("{} is not a resource", object["@odata.type"])),
            Some(Err(mistake)) => self.mistake(&root, mistake),
            None => self.mistake(&root, "there is no @odata.type"),
        }
    }

    /// The structure that an object's `@odata.type` states.
    fn stated<'d>(
        &self,
        object: &'d Map<String, Value>,
    ) -> Option<Result<(Place<'d>, &'s Structure), String>> {
        let stated = object.get("@odata.type")?;
        let known = || {
            let (namespace, name) = stated.as_str()?.strip_prefix('#')?.rsplit_once('.')?;
            let (family, version) = split(namespace);
            let place = Place { pointer: String::new(), family, version };
            match self.schemas.namespace(namespace)?.get(name)? {
                Type::Structure(structure) if !structure.is_abstract => Some((place, structure)),
                Type::Structure(_) | Type::Words(_) | Type::Narrowed { .. } => None,
            }
        };
        Some(known().ok_or_else(|| format!("there is no schema for the @odata.type {stated}")))
    }

    /// `copy` is the name of the excerpt, if the object is one.
    fn structure(
        &mut self,
        place: &Place<'_>,
        structure: &'s Structure,
        copy: Option<&str>,
        object: &Map<String, Value>,
    ) {
        let chain: Vec<&Structure> = self.schemas.chain(structure).collect();
        let mut properties = BTreeMap::<&str, &Property>::new();
        for property in chain.iter().flat_map(|s| &s.properties) {
            properties.entry(&property.name).or_insert(property);
        }
        let is_open = chain.iter().find_map(|s| s.open).unwrap_or(true);
        for (key, value) in object {
            let place = place.below(key);
            let pattern =
                || chain.iter().flat_map(|s| &s.patterns).find(|(pattern, _)| matches(pattern, key));
            if let Some((target, term)) = key.split_once('@') {
                self.annotation(&place, target, term, properties.get(target).copied(), value);
            } else if let Some(property) = properties.get(&**key) {
                if !is_shown(property, copy) {
                    self.mistake(
                        &place,
                        "a copy of a resource does not have this property, or only a copy has",
                    );
                }
                self.property(&place, property, value);
            } else if let Some(action) = key.strip_prefix('#') {
                self.action(&place, action, value);
            } else if let Some((_, kind)) = pattern() {
                self.value(&place, kind, &Limits::default(), value);
            } else if !is_open {
                let near = nearest(key, properties.keys().copied());
                self.mistake(&place, format!("the schema has no such property{near}"));
            }
        }
        let required = properties.values().filter(|p| p.is_required && copy.is_none());
        let identity = structure.is_entity && copy.is_none();
        let missing: Vec<_> = required
            .map(|p| &*p.name)
            .chain(identity.then_some("@odata.id"))
            .filter(|name| !object.contains_key(*name))
            .collect();
        for name in missing {
            self.mistake(&place.below(name), "the schema requires this property");
        }
    }

    fn property(&mut self, place: &Place<'_>, property: &'s Property, value: &Value) {
        if !property.is_collection {
            return self.element(place, property, value);
        }
        let Some(elements) = value.as_array() else {
            return self.mistake(place, format!("{value} is not an array"));
        };
        for (n, element) in elements.iter().enumerate() {
            self.element(&place.below(n), property, element);
        }
    }

    fn element(&mut self, place: &Place<'_>, property: &'s Property, value: &Value) {
        match (property.shape, value) {
            (_, Value::Null) if property.is_nullable => {}
            (_, Value::Null) => self.mistake(place, "null is not allowed"),
            (Shape::Link, _) => {
                let link = value.as_object().filter(|object| object.len() == 1);
                if !link.is_some_and(|link| link.get("@odata.id").is_some_and(Value::is_string)) {
                    self.mistake(place, format!("{value} is not a link"));
                }
            }
            (Shape::Excerpt, Value::Object(object)) => {
                match self.schemas.resolve(&property.kind, place.family, place.version) {
                    Some(Type::Structure(structure)) => {
                        self.structure(place, structure, Some(&property.copy), object);
                    }
                    _ => self.mistake(place, format!("{} is not a resource", property.kind)),
                }
            }
            (Shape::Value | Shape::Expanded | Shape::Excerpt, _) => {
                self.value(place, &property.kind, &property.limits, value);
            }
        }
    }

    /// A value of the type `kind` that is not null.
    fn value(&mut self, place: &Place<'_>, kind: &str, limits: &Limits, value: &Value) {
        if kind.starts_with("Edm.") {
            return self.primitive(place, kind, limits, value);
        }
        match (self.schemas.resolve(kind, place.family, place.version), value) {
            (None, _) => self.mistake(place, format!("there is no type {kind}")),
            (Some(Type::Narrowed { base, limits }), _) => self.primitive(place, base, limits, value),
            (Some(Type::Words(words)), Value::String(text)) if words.contains(text) => {}
            (Some(Type::Words(words)), _) => {
                self.mistake(place, format!("{value} is not one of {}", words.join(", ")));
            }
            (Some(Type::Structure(structure)), Value::Object(object)) => match self.stated(object) {
                // DMTF has no schema of the content of an OEM object.
                _ if kind == "Resource.OemObject" => {}
                Some(Ok((stated, _))) if kind.split('.').next() != Some(stated.family) => {
                    self.mistake(place, format!("{} is not a {kind}", object["@odata.type"]));
                }
                Some(Ok((stated, structure))) => {
                    let place = Place { pointer: place.pointer.clone(), ..stated };
                    self.structure(&place, structure, None, object);
                }
                Some(Err(mistake)) => self.mistake(place, mistake),
                None => self.structure(place, structure, None, object),
            },
            (Some(Type::Structure(_)), _) => self.mistake(place, format!("{value} is not an object")),
        }
    }

    fn primitive(&mut self, place: &Place<'_>, kind: &str, limits: &Limits, value: &Value) {
        static DATE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
                .expect("it is a regular expression")
        });
        static DURATION: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$").expect("it is a regular expression")
        });
        let text = |good: &dyn Fn(&str) -> bool| value.as_str().is_some_and(good);
        let fits = match kind {
            "Edm.String" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int64" => value.is_i64() || value.is_u64(),
            "Edm.Decimal" => value.is_number(),
            "Edm.Guid" => text(&|text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()),
            "Edm.DateTimeOffset" => text(&|text| DATE.is_match(text)),
            "Edm.Duration" => text(&|text| DURATION.is_match(text)),
            "Edm.PrimitiveType" => !value.is_object() && !value.is_array(),
            other => return self.mistake(place, format!("the check does not know {other}")),
        };
        if !fits {
            return self.mistake(place, format!("{value} is not of type {kind}"));
        }
        let is_outside = value.as_f64().is_some_and(|number| {
            limits.minimum.is_some_and(|least| number < least)
                || limits.maximum.is_some_and(|most| number > most)
        });
        if is_outside {
            let end = |end: Option<f64>| end.map_or_else(|| "any".to_owned(), |end| end.to_string());
            let (least, most) = (end(limits.minimum), end(limits.maximum));
            self.mistake(place, format!("{value} is outside the range from {least} to {most}"));
        }
        if let (Some(text), Some(pattern)) = (value.as_str(), &limits.pattern)
            && !matches(pattern, text)
        {
            self.mistake(place, format!("{value} does not match {pattern}"));
        }
        if !limits.words.is_empty() && !text(&|text| limits.words.iter().any(|word| word == text)) {
            self.mistake(place, format!("{value} is not one of {}", limits.words.join(", ")));
        }
    }

    /// `target@term`, as in `Members@odata.count`; `property` is the target. An object is annotated without a target.
    fn annotation(
        &mut self,
        place: &Place<'_>,
        target: &str,
        term: &str,
        property: Option<&'s Property>,
        value: &Value,
    ) {
        if !target.is_empty() && property.is_none() {
            return self.mistake(place, "it annotates a property that the schema does not have");
        }
        let is_list = property.is_some_and(|p| p.is_collection);
        let fits = match (term, property) {
            ("odata.id" | "odata.type" | "odata.etag" | "odata.context", None) => value.is_string(),
            ("odata.count", Some(_)) if is_list => value.is_u64(),
            ("odata.nextLink", Some(_)) if is_list => value.is_string(),
            ("Redfish.AllowableValues", Some(property)) => {
                let values = value.as_array();
                for value in values.into_iter().flatten() {
                    self.value(place, &property.kind, &property.limits, value);
                }
                values.is_some()
            }
            _ => match self.schemas.terms.get(term) {
                Some(term) => {
                    self.property(place, term, value);
                    true
                }
                None => false,
            },
        };
        if !fits {
            self.mistake(
                place,
                format!("{value} is not a valid value of this annotation, or the annotation does not exist"),
            );
        }
    }

    /// The object below the name of an action.
    fn action(&mut self, place: &Place<'_>, action: &str, value: &Value) {
        let schemas = self.schemas;
        let Some(parameters) = schemas.actions.get(action) else {
            return self.mistake(place, "the schemas have no such action");
        };
        let family = parameters.first().map(|object| split(&object.kind).0);
        if family != Some(place.family) {
            self.mistake(place, format!("it is an action of {}", family.unwrap_or_default()));
        }
        let Some(object) = value.as_object() else {
            return self.mistake(place, format!("{value} is not an object"));
        };
        if !object.get("target").is_some_and(Value::is_string) {
            self.mistake(place, "it has no target");
        }
        for (key, value) in object.iter().filter(|(key, _)| *key != "target") {
            let place = place.below(key);
            match key.split_once('@') {
                Some((target, term)) => {
                    let parameter = parameters.iter().skip(1).find(|p| p.name == target);
                    self.annotation(&place, target, term, parameter, value);
                }
                None if key == "title" && value.is_string() => {}
                None => self.mistake(&place, "an action has no such property"),
            }
        }
    }
}

/// `; did you mean X?` with the property that differs from `wrong` by a typing error, or nothing.
fn nearest<'p>(wrong: &str, known: impl Iterator<Item = &'p str>) -> String {
    let near = known.map(|name| (strsim::damerau_levenshtein(wrong, name), name)).min();
    near.filter(|(distance, _)| *distance <= 2)
        .map_or_else(String::new, |(_, name)| format!("; did you mean {name}?"))
}

/// Whether a resource (`copy` is `None`) or a copy of it has a property.
fn is_shown(property: &Property, copy: Option<&str>) -> bool {
    match copy {
        None => !property.is_copy_only,
        Some(copy) if !property.excerpts.is_empty() => {
            property.excerpts.iter().any(|name| name.is_empty() || name == copy)
        }
        Some(_) => property.is_copy_only,
    }
}

/// Whether a text matches a regular expression of DMTF. Only the tests need speed, and they check few such values.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}
