//! Query parameters of a GET (DSP0266, "Query parameters"), in the order in which they take effect: `$filter`, `$skip` and
//! `$top`, `$expand`, `excerpt`, `$select`. `only` stands alone, and `$count` changes nothing.
//!
//! A query changes the finished document: it is parsed, changed, and written again. A request without a query pays nothing.

mod common;
mod events;
mod excerpt;
mod expand;
mod filter;
mod search;
mod select;

use std::borrow::Cow;

use serde_json::Value;

use self::common::{filter_range, has_whole_members, out_of_range, wrong_format, wrong_type};
pub(super) use self::events::EventFilter;
use self::expand::{Expand, Expansion};
use self::filter::{Fault, Filter};
use self::search::{Found, Token};
use self::select::Select;
use super::document::Document;
use super::error::Problem;
use super::message::{
    Message, QUERY_COMBINATION_INVALID, QUERY_NOT_SUPPORTED_ON_OPERATION, QUERY_NOT_SUPPORTED_ON_RESOURCE,
    QUERY_PARAMETER_UNSUPPORTED,
};
use super::row::Target;

pub(super) use self::common::Page;
pub(super) use self::search::{Place, Search};

/// A collection with at most so many members is built as a whole and has an ETag. It is about 60 KiB of links.
pub(super) const WHOLE: usize = 512;

#[derive(Debug, PartialEq)]
pub(super) struct Query {
    pub(super) page: Page,
    only: bool,
    excerpt: bool,
    expand: Option<Expand>,
    select: Option<Select>,
    filter: Option<Filter>,
    /// `$skiptoken`: where the search of the page before stopped.
    token: Token,
    /// `$skip` as the client wrote it. With a filter, the link to the next page has it too.
    skip: String,
    /// The parameters other than `$skip` and `$skiptoken` as the client wrote them. The link to the next page has them too.
    repeated: String,
}

impl Query {
    /// The limit of `$levels` (`ProtocolFeaturesSupported.ExpandQuery.MaxLevels`).
    pub(super) const MAX_LEVELS: u32 = Expand::MAX_LEVELS;
    /// The limit of expanded documents in a response. A collection with more of them comes in pages.
    pub(super) const MAX_EXPANDED: usize = 256;
    /// The parameters that the service knows.
    const KNOWN: [&str; 9] =
        ["$count", "$expand", "$filter", "$select", "$skip", "$skiptoken", "$top", "excerpt", "only"];

