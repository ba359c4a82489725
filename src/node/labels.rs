//! The labels of a node: keys with values, which users give for selections.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The labels of a node. Nodes with equal labels can share them, so that a label on a million nodes takes the memory of one. A
/// node without labels has the size of a pointer.
///
/// The control API checks keys and values (`selection/label.rs`) and the number of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels(Option<Arc<BTreeMap<Box<str>, Box<str>>>>);

impl Labels {
    /// The largest number of labels of a node.
    pub const MAX: usize = 64;

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |labels| labels.len())
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.as_ref()?.get(key).map(|value| &**value)
    }

    /// All labels, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|labels| labels.iter()).map(|(key, value)| (&**key, &**value))
    }

    /// Shares the memory of equal labels in `known`.
    pub(super) fn share(&mut self, known: &mut HashSet<Self>) {
        match known.get(self) {
            Some(equal) => self.0.clone_from(&equal.0),
            None if self.is_empty() => {}
            None => drop(known.insert(self.clone())),
        }
    }

    /// A number that equal labels have in common if they share their memory; 0 without labels.
    pub fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |labels| Arc::as_ptr(labels) as usize)
    }
}

impl FromIterator<(Box<str>, Box<str>)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Box<str>)>>(labels: I) -> Self {
        let labels: BTreeMap<_, _> = labels.into_iter().collect();
        Self((!labels.is_empty()).then(|| Arc::new(labels)))
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_deref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let labels = Option::<BTreeMap<Box<str>, Box<str>>>::deserialize(deserializer)?;
        Ok(labels.unwrap_or_default().into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_stored_as_a_map_and_none_of_them_as_null() {
        let labels = Labels::from_iter([("rack".into(), "r7".into()), ("row".into(), "".into())]);
        let json = serde_json::to_string(&labels).unwrap();
        assert_eq!(json, r#"{"rack":"r7","row":""}"#);
        assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
        assert_eq!((labels.get("row"), labels.get("x"), labels.len()), (Some(""), None, 2));
        assert_eq!(serde_json::to_string(&Labels::default()).unwrap(), "null");
        assert!(Labels::from_iter([]).is_empty());
    }
}
