//! Reads a request's body into typed values, and collects its mistakes, so that the response reports all of them.

use serde_json::{Map, Value};

use super::message::{
    ACTION_PARAMETER_MISSING, ACTION_PARAMETER_UNKNOWN, ACTION_PARAMETER_VALUE_ERROR,
    ACTION_PARAMETER_VALUE_FORMAT_ERROR, ACTION_PARAMETER_VALUE_NOT_IN_LIST,
    ACTION_PARAMETER_VALUE_TYPE_ERROR, EMPTY_JSON, MALFORMED_JSON, Message, NO_OPERATION, PROPERTY_MISSING,
    PROPERTY_NOT_WRITABLE, PROPERTY_UNKNOWN, PROPERTY_VALUE_ERROR, PROPERTY_VALUE_FORMAT_ERROR,
    PROPERTY_VALUE_NOT_IN_LIST, PROPERTY_VALUE_OUT_OF_RANGE, PROPERTY_VALUE_TYPE_ERROR,
    STRING_VALUE_TOO_LONG, UNRECOGNIZED_REQUEST_BODY,
};
use crate::journal::{Asked, Request};
use crate::profile::overlay::{Overlay, Patch};

/// A body being read. Each property that is read is removed; a property that is left at the end is a mistake.
pub(super) struct Body {
    left: Map<String, Value>,
    mistakes: Vec<Message>,
    /// JSON pointer to the object being read.
    place: String,
    /// The action, if the body holds its parameters. `None`: the body holds properties of a resource.
    action: Option<&'static str>,
    /// An `Oem` object that the resource does not know is ignored.
    ignores_oem: bool,
}

impl Body {
    /// The levels of resources that a body may have below the resource that it is sent to. A collection and its members are a
    /// level each.
    pub(super) const MAX_LEVELS: usize = 3;
    /// The response reports at most so many mistakes.
    pub(super) const MAX_MISTAKES: usize = 32;

    /// Parses a body. The body of an action may be empty.
    ///
    /// # Errors
    /// When the body is not JSON, or is not an object.
    pub(super) fn parse(bytes: &[u8], action: Option<&'static str>) -> Result<Self, Message> {
        let left = if bytes.is_empty() && action.is_some() {
            Map::new()
        } else {
            match serde_json::from_slice(bytes) {
                Ok(Value::Object(map)) => map,
                Ok(_) => return Err(Message::new(&UNRECOGNIZED_REQUEST_BODY, [])),
                Err(_) => return Err(Message::new(&MALFORMED_JSON, [])),
            }
        };
        // A client of one maker adds its extension to a change that any BMC understands. The extension alone asks for
        // something that does not happen, and is refused.
        let ignores_oem = action.is_some() || left.keys().any(|key| key != "Oem" && !is_annotation(key));
        Ok(Self { left, mistakes: Vec::new(), place: String::new(), action, ignores_oem })
    }

    /// The message about a body that asks for nothing: it is empty, or has annotations only.
    pub(super) fn asks_for_nothing(&self) -> Option<Message> {
        if self.left.is_empty() {
            return Some(Message::new(&EMPTY_JSON, []));
        }
        self.left.keys().all(|key| is_annotation(key)).then(|| Message::new(&NO_OPERATION, []))
    }

    /// Appends the names of the properties as [`Asked::changed`] has them. Values never leave the body through here.
    pub(super) fn names(&self, names: &mut String) {
        append_names(&self.left, names);
    }

    fn note(&mut self, message: Message, key: &str) {
        if self.mistakes.len() < Self::MAX_MISTAKES {
            let pointer = format!("#{}/{key}", self.place);
            self.mistakes.push(message.about(pointer));
        }
    }

    /// Adds a mistake that only the resource can find.
    pub(super) fn mistake(&mut self, key: &str, message: Message) {
        self.note(message, key);
    }

