//! The accounts of a service root: those of one BMC are in its node's state, those of the root that all nodes share are here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{RwLock, RwLockReadGuard};

use super::account_change::{AccountChange, NewAccount};
use super::client::Client;
use super::error::Problem;
use super::message::{ACTION_PARAMETER_VALUE_ERROR, INTERNAL_ERROR, Message};
use super::resource::Outcome;
use super::root::Root;
use super::service::Redfish;
use crate::fleet::persist::Ledger;
use crate::meter::Counter;
use crate::node::bmc::account::{Account, Accounts, Change, Command, Credential, Done, Refused};
use crate::node::command::{self, Refusal};
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
    fn are_new(&self) -> bool {
        !self.changed.load(Ordering::Acquire)
    }

    /// The accounts. The response that shows them waits until they are on disk.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Accounts> {
        if let Some(ledger) = self.ledger.as_ref().filter(|_| !self.are_new()) {
            ledger.note_records();
        }
        self.accounts.read()
    }

    fn execute(
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

impl Redfish {
    /// Whether the root has only the first account, as the settings say.
    #[inline]
    pub(super) fn has_new_accounts(&self, root: &Root<'_>) -> bool {
        match root {
            Root::Shared => self.accounts.are_new(),
            Root::Own { node, .. } => node.bmc().accounts.are_new(),
        }
    }

    /// Looks at the accounts of a root and at the rules of its model.
    pub(super) fn with_accounts<R>(
        &self,
        root: &Root<'_>,
        look: impl FnOnce(&Accounts, &AccountRules) -> R,
    ) -> R {
        match root {
            Root::Shared => look(&self.accounts.read(), &AccountRules::DEFAULT),
            Root::Own { node, .. } => look(&node.bmc().accounts, &node.profile().accounts),
        }
    }

    /// Changes the accounts of a root. Returns the id of a new account. The sessions of an account that must log in again end.
    pub(super) fn change_accounts(
        &self,
        root: &mut Root<'_>,
        command: Command,
    ) -> Result<Option<u32>, Refusal> {
        let configured = &self.facts.user;
        let created = match root {
            Root::Shared => {
                let (rules, now) = (&AccountRules::DEFAULT, self.fleet.clock().now());
                let done = self.accounts.execute(command, configured, rules, now);
                done.map_err(Refusal::from).map(|done| {
                    if let Some(account) = done.logged_out {
                        self.sessions.end_of(account);
                    }
                    done.created
                })
            }
            Root::Own { node, now } => {
                let command = command::Command::Account { command, configured: configured.clone() };
                node.apply(command, *now).map(|outcome| match outcome {
                    command::Outcome::Created(id) => Some(id),
                    command::Outcome::Done | command::Outcome::Ipa(_) => None,
                })
            }
        };
        created.inspect_err(|refusal| match refusal {
            Refusal::Account(Refused::TooManyAccounts) => self.account_limits.accounts_refused.one(),
            Refusal::Account(Refused::TooManyRoles) => self.account_limits.roles_refused.one(),
            _ => {}
        })
    }

    /// The account that a name and a password belong to, if it can log in. A wrong password counts against the account.
    pub(super) fn prove(&self, root: &mut Root<'_>, user: &str, password: &str) -> Option<Account> {
        let now = self.now_at(root);
        let (account, has_failed, counts) = self.with_accounts(root, |accounts, rules| {
            let account = accounts.named(user, &self.facts.user, rules)?.into_owned();
            let can_log_in = account.enabled && !accounts.is_locked(&account, rules, now);
            let counts = accounts.rules(rules).lockout_threshold > 0;
            can_log_in.then(|| {
                let has_failed = accounts.has_failed(&account);
                (account, has_failed, counts)
            })
        })?;
        match (self.is_password(&account, password), counts, has_failed) {
            (true, _, false) => Some(account),
            (true, _, true) => {
                // A count that cannot be stored does not lock the owner of the password out.
                let _ = self.change_accounts(root, Command::Succeeded(account.id));
                Some(account)
            }
            (false, true, _) => {
                let _ = self.change_accounts(root, Command::Failed(account.id));
                None
            }
            (false, false, _) => None,
        }
    }

    /// Makes a change of accounts that a client asks for at `uri`.
    pub(super) fn change_account(
        &self,
        root: &mut Root<'_>,
        client: Option<Client>,
        change: AccountChange,
        uri: &str,
    ) -> Result<Outcome, Problem> {
        let limits = &self.account_limits;
        let is_new = matches!(&change, AccountChange::Create(new) if new.slot.is_none());
        let command = match change {
            AccountChange::Create(NewAccount { slot: id, user, password, role, change }) => {
                let (password, most) = (credential(&password)?, limits.accounts);
                Command::Create { id, user, password, role, change, most }
            }
            AccountChange::Change(id, change, password) => {
                let password = password.as_deref().map(credential).transpose()?;
                Command::Change(id, Change { password, ..change })
            }
            AccountChange::ChangePassword { id, own, new } => {
                if !client.is_some_and(|client| self.is_password_of(root, client, &own)) {
                    let args = ["SessionAccountPassword", "ManagerAccount.ChangePassword"];
                    return Err(Message::new(&ACTION_PARAMETER_VALUE_ERROR, args).into());
                }
                Command::Change(id, Change { password: Some(credential(&new)?), ..Change::default() })
            }
            AccountChange::Delete(id) => Command::Delete(id),
            AccountChange::Policy(policy) => Command::Policy(policy),
            AccountChange::CreateRole(role) => {
                let id = role.id.to_string();
                self.change_accounts(root, Command::CreateRole { role, most: limits.roles })?;
                return Ok(Outcome::Created { id, token: None, message: None });
            }
            AccountChange::ChangeRole(role) => Command::ChangeRole(role),
            AccountChange::DeleteRole(id) => Command::DeleteRole(id),
        };
        match self.change_accounts(root, command) {
            Ok(Some(id)) if is_new => Ok(Outcome::Created { id: id.to_string(), token: None, message: None }),
            Ok(_) => Ok(Outcome::Done),
            // Another client has deleted it meanwhile.
            Err(Refusal::Account(Refused::NoSuchAccount)) => Err(Problem::not_found(uri)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Whether it is the password of the client's account.
    fn is_password_of(&self, root: &Root<'_>, client: Client, password: &str) -> bool {
        let account = self.with_accounts(root, |accounts, rules| {
            accounts.get(client.account, rules).map(std::borrow::Cow::into_owned)
        });
        account.is_some_and(|account| self.is_password(&account, password))
    }

    fn is_password(&self, account: &Account, password: &str) -> bool {
        match &account.password {
            Some(stored) => stored.is(password),
            None => self.account.is_password(password),
        }
    }
}

/// The hash of a password, with a fresh salt.
fn credential(password: &str) -> Result<Credential, Problem> {
    let salt = crate::seed::secret().map_err(|_| Problem::from(&INTERNAL_ERROR))?;
    Ok(Credential::new(password, salt))
}
