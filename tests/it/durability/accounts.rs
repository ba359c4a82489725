//! `kill -9` under changes of accounts, roles, sessions, passwords and settings of the services, at the root that all nodes share and at
//! the roots of single nodes: nothing that was acknowledged or read is lost, and nothing that has ended comes back.
//!
//! `FAUXMETAL_KILLS` and `FAUXMETAL_KILL_SEED` are those of `kill.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::kill::Dice;
use super::{Answer, BASIC, Client, Daemon, field, serve};

const WRITERS: u32 = 4;
/// Kills of an ordinary test run, at each kind of root.
const KILLS: u64 = 4;
/// The most accounts, roles and sessions of a writer at one time.
const MOST: usize = 3;
const ACCOUNTS: &str = "/redfish/v1/AccountService/Accounts";
const ROLES: &str = "/redfish/v1/AccountService/Roles";
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
const PRIVILEGES: [&str; 4] = ["ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"];

/// Something that a writer changes. All of its values follow from one number, and one request changes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// An account of this name, with its password and its role.
    Account(String),
    /// A role of this name, with its privileges.
    Role(String),
    Policy,
    Tasks,
    Timeout,
}

/// The number of a thing: 0 before it is there or is changed, and after its end.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    is: u64,
    /// The number of a request without an answer. The thing may have it, too.
    or: Option<u64>,
}

struct Login {
    token: String,
    uri: String,
    /// The name of its account.
    user: String,
    /// A request that ends it has no answer.
    ending: bool,
}

/// A client that changes things of its own at one root.
struct Writer {
    number: u32,
    /// The node with the root; `None` for the shared root.
    node: Option<u32>,
    /// The settings that no other writer changes.
    settings: Vec<Thing>,
    book: BTreeMap<Thing, Known>,
    uris: BTreeMap<Thing, String>,
    logins: Vec<Login>,
    /// Tokens of sessions that have ended.
    ended: Vec<String>,
    /// Names and passwords of accounts that were deleted.
    gone: Vec<(String, String)>,
    dice: Dice,
    count: u64,
    acknowledged: u64,
}

fn password(number: u64) -> String {
    format!("password {number}")
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn role(number: u64) -> &'static str {
    ["ReadOnly", "Operator"][(number % 2) as usize]
}

fn privileges(number: u64) -> Vec<&'static str> {
    let chosen = PRIVILEGES.iter().enumerate().filter(|(n, _)| number >> n & 1 == 1);
    ["Login"].into_iter().chain(chosen.map(|(_, privilege)| *privilege)).collect()
}

/// The URI and the properties of a setting with that number.
fn setting(thing: &Thing, number: u64) -> (&'static str, Value) {
    match thing {
        Thing::Policy => {
            let body =
                json!({"AccountLockoutDuration": 100 + number, "MaxPasswordLength": 100 + number % 100});
            ("/redfish/v1/AccountService", body)
        }
        Thing::Tasks => {
            let body = json!({"TaskAutoDeleteTimeoutMinutes": 1 + number % 1000, "ServiceEnabled": number.is_multiple_of(2)});
            ("/redfish/v1/TaskService", body)
        }
        _ => ("/redfish/v1/SessionService", json!({"SessionTimeout": 10_000 + number % 10_000})),
    }
}

fn members(client: &mut Client, collection: &str) -> Vec<Value> {
    client.get(&format!("{collection}?$expand=."))["Members"].as_array().unwrap().clone()
}

impl Writer {
    fn new(number: u32, own_roots: bool, seed: u64) -> Self {
        let all = [Thing::Policy, Thing::Tasks, Thing::Timeout];
        let is_own = |n: usize| own_roots || n == number as usize;
        let settings =
            all.into_iter().enumerate().filter(|(n, _)| is_own(*n)).map(|(_, thing)| thing).collect();
        Self {
            number,
            node: own_roots.then_some(number),
            settings,
            book: BTreeMap::new(),
            uris: BTreeMap::new(),
            logins: Vec::new(),
            ended: Vec::new(),
            gone: Vec::new(),
            dice: Dice(seed),
            count: 0,
            acknowledged: 0,
        }
    }

    fn client(&self, daemon: &Daemon) -> Client {
        self.node.map_or_else(|| daemon.client(), |node| daemon.client_of(node))
    }

