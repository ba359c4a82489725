//! A service with two machines, at two of its roots, and all that the tests know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::{Effects, Fleet};
use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::node::{Node, NodeId};
use fauxmetal::profile::built_in;
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{Page, crawl, crawl_own};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::agent;
use super::bodies::{Facts, PASSWORDS};
use super::rules::Client;

/// The machine with a root of its own. The shared root shows it, too.
pub(super) const OWN: NodeId = NodeId(0);
pub(super) const MACHINES: u32 = 2;
/// The first account. It only watches: no request of a test changes it.
pub(super) const WATCHER: &str = "/redfish/v1/AccountService/Accounts/1";
/// The accounts that send requests, with their roles.
const USERS: [(&str, &str); 4] =
    [("chief", "Administrator"), ("operator", "Operator"), ("reader", "ReadOnly"), ("guest", "Guest")];
const PRIVILEGES: [&str; 5] =
    ["Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"];

/// A root with what a client learns there.
#[derive(Clone)]
pub(super) struct Root {
    /// URI of each resource and of the target of each action, as the root was when it was new.
    pub(super) uris: Vec<String>,
    pub(super) facts: Facts,
    /// Accounts by id, with their passwords.
    pub(super) accounts: Vec<(u64, String)>,
    /// Sessions: id, token, and the account that has logged in.
    pub(super) sessions: Vec<(u64, String, Option<u64>)>,
    /// URIs of accounts, roles, sessions, volumes, tasks and monitors that requests have created.
    pub(super) created: Vec<String>,
}

pub(super) struct Site {
    pub(super) redfish: Redfish,
    effects: Effects,
    /// The shared root, and the machine's own.
    pub(super) roots: [Root; 2],
    /// The messages of the registries that the service has: text and number of arguments.
    pub(super) messages: BTreeMap<String, (String, u64)>,
    /// What machines boot whose calls are answered well.
    pub(super) boots: Bootable,
}

pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) json: Value,
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What a client learns of a service that nothing has changed.
pub(super) struct New {
    roots: [Root; 2],
    messages: BTreeMap<String, (String, u64)>,
}

impl New {
    pub(super) fn of(model: &str) -> Self {
        let (redfish, _) = service(model);
        let (shared, own) = (crawl(&redfish).0, crawl_own(&redfish, OWN).0);
        // A maker's registries are below the root of its BMC.
        let messages = shared.iter().chain(&own).flat_map(|(_, document)| messages(document)).collect();
        Self { roots: [Root::of(&shared), Root::of(&own)], messages }
    }
}

