//! Random requests of random clients, right ones and wrong ones, to a service with a shared root and a machine with a root of its own:
//! no answer is an accident, nothing is changed that should not be, and at the end every document obeys its schema and every link
//! leads to a document.
//!
//! `PROPTEST_CASES=2000 cargo test --test it random_requests` tries more sequences than an ordinary run.

mod agent;
mod any_rule;
mod bodies;
mod checker;
mod faults;
mod rules;
mod site;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fauxmetal::node::NodeId;
use fauxmetal::schema::Schemas;
use http::Request;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use self::bodies::{Mutation, any_mutation, right};
use self::checker::sequences;
use self::rules::Client;
use self::site::{MACHINES, OWN, Response, Site, State, WATCHER, basic};
use super::is_oem;

/// Sequences of an ordinary test run.
const CASES: u32 = 40;
/// What the service answers. Everything else, above all 500, is a fault.
const STATUSES: [u16; 19] =
    [200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 409, 412, 415, 417, 428, 501, 503, 507];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"];
const QUERIES: [&str; 14] = [
    "$select=Id,Status/State",
    "$expand=*",
    "$expand=.($levels=2)",
    "$expand=~($levels=99)",
    "$filter=Id eq '1' or not (Name eq 'x')",
    "$filter=(",
    "$top=1&$skip=1",
    "$top=-1",
    "$count=true&$expand=*",
    "only",
    "excerpt",
    "only&$top=1",
    "$nope=1",
    "nope=1&%ff",
];
const HEADERS: [(&str, &str); 14] = [
    ("Accept", "application/json;q=0.5, text/html"),
    ("Accept", "text/html"),
    ("Accept", "application/xml"),
    ("OData-Version", "4.0"),
    ("OData-Version", "3.0"),
    ("OData-MaxVersion", "3.0"),
    ("Content-Type", "application/json; charset=utf-8"),
    ("Content-Type", "text/plain"),
    ("Prefer", "return=representation"),
    ("Prefer", "return=minimal"),
    ("Prefer", "respond-async"),
    ("Expect", "tea"),
    ("If-None-Match", "*"),
    ("Accept-Language", "de"),
];

#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    /// One of the accounts, with its password.
    Basic(usize),
    /// One of the accounts, with a wrong password.
    Wrong(usize),
    /// A session of one of the roots.
    Token(Index),
}

