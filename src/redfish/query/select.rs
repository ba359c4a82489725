//! `$select`: the properties that a client asks for (DSP0266, "The $select query parameter").

use serde_json::Value;

use super::expand::link;

/// Names of properties, each with the selection within it. An empty selection is the whole property.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Select(pub(super) Vec<(Box<str>, Select)>);

impl Select {
    /// The limit of properties that a client may name.
    const MAX_SELECTED: usize = 100;

    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut select = Self::default();
        for (n, path) in value.split(',').enumerate() {
            let mut at = &mut select;
            for name in path.trim().split('/') {
                if name.is_empty() || n >= Self::MAX_SELECTED {
                    return None;
                }
                let place = at.0.iter().position(|(known, _)| **known == *name).unwrap_or_else(|| {
                    at.0.push((name.into(), Self::default()));
                    at.0.len() - 1
                });
                at = &mut at.0[place].1;
            }
        }
        Some(select)
    }

    /// Removes the properties that are not selected. The OData properties of the resource stay, and annotations of what
    /// stays.
    ///
    /// `expanded` is the selection for expanded resources. DSP0266, "The $expand query parameter", asks for the UUIDs of all
    /// systems with `Systems?$select=UUID&$expand=.($levels=1)`, so a selection also applies to each expanded resource,
    /// and what leads to these stays.
    pub(super) fn prune(&self, value: &mut Value, expanded: Option<&Self>) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Object(map) => map.retain(|key, inner| {
                let (name, term) = key.split_once('@').unwrap_or((key, ""));
                if name.is_empty() {
                    return term.starts_with("odata.");
                }
                if let Some((_, below)) = self.0.iter().find(|(selected, _)| **selected == *name) {
                    below.prune(inner, None);
                    return true;
                }
                expanded.is_some_and(|selection| selection.prune_expanded(inner) || name == "Members")
            }),
            Value::Array(items) => items.iter_mut().for_each(|item| self.prune(item, expanded)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Applies the selection to each expanded resource within `value`, and removes what leads to none. Returns whether
    /// there is one.
    fn prune_expanded(&self, value: &mut Value) -> bool {
        match value {
            Value::Object(map) if map.contains_key("@odata.id") && map.contains_key("@odata.type") => {
                self.prune(value, Some(self));
                true
            }
            Value::Object(map) => {
                map.retain(|_, inner| self.prune_expanded(inner));
                !map.is_empty()
            }
            // A link that could not be expanded stays between the others.
            Value::Array(items) => items.iter_mut().fold(false, |any, item| {
                let is_link = link(item).is_some();
                (!is_link && self.prune_expanded(item)) || any
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selecting_keeps_names_and_types() {
        let mut value = serde_json::json!({
            "@odata.id": "/x", "Name": "n", "Id": "1",
            "Boot": {"BootOrder": [], "BootNext": null}, "Members": [{"@odata.id": "/y", "Name": "m", "Id": "2"}]
        });
        Select::parse("Boot/BootOrder,Members/Name").unwrap().prune(&mut value, None);
        let wanted = serde_json::json!({
            "@odata.id": "/x", "Boot": {"BootOrder": []}, "Members": [{"@odata.id": "/y", "Name": "m"}]
        });
        assert_eq!(value, wanted);
    }
}
