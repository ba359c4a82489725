//! Query parameters of a GET (DSP0266, "Query parameters"): `$top` and `$skip`, `only`, `$expand`, `$select`.
//!
//! A request without any costs nothing. With one, the finished document is parsed, changed, and written again.

use std::borrow::Cow;

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value};

use super::Redfish;
use super::error::Problem;
use super::message::{
    Entry, Message, QUERY_COMBINATION_INVALID, QUERY_NOT_SUPPORTED_ON_RESOURCE, QUERY_PARAMETER_OUT_OF_RANGE,
    QUERY_PARAMETER_UNSUPPORTED, QUERY_PARAMETER_VALUE_FORMAT_ERROR,
};
use super::render::Document;
use super::root::Root;
use super::tree::Target;

/// Which part of a collection is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) skip: usize,
    pub(super) top: usize,
}

impl Page {
    /// The whole collection.
    pub(super) const WHOLE: Self = Self { skip: 0, top: usize::MAX };
}

/// What a query asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) page: Page,
    only: bool,
    expand: Option<Expand>,
    select: Option<Select>,
}

/// `$expand`: links become what they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expand {
    /// Those outside `Links`.
    subordinate: bool,
    /// Those within `Links`.
    links: bool,
    levels: u32,
}

/// `$select`: names of properties, each with what is selected in it; nothing is all of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Select(Vec<(Box<str>, Select)>);

impl Query {
    /// Levels of `$expand`, at most (`ProtocolFeaturesSupported.ExpandQuery.MaxLevels`).
    pub(super) const MAX_LEVELS: u32 = 3;
    /// Documents that an answer expands, at most.
    pub(super) const MAX_EXPANDED: usize = 256;
    /// Properties that a query selects, at most.
    const MAX_SELECTED: usize = 100;

    /// Reads a query. What does not begin with `$` and is not known is let pass, as the specification wants.
    ///
    /// # Errors
    /// When a parameter that begins with `$` is unknown, or a value is wrong.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut parsed = Self { page: Page::WHOLE, only: false, expand: None, select: None };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            let wrong = || Message::new(&QUERY_PARAMETER_VALUE_FORMAT_ERROR, [&value, &name]);
            match &*name {
                "$skip" => parsed.page.skip = value.parse().map_err(|_| wrong())?,
                "$top" => parsed.page.top = value.parse().map_err(|_| wrong())?,
                "only" if !value.is_empty() => return Err(wrong().into()),
                "only" => parsed.only = true,
                "$expand" => parsed.expand = Some(Expand::parse(&value)?),
                "$select" => parsed.select = Some(Select::parse(&value).ok_or_else(wrong)?),
                unknown if unknown.starts_with('$') => {
                    return Err(Message::new(&QUERY_PARAMETER_UNSUPPORTED, [unknown]).into());
                }
                _ => {}
            }
        }
        let alone = parsed.page == Page::WHOLE && parsed.expand.is_none() && parsed.select.is_none();
        if parsed.only && !alone {
            return Err((&QUERY_COMBINATION_INVALID).into());
        }
        Ok(parsed)
    }

    /// Whether other documents are read for it.
    pub(super) fn leads_on(&self) -> bool {
        self.only || self.expand.is_some()
    }

    /// Whether it can be asked of what stands there: parts of a collection only of a collection.
    pub(super) fn check(&self, target: Target) -> Result<(), Problem> {
        let refused: &'static Entry = &QUERY_NOT_SUPPORTED_ON_RESOURCE;
        match target {
            Target::Collection(_) => Ok(()),
            Target::Document(_) if self.only || self.page != Page::WHOLE => Err(refused.into()),
            Target::Document(_) | Target::Members(_) | Target::Action(..) => Ok(()),
            Target::Versions | Target::Odata | Target::Metadata => Ok(()),
        }
    }

    /// Whether it can be asked of a collection too long to be there as a whole: nothing that looks at each member.
    pub(super) fn check_long(&self, members: usize) -> Result<(), Problem> {
        let wants = self.expand.map(|_| "$expand").or(self.select.as_ref().map(|_| "$select"));
        let Some(parameter) = wants else { return Ok(()) };
        let range = format!("{} members, a part that $top asks for", super::members::WHOLE);
        Err(Message::new(&QUERY_PARAMETER_OUT_OF_RANGE, [&members.to_string(), parameter, &range]).into())
    }

    /// The document changed as asked; another one where `only` leads to it. Its tag stays that of the resource, so that
    /// a client can go on with it to a PATCH.
    pub(super) fn apply(
        &self,
        redfish: &Redfish,
        root: &mut Root<'_>,
        document: Document,
        target: Target,
    ) -> Result<(Document, Target), Problem> {
        if self.only {
            return Ok(only_member(redfish, root, &document).unwrap_or((document, target)));
        }
        if self.expand.is_none() && self.select.is_none() {
            return Ok((document, target));
        }
        let mut value = parse(document.bytes());
        if let Some(expand) = self.expand {
            let mut expansion = Expansion { redfish, root, asked: expand, left: Self::MAX_EXPANDED };
            expansion.within(&mut value, expand.levels, false)?;
        }
        if let Some(select) = &self.select {
            select.prune(&mut value);
        }
        Ok((document.with_bytes(value.to_string().into_bytes()), target))
    }
}