    /// Removes a property of any type.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.left.remove(key)
    }

    /// Removes the property at the end of `names`, and the objects on the way that are empty then.
    pub(super) fn take_at<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Option<Value> {
        fn take(object: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
            let (first, rest) = names.split_first()?;
            if rest.is_empty() {
                return object.remove(*first);
            }
            let inner = object.get_mut(*first)?.as_object_mut()?;
            let found = take(inner, rest);
            if found.is_some() && inner.is_empty() {
                object.remove(*first);
            }
            found
        }
        take(&mut self.left, &names.collect::<Vec<_>>())
    }

    /// Whether everything but annotations has been read.
    pub(super) fn is_spent(&self) -> bool {
        self.left.keys().all(|key| is_annotation(key))
    }

    /// Refuses the properties that a model's overlay removes from the document or sets, because no change of them would show.
    pub(super) fn refuse_overlaid(&mut self, overlay: &Overlay) {
        let mut left = std::mem::take(&mut self.left);
        self.refuse_overlaid_in(&mut left, overlay, "");
        self.left = left;
    }

    fn refuse_overlaid_in(&mut self, object: &mut Map<String, Value>, overlay: &Overlay, place: &str) {
        for (key, patch) in &overlay.keys {
            let entry = match patch {
                Patch::Remove => &PROPERTY_UNKNOWN,
                Patch::Set(_) => &PROPERTY_NOT_WRITABLE,
                Patch::Inside(inside) => {
                    let Some(Value::Object(inner)) = object.get_mut(&**key) else { continue };
                    let below = format!("{place}{key}/");
                    self.refuse_overlaid_in(inner, inside, &below);
                    if below.starts_with("Oem/") {
                        self.refuse_unknown(inner, &below);
                        if inner.is_empty() {
                            object.remove(&**key);
                        }
                    }
                    continue;
                }
            };
            if object.remove(&**key).is_some() {
                self.note(Message::new(entry, [key]), &format!("{place}{key}"));
            }
        }
    }

    /// Refuses the properties that are left in an object of a maker. The overlay of the model has all that there is.
    fn refuse_unknown(&mut self, object: &mut Map<String, Value>, place: &str) {
        if place == "Oem/" {
            return;
        }
        for key in object.keys().filter(|key| !is_annotation(key)) {
            self.note(Message::new(&PROPERTY_UNKNOWN, [key]), &format!("{place}{key}"));
        }
        object.retain(|key, _| is_annotation(key));
    }

    /// Adds a mistake if `key` is missing.
    pub(super) fn require(&mut self, key: &str) {
        if !self.left.contains_key(key) {
            let message = match self.action {
                Some(action) => Message::new(&ACTION_PARAMETER_MISSING, [action, key]),
                None => Message::new(&PROPERTY_MISSING, [key]),
            };
            self.note(message, key);
        }
    }

    /// A text of at most `max` characters.
    pub(super) fn text(&mut self, key: &str, max: usize) -> Option<Box<str>> {
        match self.take(key)? {
            Value::String(text) if text.chars().count() <= max => Some(text.into()),
            Value::String(text) => {
                self.note(Message::new(&STRING_VALUE_TOO_LONG, [&text, &max.to_string()]), key);
                None
            }
            other => self.wrong_type(key, &other),
        }
    }

    /// A secret with a number of characters within bounds, both included. A mistake does not repeat it.
    pub(super) fn secret(&mut self, key: &str, low: usize, high: usize) -> Option<Box<str>> {
        match self.take(key)? {
            Value::String(text) if (low..=high).contains(&text.chars().count()) => Some(text.into()),
            _ => {
                let message = match self.action {
                    Some(action) => Message::new(&ACTION_PARAMETER_VALUE_ERROR, [key, action]),
                    None => Message::new(&PROPERTY_VALUE_ERROR, [key]),
                };
                self.note(message, key);
                None
            }
        }
    }

    /// Whether it has mistakes so far.
    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// Whether the body has the property.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// Whether the property is this text.
    pub(super) fn text_is(&self, key: &str, text: &str) -> bool {
        self.left.get(key).and_then(Value::as_str) == Some(text)
    }

    /// Removes the property if it is null. Returns whether it was.
    pub(super) fn take_null(&mut self, key: &str) -> bool {
        let is_null = self.left.get(key) == Some(&Value::Null);
        if is_null {
            self.left.remove(key);
        }
        is_null
    }

    /// Whether the body sets other properties than these, apart from annotations.
    pub(super) fn has_others(&self, than: &[&str]) -> bool {
        self.left.keys().any(|key| !than.contains(&key.as_str()) && !is_annotation(key))
    }

    /// A text, or null.
    pub(super) fn text_or_null(&mut self, key: &str, max: usize) -> Option<Option<Box<str>>> {
        if self.take_null(key) { Some(None) } else { self.text(key, max).map(Some) }
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(flag) => Some(flag),
            other => self.wrong_type(key, &other),
        }
    }

    /// A whole number within bounds, both included.
    pub(super) fn number(&mut self, key: &str, low: i64, high: i64) -> Option<i64> {
        let value = self.take(key)?;
        let Some(number) = value.as_i64() else { return self.wrong_type(key, &value) };
        if (low..=high).contains(&number) {
            return Some(number);
        }
        let message = match self.action {
            Some(action) => {
                Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [&number.to_string(), key, action])
            }
            None => Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, [&number.to_string(), key]),
        };
        self.note(message, key);
        None
    }

    /// One of the words of `allowed`.
    pub(super) fn word<T: Copy + PartialEq>(
        &mut self,
        key: &str,
        parse: fn(&str) -> Option<T>,
        allowed: &[T],
    ) -> Option<T> {
        match self.take(key)? {
            Value::String(text) => match parse(&text).filter(|word| allowed.contains(word)) {
                Some(word) => Some(word),
                None => {
                    self.not_in_list(key, &text);
                    None
                }
            },
            other => self.wrong_type(key, &other),
        }
    }

    /// Adds a mistake: the value of `key` is not one of the allowed values.
    pub(super) fn not_in_list(&mut self, key: &str, value: &str) {
        let message = match self.action {
            Some(action) => Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [value, key, action]),
            None => Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [value, key]),
        };
        self.note(message, key);
    }

    /// Adds a mistake: the value of `key` has the wrong format.
    pub(super) fn wrong_format(&mut self, key: &str, value: &str) {
        let message = match self.action {
            Some(action) => Message::new(&ACTION_PARAMETER_VALUE_FORMAT_ERROR, [value, key, action]),
            None => Message::new(&PROPERTY_VALUE_FORMAT_ERROR, [value, key]),
        };
        self.note(message, key);
    }

    /// Reads the object at `key`, if it is there.
    pub(super) fn object<R>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> R) -> Option<R> {
        match self.take(key)? {
            Value::Object(inner) => Some(self.within(key, inner, read)),
            other => self.wrong_type(key, &other),
        }
    }

    /// Reads an object at `place` below the present one.
    pub(super) fn within<R>(
        &mut self,
        place: &str,
        inner: Map<String, Value>,
        read: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let outer = std::mem::replace(&mut self.left, inner);
        let length = self.place.len();
        self.place.push('/');
        self.place.push_str(place);
        let result = read(self);
        // The remaining properties of the inner object are mistakes. Their JSON pointer is known only here.
        self.report_remaining(|_| false);
        self.place.truncate(length);
        self.left = outer;
        result
    }

    /// Adds a mistake: the value of `key` has the wrong type.
    pub(super) fn wrong_type<T>(&mut self, key: &str, value: &Value) -> Option<T> {
        let shown = shown(value);
        let message = match self.action {
            Some(action) => Message::new(&ACTION_PARAMETER_VALUE_TYPE_ERROR, [&shown, key, action]),
            None => Message::new(&PROPERTY_VALUE_TYPE_ERROR, [&shown, key]),
        };
        self.note(message, key);
        None
    }

    fn report_remaining(&mut self, known: impl Fn(&str) -> bool) {
        for (key, value) in std::mem::take(&mut self.left) {
            let is_extension = key == "Oem" && value.is_object() && !known(&key);
            if is_annotation(&key) || (is_extension && self.ignores_oem) {
                continue;
            }
            let message = match self.action {
                Some(action) => Message::new(&ACTION_PARAMETER_UNKNOWN, [action, &key]),
                None if known(&key) => Message::new(&PROPERTY_NOT_WRITABLE, [&key]),
                None => Message::new(&PROPERTY_UNKNOWN, [&key]),
            };
            self.note(message, &key);
        }
    }

    /// All mistakes, including the properties that were not read. `known` says whether the resource has a property, which
    /// is then read-only.
    pub(super) fn finish(mut self, known: impl Fn(&str) -> bool) -> Vec<Message> {
        self.report_remaining(known);
        self.mistakes
    }
}

