//! The accounts of the root that all nodes share, and the limits of all accounts. Those of one BMC are in its node's state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::fleet::persist::Ledger;
use crate::meter::Counter;
use crate::node::bmc::account::{Accounts, Command, Done, Refused};
use crate::node::event::What;
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;

/// The accounts of the root that all nodes share. That root is no maker's, so it has the default rules.
pub struct SharedAccounts {
    accounts: RwLock<Accounts>,
    /// A client has changed something. Most services never see that, and then no request waits for the lock.
    changed: AtomicBool,
    ledger: Option<Arc<Ledger>>,
}

/// The limits of accounts and roles of each root, and how often they were hit.
pub struct AccountLimits {
    /// The most accounts, unless the model has slots.
    pub accounts: usize,
    /// The most roles that clients create.
    pub roles: usize,
    pub(super) accounts_refused: Counter,
    pub(super) roles_refused: Counter,
}

impl AccountLimits {
    /// Limits of so many accounts and roles.
    pub fn new(accounts: usize, roles: usize) -> Self {
        Self { accounts, roles, accounts_refused: Counter::default(), roles_refused: Counter::default() }
    }
}

impl SharedAccounts {
    /// The key of the record with all accounts.
    pub const RECORD: &str = "accounts";
    pub(super) const RULES: &AccountRules = &AccountRules::DEFAULT;

    pub(super) fn kept_in(ledger: Option<Arc<Ledger>>) -> Self {
        Self { accounts: RwLock::default(), changed: AtomicBool::new(false), ledger }
    }

    /// Restores the accounts from the record with the key [`SharedAccounts::RECORD`].
    ///
    /// # Errors
    /// The reason why the record cannot be read.
    pub fn restore(&self, record: &[u8]) -> Result<(), String> {
        let stored = serde_json::from_slice(record);
        *self.accounts.write() = stored.map_err(|error| format!("record '{}': {error}", Self::RECORD))?;
        self.changed.store(true, Ordering::Release);
        Ok(())
    }

    #[inline]
    pub(super) fn are_new(&self) -> bool {
        !self.changed.load(Ordering::Acquire)
    }

    /// The accounts. The response that shows them waits until they are on disk.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Accounts> {
        if let Some(ledger) = self.ledger.as_ref().filter(|_| !self.are_new()) {
            ledger.note_records();
        }
        self.accounts.read()
    }

    /// Executes a command. Returns its events, too.
    pub(super) fn execute(
        &self,
        command: Command,
        configured: &str,
        now: SimTime,
    ) -> Result<(Done, Vec<What>), Refused> {
        let mut accounts = self.accounts.write();
        self.change(&mut accounts, |accounts| {
            // A lockout that is over ends before the next one begins.
            accounts.step(Self::RULES, now);
            accounts.execute(command, configured, Self::RULES, now)
        })
    }

    /// The next moment at which a lockout ends.
    pub(super) fn next_deadline(&self) -> SimTime {
        if self.are_new() { SimTime::NEVER } else { self.accounts.read().next_deadline(Self::RULES) }
    }

    /// Passes the deadlines up to `now`. Returns the events of each.
    pub(super) fn step(&self, now: SimTime) -> Vec<(SimTime, Vec<What>)> {
        let mut passed = Vec::new();
        if self.next_deadline() > now {
            return passed;
        }
        let mut accounts = self.accounts.write();
        loop {
            let at = accounts.next_deadline(Self::RULES);
            if at > now {
                return passed;
            }
            let Ok(((), events)) = self.change(&mut accounts, |accounts| {
                accounts.step(Self::RULES, at);
                Ok::<_, std::convert::Infallible>(())
            });
            passed.push((at, events));
        }
    }

    fn change<R, E>(
        &self,
        accounts: &mut Accounts,
        change: impl FnOnce(&mut Accounts) -> Result<R, E>,
    ) -> Result<(R, Vec<What>), E> {
        let before = accounts.clone();
        let result = change(accounts)?;
        if let Some(ledger) = &self.ledger {
            let text = serde_json::to_vec(accounts).expect("texts and numbers");
            ledger.record(Self::RECORD, Some(text));
        }
        self.changed.store(true, Ordering::Release);
        let mut events = Vec::new();
        before.differences(accounts, Self::RULES, &mut |what| events.push(what));
        Ok((result, events))
    }
}
