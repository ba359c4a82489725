//! Query parameters of a GET (DSP0266, "Query parameters"): `$top` and `$skip`, `only`, `$expand`, `$select`.
//!
//! A query changes the finished document: it is parsed, changed, and written again. A request without a query pays nothing.

use std::borrow::Cow;

use serde_json::Value;

use super::document::Document;
use super::error::Problem;
use super::message::{
    INSUFFICIENT_STORAGE, Message, QUERY_COMBINATION_INVALID, QUERY_NOT_SUPPORTED_ON_RESOURCE,
    QUERY_PARAMETER_OUT_OF_RANGE, QUERY_PARAMETER_UNSUPPORTED, QUERY_PARAMETER_VALUE_FORMAT_ERROR,
};
use super::row::Target;

/// A collection with at most so many members is built as a whole and has an ETag. It is about 60 KiB of links.
pub(super) const WHOLE: usize = 512;

/// A page of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) skip: usize,
    pub(super) top: usize,
}

impl Page {
    pub(super) const WHOLE: Self = Self { skip: 0, top: usize::MAX };
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) page: Page,
    only: bool,
    expand: Option<Expand>,
    select: Option<Select>,
    /// `$top`, `$expand` and `$select` as the client wrote them. The link to the next page has them too.
    repeated: String,
}

/// `$expand`: replaces links by the documents that they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expand {
    /// Expands links outside `Links`.
    subordinate: bool,
    /// Expands links within `Links`.
    links: bool,
    levels: u32,
}

/// `$select`: names of properties, each with the selection within it. An empty selection is the whole property.
#[derive(Debug, Default, PartialEq, Eq)]
struct Select(Vec<(Box<str>, Select)>);

impl Query {
    /// The limit of `$levels` (`ProtocolFeaturesSupported.ExpandQuery.MaxLevels`).
    pub(super) const MAX_LEVELS: u32 = 3;
    /// The limit of expanded documents in a response. A collection with more of them comes in pages.
    pub(super) const MAX_EXPANDED: usize = 256;
    /// The limit of properties in a `$select`.
    const MAX_SELECTED: usize = 100;

    /// Parses a query. An unknown parameter that does not begin with `$` is ignored, as the specification requires.
    ///
    /// # Errors
    /// When a parameter that begins with `$` is unknown, or a value is wrong.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut parsed =
            Self { page: Page::WHOLE, only: false, expand: None, select: None, repeated: String::new() };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            let wrong = || Message::new(&QUERY_PARAMETER_VALUE_FORMAT_ERROR, [&value, &name]);
            match &*name {
                "$skip" => parsed.page.skip = value.parse().map_err(|_| wrong())?,
                "$top" => match value.parse().map_err(|_| wrong())? {
                    // "Minimum value is 1" (DSP0266, "Query parameters").
                    0 => return Err(out_of_range(&value, "$top", "of 1 or more")),
                    top => parsed.page.top = top,
                },
                "only" if !value.is_empty() => return Err(wrong().into()),
                "only" => parsed.only = true,
                "$expand" => parsed.expand = Some(Expand::parse(&value)?),
                "$select" => parsed.select = Some(Select::parse(&value).ok_or_else(wrong)?),
                unknown if unknown.starts_with('$') => {
                    return Err(Message::new(&QUERY_PARAMETER_UNSUPPORTED, [unknown]).into());
                }
                _ => {}
            }
            if matches!(&*name, "$top" | "$expand" | "$select") {
                parsed.repeated.push('&');
                parsed.repeated.push_str(pair);
            }
        }
        let alone = parsed.page == Page::WHOLE && parsed.expand.is_none() && parsed.select.is_none();
        if parsed.only && !alone {
            return Err((&QUERY_COMBINATION_INVALID).into());
        }
        Ok(parsed)
    }

    /// Whether other documents are read for it.
    pub(super) fn follows_links(&self) -> bool {
        self.only || self.expand.is_some()
    }

    /// Refuses a query that the target cannot answer: only a collection has pages and members.
    pub(super) fn check(&self, target: Target) -> Result<(), Problem> {
        let wants_members = self.only || self.page != Page::WHOLE;
        if target.is_document() && wants_members {
            return Err((&QUERY_NOT_SUPPORTED_ON_RESOURCE).into());
        }
        Ok(())
    }

    /// The page of a collection to read. Without a query that changes each member, a page may be as long as the client
    /// asks for.
    pub(super) fn page(&self) -> Page {
        let most = match (self.expand, &self.select) {
            (Some(_), _) => Self::MAX_EXPANDED,
            (None, Some(_)) => WHOLE,
            (None, None) => usize::MAX,
        };
        Page { top: self.page.top.min(most), ..self.page }
    }

    /// The only member of the collection, if `only` was asked for and the collection has one member.
    pub(super) fn only_member(&self, collection: &Document) -> Option<String> {
        if !self.only {
            return None;
        }
        match parse(collection.bytes())["Members"].as_array().map_or(&[][..], Vec::as_slice) {
            [member] => Some(member["@odata.id"].as_str()?.to_owned()),
            _ => None,
        }
    }

    /// The document with links expanded and properties selected. `read` returns the document at a URI. The ETag stays that
    /// of the resource, so that a client can use it in a PATCH.
    pub(super) fn apply(
        &self,
        document: Document,
        read: impl FnMut(&str) -> Option<Document>,
    ) -> Result<Document, Problem> {
        if self.expand.is_none() && self.select.is_none() {
            return Ok(document);
        }
        let mut value = parse(document.bytes());
        if let Some(expand) = self.expand {
            let mut expansion = Expansion { read, asked: expand, left: Self::MAX_EXPANDED };
            expansion.whole(&mut value)?;
        }
        self.link_next_page(&mut value);
        if let Some(select) = &self.select {
            select.prune(&mut value, self.expand.and(Some(select)));
        }
        Ok(document.with_bytes(value.to_string().into_bytes()))
    }

    /// Links a page of a collection to the page that follows, with the same query.
    fn link_next_page(&self, document: &mut Value) {
        let Some(members) = document["Members"].as_array() else { return };
        let end = self.page.skip.saturating_add(members.len()) as u64;
        if document["Members@odata.count"].as_u64().is_some_and(|count| end < count) {
            let uri = document["@odata.id"].as_str().unwrap_or_default();
            document["Members@odata.nextLink"] = format!("{uri}?$skip={end}{}", self.repeated).into();
        }
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("the service writes JSON")
}