/// Appends the names in an object, until there are so many that the journal would not keep more.
fn append_names(object: &Map<String, Value>, names: &mut String) {
    for (key, value) in object {
        if names.len() > Request::MAX_NAMES {
            return;
        }
        names.push_str(key);
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                names.push(Asked::BEGIN);
                append_names(inner, names);
                names.push(Asked::END);
            }
            _ => names.push(' '),
        }
    }
}

/// Whether a key is an OData annotation, which a client may send back with a document and a service ignores (DSP0266, "PATCH
/// (update)"): `@odata.etag`, `Members@odata.count`.
fn is_annotation(key: &str) -> bool {
    key.contains("@odata.")
}

/// A value as a message shows it: a text without quotes, and at most 100 characters.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::BootTarget;

    fn keys(messages: &[Message]) -> Vec<(&'static str, &str)> {
        messages.iter().map(|m| (m.entry.key, m.property.as_deref().unwrap())).collect()
    }

    #[test]
    fn all_mistakes_are_reported_with_json_pointers() {
        let json = br##"{"Boot": {"BootSourceOverrideTarget": "Tape", "X": 1}, "AssetTag": 7, "Id": "2", "Nope": 0}"##;
        let mut body = Body::parse(json, None).unwrap();
        body.object("Boot", |b| b.word("BootSourceOverrideTarget", BootTarget::parse, BootTarget::ALL));
        body.text("AssetTag", 10);
        let mistakes = body.finish(|key| key == "Id");
        assert_eq!(
            keys(&mistakes),
            [
                ("PropertyValueNotInList", "#/Boot/BootSourceOverrideTarget"),
                ("PropertyUnknown", "#/Boot/X"),
                ("PropertyValueTypeError", "#/AssetTag"),
                ("PropertyNotWritable", "#/Id"),
                ("PropertyUnknown", "#/Nope"),
            ]
        );
    }

    #[test]
    fn mistakes_in_an_action_name_its_parameters() {
        let mut body = Body::parse(br#"{"More": 1}"#, Some("VirtualMedia.InsertMedia")).unwrap();
        body.require("Image");
        let mistakes = body.finish(|_| true);
        assert_eq!(
            keys(&mistakes),
            [("ActionParameterMissing", "#/Image"), ("ActionParameterUnknown", "#/More")]
        );
        assert_eq!(mistakes[1].args, ["VirtualMedia.InsertMedia", "More"]);
    }

    #[test]
    fn what_an_overlay_removes_is_unknown_and_what_it_sets_is_read_only() {
        let overlay = r#"{"IndicatorLED": null, "Boot": {"HttpBootUri": null, "BootNext": "x"}, "Id": "1"}"#;
        let json = br##"{"IndicatorLED": "Lit", "AssetTag": "x", "Id": "2",
            "Boot": {"HttpBootUri": "http://x", "BootNext": "y", "BootOrder": []}}"##;
        let mut body = Body::parse(json, None).unwrap();
        body.refuse_overlaid(&Overlay::parse(overlay).unwrap());
        body.text("AssetTag", 10);
        body.object("Boot", |b| b.texts("BootOrder", 0));
        let mut mistakes = body.finish(|_| true);
        mistakes.sort_by(|a, b| a.property.cmp(&b.property));
        assert_eq!(
            keys(&mistakes),
            [
                ("PropertyNotWritable", "#/Boot/BootNext"),
                ("PropertyUnknown", "#/Boot/HttpBootUri"),
                ("PropertyNotWritable", "#/Id"),
                ("PropertyUnknown", "#/IndicatorLED"),
            ]
        );
    }

    #[test]
    fn an_extension_is_ignored_beside_what_is_known() {
        let left = |json: &[u8], action| {
            let mut body = Body::parse(json, action).unwrap();
            body.text("AssetTag", 10);
            body.object("Boot", |_| ());
            body.finish(|key| key == "Id").iter().map(|m| m.entry.key).collect::<Vec<_>>()
        };
        let beside =
            br#"{"AssetTag": "x", "Boot": {"Oem": {"A": 1}}, "Oem": {"B": 2}, "Members@odata.count": 1}"#;
        assert!(left(beside, None).is_empty());
        assert!(left(br#"{"Oem": {"B": 2}}"#, Some("A.B")).is_empty());
        assert_eq!(left(br#"{"@odata.id": "/x", "Oem": {"B": 2}}"#, None), ["PropertyUnknown"]);
        assert_eq!(left(br#"{"AssetTag": "x", "Oem": 1}"#, None), ["PropertyUnknown"]);
    }

    #[test]
    fn a_body_that_is_not_an_object_is_refused() {
        assert_eq!(Body::parse(b"{", None).err().unwrap().entry.key, "MalformedJSON");
        assert_eq!(Body::parse(b"[]", None).err().unwrap().entry.key, "UnrecognizedRequestBody");
        assert!(Body::parse(b"", None).is_err() && Body::parse(b"", Some("A.B")).is_ok());
    }

    #[test]
    fn null_is_not_absent() {
        let mut body = Body::parse(br#"{"HttpBootUri": null}"#, None).unwrap();
        assert_eq!(body.text_or_null("HttpBootUri", 10), Some(None));
        assert_eq!(body.text_or_null("HttpBootUri", 10), None);
    }
}