#[derive(Clone, Debug)]
enum What {
    /// A request that the service accepts at some time.
    Right(Index),
    /// Any method of any resource, with a body of another one.
    Any(&'static str, Index, Index),
    /// The same for a path that leads to no resource, or is written in another way.
    Elsewhere(&'static str, Index, &'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMatch {
    Absent,
    Right,
    Wrong,
}

/// A request, and what happens before it.
#[derive(Clone)]
struct Step {
    root: usize,
    who: Who,
    what: What,
    body: Index,
    mutation: Option<Mutation>,
    query: Option<&'static str>,
    if_match: IfMatch,
    header: Option<(&'static str, &'static str)>,
    wait_ms: u64,
    /// The calls of the machines are answered, well or not.
    answers: Option<bool>,
}

/// One line: a sequence that fails is printed.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { root, who, what, body, mutation, query, if_match, header, wait_ms, answers } = self;
        let line = format!(
            "root {root}, {who:?}, {what:?}, {body:?}, {mutation:?}, {query:?}, if_match {if_match:?}, {header:?}, \
             wait {wait_ms} ms, answers {answers:?}"
        );
        f.write_str(&line)
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![
        1 => Just(Who::Nobody),
        // The administrator most of all, because only its requests change much.
        8 => Just(Who::Basic(0)),
        6 => (1_usize..4).prop_map(Who::Basic),
        1 => (0_usize..4).prop_map(Who::Wrong),
        4 => any::<Index>().prop_map(Who::Token),
    ];
    let elsewhere =
        select(vec!["/", "/Nope", "x", "/Members", "//", "/%2e%2e", "/Actions/Nope.Nope", "/1", "?", "#/Id"]);
    let what = prop_oneof![
        8 => any::<Index>().prop_map(What::Right),
        3 => (select(METHODS.to_vec()), any::<Index>(), any::<Index>()).prop_map(|(m, u, b)| What::Any(m, u, b)),
        1 => (select(METHODS.to_vec()), any::<Index>(), elsewhere).prop_map(|(m, u, e)| What::Elsewhere(m, u, e)),
    ];
    let if_match =
        prop_oneof![6 => Just(IfMatch::Absent), 2 => Just(IfMatch::Right), 1 => Just(IfMatch::Wrong)];
    let wait = prop_oneof![
        6 => Just(0),
        3 => 1_u64..5_000,
        2 => Just(60_000),
        1 => Just(1_801_000),
        1 => Just(86_400_000),
        1 => Just(40 * 86_400_000),
    ];
    (
        0_usize..2,
        who,
        what,
        any::<Index>(),
        prop::option::weighted(0.3, any_mutation()),
        prop::option::weighted(0.15, select(QUERIES.to_vec())),
        if_match,
        prop::option::weighted(0.15, select(HEADERS.to_vec())),
        wait,
        prop::option::weighted(0.3, prop::bool::weighted(0.7)),
    )
        .prop_map(|(root, who, what, body, mutation, query, if_match, header, wait_ms, answers)| Step {
            root,
            who,
            what,
            body,
            mutation,
            query,
            if_match,
            header,
            wait_ms,
            answers,
        })
}

/// A request as it is sent.
struct Sent {
    root: usize,
    method: &'static str,
    uri: String,
    /// Without the query.
    path: String,
    body: Bytes,
    json: Value,
}

impl Step {
    /// The requests that the root accepts at some time.
    fn right(site: &Site, root: usize) -> Vec<(&'static str, String)> {
        let root = &site.roots[root];
        let mut all = Vec::new();
        let pairs = root
            .created
            .iter()
            .rev()
            .chain(&root.uris)
            .flat_map(|uri| ["PATCH", "POST", "DELETE"].map(|method| (method, uri.clone())));
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (method, uri) in pairs.filter(|(method, uri)| !right(method, uri, &root.facts).is_empty()) {
            // At most a few of a kind, so that the many drives do not hide the one account service.
            let last = uri.rsplit('/').next().unwrap();
            let kind = if uri.contains("/Actions/") { last } else { uri.rsplit_once('/').unwrap().0 };
            let count = kinds.entry(format!("{method} {kind}")).or_default();
            *count += 1;
            if *count <= 6 {
                // What requests have created is met more often than all that was there before.
                let weight = if root.created.contains(&uri) { 4 } else { 1 };
                all.extend(std::iter::repeat_n((method, uri), weight));
            }
        }
        all
    }

    fn sent(&self, site: &Site) -> Sent {
        let known = &site.roots[self.root];
        let uris: Vec<&String> = known.uris.iter().chain(&known.created).collect();
        let all = Self::right(site, self.root);
        let choose = |bodies: Vec<Value>| self.body.get(&bodies).clone();
        let (method, path, json) = match &self.what {
            What::Right(at) => {
                let (method, uri) = at.get(&all).clone();
                (method, uri.clone(), choose(right(method, &uri, &known.facts)))
            }
            What::Any(method, uri, other) => {
                let (for_method, of) = other.get(&all);
                (*method, (*uri.get(&uris)).clone(), choose(right(for_method, of, &known.facts)))
            }
            What::Elsewhere(method, uri, tail) => (*method, format!("{}{tail}", uri.get(&uris)), Value::Null),
        };
        let body = match &self.mutation {
            Some(mutation) if !json.is_null() => mutation.apply(&json),
            _ if json.is_null() => Vec::new(),
            _ => json.to_string().into_bytes(),
        };
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let uri = match self.query {
            Some(query) => format!("{path}?{}", query.replace(' ', "%20").replace('\'', "%27")),
            None => path.clone(),
        };
        let path = path.split(['?', '#']).next().unwrap().to_owned();
        Sent { root: self.root, method, uri, path, body: body.into(), json }
    }

    /// The account that sends the request, if it proves to, and the headers with the proof.
    fn login(&self, site: &Site) -> (Option<u64>, Vec<(&'static str, String)>) {
        let known = &site.roots[self.root];
        let account = |n: usize| {
            let (id, password) = &known.accounts[n];
            (*id, site.name(self.root, *id).unwrap_or_default(), password)
        };
        match self.who {
            Who::Nobody => (None, Vec::new()),
            Who::Basic(n) => {
                let (id, user, password) = account(n);
                (Some(id), vec![("Authorization", basic(&user, password))])
            }
            Who::Wrong(n) => (None, vec![("Authorization", basic(&account(n).1, "wrong"))]),
            Who::Token(at) => {
                let sessions: Vec<_> =
                    (0..2).flat_map(|r| site.roots[r].sessions.iter().map(move |s| (r, s))).collect();
                let Some((root, (id, token, _))) = (!sessions.is_empty()).then(|| *at.get(&sessions)) else {
                    return (None, vec![("X-Auth-Token", "AAAA".to_owned())]);
                };
                let account = if root == self.root { site.account_of(root, *id) } else { None };
                (account, vec![("X-Auth-Token", token.clone())])
            }
        }
    }

    /// What happens before the request.
    fn begin(&self, site: &mut Site) {
        site.wait(self.wait_ms);
        if let Some(well) = self.answers {
            site.answer(well);
        }
    }

    /// The request with its headers; `None` if it cannot be sent.
    fn request(
        &self,
        site: &Site,
        sent: &Sent,
        mut headers: Vec<(&'static str, String)>,
    ) -> Option<Request<Bytes>> {
        let tag = match self.if_match {
            IfMatch::Absent => None,
            IfMatch::Wrong => Some("\"another document\"".to_owned()),
            IfMatch::Right => {
                let of = site.get(self.root, sent.path.split("/Actions/").next().unwrap());
                Some(of.header("ETag").unwrap_or("*").to_owned())
            }
        };
        headers.extend(tag.map(|tag| ("If-Match", tag)));
        headers.extend(self.header.map(|(name, value)| (name, value.to_owned())));
        let mut request = Request::builder().method(sent.method).uri(&sent.uri);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        request.body(sent.body.clone()).ok()
    }

    fn run(&self, site: &mut Site) -> Result<(), TestCaseError> {
        self.begin(site);
        let mut sent = self.sent(site);
        let (account, headers) = self.login(site);
        let client = account.and_then(|account| site.client(self.root, account));
        let users = client.as_ref().is_some_and(|client| client.privileges.contains("ConfigureUsers"));
        if users && sent.path.starts_with(WATCHER) {
            // The account that watches stays as it is. Clients without the privilege may try to change it.
            sent.method = "GET";
        }
        let Some(request) = self.request(site, &sent, headers) else { return Ok(()) };
        let is_away = self.root == 1 && site.is_restarting(OWN);
        let own_session = sent
            .path
            .rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .is_some_and(|id| account.is_some() && site.account_of(self.root, id) == account);
        let before = site.state();
        let response = site.send(self.root, &request);
        let after = site.state_after(&before, response.status);
        let about = format!("{} {} {}", sent.method, sent.uri, String::from_utf8_lossy(&sent.body));
        let about = format!("{about}\n{:?}: {client:?}\n{} {}", self.who, response.status, response.json);
        let fail = |why| TestCaseError::fail(format!("{why}\n{about}"));
        self.check(site, &sent, &response, client.as_ref(), is_away, own_session).map_err(fail)?;
        self.compare(&sent, &response, &before, &after).map_err(fail)?;
        learn(site, &sent, &response);
        check_place(site, &sent, &response).map_err(fail)
    }

    /// The status, and what the response says.
    fn check(
        &self,
        site: &Site,
        sent: &Sent,
        response: &Response,
        client: Option<&Client>,
        is_away: bool,
        own_session: bool,
    ) -> Result<(), String> {
        let status = response.status;
        let is = |right: bool, what: &str| if right { Ok(()) } else { Err(what.to_owned()) };
        is(STATUSES.contains(&status), "no mistake of a client has that status")?;
        check_body(site, sent, response, self.query.is_none())?;
        if is_away {
            return is(status == 503, "the controller restarts");
        }
        let retries = status != 503 || response.header("Retry-After").is_some();
        is(retries, "503 without Retry-After")?;
        let is_busy = response.json.to_string().contains("Limit");
        let restarts = (0..MACHINES).any(|n| site.is_restarting(NodeId(n)));
        is(status != 503 || is_busy || restarts, "no controller restarts, and no limit is reached")?;
        is(status != 405 || response.header("Allow").is_some(), "405 without Allow")?;
        is(status != 401 || response.header("WWW-Authenticate").is_some(), "401 without WWW-Authenticate")?;
        let is_public = rules::is_public(sent.method, &sent.path);
        match client {
            _ if is_public => {}
            None => is(status == 401, "the client has proved nothing")?,
            Some(client) => {
                is(status != 401, "the client has proved who it is")?;
                let may = rules::may(client, sent.method, &sent.path, own_session, &sent.json);
                is(may || status >= 400, "the client has no privilege for that")?;
                // A client that may only set its password does not know before it is told.
                is(!may || status != 403 || sent.method == "OPTIONS", "the client has the privilege")?;
            }
        }
        let changes =
            matches!(sent.method, "PATCH" | "DELETE" | "POST") && !sent.path.contains("/TaskMonitors/");
        let conditions_hold = self.if_match != IfMatch::Wrong || !changes;
        is(conditions_hold || status >= 400, "the client means another document")
    }

    /// A refused request and a GET change nothing, and a machine's own root nothing of others.
    fn compare(&self, sent: &Sent, response: &Response, before: &State, after: &State) -> Result<(), String> {
        let reads = matches!(sent.method, "GET" | "HEAD" | "OPTIONS");
        let list = |state: &State| [&*state.machines, &state.shared].concat();
        let pairs: Vec<_> = list(before).into_iter().zip(list(after)).collect();
        let differ: Vec<usize> = (0..pairs.len()).filter(|n| pairs[*n].0 != pairs[*n].1).collect();
        let may_differ = |n: usize| response.status < 300 && !reads && (self.root == 0 || n == 0);
        match differ.iter().find(|n| !may_differ(**n)) {
            Some(n) => Err(format!("this changed:\n{}", difference(&pairs[*n].0, &pairs[*n].1))),
            None => Ok(()),
        }
    }
}

/// What differs between two states of a machine, or two documents.
fn difference(old: &Value, new: &Value) -> String {
    let pages = |document: &Value| [(String::new(), document.clone())];
    super::changes::changes(&pages(old), &pages(new))
}

/// A document obeys its schema, and an error has messages of the registries that the service shows.
fn check_body(site: &Site, sent: &Sent, response: &Response, is_whole: bool) -> Result<(), String> {
    if sent.method == "HEAD" || response.body.is_empty() || sent.path.ends_with("$metadata") {
        return Ok(());
    }
    if response.json.is_null() {
        return Err("the body is not JSON".to_owned());
    }
    let schemas = Schemas::get();
    let mistakes = if response.status >= 400 {
        schemas.mistakes_of_error(&response.json)
    } else if is_whole && response.json.get("@odata.type").is_some() && !is_oem(&response.json) {
        schemas.mistakes(&response.json)
    } else {
        Vec::new()
    };
    if !mistakes.is_empty() {
        return Err(format!("{mistakes:?}"));
    }
    let info = &response.json["error"]["@Message.ExtendedInfo"];
    let info = info.as_array().or(response.json["@Message.ExtendedInfo"].as_array());
    if response.status >= 400 && info.is_none_or(Vec::is_empty) {
        return Err("an error without a message".to_owned());
    }
    for message in info.into_iter().flatten() {
        let id = message["MessageId"].as_str().unwrap_or_default();
        let Some((text, count)) = site.messages.get(id) else { return Err(format!("{id}: no such message")) };
        let args = message["MessageArgs"].as_array().map_or(&[][..], Vec::as_slice);
        let filled = args.iter().enumerate().rev().fold(text.clone(), |text, (n, arg)| {
            text.replacen(&format!("%{}", n + 1), arg.as_str().unwrap_or_default(), 1)
        });
        if args.len() as u64 != *count || message["Message"] != filled {
            return Err(format!("{id}: {message}"));
        }
    }
    Ok(())
}

/// Notes what a change has created, and the new password of an account.
fn learn(site: &mut Site, sent: &Sent, response: &Response) {
    if response.status >= 300 || matches!(sent.method, "GET" | "HEAD" | "OPTIONS") {
        return;
    }
    let segments = rules::segments(&sent.path).unwrap_or_default();
    if let ["AccountService", "Accounts", id, ..] = &*segments {
        let new = if sent.method == "PATCH" { &sent.json["Password"] } else { &sent.json["NewPassword"] };
        let known = site.roots[sent.root].accounts.iter_mut().find(|(known, _)| id.parse() == Ok(*known));
        if let (Some(new), Some((_, password))) = (new.as_str(), known) {
            new.clone_into(password);
        }
    }
    let user = sent.json["UserName"].as_str().and_then(|user| site.account_named(sent.root, user));
    let root = &mut site.roots[sent.root];
    if let Some(place) = response.header("Location") {
        root.created.push(place.to_owned());
        if let Some(task) = response.json["@odata.id"].as_str().filter(|_| response.status == 202) {
            root.created.push(task.to_owned());
        }
        if let Some(token) = response.header("X-Auth-Token") {
            let id = place.rsplit('/').next().unwrap().parse().unwrap();
            root.sessions.push((id, token.to_owned(), user));
        }
    }
    let known: BTreeSet<String> = std::mem::take(&mut root.created).into_iter().collect();
    root.created = known.into_iter().collect();
}

/// What a response says is created is there.
fn check_place(site: &Site, sent: &Sent, response: &Response) -> Result<(), String> {
    let Some(place) = response.header("Location").filter(|_| [201, 202].contains(&response.status)) else {
        return Ok(());
    };
    if sent.root == 1 && site.is_restarting(OWN) {
        return Ok(());
    }
    let there = site.get(sent.root, place);
    let right: &[u16] = if response.status == 201 { &[200] } else { &[200, 201, 202, 204] };
    if right.contains(&there.status) { Ok(()) } else { Err(format!("{place} answers {}", there.status)) }
}

#[test]
fn random_requests_change_what_they_may_and_leave_every_document_right() {
    sequences(CASES, any_step(), 10..30, |checker, (model, new, guest), steps| {
        let mut site = Site::new(model, new, guest);
        for (n, step) in steps.iter().enumerate() {
            step.run(&mut site)
                .map_err(|error| TestCaseError::fail(format!("step {n} of {model}: {error}")))?;
        }
        checker.check(&site)
    });
}
