//! Sessions at the service root of one BMC.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::limit::Limits;
use crate::node::refusal::Refusal;
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;

/// The secret of a session. Its token is the secret in base64.
pub type Secret = [u8; 24];

/// Commands to the `SessionService` of a BMC's own service root.
#[derive(Clone)]
pub enum Command {
    /// A login with valid credentials. The outcome is the number of the session.
    Begin {
        user: Box<str>,
        /// The id of its account.
        account: u32,
        /// The address that the login came from.
        client: Option<IpAddr>,
        /// Fresh random bytes, from which the token is made.
        secret: Secret,
        /// Maximum number of sessions at the BMC, including this one.
        most: usize,
    },
    /// Ends the session with this number, if it exists.
    End(u32),
    /// Sets `SessionTimeout` to this number of seconds.
    SetTimeout(u32),
}

/// The sessions of a BMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sessions {
    /// Ordered by id.
    open: Vec<Session>,
    /// The id of the newest session.
    last: u32,
    timeout_s: u32,
}

/// A session, with its `UserName` and its `CreatedTime`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// A number that the BMC never uses again.
    pub id: u32,
    pub user: Box<str>,
    /// The id of its account. A state of an earlier version has sessions of the first account alone.
    #[serde(default = "first_account")]
    pub account: u32,
    /// `ClientOriginIPAddress`: the address that the login came from.
    #[serde(default)]
    pub client: Option<IpAddr>,
    pub created: SimTime,
    secret: Secret,
    /// The time of the last request. It is not stored on disk at each request.
    used: SimTime,
}

impl Sessions {
    /// Default of the maximum number of sessions. BMCs allow a handful; each conductor of Ironic opens one.
    pub const LIMIT: usize = Limits::DEFAULT.sessions_per_bmc;
    /// Default of `SessionTimeout`, seconds.
    pub const TIMEOUT_S: u32 = 1800;

    pub(super) const NEW: Self = Self { open: Vec::new(), last: 0, timeout_s: Self::TIMEOUT_S };

    /// `SessionTimeout`: seconds without a request after which a session ends.
    pub fn timeout_s(&self) -> u32 {
        self.timeout_s
    }

    /// The sessions that have not ended.
    pub fn live(&self, now: SimTime) -> impl Iterator<Item = &Session> {
        self.open.iter().filter(move |s| !self.ended(s, now))
    }

    /// The ids of the sessions.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.open.iter().map(|session| session.id)
    }

    /// Executes a command. Returns the id of a new session.
    pub(in crate::node) fn execute(
        &mut self,
        command: Command,
        now: SimTime,
    ) -> Result<Option<u32>, Refusal> {
        match command {
            Command::Begin { most, .. } if !self.has_room(most, now) => return Err(Refusal::TooManySessions),
            Command::Begin { user, account, client, secret, most: _ } => {
                let new = Session { id: 0, user, account, client, created: now, secret, used: now };
                return Ok(Some(self.begin(new)));
            }
            Command::End(id) => self.open.retain(|s| s.id != id),
            Command::SetTimeout(seconds) => {
                self.timeout_s = seconds;
                self.step(now);
            }
        }
        Ok(None)
    }

    /// Whether one more session would be within the maximum of `most`. Ended sessions do not count.
    fn has_room(&self, most: usize, now: SimTime) -> bool {
        self.live(now).count() < most
    }

    /// Begins a session and returns its id.
    fn begin(&mut self, new: Session) -> u32 {
        self.last += 1;
        // `push` alone would reserve memory for four sessions in each node of a large fleet.
        self.open.reserve_exact(1);
        self.open.push(Session { id: self.last, ..new });
        self.last
    }

    /// Ends the sessions of an account.
    pub(in crate::node) fn end_of(&mut self, account: u32) {
        self.open.retain(|session| session.account != account);
    }

    /// The settings of a new machine.
    pub(super) fn forget_settings(&mut self) {
        self.timeout_s = Self::TIMEOUT_S;
    }

    pub(super) fn end_all(&mut self) {
        self.open = Vec::new();
    }

    /// The next moment at which a session ends, if no request uses it before.
    pub(in crate::node) fn next_deadline(&self) -> SimTime {
        let ends = self.open.iter().map(|session| session.end(self.timeout_s));
        ends.min().unwrap_or(SimTime::NEVER)
    }

    /// Passes a deadline: sessions that have not been used for too long end.
    pub(super) fn step(&mut self, at: SimTime) {
        let timeout_s = self.timeout_s;
        self.open.retain(|session| !session.idle_too_long(timeout_s, at));
    }

    /// Treats `now` as the time of the last request of each session.
    pub(in crate::node) fn use_all(&mut self, now: SimTime) {
        for session in &mut self.open {
            session.used = session.used.max(now);
        }
    }

    /// The id of the account whose live session has this secret. The session's timeout begins again.
    pub(in crate::node) fn check(&mut self, secret: &Secret, now: SimTime) -> Option<u32> {
        let timeout_s = self.timeout_s;
        let known = self.open.iter_mut().find(|s| s.secret.ct_eq(secret).into());
        let session = known.filter(|s| !s.idle_too_long(timeout_s, now))?;
        session.used = session.used.max(now);
        Some(session.account)
    }

    fn ended(&self, session: &Session, now: SimTime) -> bool {
        session.idle_too_long(self.timeout_s, now)
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { open, last: _, timeout_s: _ } = self;
        for Session { id: _, user: _, account: _, client: _, created, secret: _, used } in open {
            created.shift(ms);
            used.shift(ms);
        }
    }
}

