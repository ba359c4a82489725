//! A BMC whose documents are wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::{Act, Fault, Occasion, Seam};

/// Documents with wrong contents: at least one member is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Document {
    /// Properties that are missing, as JSON pointers (RFC 6901) such as `/PowerState` or `/Boot/BootOrder/0`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "cli", schema(example = json!(["/PowerState"])))]
    pub remove: Vec<String>,
    /// Properties with other values, of any type, by JSON pointers.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "cli", schema(value_type = Object, example = json!({"/PowerState": 7})))]
    pub set: Map<String, Value>,
    /// The number of the member, from 0, that is missing in a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_missing: Option<u32>,
    /// The number of the member, from 0, that is there twice in a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_twice: Option<u32>,
}

impl Document {
    /// The largest number of properties.
    pub const MAX: usize = 64;

    /// The document as the BMC shows it. What a document does not have stays as it is.
    pub fn apply(&self, document: &mut Value) {
        for pointer in &self.remove {
            let Some((parent, name)) = parent_of(document, pointer) else { continue };
            match parent {
                Value::Object(members) => drop(members.remove(&name)),
                Value::Array(items) => {
                    if let Some(index) = name.parse().ok().filter(|index: &usize| *index < items.len()) {
                        items.remove(index);
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        for (pointer, value) in &self.set {
            match parent_of(document, pointer) {
                Some((Value::Object(members), name)) => drop(members.insert(name, value.clone())),
                Some((Value::Array(items), name)) => {
                    if let Some(item) = name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                        *item = value.clone();
                    }
                }
                Some(_) | None => {}
            }
        }
        let Some(Value::Array(members)) = document.get_mut("Members") else { return };
        let within = |number: Option<u32>, count: usize| number.map(|n| n as usize).filter(|n| *n < count);
        if let Some(twice) = within(self.member_twice, members.len()) {
            members.push(members[twice].clone());
        }
        if let Some(missing) = within(self.member_missing, members.len()) {
            members.remove(missing);
        }
    }
}

/// The object or the list that has what a pointer names, and the name there.
fn parent_of<'d>(document: &'d mut Value, pointer: &str) -> Option<(&'d mut Value, String)> {
    let (parent, name) = pointer.rsplit_once('/')?;
    Some((document.pointer_mut(parent)?, name.replace("~1", "/").replace("~0", "~")))
}

impl Fault for Document {
    const NAME: &'static str = "document";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str = "a document with a property that is missing, wrong or of the wrong type; a collection with a member missing or twice";
    const ENDS: &'static str = "documents are right again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_wrong_document";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Patch(Box::new(self.clone())))
    }

    #[cfg(test)]
    fn example() -> Value {
        serde_json::json!({"remove": ["/PowerState"]})
    }

    fn check(&self) -> Result<(), String> {
        let pointers = || self.remove.iter().chain(self.set.keys());
        if pointers().count() == 0 && self.member_missing.is_none() && self.member_twice.is_none() {
            return Err(
                "nothing is wrong; write 'remove', 'set', 'memberMissing' or 'memberTwice'".to_owned()
            );
        }
        if pointers().count() > Self::MAX {
            return Err(format!("has {} properties; at most {} are allowed", pointers().count(), Self::MAX));
        }
        match pointers().find(|pointer| !pointer.starts_with('/')) {
            Some(pointer) => Err(format!(
                "'{pointer}' is no JSON pointer; write a path such as /PowerState or /Boot/BootOrder/0"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(fault: Value, mut document: Value) -> Value {
        let fault: Document = serde_json::from_value(fault).unwrap();
        fault.check().unwrap();
        fault.apply(&mut document);
        document
    }

    #[test]
    fn properties_go_and_get_other_values() {
        let document = json!({"PowerState": "On", "Boot": {"BootOrder": ["a", "b"], "a/b": 1}});
        let fault = json!({"remove": ["/PowerState", "/Boot/BootOrder/0", "/None/x", "/Boot/a~1b"],
            "set": {"/Boot/BootOrder/0": 7, "/New": [true], "/Boot/BootOrder/9": 1}});
        assert_eq!(patched(fault, document), json!({"Boot": {"BootOrder": [7]}, "New": [true]}));
    }

    #[test]
    fn members_go_and_double() {
        let document = json!({"Members": [0, 1, 2]});
        assert_eq!(patched(json!({"memberMissing": 1}), document.clone()), json!({"Members": [0, 2]}));
        assert_eq!(patched(json!({"memberTwice": 1}), document.clone()), json!({"Members": [0, 1, 2, 1]}));
        assert_eq!(patched(json!({"memberTwice": 3}), document.clone()), document);
    }
}