    /// What accounts and roles of this writer are called.
    fn prefix(&self) -> String {
        format!("writer{}-", self.number)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.dice.roll(from.len() as u64) as usize].clone()
    }

    /// Sends changes until the daemon is killed.
    fn write(&mut self, mut client: Client) {
        while self.change(&mut client).is_some() {}
    }

    /// A change by the first account. It must succeed, if it is answered.
    fn ask(&mut self, client: &mut Client, method: &str, path: &str, body: &Value) -> Option<Answer> {
        let answer = client.ask(method, path, BASIC, body)?;
        assert!(answer.status < 300, "{method} {path} {body}: {} {}", answer.status, answer.body);
        self.acknowledged += 1;
        Some(answer)
    }

    fn change(&mut self, client: &mut Client) -> Option<()> {
        self.count += 1;
        let things: Vec<Thing> = self.book.keys().cloned().collect();
        let (accounts, roles): (Vec<_>, Vec<_>) = things
            .into_iter()
            .filter(|thing| matches!(thing, Thing::Account(_) | Thing::Role(_)))
            .partition(|thing| matches!(thing, Thing::Account(_)));
        let is_full = |things: &[Thing]| things.len() >= MOST;
        match self.dice.roll(8) {
            0 | 1 if !is_full(&accounts) => self.create(client, Thing::Account(self.name())),
            0 => {
                let account = self.pick(&accounts);
                self.delete(client, account)
            }
            1 | 2 if !accounts.is_empty() => {
                let account = self.pick(&accounts);
                self.set(client, account)
            }
            3 if !is_full(&roles) => self.create(client, Thing::Role(self.name())),
            3 => {
                let role = self.pick(&roles);
                self.delete(client, role)
            }
            4 if !roles.is_empty() => {
                let role = self.pick(&roles);
                self.set(client, role)
            }
            5 | 6 if !accounts.is_empty() => self.log_in_or_out(client, &accounts),
            _ if !self.settings.is_empty() => {
                let thing = self.pick(&self.settings.clone());
                self.set(client, thing)
            }
            _ => Some(()),
        }
    }

    fn name(&self) -> String {
        format!("{}{}", self.prefix(), self.count)
    }

    fn create(&mut self, client: &mut Client, thing: Thing) -> Option<()> {
        let number = self.count;
        self.book.insert(thing.clone(), Known { is: 0, or: Some(number) });
        let (collection, body) = match &thing {
            Thing::Account(name) => {
                (ACCOUNTS, json!({"UserName": name, "Password": password(number), "RoleId": role(number)}))
            }
            Thing::Role(name) => (ROLES, json!({"RoleId": name, "AssignedPrivileges": privileges(number)})),
            _ => unreachable!("settings are there from the start"),
        };
        let answer = self.ask(client, "POST", collection, &body)?;
        self.uris.insert(thing.clone(), field(&answer.head, "location").unwrap().to_owned());
        self.book.insert(thing, Known { is: number, or: None });
        Some(())
    }

    fn set(&mut self, client: &mut Client, thing: Thing) -> Option<()> {
        let number = self.count;
        let known = self.book.entry(thing.clone()).or_default();
        known.or = Some(number);
        let (uri, body) = match &thing {
            Thing::Account(_) => {
                (self.uris[&thing].as_str(), json!({"Password": password(number), "RoleId": role(number)}))
            }
            Thing::Role(_) => (self.uris[&thing].as_str(), json!({"AssignedPrivileges": privileges(number)})),
            _ => setting(&thing, number),
        };
        let uri = uri.to_owned();
        self.begin_end_of(&thing);
        self.ask(client, "PATCH", &uri, &body)?;
        self.finish_end_of(&thing);
        self.book.insert(thing, Known { is: number, or: None });
        Some(())
    }

    fn delete(&mut self, client: &mut Client, thing: Thing) -> Option<()> {
        let known = self.book.entry(thing.clone()).or_default();
        let last = known.is;
        known.or = Some(0);
        let uri = self.uris[&thing].clone();
        self.begin_end_of(&thing);
        self.ask(client, "DELETE", &uri, &Value::Null)?;
        self.finish_end_of(&thing);
        self.forget(&thing, last);
        Some(())
    }

    fn forget(&mut self, thing: &Thing, last: u64) {
        self.book.remove(thing);
        self.uris.remove(thing);
        if let Thing::Account(name) = thing {
            self.gone.push((name.clone(), password(last)));
        }
    }

    /// A new password and the end of an account end its sessions.
    fn begin_end_of(&mut self, thing: &Thing) {
        let Thing::Account(name) = thing else { return };
        self.logins.iter_mut().filter(|login| login.user == *name).for_each(|login| login.ending = true);
    }

    fn finish_end_of(&mut self, thing: &Thing) {
        let Thing::Account(name) = thing else { return };
        let (ended, open) =
            std::mem::take(&mut self.logins).into_iter().partition(|login| login.user == *name);
        self.logins = open;
        self.ended.extend(Vec::<Login>::into_iter(ended).map(|login| login.token));
    }

    fn log_in_or_out(&mut self, client: &mut Client, accounts: &[Thing]) -> Option<()> {
        if self.logins.len() >= MOST {
            let n = self.dice.roll(self.logins.len() as u64) as usize;
            self.logins[n].ending = true;
            let uri = self.logins[n].uri.clone();
            self.ask(client, "DELETE", &uri, &Value::Null)?;
            let login = self.logins.remove(n);
            self.ended.push(login.token);
            return Some(());
        }
        let thing = self.pick(accounts);
        let Thing::Account(user) = &thing else { return Some(()) };
        let who = json!({"UserName": user, "Password": password(self.book[&thing].is)});
        let answer = self.ask(client, "POST", SESSIONS, &who)?;
        let value = |name| field(&answer.head, name).unwrap().to_owned();
        let (token, uri) = (value("x-auth-token"), value("location"));
        self.logins.push(Login { token, uri, user: user.clone(), ending: false });
        Some(())
    }

    /// Compares the daemon with all that was acknowledged. A change without an answer may be there or not; it is noted.
    fn compare(&mut self, client: &mut Client) {
        let prefix = self.prefix();
        let accounts = members(client, ACCOUNTS);
        let roles = members(client, ROLES);
        for (thing, known) in self.book.clone() {
            let (there, uri) = shown(client, &thing, known, &accounts, &roles);
            let may = there == Some(known.is) || (there.is_some() && there == known.or);
            assert!(may, "{}: {thing:?} shows {there:?}, and the client knows {known:?}", self.number);
            match (there, uri) {
                (Some(0), _) if matches!(thing, Thing::Account(_) | Thing::Role(_)) => {
                    self.forget(&thing, known.is);
                }
                (there, uri) => {
                    self.uris.extend(uri.map(|uri| (thing.clone(), uri)));
                    self.book.insert(thing, Known { is: there.unwrap(), or: None });
                }
            }
        }
        let names = |list: &[Value], key: &str| -> BTreeSet<String> {
            let names = list.iter().map(|member| member[key].as_str().unwrap().to_owned());
            names.filter(|name| name.starts_with(&prefix)).collect()
        };
        let there = &names(&accounts, "UserName") | &names(&roles, "RoleId");
        let known: BTreeSet<String> = self.book.keys().filter_map(Thing::name).collect();
        assert_eq!(there, known, "an account or a role has come back");
        let mut answers = |header: (&str, &str)| {
            client.ask("GET", "/redfish/v1/Systems", header, &Value::Null).unwrap().status
        };
        // The newest ones: the list grows with each kill.
        for (user, password) in self.gone.iter().rev().take(8) {
            assert_eq!(answers(("Authorization", &basic(user, password))), 401, "{user} has come back");
        }
        for login in std::mem::take(&mut self.logins) {
            let is_open = answers(("X-Auth-Token", &login.token)) == 200;
            assert!(is_open || login.ending, "{}: the session {} is lost", self.number, login.uri);
            if is_open {
                self.logins.push(Login { ending: false, ..login });
            } else {
                self.ended.push(login.token);
            }
        }
        for token in self.ended.iter().rev().take(16) {
            assert_eq!(answers(("X-Auth-Token", token)), 401, "a session that has ended is open again");
        }
        self.remove_unknown_sessions(client);
    }

    /// Ends sessions whose login was not answered, so that they do not use up the limit.
    fn remove_unknown_sessions(&mut self, client: &mut Client) {
        for session in members(client, SESSIONS) {
            let (uri, user) = (session["@odata.id"].as_str().unwrap(), session["UserName"].as_str().unwrap());
            let is_known = self.logins.iter().any(|login| login.uri == uri);
            if user.starts_with(&self.prefix()) && !is_known {
                self.ask(client, "DELETE", uri, &Value::Null).unwrap();
            }
        }
    }
}

