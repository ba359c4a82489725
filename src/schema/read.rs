//! A part of the build script: reads the XML files of the bundle into [`Schemas`].

use roxmltree::{Document, Node};

use super::model::{Limits, Property, Schemas, Shape, Structure, Type, Types, split};

/// All files of the bundle in a folder.
pub(super) fn bundle(folder: &str) -> Schemas {
    let mut schemas = Schemas::default();
    for entry in std::fs::read_dir(folder).expect("the crate has the folder") {
        let file = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(file).expect("the file can be read");
        let document = Document::parse(&text).expect("the file is XML");
        for schema in document.descendants().filter(|node| node.has_tag_name("Schema")) {
            read_schema(schema, &mut schemas);
        }
    }
    for versions in schemas.families.values_mut() {
        versions.sort_by_key(|(version, _)| *version);
    }
    schemas
}

fn read_schema(schema: Node<'_, '_>, schemas: &mut Schemas) {
    let namespace = attribute(schema, "Namespace");
    let (family, version) = split(namespace);
    let versions = schemas.families.entry(family.to_owned()).or_default();
    let at = versions.iter().position(|(known, _)| *known == version).unwrap_or_else(|| {
        versions.push((version, Types::new()));
        versions.len() - 1
    });
    let types = &mut versions[at].1;
    for node in schema.children().filter(Node::is_element) {
        let name = attribute(node, "Name").to_owned();
        match node.tag_name().name() {
            "EntityType" | "ComplexType" => {
                types.insert(name, Type::Structure(structure(node)));
            }
            "EnumType" => {
                let words = children(node, "Member").map(|member| attribute(member, "Name").to_owned());
                types.insert(name, Type::Words(words.collect()));
            }
            "TypeDefinition" => {
                let base = attribute(node, "UnderlyingType").to_owned();
                types.insert(name, Type::Narrowed { base, limits: limits(node) });
            }
            "Action" => {
                let parameters = children(node, "Parameter").map(property).collect();
                schemas.actions.insert(format!("{namespace}.{name}"), parameters);
            }
            "Term" => {
                // Documents call this namespace by its alias.
                let namespace = if namespace == "RedfishExtensions.v1_0_0" { "Redfish" } else { namespace };
                schemas.terms.insert(format!("{namespace}.{name}"), property(node));
            }
            "Annotation" | "EntityContainer" => {}
            other => unreachable!("{namespace}: the reader does not know the element {other}"),
        }
    }
}

fn structure(node: Node<'_, '_>) -> Structure {
    let is_property =
        |node: &Node<'_, '_>| node.has_tag_name("Property") || node.has_tag_name("NavigationProperty");
    let patterns = annotation(node, "Redfish.DynamicPropertyPatterns").into_iter().flat_map(|patterns| {
        patterns.descendants().filter(|node| node.has_tag_name("Record")).map(|record| {
            let value = |name: &str| {
                let mut values = children(record, "PropertyValue");
                let value = values.find(|v| v.attribute("Property") == Some(name));
                attribute(value.expect("a record has both values"), "String").to_owned()
            };
            (value("Pattern"), value("Type"))
        })
    });
    Structure {
        base: node.attribute("BaseType").map(str::to_owned),
        is_abstract: node.attribute("Abstract") == Some("true"),
        is_entity: node.has_tag_name("EntityType"),
        properties: node.children().filter(is_property).map(property).collect(),
        open: annotation(node, "OData.AdditionalProperties").map(|a| a.attribute("Bool") != Some("false")),
        patterns: patterns.collect(),
    }
}

fn property(node: Node<'_, '_>) -> Property {
    let kind = attribute(node, "Type");
    let element = kind.strip_prefix("Collection(").and_then(|kind| kind.strip_suffix(')'));
    let has = |term| annotation(node, term).is_some();
    let shape = match node.tag_name().name() {
        "NavigationProperty" if has("Redfish.ExcerptCopy") => Shape::Excerpt,
        "NavigationProperty" if has("OData.AutoExpand") => Shape::Expanded,
        "NavigationProperty" => Shape::Link,
        _ => Shape::Value,
    };
    let text = |term| annotation(node, term).map(|a| attribute(a, "String"));
    Property {
        name: attribute(node, "Name").to_owned(),
        kind: element.unwrap_or(kind).to_owned(),
        is_collection: element.is_some(),
        is_nullable: node.attribute("Nullable") != Some("false"),
        is_required: has("Redfish.Required"),
        shape,
        copy: text("Redfish.ExcerptCopy").unwrap_or_default().to_owned(),
        excerpts: text("Redfish.Excerpt").into_iter().flat_map(|s| s.split(',')).map(str::to_owned).collect(),
        is_copy_only: has("Redfish.ExcerptCopyOnly"),
        limits: limits(node),
    }
}

fn limits(node: Node<'_, '_>) -> Limits {
    let number = |term| {
        let annotation = annotation(node, term)?;
        let text = annotation.attribute("Int").or(annotation.attribute("Decimal"));
        Some(text.and_then(|text| text.parse().ok()).expect("a limit is a number"))
    };
    let pattern = annotation(node, "Validation.Pattern").map(|a| attribute(a, "String").to_owned());
    let members = annotation(node, "Redfish.Enumeration").into_iter().flat_map(|a| a.descendants());
    let words = members.filter(|node| node.attribute("Property") == Some("Member"));
    Limits {
        minimum: number("Validation.Minimum"),
        maximum: number("Validation.Maximum"),
        pattern,
        words: words.map(|node| attribute(node, "String").to_owned()).collect(),
    }
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default()
}

fn children<'a, 'i: 'a>(node: Node<'a, 'i>, tag: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(tag))
}

fn annotation<'a, 'i: 'a>(node: Node<'a, 'i>, term: &'static str) -> Option<Node<'a, 'i>> {
    children(node, "Annotation").find(|annotation| annotation.attribute("Term") == Some(term))
}