    /// Parses a query. An unknown parameter that does not begin with `$` is ignored, as the specification requires.
    ///
    /// # Errors
    /// When a parameter that begins with `$` is unknown, a value is wrong, or parameters do not go together.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let mut parsed = Self {
            page: Page::WHOLE,
            only: false,
            excerpt: false,
            expand: None,
            select: None,
            filter: None,
            token: Token::START,
            skip: String::new(),
            repeated: String::new(),
        };
        let mut met = [false; Self::KNOWN.len()];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            let Some(known) = Self::KNOWN.iter().position(|known| *known == name) else {
                if name.starts_with('$') {
                    return Err(Message::new(&QUERY_PARAMETER_UNSUPPORTED, [&name]).into());
                }
                continue;
            };
            if std::mem::replace(&mut met[known], true) {
                return Err((&QUERY_COMBINATION_INVALID).into());
            }
            parsed.take(&name, value)?;
            match &*name {
                "$skip" => parsed.skip = format!("&{pair}"),
                "$skiptoken" => {}
                _ => parsed.repeated.extend(["&", pair]),
            }
        }
        let has = |name| Self::KNOWN.iter().position(|known| *known == name).is_some_and(|at| met[at]);
        let alone = met.iter().filter(|met| **met).count() == 1;
        if (parsed.only && !alone) || (has("$skiptoken") && parsed.filter.is_none()) {
            return Err((&QUERY_COMBINATION_INVALID).into());
        }
        Ok(parsed)
    }

    /// Checks the query of a request that is no GET: no parameter of the specification has an effect there.
    ///
    /// # Errors
    /// When there is a parameter that begins with `$`.
    pub(super) fn refuse(query: &str) -> Result<(), Problem> {
        match query.split('&').any(|pair| decode(pair).starts_with('$')) {
            true => Err((&QUERY_NOT_SUPPORTED_ON_OPERATION).into()),
            false => Ok(()),
        }
    }

    /// Reads a known parameter. `value` may have escapes.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        // Clients that encode a query as a form send a plus for a space, and `%2B` for a plus. No other value has either.
        let form = value.replace('+', " ");
        let value = decode(if name == "$filter" { &form } else { value });
        let wrong = || wrong_format(&value, name);
        match name {
            "$skip" => self.page.skip = value.parse().map_err(|_| wrong())?,
            "$top" => match value.parse().map_err(|_| wrong())? {
                // "Minimum value is 1" (DSP0266, "Query parameters").
                0 => return Err(out_of_range(&value, name, "of 1 or more")),
                top => self.page.top = top,
            },
            "$skiptoken" => self.token = Token::parse(&value).ok_or_else(wrong)?,
            // A collection always has its count, so both values are right (OData 4.0, part 1, 11.2.5.5).
            "$count" if !matches!(&*value, "true" | "false") => return Err(wrong()),
            "only" | "excerpt" if !value.is_empty() => return Err(wrong()),
            "only" => self.only = true,
            "excerpt" => self.excerpt = true,
            "$expand" => self.expand = Some(Expand::parse(&value)?),
            "$select" => self.select = Some(Select::parse(&value).ok_or_else(wrong)?),
            "$filter" => {
                self.filter = Some(Filter::parse(&value).map_err(|fault| match fault {
                    Fault::Form => wrong(),
                    Fault::Type(part) => wrong_type(&part),
                    Fault::Size => out_of_range(&shown(&value), name, &filter_range()),
                })?);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether other documents are read for it.
    pub(super) fn follows_links(&self) -> bool {
        self.only || self.expand.is_some() || self.filter.is_some()
    }

    /// Refuses a query that the target cannot answer: only a collection has pages and members.
    pub(super) fn check(&self, target: Target) -> Result<(), Problem> {
        let wants_members = self.only || self.filter.is_some() || self.page != Page::WHOLE;
        if wants_members && (target.is_document() || matches!(target, Target::Fixed(_))) {
            return Err((&QUERY_NOT_SUPPORTED_ON_RESOURCE).into());
        }
        Ok(())
    }

    /// The page of a collection to read. Without a query that changes each member, a page may be as long as the client
    /// asks for. A search reads the members by itself, so it needs no members of a list as long as the fleet.
    pub(super) fn page(&self, target: Target) -> Page {
        if self.filter.is_some() {
            let top = if matches!(target, Target::OverNodes(..)) { 0 } else { usize::MAX };
            return Page { skip: 0, top };
        }
        Page { top: self.page.top.min(self.longest_page()), ..self.page }
    }

    fn longest_page(&self) -> usize {
        match (self.expand, &self.select, &self.filter) {
            (Some(_), _, _) => Self::MAX_EXPANDED,
            (None, None, None) if !self.excerpt => usize::MAX,
            _ => WHOLE,
        }
    }

    /// The only member of the collection, if `only` was asked for and the collection has one member.
    pub(super) fn only_member(&self, collection: &Document) -> Option<String> {
        if !self.only {
            return None;
        }
        let mut members = collection.members();
        if members.len() == 1 { members.pop() } else { None }
    }

    /// A search of the members of `collection`, if there is a filter.
    pub(super) fn search(&self, collection: &Document) -> Option<Search<'_>> {
        let filter = self.filter.as_ref()?;
        let page = Page { top: self.page.top.min(self.longest_page()), ..self.page };
        Some(Search::new(filter, page, self.token, &collection.value()))
    }

    /// The document with the members that a search has found, links expanded and properties selected. `read` returns the
    /// document at a URI. The ETag stays that of the resource, so that a client can use it in a PATCH.
    pub(super) fn apply(
        &self,
        document: Document,
        found: Option<Found>,
        read: impl FnMut(&str) -> Option<Document>,
    ) -> Result<Document, Problem> {
        if found.is_none() && self.expand.is_none() && self.select.is_none() && !self.excerpt {
            return Ok(document);
        }
        let mut value = document.value();
        if let Some(found) = &found {
            found.show(&mut value);
        }
        if let Some(expand) = self.expand {
            let mut expansion = Expansion { read, asked: expand, left: Self::MAX_EXPANDED };
            expansion.whole(&mut value)?;
        }
        let shown = value["Members"].as_array().map_or(0, Vec::len);
        match &found {
            Some(found) => self.link_next_search(&mut value, found.next(shown)),
            None => self.link_next_page(&mut value, shown),
        }
        if self.excerpt {
            excerpt::excerpt(&mut value);
        }
        if let Some(select) = &self.select {
            let of_members = self.expand.is_some() || has_whole_members(&value);
            select.prune(&mut value, of_members.then_some(select));
        }
        Ok(document.with_bytes(value.to_string().into_bytes()))
    }

    /// Links a page of a collection to the page that follows, with the same query. `shown` members are on the page.
    fn link_next_page(&self, document: &mut Value, shown: usize) {
        let end = self.page.skip.saturating_add(shown) as u64;
        if document["Members@odata.count"].as_u64().is_some_and(|count| end < count) {
            let uri = document["@odata.id"].as_str().unwrap_or_default();
            document["Members@odata.nextLink"] = format!("{uri}?$skip={end}{}", self.repeated).into();
        }
    }

    /// Links a page of a search to the request that goes on with it.
    fn link_next_search(&self, document: &mut Value, next: Option<Token>) {
        if let Some(next) = next {
            let uri = document["@odata.id"].as_str().unwrap_or_default();
            let link = format!("{uri}?$skiptoken={next}{}{}", self.skip, self.repeated);
            document["Members@odata.nextLink"] = link.into();
        }
    }
}

/// The beginning of a value that can be long.
fn shown(value: &str) -> String {
    match value.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
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
        let spaced = Query::parse("$filter=Name%20eq%20'a%2Bb'").unwrap();
        assert_eq!(Query::parse("$filter=Name+eq+%27a%2Bb%27").unwrap().filter, spaced.filter);
        assert_eq!(Query::parse("$skip=2&$top=1").unwrap().page, Page { skip: 2, top: 1 });
    }

    #[test]
    fn wrong_queries_are_refused() {
        assert_eq!(refusal("$orderby=Name"), "QueryParameterUnsupported");
        for query in
            ["only&$top=1", "only&excerpt", "only&$filter=A eq 1", "$top=1&$top=2", "$skiptoken=1.0.0"]
        {
            assert_eq!(refusal(query), "QueryCombinationInvalid", "{query}");
        }
        assert_eq!(refusal("$filter=Name eq 'x' and 5"), "QueryParameterValueTypeError");
        let long = format!("$filter=Name eq '{}'", "x".repeat(Filter::MAX_BYTES));
        assert_eq!(refusal(&long), "QueryParameterOutOfRange");
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
            "excerpt=x",
            "$count=1",
            "$filter=",
            "$filter=Name eq",
            "$filter=Name eq 'x'&$skiptoken=1",
            "$filter=Name eq 'x'&$skiptoken=1.0.99999999999999999999",
        ] {
            assert_eq!(refusal(query), "QueryParameterValueFormatError", "{query}");
        }
    }
}
