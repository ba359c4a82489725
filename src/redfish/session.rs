//! The sessions of the service root that all nodes share: tokens, time-outs, and the limit.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use serde::{Deserialize, Serialize};

use super::token;
use crate::fleet::persist::Ledger;
use crate::limit::Limits;
use crate::meter::Counter;
use crate::time::SimTime;

/// The sessions of the shared root.
pub struct Sessions {
    by_token: DashMap<Box<str>, Session>,
    by_id: DashMap<u64, Box<str>>,
    next: AtomicU64,
    timeout_s: AtomicU32,
    /// No session ends before this moment, simulated milliseconds.
    next_end: AtomicU64,
    /// The limit of sessions at one time.
    pub limit: usize,
    /// Sessions refused because of the limit.
    pub refused: Counter,
    /// Stores the sessions on disk.
    ledger: Option<Arc<Ledger>>,
}

/// A session on disk. The time of its last use is not stored: a restart counts as a use.
#[derive(Serialize, Deserialize)]
struct Kept {
    token: Box<str>,
    user: Box<str>,
    #[serde(default = "crate::node::bmc::session::first_account")]
    account: u32,
    #[serde(default)]
    client: Option<IpAddr>,
    created: SimTime,
}

/// The state of the service on disk, beside the sessions.
#[derive(Serialize, Deserialize)]
struct KeptService {
    /// The next id, so that no id is used twice.
    next: u64,
    timeout_s: u32,
}

struct Session {
    id: u64,
    user: Box<str>,
    account: u32,
    client: Option<IpAddr>,
    created: SimTime,
    /// The last use, simulated milliseconds.
    used: AtomicU64,
}

/// The properties of a session's resource.
pub struct Shown {
    /// `UserName`.
    pub user: Box<str>,
    /// The id of its account.
    pub account: u32,
    /// `ClientOriginIPAddress`: the address that the login came from.
    pub client: Option<IpAddr>,
    /// `CreatedTime`.
    pub created: SimTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// There are [`Sessions::limit`] already.
    TooMany,
    /// The system has no randomness for a token.
    NoSecret,
}

impl Sessions {
    /// The default limit. Ironic's conductor keeps a session for each pair of address and credentials, at most 1000
    /// (`[redfish]connection_cache_size`).
    pub const LIMIT: usize = Limits::DEFAULT.sessions;
    /// The bounds of `SessionTimeout` in its schema, seconds.
    pub const TIMEOUT_S: std::ops::RangeInclusive<i64> = 30..=86_400;

    /// No sessions, and a timeout of 30 minutes.
    pub fn new() -> Self {
        Self {
            by_token: DashMap::new(),
            by_id: DashMap::new(),
            next: AtomicU64::new(1),
            timeout_s: AtomicU32::new(1800),
            next_end: AtomicU64::new(0),
            limit: Self::LIMIT,
            refused: Counter::default(),
            ledger: None,
        }
    }

    /// No sessions. If there is a `ledger`, it stores each change on disk.
    pub fn kept_in(ledger: Option<Arc<Ledger>>) -> Self {
        Self { ledger, ..Self::new() }
    }

    /// The prefix of the records' keys.
    pub const RECORDS: &str = "session/";
    const SERVICE: &str = "session/service";

    /// Restores the sessions from the records below [`Sessions::RECORDS`]. Each session counts as used `now`.
    ///
    /// # Errors
    /// The key of a record that cannot be read, and the reason.
    pub fn restore(&self, records: &[(String, Vec<u8>)], now: SimTime) -> Result<(), String> {
        for (key, value) in records {
            let wrong = |error: &dyn std::fmt::Display| format!("record '{key}': {error}");
            if key == Self::SERVICE {
                let service: KeptService = serde_json::from_slice(value).map_err(|e| wrong(&e))?;
                self.next.fetch_max(service.next, Ordering::Relaxed);
                self.timeout_s.store(service.timeout_s, Ordering::Relaxed);
                continue;
            }
            let id = key.strip_prefix(Self::RECORDS).unwrap_or_default().parse().map_err(|e| wrong(&e))?;
            let Kept { token, user, account, client, created } =
                serde_json::from_slice(value).map_err(|e| wrong(&e))?;
            self.by_id.insert(id, token.clone());
            let used = AtomicU64::new(now.ms());
            self.by_token.insert(token, Session { id, user, account, client, created, used });
        }
        Ok(())
    }

