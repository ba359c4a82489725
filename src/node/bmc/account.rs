//! Accounts, their roles and their rules: at the service root of one BMC, or at the root that all nodes share.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::credential::Credential;
use super::role::{CustomRole, Privileges};
use crate::dmtf::Role;
use crate::node::sparse::Part;
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;

/// Commands to the `AccountService`, its accounts and its roles.
#[derive(Clone, Debug)]
pub enum Command {
    /// Creates an account, in the empty slot with that id if there is one. The outcome is its id.
    Create {
        id: Option<u32>,
        user: Box<str>,
        password: Credential,
        role: Box<str>,
        change: Change,
        /// The most accounts, with this one.
        most: usize,
    },
    Change(u32, Change),
    Delete(u32),
    Policy(Policy),
    CreateRole {
        role: CustomRole,
        /// The most created roles, with this one.
        most: usize,
    },
    ChangeRole(CustomRole),
    DeleteRole(Box<str>),
    /// A login with the account's name and a wrong password.
    Failed(u32),
    /// A login, after others that failed.
    Succeeded(u32),
}

/// New values for an account. `None` leaves a value unchanged.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub user: Option<Box<str>>,
    pub password: Option<Credential>,
    pub role: Option<Box<str>>,
    pub enabled: Option<bool>,
    pub locked: Option<bool>,
    pub must_change: Option<bool>,
    pub expires: Option<Option<SimTime>>,
}

/// The rules that a client has set. `None` stands for the model's own rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    pub min_password_length: Option<u16>,
    pub max_password_length: Option<u16>,
    pub lockout_threshold: Option<u16>,
    pub lockout_duration_s: Option<u32>,
    pub lockout_counter_reset_s: Option<u32>,
    /// `AccountLockoutCounterResetEnabled`: failed logins are forgotten after some time.
    pub lockout_counter_reset: Option<bool>,
    /// `PasswordExpirationDays`: a new password must be changed after so many days.
    pub password_days: Option<Option<u16>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// A number that is not used again, or the number of a slot.
    pub id: u32,
    /// `None` stands for the user name in the settings of the service: the first account.
    pub user: Option<Box<str>>,
    /// `None` stands for the password in the settings of the service.
    pub password: Option<Credential>,
    /// `RoleId`: a role of DSP0266 or a created one.
    pub role: Box<str>,
    pub enabled: bool,
    /// `PasswordChangeRequired`, as a client has set it.
    pub must_change: bool,
    /// `PasswordExpiration`: the password must be changed from then on.
    pub expires: Option<SimTime>,
    /// Changes so far. A change of the password shows in no property, and the ETag must be another one.
    pub revision: u32,
    /// Logins that failed one after the other, and the moment of the last one.
    pub(super) failures: u16,
    pub(super) failed_at: SimTime,
    pub(super) locked_at: Option<SimTime>,
    /// The user name at the last lockout, which events name. `user` does not have that of the settings.
    #[serde(default)]
    pub(super) locked_as: Option<Box<str>>,
}

impl Account {
    /// The first account of a new machine.
    fn first(rules: &AccountRules) -> Self {
        Self {
            id: rules.first,
            user: None,
            password: None,
            role: Role::Administrator.as_str().into(),
            enabled: true,
            must_change: false,
            expires: None,
            revision: 0,
            failures: 0,
            failed_at: SimTime::from_ms(0),
            locked_at: None,
            locked_as: None,
        }
    }

    /// Whether the password must be changed before anything else can be done.
    pub fn must_change(&self, now: SimTime) -> bool {
        self.must_change || self.expires.is_some_and(|expires| expires <= now)
    }

    fn administers(&self) -> bool {
        self.enabled && &*self.role == Role::Administrator.as_str()
    }

    fn shift(&mut self, ms: u64) {
        self.failed_at.shift(ms);
        for moment in [&mut self.expires, &mut self.locked_at].into_iter().flatten() {
            moment.shift(ms);
        }
    }
}

