//! The arrays of a request's body.

use serde_json::Value;

use super::body::Body;
use super::message::{ARRAY_SIZE_TOO_LONG, Message};

impl Body {
    /// The elements of an array of at most `max`.
    fn items(&mut self, key: &str, max: usize) -> Option<Vec<Value>> {
        match self.take(key)? {
            Value::Array(items) if items.len() <= max => Some(items),
            Value::Array(_) => self.too_long(key, max),
            other => self.wrong_type(key, &other),
        }
    }

    fn too_long<T>(&mut self, key: &str, max: usize) -> Option<T> {
        self.mistake(key, Message::new(&ARRAY_SIZE_TOO_LONG, [key, &max.to_string()]));
        None
    }

    /// An array of at most `max` texts.
    pub(super) fn texts(&mut self, key: &str, max: usize) -> Option<Vec<String>> {
        let items = self.items(key, max)?;
        self.all_texts(key, items)
    }

    /// An array of at most `max` texts that replaces `now`: null and an empty text remove the element in their place, and an empty object
    /// leaves it as it is.
    pub(super) fn some_texts(&mut self, key: &str, max: usize, now: &[String]) -> Option<Vec<String>> {
        let items = self.items(key, max)?.into_iter().enumerate();
        let kept = |at: usize| now.get(at).map_or(Value::Null, |text| Value::String(text.clone()));
        let is_empty = |item: &Value| item.as_object().is_some_and(serde_json::Map::is_empty);
        let items = items.map(|(at, item)| if is_empty(&item) { kept(at) } else { item });
        let some = items.filter(|item| !item.is_null() && item != "").collect();
        self.all_texts(key, some)
    }

    fn all_texts(&mut self, key: &str, items: Vec<Value>) -> Option<Vec<String>> {
        let texts: Option<Vec<String>> = items.iter().map(|i| i.as_str().map(str::to_owned)).collect();
        texts.or_else(|| self.wrong_type(key, &Value::Array(items)))
    }

    /// The URIs of an array of at most `max` links.
    pub(super) fn links(&mut self, key: &str, max: usize) -> Option<Vec<Box<str>>> {
        let items = self.items(key, max)?;
        let uri = |item: &Value| item.get("@odata.id")?.as_str().map(Into::into);
        let uris: Option<Vec<Box<str>>> = items.iter().map(uri).collect();
        uris.or_else(|| self.wrong_type(key, &Value::Array(items)))
    }

    /// As [`Body::links`], of a parameter that must be there with at least one link.
    pub(super) fn required_links(&mut self, key: &str, max: usize) -> Option<Vec<Box<str>>> {
        self.require(key);
        let uris = self.links(key, max)?;
        if uris.is_empty() {
            self.require(key);
        }
        Some(uris)
    }

    /// The names and values of an array of objects, at most `max` together. A mistake does not repeat a value.
    pub(super) fn pairs(&mut self, key: &str, max: usize) -> Option<Vec<(Box<str>, Box<str>)>> {
        let value = self.take(key)?;
        let items = value.as_array().into_iter().flatten();
        let maps: Option<Vec<_>> = items.map(Value::as_object).collect();
        let maps = maps.filter(|_| value.is_array());
        let text = |(name, value): (&String, &Value)| Some((name.as_str().into(), value.as_str()?.into()));
        let pairs: Option<Vec<_>> = maps.and_then(|maps| maps.into_iter().flatten().map(text).collect());
        match pairs {
            Some(pairs) if pairs.len() <= max => Some(pairs),
            Some(_) => self.too_long(key, max),
            None => self.wrong_type(key, &Value::String("(hidden)".to_owned())),
        }
    }

    /// Reads the objects of the array at `key`, which has at most `max` of them, each with its position.
    pub(super) fn objects<R>(
        &mut self,
        key: &str,
        max: usize,
        mut read: impl FnMut(&mut Self, usize) -> R,
    ) -> Option<Vec<R>> {
        let mut results = Vec::new();
        for (at, item) in self.items(key, max)?.into_iter().enumerate() {
            let place = format!("{key}/{at}");
            match item {
                Value::Object(inner) => results.push(self.within(&place, inner, |body| read(body, at))),
                other => return self.wrong_type(&place, &other),
            }
        }
        Some(results)
    }

    /// Reads an array of at most `max` objects that replaces `now`: null removes the element in its place, and an empty object leaves
    /// it as it is (DSP0266, "PATCH on array properties"). `read` gets the element in the place of the object, if there is one.
    pub(super) fn elements<R: Clone>(
        &mut self,
        key: &str,
        max: usize,
        now: &[R],
        read: impl Fn(&mut Self, Option<&R>) -> Option<R>,
    ) -> Option<Vec<R>> {
        let mut results = Vec::new();
        for (at, item) in self.items(key, max)?.into_iter().enumerate() {
            let place = format!("{key}/{at}");
            let read = |body: &mut Self| read(body, now.get(at));
            match item {
                Value::Null => {}
                Value::Object(inner) if inner.is_empty() => results.extend(now.get(at).cloned()),
                Value::Object(inner) => results.extend(self.within(&place, inner, read)),
                other => return self.wrong_type(&place, &other),
            }
        }
        Some(results)
    }
}