fn service(model: &str) -> (Redfish, Effects) {
    let (fleet, effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    fleet.add(&built_in(model).unwrap(), 1).unwrap();
    fleet.add(&built_in("generic").unwrap(), MACHINES - 1).unwrap();
    (Redfish::new(Arc::new(fleet), Account::new("admin", "password")), effects)
}

/// All that requests can change, apart from what [`without_traces`] leaves out.
#[derive(PartialEq)]
pub(super) struct State {
    pub(super) machines: Vec<Value>,
    pub(super) shared: Vec<Value>,
}

impl State {
    /// Takes back what a failed login leaves in the logs: one new entry, that it has locked an account.
    fn forget_lockout(&mut self, before: &Self) {
        for (before, after) in before.machines.iter().zip(&mut self.machines) {
            let (old, new) = (&before["bmc"]["logs"], &after["bmc"]["logs"]);
            let entries = |logs: &Value| logs["kept"].as_array().cloned().unwrap_or_default();
            let (known, mut kept) = (entries(old), entries(new));
            let Some(entry) = kept.pop() else { continue };
            let is_lockout = entry["what"]["Account"][2] == "Locked" && entry["number"] == new["last"];
            // A full log loses its oldest entry.
            if is_lockout && !known.contains(&entry) && known.ends_with(&kept) {
                match old {
                    Value::Null => drop(after["bmc"].as_object_mut().unwrap().remove("logs")),
                    old => after["bmc"]["logs"] = old.clone(),
                }
            }
        }
    }
}

pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl Site {
    /// `guest`: the privileges of the role of that account, a bit each.
    pub(super) fn new(model: &str, new: &New, guest: u8) -> Self {
        let (redfish, effects) = service(model);
        let (roots, messages, boots) = (new.roots.clone(), new.messages.clone(), Bootable::Live);
        let mut site = Self { redfish, effects, roots, messages, boots };
        (0..2).for_each(|root| site.add_accounts(root, guest));
        site
    }

    fn add_accounts(&mut self, root: usize, guest: u8) {
        let privileges = PRIVILEGES.iter().enumerate().filter(|(n, _)| guest >> n & 1 == 1);
        let privileges: Vec<_> = privileges.map(|(_, privilege)| privilege).collect();
        let role = json!({"RoleId": "Guest", "AssignedPrivileges": privileges});
        let collection = "/redfish/v1/AccountService";
        let created = self.watch(root, "POST", &format!("{collection}/Roles"), &role);
        assert_eq!(created.status, 201, "{}", created.json);
        self.roots[root].created.push(format!("{collection}/Roles/Guest"));
        for (user, role) in USERS {
            let body = json!({"UserName": user, "Password": PASSWORDS[0], "RoleId": role});
            let created = self.watch(root, "POST", &format!("{collection}/Accounts"), &body);
            assert_eq!(created.status, 201, "{}", created.json);
            let id = created.json["Id"].as_str().unwrap().parse().unwrap();
            let root = &mut self.roots[root];
            root.accounts.push((id, PASSWORDS[0].to_owned()));
            root.created.push(created.header("Location").unwrap().to_owned());
            root.created.push(format!(
                "{}/Actions/ManagerAccount.ChangePassword",
                created.header("Location").unwrap()
            ));
            root.facts.roles.push(role.to_owned());
        }
        for (user, _) in &USERS[..3] {
            let body = json!({"UserName": user, "Password": PASSWORDS[0]});
            let opened = self.watch(root, "POST", "/redfish/v1/SessionService/Sessions", &body);
            let (id, token) = (opened.json["Id"].as_str().unwrap(), opened.header("X-Auth-Token").unwrap());
            let account = self.account_named(root, user);
            self.roots[root].sessions.push((id.parse().unwrap(), token.to_owned(), account));
            self.roots[root].created.push(opened.header("Location").unwrap().to_owned());
        }
        let logins = USERS.map(|(user, _)| (user.to_owned(), PASSWORDS[0].to_owned()));
        let wrong = [("chief".to_owned(), "wrong".to_owned()), ("nobody".to_owned(), "wrong".to_owned())];
        self.roots[root].facts.logins = logins.into_iter().chain(wrong).collect();
    }

    /// Sends a request to a root.
    pub(super) fn send(&self, root: usize, request: &Request<Bytes>) -> Response {
        let response = match root {
            0 => self.redfish.call(request),
            _ => self.redfish.call_own(OWN, |_| true, request).unwrap(),
        };
        let (parts, body) = response.into_parts();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Response { status: parts.status.as_u16(), headers: parts.headers, body, json }
    }

    /// A request of the watcher.
    pub(super) fn watch(&self, root: usize, method: &str, uri: &str, body: &Value) -> Response {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("Authorization", basic("admin", "password"));
        self.send(root, &request.body(body).unwrap())
    }

    pub(super) fn get(&self, root: usize, uri: &str) -> Response {
        self.watch(root, "GET", uri, &Value::Null)
    }

    pub(super) fn is_restarting(&self, node: NodeId) -> bool {
        self.redfish.fleet.look(node, |node, _| node.bmc().restarting_until.is_some()).unwrap()
    }

    /// Lets time pass. Every machine takes the steps that are due.
    pub(super) fn wait(&self, ms: u64) {
        let clock = self.redfish.fleet.clock();
        clock.set(clock.now().after_ms(ms));
        self.redfish.fleet.wake_due();
    }

    /// Waits until all controllers answer.
    pub(super) fn wait_for_controllers(&self) {
        while (0..MACHINES).any(|node| self.is_restarting(NodeId(node))) {
            let now = self.redfish.fleet.clock().now();
            let next = self.redfish.fleet.wake_due();
            assert_ne!(next, SimTime::NEVER, "a restart ends");
            self.wait(next.since_ms(now));
        }
    }

    /// Answers all calls that the machines make.
    pub(super) fn answer(&mut self, well: bool) {
        while let Ok((node, effect)) = self.effects.try_recv() {
            let result = if well { Ok(()) } else { Err("404 \"Not\" Found".into()) };
            let answer = match effect.kind {
                EffectKind::ReadBoot { start } => {
                    Answer::BootRead { start, result: result.map(|()| self.boots.clone()) }
                }
                EffectKind::OpenMedia { slot, insertion } => Answer::MediaOpened { slot, insertion, result },
                EffectKind::FetchFirmware { component, update } => {
                    Answer::FirmwareFetched { component, update, result }
                }
                EffectKind::FetchLicense { task } => {
                    Answer::LicenseFetched { task, result: result.map(|()| "1F".into()) }
                }
                EffectKind::Deliver { subscription } => {
                    Answer::Delivered { subscription, through: 0, result }
                }
                EffectKind::Ipa { start, effect } => {
                    let asks = |node: &mut Node, now| agent::answer(node, effect, well, now);
                    let answer = self.redfish.fleet.with(node, asks).unwrap();
                    Answer::Ipa { start, answer }
                }
            };
            self.redfish.fleet.answer(node, answer);
        }
    }

    pub(super) fn state(&self) -> State {
        let machine = |node| {
            let state = self.redfish.fleet.look(NodeId(node), |node, _| serde_json::to_value(node.state()));
            without_traces(state.unwrap().unwrap())
        };
        let shared = [
            "AccountService",
            "AccountService/Accounts?$expand=.",
            "AccountService/Roles?$expand=.",
            "SessionService",
            "SessionService/Sessions?$expand=.",
            "TaskService",
            "EventService",
            "EventService/Subscriptions?$expand=.",
        ];
        let read = |uri: &str| {
            let response = self.get(0, &format!("/redfish/v1/{uri}"));
            assert_eq!(response.status, 200, "{uri}: {}", response.json);
            without_traces(response.json)
        };
        State {
            machines: (0..MACHINES).map(machine).collect(),
            shared: shared.into_iter().map(read).collect(),
        }
    }

    /// The state after a request with this status. A failed login can change no more than that it locks an account.
    pub(super) fn state_after(&self, before: &State, status: u16) -> State {
        let mut state = self.state();
        if status == 401 {
            state.forget_lockout(before);
        }
        state
    }

    /// The client that has this account, if it can log in: what the service tells an administrator of it.
    pub(super) fn client(&self, root: usize, account: u64) -> Option<Client> {
        let shown = self.get(root, &format!("/redfish/v1/AccountService/Accounts/{account}"));
        let can_log_in =
            shown.status == 200 && shown.json["Enabled"] == true && shown.json["Locked"] == false;
        can_log_in.then(|| {
            let role = shown.json["Links"]["Role"]["@odata.id"].as_str().unwrap();
            let privileges = self.get(root, role).json["AssignedPrivileges"].take();
            let privileges: BTreeSet<String> = serde_json::from_value(privileges).unwrap();
            Client { account, privileges, must_change: shown.json["PasswordChangeRequired"] == true }
        })
    }

    /// The account of a session that has not ended.
    pub(super) fn account_of(&self, root: usize, session: u64) -> Option<u64> {
        let is_open = self.get(root, &format!("/redfish/v1/SessionService/Sessions/{session}")).status == 200;
        let mut sessions = self.roots[root].sessions.iter().filter(|_| is_open);
        sessions.find(|(id, ..)| *id == session).and_then(|(_, _, account)| *account)
    }

    /// The account with this `UserName`.
    pub(super) fn account_named(&self, root: usize, user: &str) -> Option<u64> {
        let mut ids = self.roots[root].accounts.iter().map(|(id, _)| *id);
        ids.find(|id| self.name(root, *id).as_deref() == Some(user))
    }

    /// `UserName` of an account.
    pub(super) fn name(&self, root: usize, account: u64) -> Option<String> {
        let shown = self.get(root, &format!("/redfish/v1/AccountService/Accounts/{account}"));
        shown.json["UserName"].as_str().map(str::to_owned)
    }
}

/// Leaves out what a refused request may change: the number of changes so far, the last use of a session, and the failed logins of an
/// account, which can lock it.
fn without_traces(mut value: Value) -> Value {
    const TRACES: [&str; 7] =
        ["generation", "used", "failures", "failed_at", "locked_at", "locked_as", "Locked"];
    match &mut value {
        Value::Object(map) => {
            map.retain(|key, _| !TRACES.contains(&key.as_str()));
            map.values_mut().for_each(|inner| *inner = without_traces(inner.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| *inner = without_traces(inner.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

/// The messages of a registry, by `MessageId`.
fn messages(registry: &Value) -> Vec<(String, (String, u64))> {
    let Some(messages) = registry["Messages"].as_object() else { return Vec::new() };
    let Some(prefix) = registry["RegistryPrefix"].as_str() else { return Vec::new() };
    let version: Vec<_> = registry["RegistryVersion"].as_str().unwrap().split('.').take(2).collect();
    let message = |(key, message): (&String, &Value)| {
        let text = message["Message"].as_str().unwrap().to_owned();
        (format!("{prefix}.{}.{key}", version.join(".")), (text, message["NumberOfArgs"].as_u64().unwrap()))
    };
    messages.iter().map(message).collect()
}

impl Root {
    fn of(pages: &[Page]) -> Self {
        let mut uris = Vec::new();
        let mut facts = Facts { roles: vec!["Administrator".into(), "Nope".into()], ..Facts::default() };
        for (uri, document) in pages {
            let actions = document["Actions"].as_object().into_iter().flatten();
            let targets = actions.filter_map(|(_, action)| action["target"].as_str());
            let seen = [uri.as_str()].into_iter().chain(targets);
            // Nearly all pages of the service are schemas.
            uris.extend(seen.filter(|uri| !uri.contains("/JsonSchemas/")).map(str::to_owned));
            if let Some(drives) = document["Drives"].as_array() {
                let link = |drive: &Value| drive["@odata.id"].as_str().unwrap().to_owned();
                facts.drives.push((uri.clone(), drives.iter().map(link).collect()));
            }
            if uri.contains("/HTTPS/Certificates/") {
                facts.certificates.push(uri.clone());
            }
            if uri.contains("/FirmwareInventory/") {
                facts.firmware.push(uri.clone());
            }
            if uri.contains("/MetricDefinitions/") {
                let properties = document["MetricProperties"].as_array().into_iter().flatten();
                facts.metrics.extend(properties.map(|uri| uri.as_str().unwrap().to_owned()));
            }
            let attributes = document["RegistryEntries"]["Attributes"].as_array().into_iter().flatten();
            for attribute in attributes.filter(|a| a["Type"] == "Enumeration" && a["ReadOnly"] != true) {
                let values =
                    attribute["Value"].as_array().unwrap().iter().map(|value| value["ValueName"].clone());
                facts.bios = (attribute["AttributeName"].as_str().unwrap().to_owned(), values.collect());
            }
        }
        uris.sort();
        uris.dedup();
        Self { uris, facts, accounts: Vec::new(), sessions: Vec::new(), created: Vec::new() }
    }
}