/// The account of a session that a version without further accounts has stored, here or at the shared root.
pub(crate) fn first_account() -> u32 {
    AccountRules::DEFAULT.first
}

impl Default for Sessions {
    fn default() -> Self {
        Self::NEW
    }
}

impl Session {
    fn idle_too_long(&self, timeout_s: u32, now: SimTime) -> bool {
        self.end(timeout_s) <= now
    }

    /// The moment at which it ends without a further request.
    fn end(&self, timeout_s: u32) -> SimTime {
        self.used.after_ms(u64::from(timeout_s) * 1000)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the secret.
        let mut shown = f.debug_struct("Session");
        shown.field("id", &self.id).field("user", &self.user).field("account", &self.account);
        shown.field("client", &self.client).field("created", &self.created);
        shown.field("used", &self.used).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Without the secret.
            Self::Begin { user, account, client, secret: _, most } => {
                let mut shown = f.debug_struct("Begin");
                shown.field("user", user).field("account", account).field("client", client);
                shown.field("most", most).finish_non_exhaustive()
            }
            Self::End(id) => f.debug_tuple("End").field(id).finish(),
            Self::SetTimeout(seconds) => f.debug_tuple("SetTimeout").field(seconds).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    fn new(secret: u8) -> Session {
        let (user, secret) = ("admin".into(), [secret; 24]);
        Session { id: 0, user, account: 1, client: None, created: T0, secret, used: T0 }
    }

    #[test]
    fn a_session_ends_after_its_timeout_without_a_request() {
        let mut sessions = Sessions::NEW;
        assert_eq!(sessions.begin(new(1)), 1);
        let later = T0.after_ms(1_799_000);
        assert!(
            sessions.check(&[1; 24], later) == Some(1)
                && sessions.check(&[1; 24], later.after_ms(1_799_999)) == Some(1)
        );
        assert!(sessions.check(&[2; 24], later).is_none());
        let end = later.after_ms(3_599_999);
        assert_eq!(sessions.next_deadline(), end);
        assert!(sessions.check(&[1; 24], end).is_none() && sessions.live(end).count() == 0);
    }

    #[test]
    fn the_number_of_sessions_is_limited_and_ended_sessions_do_not_count() {
        let mut sessions = Sessions::NEW;
        for n in 0..3 {
            assert!(sessions.has_room(3, T0));
            sessions.begin(new(n));
        }
        assert!(!sessions.has_room(3, T0));
        let ended = T0.after_ms(1_800_000);
        assert!(sessions.has_room(3, ended));
        assert_eq!(sessions.begin(Session { used: ended, ..new(99) }), 4);
        sessions.step(ended);
        assert_eq!(sessions.ids().collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn an_id_is_never_used_twice_and_a_secret_is_never_shown() {
        let mut sessions = Sessions::NEW;
        sessions.begin(new(7));
        assert_eq!(sessions.execute(Command::End(1), T0), Ok(None));
        assert_eq!(sessions.live(T0).count(), 0);
        assert_eq!(sessions.begin(new(7)), 2);
        let begin =
            Command::Begin { user: "admin".into(), account: 1, client: None, secret: [7; 24], most: 1 };
        let shown = format!("{sessions:?} {begin:?}");
        assert!(shown.contains("admin") && !shown.contains("[7"), "{shown}");
    }
}
