//! The accounts of the root that all nodes share, and the limits of all accounts. Those of one BMC are in its node's state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use crate::fleet::persist::Ledger;
use crate::meter::Counter;
use crate::node::bmc::account::{Accounts, Command, Done, Refused};
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

    pub(super) fn execute(
        &self,
        command: Command,
        configured: &str,
        rules: &AccountRules,
        now: SimTime,
    ) -> Result<Done, Refused> {
        let mut accounts = self.accounts.write();
        let done = accounts.execute(command, configured, rules, now)?;
        if let Some(ledger) = &self.ledger {
            let text = serde_json::to_vec(&*accounts).expect("texts and numbers");
            ledger.record(Self::RECORD, Some(text));
        }
        self.changed.store(true, Ordering::Release);
        Ok(done)
    }
}