/// The accounts at a service root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// Ordered by id. Empty as long as there is only the first account, unchanged.
    pub(super) accounts: Vec<Account>,
    roles: Vec<CustomRole>,
    pub(super) policy: Policy,
    /// The largest id so far.
    last: u32,
}

static NEW: Accounts = Accounts {
    accounts: Vec::new(),
    roles: Vec::new(),
    policy: Policy {
        min_password_length: None,
        max_password_length: None,
        lockout_threshold: None,
        lockout_duration_s: None,
        lockout_counter_reset_s: None,
        lockout_counter_reset: None,
        password_days: None,
    },
    last: 0,
};

impl Default for Accounts {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for Accounts {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such account")]
    NoSuchAccount,
    #[error("there is an account '{0}' already")]
    UserNameTaken(Box<str>),
    #[error("there are as many accounts as there may be")]
    TooManyAccounts,
    /// Without another administrator, the accounts could never be changed again.
    #[error("it is the last account with the role Administrator that can log in")]
    LastAdministrator,
    /// The same, for a change of this property.
    #[error("{0}: it is the last account with the role Administrator that can log in")]
    AdministratorNeeded(&'static str),
    #[error("there is no role '{0}'")]
    NoSuchRole(Box<str>),
    #[error("there is a role '{0}' already")]
    RoleExists(Box<str>),
    #[error("an account has this role")]
    RoleInUse,
    /// DSP0266, "Roles": the privileges of a predefined role cannot be changed.
    #[error("the role '{0}' is predefined")]
    RoleIsPredefined(Box<str>),
    #[error("there are as many roles as there may be")]
    TooManyRoles,
}

/// What a command has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The id of a new account.
    pub created: Option<u32>,
    /// The account whose sessions end.
    pub logged_out: Option<u32>,
}

impl Accounts {
    /// Whether there is only the first account, as the settings of the service say.
    #[inline]
    pub fn are_new(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The accounts, ordered by id.
    pub fn list(&self, rules: &AccountRules) -> Cow<'_, [Account]> {
        if self.are_new() { vec![Account::first(rules)].into() } else { (&*self.accounts).into() }
    }

    /// The account with that id.
    pub fn get(&self, id: u32, rules: &AccountRules) -> Option<Cow<'_, Account>> {
        if self.are_new() {
            return (id == rules.first).then(|| Cow::Owned(Account::first(rules)));
        }
        self.accounts.iter().find(|account| account.id == id).map(Cow::Borrowed)
    }