    /// Makes the response that shows a session wait until the sessions are on disk.
    fn note(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.note_records();
        }
    }

    fn keep(&self, id: u64, kept: Option<&Kept>) {
        if let Some(ledger) = &self.ledger {
            ledger.record(&format!("{}{id}", Self::RECORDS), kept.map(json));
        }
    }

    fn keep_service(&self) {
        if let Some(ledger) = &self.ledger {
            let next = self.next.load(Ordering::Relaxed);
            ledger.record(
                Self::SERVICE,
                Some(json(&KeptService { next, timeout_s: self.timeout_s.load(Ordering::Relaxed) })),
            );
        }
    }

    /// `SessionTimeout`: a session ends after so many seconds without a request.
    pub fn timeout_s(&self) -> u32 {
        self.note();
        self.timeout_s.load(Ordering::Relaxed)
    }

    /// Sets `SessionTimeout`, within [`Sessions::TIMEOUT_S`].
    pub fn set_timeout_s(&self, seconds: u32) {
        self.timeout_s.store(seconds, Ordering::Relaxed);
        self.next_end.store(0, Ordering::Release);
        self.keep_service();
    }

    /// The number of sessions.
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a session and returns its id and token.
    ///
    /// # Errors
    /// When the limit is reached, or the system has no randomness.
    pub fn begin(
        &self,
        user: &str,
        account: u32,
        client: Option<IpAddr>,
        now: SimTime,
    ) -> Result<(u64, Box<str>), NoSession> {
        if self.by_token.len() >= self.limit {
            self.refused.one();
            return Err(NoSession::TooMany);
        }
        let secret = crate::seed::secret().map_err(|_| NoSession::NoSecret)?;
        let token = token::of(&secret);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let used = AtomicU64::new(now.ms());
        let session = Session { id, user: user.into(), account, client, created: now, used };
        self.keep_service();
        self.keep(id, Some(&Kept { token: token.clone(), user: user.into(), account, client, created: now }));
        self.by_id.insert(id, token.clone());
        let end = self.end_of_idle(&session);
        self.by_token.insert(token.clone(), session);
        self.next_end.fetch_min(end.ms(), Ordering::AcqRel);
        Ok((id, token))
    }

    /// The id of the account whose session has that token. This use keeps the session alive.
    pub fn check(&self, token: &str, now: SimTime) -> Option<u32> {
        let session = self.by_token.get(token)?;
        if self.ended(&session, now) {
            return None;
        }
        session.used.fetch_max(now.ms(), Ordering::Relaxed);
        Some(session.account)
    }

    /// Ends the sessions of an account.
    pub(super) fn end_of(&self, account: u32) {
        let ids: Vec<_> = self.by_token.iter().filter(|s| s.account == account).map(|s| s.id).collect();
        ids.into_iter().for_each(|id| {
            self.end(id);
        });
    }

    /// Ends a session. Returns whether it existed.
    pub fn end(&self, id: u64) -> bool {
        let Some((_, token)) = self.by_id.remove(&id) else { return false };
        self.keep(id, None);
        if let Entry::Occupied(session) = self.by_token.entry(token) {
            session.remove();
        }
        true
    }

    pub fn get(&self, id: u64, now: SimTime) -> Option<Shown> {
        self.note();
        let token = self.by_id.get(&id)?.clone();
        let session = self.by_token.get(&token)?;
        (!self.ended(&session, now)).then(|| Shown {
            user: session.user.clone(),
            account: session.account,
            client: session.client,
            created: session.created,
        })
    }

    /// The ids of all live sessions, sorted.
    pub fn ids(&self, now: SimTime) -> Vec<u64> {
        self.note();
        let live = self.by_token.iter().filter(|s| !self.ended(s, now));
        let mut ids: Vec<_> = live.map(|s| s.id).collect();
        ids.sort_unstable();
        ids
    }

    fn ended(&self, session: &Session, now: SimTime) -> bool {
        self.end_of_idle(session) <= now
    }

    /// The moment at which a session ends without a further request.
    fn end_of_idle(&self, session: &Session) -> SimTime {
        let used = SimTime::from_ms(session.used.load(Ordering::Relaxed));
        used.after_ms(u64::from(self.timeout_s.load(Ordering::Relaxed)) * 1000)
    }

    /// A moment before which no session ends.
    pub(super) fn next_deadline(&self) -> SimTime {
        SimTime::from_ms(self.next_end.load(Ordering::Acquire))
    }

    /// The end of the session that ends first if it is not used. [`Sessions::next_deadline`] can be earlier, because a session that
    /// is used does not change it.
    pub(super) fn first_end(&self) -> SimTime {
        self.by_token.iter().map(|session| self.end_of_idle(&session)).min().unwrap_or(SimTime::NEVER)
    }

    /// Ends the sessions that have not been used for too long. Returns the end and the id of each, the earliest first.
    pub(super) fn step(&self, now: SimTime) -> Vec<(SimTime, u64)> {
        if self.next_deadline() > now {
            return Vec::new();
        }
        // A session that begins meanwhile puts its own end in.
        self.next_end.store(SimTime::NEVER.ms(), Ordering::Release);
        let (mut over, mut next) = (Vec::new(), SimTime::NEVER);
        for session in &self.by_token {
            let end = self.end_of_idle(&session);
            if end <= now { over.push((end, session.id)) } else { next = next.min(end) }
        }
        self.next_end.fetch_min(next.ms(), Ordering::AcqRel);
        over.retain(|(_, id)| self.end(*id));
        over.sort_unstable();
        over
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a struct of texts and numbers")
}