/// The one member of a collection that has one only.
fn only_member(redfish: &Redfish, root: &mut Root<'_>, collection: &Document) -> Option<(Document, Target)> {
    let value = parse(collection.bytes());
    match value["Members"].as_array().map_or(&[][..], Vec::as_slice) {
        [member] => redfish.read(root, member["@odata.id"].as_str()?),
        _ => None,
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("what this service writes is JSON")
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
            return Err(out_of_range(value, &format!("1 to {} levels", Query::MAX_LEVELS)));
        }
        Ok(Self { subordinate, links, levels })
    }
}

/// An expansion under way.
struct Expansion<'a, 'n> {
    redfish: &'a Redfish,
    root: &'a mut Root<'n>,
    asked: Expand,
    /// Documents that may still be expanded.
    left: usize,
}

impl Expansion<'_, '_> {
    fn within(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Problem> {
        match value {
            Value::Object(map) => {
                map.iter_mut().try_for_each(|(key, inner)| self.at(inner, levels, in_links || key == "Links"))
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.at(item, levels, in_links)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Expands `value`, if it is a link, or else what is within it. A link that leads nowhere at the moment stays one.
    fn at(&mut self, value: &mut Value, levels: u32, in_links: bool) -> Result<(), Problem> {
        let Some(uri) = link(value) else { return self.within(value, levels, in_links) };
        if !(if in_links { self.asked.links } else { self.asked.subordinate }) {
            return Ok(());
        }
        let Some((document, _)) = self.redfish.read(self.root, uri) else { return Ok(()) };
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            out_of_range("$expand", &format!("of {} expanded resources", Query::MAX_EXPANDED))
        })?;
        *value = parse(document.bytes());
        if levels > 1 { self.within(value, levels - 1, false) } else { Ok(()) }
    }
}

fn out_of_range(value: &str, range: &str) -> Problem {
    Message::new(&QUERY_PARAMETER_OUT_OF_RANGE, [value, "$expand", range]).into()
}

/// Where a value leads that is nothing but a link to a resource.
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

    /// Takes away what is not selected. What names a resource and its type stays.
    fn prune(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Object(map) => {
                let kept = std::mem::take(map).into_iter().filter_map(|(key, mut inner)| {
                    if key.starts_with("@odata.") {
                        return Some((key, inner));
                    }
                    let (_, below) = self.0.iter().find(|(name, _)| **name == *key)?;
                    below.prune(&mut inner);
                    Some((key, inner))
                });
                *map = kept.collect::<Map<_, _>>();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.prune(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Undoes percent-encoding (RFC 3986, 2.1); what is none is left as it is.
fn decode(text: &str) -> Cow<'_, str> {
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

/// The query of a request, if it is one that reads.
pub(super) fn of(request: &Request<Bytes>) -> Result<Option<Query>, Problem> {
    let reads = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
    match request.uri().query() {
        Some(query) if reads => Query::parse(query).map(Some),
        _ => Ok(None),
    }
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
        assert_eq!(refusal("$expand=.($levels=9)"), "QueryParameterOutOfRange");
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
        Select::parse("Boot/BootOrder,Members/Name").unwrap().prune(&mut value);
        let wanted = serde_json::json!({
            "@odata.id": "/x", "Boot": {"BootOrder": []}, "Members": [{"@odata.id": "/y", "Name": "m"}]
        });
        assert_eq!(value, wanted);
    }
}