    /// The account with that name. `configured` is the name in the settings of the service.
    pub fn named(&self, user: &str, configured: &str, rules: &AccountRules) -> Option<Cow<'_, Account>> {
        if self.are_new() {
            return (user == configured).then(|| Cow::Owned(Account::first(rules)));
        }
        let is_it = |account: &&Account| account.user.as_deref().unwrap_or(configured) == user;
        self.accounts.iter().find(is_it).map(Cow::Borrowed)
    }

    /// The rules in force.
    pub fn rules(&self, rules: &AccountRules) -> AccountRules {
        let Policy {
            min_password_length,
            max_password_length,
            lockout_threshold,
            lockout_duration_s,
            lockout_counter_reset_s,
            lockout_counter_reset: _,
            password_days: _,
        } = self.policy;
        AccountRules {
            min_password_length: min_password_length.unwrap_or(rules.min_password_length),
            max_password_length: max_password_length.unwrap_or(rules.max_password_length),
            lockout_threshold: lockout_threshold.unwrap_or(rules.lockout_threshold),
            lockout_duration_s: lockout_duration_s.unwrap_or(rules.lockout_duration_s),
            lockout_counter_reset_s: lockout_counter_reset_s.unwrap_or(rules.lockout_counter_reset_s),
            slots: rules.slots,
            first: rules.first,
        }
    }

    /// `AccountLockoutCounterResetEnabled`: failed logins are forgotten after some time.
    pub fn resets_counter(&self) -> bool {
        self.policy.lockout_counter_reset.unwrap_or(true)
    }

    /// `PasswordExpirationDays`, which a new password lasts.
    pub fn password_days(&self) -> Option<u16> {
        self.policy.password_days.flatten()
    }

    /// The roles that clients have created.
    pub fn roles(&self) -> &[CustomRole] {
        &self.roles
    }

    /// The privileges of a role; none if it does not exist.
    pub fn privileges(&self, role: &str) -> Option<Privileges> {
        Role::parse(role)
            .map(Role::privileges)
            .or_else(|| Some(self.roles.iter().find(|custom| *custom.id == *role)?.privileges))
    }

    /// Executes a command. `configured` is the user name in the settings of the service.
    pub(crate) fn execute(
        &mut self,
        command: Command,
        configured: &str,
        rules: &AccountRules,
        now: SimTime,
    ) -> Result<Done, Refused> {
        match command {
            Command::Create { id, user, password, role, change, most } => {
                let change =
                    Change { user: Some(user), password: Some(password), role: Some(role), ..change };
                return self.create(id, change, most, configured, rules, now);
            }
            Command::Change(id, change) => return self.change(id, change, configured, rules, now),
            Command::Delete(id) => return self.delete(id, rules),
            Command::Policy(policy) => {
                self.set_policy(policy);
                self.step(rules, now);
            }
            Command::CreateRole { role, most } => {
                if self.privileges(&role.id).is_some() {
                    return Err(Refused::RoleExists(role.id));
                }
                if self.roles.len() >= most {
                    return Err(Refused::TooManyRoles);
                }
                self.roles.push(role);
            }
            Command::ChangeRole(role) => match self.roles.iter_mut().find(|known| known.id == role.id) {
                Some(known) => *known = role,
                None => return Err(Refused::RoleIsPredefined(role.id)),
            },
            Command::DeleteRole(id) => {
                if self.accounts.iter().any(|account| account.role == id) {
                    return Err(Refused::RoleInUse);
                }
                let before = self.roles.len();
                self.roles.retain(|role| role.id != id);
                if self.roles.len() == before {
                    return Err(Refused::RoleIsPredefined(id));
                }
            }
            Command::Failed(id) => self.fail(id, configured, rules, now),
            Command::Succeeded(id) => {
                if let Some(account) = self.materialized(rules).iter_mut().find(|account| account.id == id) {
                    (account.failures, account.locked_at) = (0, None);
                }
            }
        }
        Ok(Done::default())
    }

    /// The accounts, to change them.
    pub(super) fn materialized(&mut self, rules: &AccountRules) -> &mut Vec<Account> {
        if self.are_new() {
            self.accounts.push(Account::first(rules));
            self.last = self.last.max(rules.first);
        }
        &mut self.accounts
    }

    fn create(
        &mut self,
        id: Option<u32>,
        change: Change,
        most: usize,
        configured: &str,
        rules: &AccountRules,
        now: SimTime,
    ) -> Result<Done, Refused> {
        let known = self.list(rules);
        let most = rules.slots.map_or(most, usize::from);
        if known.len() >= most {
            return Err(Refused::TooManyAccounts);
        }
        let is_free = |id: &u32| known.iter().all(|account| account.id != *id);
        let id = match (id, rules.slots) {
            (Some(id), _) => Some(id).filter(is_free).ok_or(Refused::TooManyAccounts)?,
            (None, Some(slots)) => (1..=u32::from(slots)).find(is_free).ok_or(Refused::TooManyAccounts)?,
            (None, None) => self.last.max(rules.first) + 1,
        };
        self.check(id, &change, configured, rules)?;
        let mut account = Account { id, revision: 0, ..Account::first(rules) };
        self.set(&mut account, change, now);
        self.last = self.last.max(id);
        let accounts = self.materialized(rules);
        let at = accounts.partition_point(|account| account.id < id);
        accounts.insert(at, account);
        Ok(Done { created: Some(id), logged_out: None })
    }

    fn change(
        &mut self,
        id: u32,
        change: Change,
        configured: &str,
        rules: &AccountRules,
        now: SimTime,
    ) -> Result<Done, Refused> {
        let mut account = self.get(id, rules).ok_or(Refused::NoSuchAccount)?.into_owned();
        self.check(id, &change, configured, rules)?;
        let logs_out = change.password.is_some() || change.enabled == Some(false);
        let administered = account.administers();
        self.set(&mut account, change, now);
        if administered && !account.administers() && !self.has_other_administrator(id, rules) {
            return Err(Refused::AdministratorNeeded(if account.enabled { "RoleId" } else { "Enabled" }));
        }
        account.revision = account.revision.wrapping_add(1);
        if let Some(known) = self.materialized(rules).iter_mut().find(|account| account.id == id) {
            *known = account;
        }
        Ok(Done { created: None, logged_out: logs_out.then_some(id) })
    }

    fn delete(&mut self, id: u32, rules: &AccountRules) -> Result<Done, Refused> {
        let account = self.get(id, rules).ok_or(Refused::NoSuchAccount)?;
        if account.administers() && !self.has_other_administrator(id, rules) {
            return Err(Refused::LastAdministrator);
        }
        self.materialized(rules).retain(|account| account.id != id);
        Ok(Done { created: None, logged_out: Some(id) })
    }

    /// Whether another account can do everything, so that nobody is locked out for ever.
    fn has_other_administrator(&self, id: u32, rules: &AccountRules) -> bool {
        self.list(rules).iter().any(|account| account.id != id && account.administers())
    }

    /// Checks a change against the other accounts and the roles.
    fn check(&self, id: u32, change: &Change, configured: &str, rules: &AccountRules) -> Result<(), Refused> {
        if let Some(user) = &change.user
            && self.named(user, configured, rules).is_some_and(|account| account.id != id)
        {
            return Err(Refused::UserNameTaken(user.clone()));
        }
        match &change.role {
            Some(role) if self.privileges(role).is_none() => Err(Refused::NoSuchRole(role.clone())),
            _ => Ok(()),
        }
    }

    fn set(&self, account: &mut Account, change: Change, now: SimTime) {
        let Change { user, password, role, enabled, locked, must_change, expires } = change;
        account.user = user.or(account.user.take());
        if let Some(password) = password {
            account.password = Some(password);
            account.must_change = false;
            let days = self.password_days().map(u64::from);
            account.expires = days.map(|days| now.after_ms(days * 86_400_000));
        }
        account.role = role.unwrap_or_else(|| std::mem::take(&mut account.role));
        account.enabled = enabled.unwrap_or(account.enabled);
        account.must_change = must_change.unwrap_or(account.must_change);
        account.expires = expires.unwrap_or(account.expires);
        if locked == Some(false) {
            (account.failures, account.locked_at) = (0, None);
        }
    }

    fn set_policy(&mut self, policy: Policy) {
        let old = self.policy;
        self.policy = Policy {
            min_password_length: policy.min_password_length.or(old.min_password_length),
            max_password_length: policy.max_password_length.or(old.max_password_length),
            lockout_threshold: policy.lockout_threshold.or(old.lockout_threshold),
            lockout_duration_s: policy.lockout_duration_s.or(old.lockout_duration_s),
            lockout_counter_reset_s: policy.lockout_counter_reset_s.or(old.lockout_counter_reset_s),
            lockout_counter_reset: policy.lockout_counter_reset.or(old.lockout_counter_reset),
            password_days: policy.password_days.or(old.password_days),
        };
    }

    pub(super) fn shift(&mut self, ms: u64) {
        self.accounts.iter_mut().for_each(|account| account.shift(ms));
    }
}