impl Default for Sessions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    #[test]
    fn a_session_lives_while_it_is_used() {
        let sessions = Sessions::new();
        let (_, token) = sessions.begin("admin", 1, None, T0).unwrap();
        let later = T0.after_ms(1_799_000);
        assert_eq!(sessions.check(&token, later), Some(1));
        let (last, end) = (later.after_ms(1_799_999), later.after_ms(3_599_999));
        assert_eq!(sessions.check(&token, last), Some(1));
        assert_eq!(sessions.step(last), []);
        assert_eq!(sessions.next_deadline(), end);
        assert_eq!(sessions.check(&token, end), None);
        assert_eq!(
            (sessions.step(end.after_ms(7)), sessions.step(end.after_ms(7))),
            (vec![(end, 1)], vec![])
        );
        assert!(sessions.is_empty() && sessions.next_deadline() == SimTime::NEVER);
    }

    #[test]
    fn sessions_have_a_limit_and_ended_sessions_make_room() {
        let sessions = Sessions::new();
        for _ in 0..Sessions::LIMIT {
            sessions.begin("admin", 1, None, T0).unwrap();
        }
        assert_eq!(sessions.begin("admin", 1, None, T0), Err(NoSession::TooMany));
        assert_eq!(sessions.refused.get(), 1);
        let later = T0.after_ms(2_000_000);
        assert_eq!(sessions.step(later).len(), Sessions::LIMIT);
        assert!(sessions.begin("admin", 1, None, later).is_ok());
    }

    #[test]
    fn restored_sessions_are_the_stored_ones() {
        let sessions = Sessions::new();
        let kept = |token: &str| {
            json(&Kept { token: token.into(), user: "admin".into(), account: 1, client: None, created: T0 })
        };
        let service = json(&KeptService { next: 9, timeout_s: 60 });
        let records = [("session/7".to_owned(), kept("t")), (Sessions::SERVICE.to_owned(), service)];
        let now = T0.after_ms(3_600_000);
        sessions.restore(&records, now).unwrap();
        assert_eq!(sessions.check("t", now.after_ms(50_000)), Some(1), "a restart counts as a use");
        assert_eq!((sessions.timeout_s(), sessions.begin("admin", 1, None, now).unwrap().0), (60, 9));
        let error = sessions.restore(&[("session/x".to_owned(), kept("t"))], now).unwrap_err();
        assert!(error.starts_with("record 'session/x': "), "{error}");
    }

    #[test]
    fn an_ended_session_is_gone() {
        let sessions = Sessions::new();
        let (id, token) = sessions.begin("admin", 1, None, T0).unwrap();
        assert!(sessions.end(id) && !sessions.end(id));
        assert_eq!(sessions.check(&token, T0), None);
        assert!(sessions.get(id, T0).is_none());
    }
}