impl Thing {
    /// The name of an account or a role.
    fn name(&self) -> Option<String> {
        match self {
            Self::Account(name) | Self::Role(name) => Some(name.clone()),
            Self::Policy | Self::Tasks | Self::Timeout => None,
        }
    }
}

/// The number that a thing shows, and the URI of an account or a role. No number: its values follow from none that the client knows.
fn shown(
    client: &mut Client,
    thing: &Thing,
    known: Known,
    accounts: &[Value],
    roles: &[Value],
) -> (Option<u64>, Option<String>) {
    let numbers = || [Some(known.is), known.or].into_iter().flatten();
    let uri = |document: &Value| Some(document["@odata.id"].as_str().unwrap().to_owned());
    match thing {
        Thing::Account(name) => {
            let Some(account) = accounts.iter().find(|account| account["UserName"] == *name) else {
                return (Some(0), None);
            };
            let mut logs_in = |number: u64| {
                let login = basic(name, &password(number));
                let answer = client.ask("GET", SESSIONS, ("Authorization", &login), &Value::Null);
                answer.unwrap().status == 200
            };
            let works: Vec<u64> = numbers().filter(|number| logs_in(*number)).collect();
            let right = works.iter().find(|number| works.len() == 1 && account["RoleId"] == role(**number));
            (right.copied(), uri(account))
        }
        Thing::Role(name) => {
            let Some(role) = roles.iter().find(|role| role["RoleId"] == *name) else {
                return (Some(0), None);
            };
            let has = |number: &u64| {
                let there: BTreeSet<&str> =
                    role["AssignedPrivileges"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                there == privileges(*number).into_iter().collect()
            };
            (numbers().filter(|number| *number > 0).find(has), uri(role))
        }
        Thing::Policy | Thing::Tasks | Thing::Timeout => {
            let document = client.get(setting(thing, 1).0);
            let has = |number: &u64| {
                let (_, values) = setting(thing, *number);
                // Nothing was acknowledged before the first change.
                *number == 0 || values.as_object().unwrap().iter().all(|(key, value)| document[key] == *value)
            };
            let newest = numbers().filter(|number| *number > 0).find(has);
            (newest.or_else(|| numbers().find(|number| *number == 0)), None)
        }
    }
}

/// Reads the policy of a root until the daemon is killed, and notes the highest number that it has shown.
fn read(mut client: Client, seen: &Mutex<u64>) {
    while let Some(answer) = client.ask("GET", "/redfish/v1/AccountService", BASIC, &Value::Null) {
        let number = policy_number(&answer.body);
        let mut seen = seen.lock().unwrap();
        assert!(number >= *seen, "the policy went back from {seen} to {number}");
        *seen = number;
    }
}

/// The number of a policy: 0 as long as nothing has changed it.
fn policy_number(document: &Value) -> u64 {
    let duration = document["AccountLockoutDuration"].as_u64().unwrap();
    let number = duration.saturating_sub(100);
    let longest = &document["MaxPasswordLength"];
    assert!(number == 0 || *longest == 100 + number % 100, "one request was done by half: {document}");
    number
}

/// Kills a daemon again and again. Returns a sentence with the numbers.
fn kill_often(own_roots: bool) -> String {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (kills, seed) = (number("FAUXMETAL_KILLS", KILLS), number("FAUXMETAL_KILL_SEED", 1));
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let nodes = WRITERS.to_string();
    let mut flags = vec!["--state", state.to_str().unwrap(), "--nodes", &nodes];
    if own_roots {
        flags.extend(["--addresses", "ip", "--listen", "http://127.85.0.0/24:0"]);
        flags.extend(["--agent-listen", "http://127.86.0.0/24:0"]);
    }
    let mut daemon = Daemon::start(dir.path(), &flags);
    let mut dice = Dice(seed);
    let mut writers: Vec<_> = (0..WRITERS).map(|n| Writer::new(n, own_roots, dice.roll(u64::MAX))).collect();
    for _ in 0..kills {
        let seen = Mutex::new(0);
        let clients: Vec<_> = writers.iter().map(|writer| writer.client(&daemon)).collect();
        let reader = writers[0].client(&daemon);
        std::thread::scope(|scope| {
            for (writer, client) in writers.iter_mut().zip(clients) {
                scope.spawn(|| writer.write(client));
            }
            scope.spawn(|| read(reader, &seen));
            std::thread::sleep(Duration::from_millis(dice.roll(300)));
            daemon.kill();
        });
        if dice.roll(4) == 0 {
            // A second kill, while the daemon starts.
            let mut child = serve(dir.path(), &flags).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(dice.roll(100)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        daemon = Daemon::start(dir.path(), &flags);
        let now = policy_number(&writers[0].client(&daemon).get("/redfish/v1/AccountService"));
        let seen = seen.into_inner().unwrap();
        assert!(now >= seen, "a client has read the policy {seen}, and now it is {now}");
        for writer in &mut writers {
            let mut client = writer.client(&daemon);
            writer.compare(&mut client);
        }
    }
    let changes: u64 = writers.iter().map(|writer| writer.acknowledged).sum();
    let gone: usize = writers.iter().map(|writer| writer.gone.len()).sum();
    let ended: usize = writers.iter().map(|writer| writer.ended.len()).sum();
    let place = if own_roots { "own roots" } else { "the shared root" };
    assert!(changes > kills, "too few changes were acknowledged to prove anything");
    format!(
        "{place}: {kills} kills (seed {seed}), {changes} changes acknowledged, none lost; {gone} accounts deleted and {ended} \
         sessions ended, none back"
    )
}

#[test]
fn accounts_and_settings_of_the_shared_root_survive_kill_9() {
    println!("{}", kill_often(false));
}

#[test]
fn accounts_and_settings_of_each_bmc_survive_kill_9() {
    println!("{}", kill_often(true));
}
