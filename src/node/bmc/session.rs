//! Sessions of one controller: who is logged in there. Tokens and times are given; nothing is drawn here.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::limit::Limits;
use crate::time::SimTime;

/// The secret of a session, from which its token is written.
pub type Secret = [u8; 24];

/// Who is logged in to a controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sessions {
    /// In the order of their ids.
    open: Vec<Session>,
    /// The last id given.
    last: u32,
    timeout_s: u32,
}

/// One login.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its number, never given twice by one controller.
    pub id: u32,
    /// `UserName`.
    pub user: Box<str>,
    /// `CreatedTime`.
    pub created: SimTime,
    secret: Secret,
    used: SimTime,
}

impl Sessions {
    /// Sessions at one time, unless somebody says otherwise. Controllers have room for a handful; each conductor of Ironic
    /// opens one.
    pub const LIMIT: usize = Limits::DEFAULT.sessions_per_bmc;
    /// Seconds without a request after which a session ends, until a client says otherwise.
    pub const TIMEOUT_S: u32 = 1800;

    /// None.
    pub(in crate::node) const fn new() -> Self {
        Self { open: Vec::new(), last: 0, timeout_s: Self::TIMEOUT_S }
    }

    /// Seconds without a request after which a session ends.
    pub fn timeout_s(&self) -> u32 {
        self.timeout_s
    }

    pub(in crate::node) fn set_timeout_s(&mut self, seconds: u32) {
        self.timeout_s = seconds;
    }

    /// Those that have not ended.
    pub fn live(&self, now: SimTime) -> impl Iterator<Item = &Session> {
        self.open.iter().filter(move |s| !self.ended(s, now))
    }

    /// Begins one; its id. `None` when there are `most` already. Those that have ended make room.
    pub(in crate::node) fn begin(
        &mut self,
        user: Box<str>,
        secret: Secret,
        most: usize,
        now: SimTime,
    ) -> Option<u32> {
        let timeout_s = self.timeout_s;
        self.open.retain(|s| !s.idle_too_long(timeout_s, now));
        if self.open.len() >= most {
            return None;
        }
        self.last += 1;
        // There are few, and fleets are large: no room for those that may never come.
        self.open.reserve_exact(1);
        self.open.push(Session { id: self.last, user, created: now, secret, used: now });
        Some(self.last)
    }

    /// Ends one; whether there was one.
    pub(in crate::node) fn end(&mut self, id: u32) -> bool {
        let before = self.open.len();
        self.open.retain(|s| s.id != id);
        self.open.len() < before
    }

    /// Ends them all, as a restart of the controller does.
    pub(in crate::node) fn end_all(&mut self) {
        self.open = Vec::new();
    }

    /// Counts `now` as a use of each.
    pub(in crate::node) fn use_all(&mut self, now: SimTime) {
        for session in &mut self.open {
            session.used = session.used.max(now);
        }
    }

    /// Whether a session has that secret; this use keeps it alive.
    pub(in crate::node) fn check(&mut self, secret: &Secret, now: SimTime) -> bool {
        let timeout_s = self.timeout_s;
        let known = self.open.iter_mut().find(|s| s.secret.ct_eq(secret).into());
        let Some(session) = known.filter(|s| !s.idle_too_long(timeout_s, now)) else { return false };
        session.used = session.used.max(now);
        true
    }

    fn ended(&self, session: &Session, now: SimTime) -> bool {
        session.idle_too_long(self.timeout_s, now)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    fn idle_too_long(&self, timeout_s: u32, now: SimTime) -> bool {
        now.since_ms(self.used) > u64::from(timeout_s) * 1000
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the secret.
        let mut shown = f.debug_struct("Session");
        shown.field("id", &self.id).field("user", &self.user).field("created", &self.created);
        shown.field("used", &self.used).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    #[test]
    fn a_session_lives_while_it_is_used() {
        let mut sessions = Sessions::new();
        assert_eq!(sessions.begin("admin".into(), [1; 24], 1, T0), Some(1));
        let later = T0.after_ms(1_799_000);
        assert!(sessions.check(&[1; 24], later) && sessions.check(&[1; 24], later.after_ms(1_800_000)));
        assert!(!sessions.check(&[2; 24], later));
        let end = later.after_ms(3_600_001);
        assert!(!sessions.check(&[1; 24], end) && sessions.live(end).count() == 0);
    }

    #[test]
    fn there_is_a_limit_and_ended_ones_make_room() {
        let mut sessions = Sessions::new();
        for n in 0..3 {
            assert!(sessions.begin("admin".into(), [n; 24], 3, T0).is_some());
        }
        assert_eq!(sessions.begin("admin".into(), [99; 24], 3, T0), None);
        assert_eq!(sessions.begin("admin".into(), [99; 24], 3, T0.after_ms(1_800_001)), Some(4));
    }

    #[test]
    fn a_number_is_not_given_twice_and_a_secret_is_not_shown() {
        let mut sessions = Sessions::new();
        sessions.begin("admin".into(), [7; 24], 1, T0);
        assert!(sessions.end(1) && !sessions.end(1));
        assert_eq!(sessions.begin("admin".into(), [7; 24], 1, T0), Some(2));
        assert!(!format!("{sessions:?}").contains("[7"));
    }
}
