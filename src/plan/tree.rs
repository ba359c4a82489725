//! A YAML document as a tree of values with their lines.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use serde_saphyr::Spanned;

/// A value, and the line at which it begins.
#[derive(Debug)]
pub(super) struct Tree {
    line: u64,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Scalar(Value),
}

impl Tree {
    /// The value without lines.
    pub(super) fn value(&self) -> Value {
        match &self.node {
            Node::Map(members) => {
                Value::Object(members.iter().map(|(key, tree)| (key.clone(), tree.value())).collect())
            }
            Node::List(elements) => Value::Array(elements.iter().map(Self::value).collect()),
            Node::Scalar(value) => value.clone(),
        }
    }

    /// The line of the value at a path, or of the last one on the way to it that the document has.
    pub(super) fn line(&self, path: &Path) -> u64 {
        let mut at = self;
        for segment in path {
            let next = match (&at.node, segment) {
                (Node::List(elements), Segment::Seq { index }) => elements.get(*index),
                (Node::Map(members), Segment::Map { key } | Segment::Enum { variant: key }) => {
                    members.iter().find(|(name, _)| name == key).map(|(_, tree)| tree)
                }
                _ => None,
            };
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        at.line
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Node>::deserialize(deserializer)?;
        Ok(Self { line: spanned.defined.line(), node: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some((key, mut tree)) = map.next_entry::<Spanned<String>, Tree>()? {
            // A value that begins on a later line, such as a list, is found at its name.
            tree.line = key.defined.line();
            if members.iter().any(|(name, _)| *name == key.value) {
                return Err(A::Error::custom(format_args!("the key '{}' is written twice", key.value)));
            }
            members.push((key.value, tree));
        }
        Ok(Node::Map(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(tree) = list.next_element()? {
            elements.push(tree);
        }
        Ok(Node::List(elements))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Scalar(truth.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Scalar(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Scalar(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Scalar(number.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Scalar(text.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }
}
