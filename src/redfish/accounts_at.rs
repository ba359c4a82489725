//! What a request does with the accounts of a service root: it reads, proves and changes them.

use super::account_change::{AccountChange, NewAccount};
use super::accounts::SharedAccounts;
use super::client::Client;
use super::error::Problem;
use super::message::{ACTION_PARAMETER_VALUE_ERROR, INTERNAL_ERROR, Message};
use super::resource::Outcome;
use super::root::Root;
use super::service::Redfish;
use crate::node::bmc::account::{Account, Accounts, Change, Command, Refused};
use crate::node::bmc::credential::Credential;
use crate::node::command::{self, Refusal};
use crate::profile::accounts::AccountRules;

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
            Root::Shared => look(&self.accounts.read(), SharedAccounts::RULES),
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
                let now = self.fleet.clock().now();
                let done = self.accounts.execute(command, configured, now);
                done.map_err(Refusal::from).map(|(done, events)| {
                    if let Some(account) = done.logged_out {
                        self.sessions.end_of(account);
                    }
                    self.events.happened(events, now);
                    self.events.wake();
                    done.created
                })
            }
            Root::Own { node, now } => {
                let command = command::Command::Account { command, configured: configured.clone() };
                node.apply(command, *now).map(|outcome| outcome.created())
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
        let fills_slot = matches!(&change, AccountChange::Create(new) if new.slot.is_some());
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
            // bmclib and DMTF's protocol validator expect the document of the account (`accounts.py`,
            // `add_account_via_patch`).
            Ok(_) if fills_slot => Ok(Outcome::Shown),
            Ok(Some(id)) => Ok(Outcome::Created { id: id.to_string(), token: None, message: None }),
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
