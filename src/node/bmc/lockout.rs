//! The lockout of accounts: failed logins lock an account, for a time or until a client ends it.

use super::account::{Account, Accounts};
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;

impl Accounts {
    /// Whether an account is locked.
    pub fn is_locked(&self, account: &Account, rules: &AccountRules, now: SimTime) -> bool {
        self.end_of_lockout(account, rules).is_some_and(|end| now < end)
    }

    /// The end of the lockout of an account; [`SimTime::NEVER`] if only a client can end it. `None` if there is no lockout.
    fn end_of_lockout(&self, account: &Account, rules: &AccountRules) -> Option<SimTime> {
        let at = account.locked_at?;
        Some(match self.rules(rules).lockout_duration_s {
            0 => SimTime::NEVER,
            seconds => at.after_ms(u64::from(seconds) * 1000),
        })
    }

    /// The next moment at which a lockout ends.
    pub(crate) fn next_deadline(&self, rules: &AccountRules) -> SimTime {
        let ends = self.accounts.iter().filter_map(|account| self.end_of_lockout(account, rules));
        ends.min().unwrap_or(SimTime::NEVER)
    }

    /// Passes a deadline: lockouts whose time is over end.
    pub(crate) fn step(&mut self, rules: &AccountRules, at: SimTime) {
        if self.next_deadline(rules) > at {
            return;
        }
        let is_over = |account: &Account| self.end_of_lockout(account, rules).is_some_and(|end| end <= at);
        let over: Vec<u32> = self.accounts.iter().filter(|a| is_over(a)).map(|account| account.id).collect();
        for account in self.accounts.iter_mut().filter(|account| over.contains(&account.id)) {
            (account.failures, account.locked_at) = (0, None);
        }
    }

    /// Whether a login of the account has failed since the last one that succeeded.
    pub fn has_failed(&self, account: &Account) -> bool {
        account.failures > 0 || account.locked_at.is_some()
    }

    /// Counts a failed login, and locks the account at the threshold.
    pub(super) fn fail(&mut self, id: u32, configured: &str, rules: &AccountRules, now: SimTime) {
        let AccountRules { lockout_threshold, lockout_counter_reset_s, .. } = self.rules(rules);
        if lockout_threshold == 0 {
            return;
        }
        let window = self.resets_counter().then_some(u64::from(lockout_counter_reset_s) * 1000);
        let Some(account) = self.materialized(rules).iter_mut().find(|account| account.id == id) else {
            return;
        };
        let is_forgotten = window.is_some_and(|window| now.since_ms(account.failed_at) >= window);
        account.failures = if is_forgotten { 1 } else { account.failures.saturating_add(1) };
        account.failed_at = now;
        if account.failures >= lockout_threshold {
            (account.failures, account.locked_at) = (0, Some(now));
            account.locked_as = Some(account.user.as_deref().unwrap_or(configured).into());
        }
    }
}