impl Expand {
    fn parse(value: &str) -> Result<Self, Problem> {
        let wrong = || Message::new(&QUERY_PARAMETER_VALUE_FORMAT_ERROR, [value, "$expand"]);
        let (what, options) = value.split_at_checked(1).ok_or_else(wrong)?;
        let (subordinate, links) = match what {
            "." => (true, false),
            "~" => (false, true),
            "*" => (true, true),
            _ => return Err(wrong().into()),
        };
        let levels = match options {
            "" => 1,
            options => {
                let number = options.strip_prefix("($levels=").and_then(|rest| rest.strip_suffix(')'));
                number.and_then(|n| n.parse::<u32>().ok()).ok_or_else(wrong)?
            }
        };
        if !(1..=Query::MAX_LEVELS).contains(&levels) {
            return Err(out_of_range(value, "$expand", &format!("of 1 to {} levels", Query::MAX_LEVELS)));
        }
        Ok(Self { subordinate, links, levels })
    }
}

/// The limit of expanded documents is reached.
struct Full;

struct Expansion<R> {
    read: R,
    asked: Expand,
    /// How many more documents may be expanded.
    left: usize,
}

impl<R: FnMut(&str) -> Option<Document>> Expansion<R> {
    /// Expands a document. A collection keeps as many members as can be expanded.
    fn whole(&mut self, document: &mut Value) -> Result<(), Problem> {
        let levels = self.asked.levels;
        let outcome = match document["Members"].as_array_mut().filter(|members| !members.is_empty()) {
            Some(members) => {
                let full = members.iter_mut().position(|member| self.at(member, levels, false).is_err());
                members.truncate(full.unwrap_or(members.len()));
                if full == Some(0) { Err(Full) } else { Ok(()) }
            }
            None => self.within(document, levels, false),
        };
        // DSP0266, "The $expand query parameter": 507 when the payload is too large for one response.
        outcome.map_err(|Full| (&INSUFFICIENT_STORAGE).into())
    }

    fn within(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Full> {
        match value {
            Value::Object(map) => {
                map.iter_mut().try_for_each(|(key, inner)| self.at(inner, levels, in_links || key == "Links"))
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.at(item, levels, in_links)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Expands `value` if it is a link, and the links within it if not. A link to a document that cannot be read now stays
    /// a link.
    fn at(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Full> {
        let Some(uri) = link(value) else { return self.within(value, levels, in_links) };
        if !(if in_links { self.asked.links } else { self.asked.subordinate }) {
            return Ok(());
        }
        let Some(document) = (self.read)(uri) else { return Ok(()) };
        self.left = self.left.checked_sub(1).ok_or(Full)?;
        *value = parse(document.bytes());
        if levels > 1 { self.within(value, levels - 1, false) } else { Ok(()) }
    }
}

fn out_of_range(value: &str, parameter: &str, range: &str) -> Problem {
    Message::new(&QUERY_PARAMETER_OUT_OF_RANGE, [value, parameter, range]).into()
}

/// The URI in a value that is a link to a resource and nothing else.
fn link(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get("@odata.id")?.as_str().filter(|uri| !uri.contains('#'))
}

impl Select {
    fn parse(value: &str) -> Option<Self> {
        let mut select = Self::default();
        for (n, path) in value.split(',').enumerate() {
            let mut at = &mut select;
            for name in path.trim().split('/') {
                if name.is_empty() || n >= Query::MAX_SELECTED {
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
    fn prune(&self, value: &mut Value, expanded: Option<&Self>) {
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

/// Decodes percent-encoding (RFC 3986, 2.1). A percent sign that encodes nothing stays.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).map_or_else(|_| Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> &'static str {
        Query::parse(query).unwrap_err().messages[0].entry.key
    }

    #[test]
    fn queries_are_read_with_and_without_escapes() {
        let query = Query::parse("%24expand=.%28%24levels%3D2%29&$select=Name,Boot/BootOrder&x=1").unwrap();
        assert_eq!(query.expand, Some(Expand { subordinate: true, links: false, levels: 2 }));
        assert_eq!(query.select.unwrap().0.len(), 2);
        assert_eq!(Query::parse("$skip=2&$top=1").unwrap().page, Page { skip: 2, top: 1 });
    }

    #[test]
    fn wrong_queries_are_refused() {
        assert_eq!(refusal("$filter=Name eq 'x'"), "QueryParameterUnsupported");
        assert_eq!(refusal("only&$top=1"), "QueryCombinationInvalid");
        for query in ["$expand=.($levels=9)", "$expand=.($levels=0)", "$top=0"] {
            assert_eq!(refusal(query), "QueryParameterOutOfRange", "{query}");
        }
        for query in [
            "$top=x",
            "$skip=-1",
            "$expand=",
            "$expand=Members",
            "$expand=.(levels=1)",
            "$select=,",
            "only=x",
        ] {
            assert_eq!(refusal(query), "QueryParameterValueFormatError", "{query}");
        }
    }

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
