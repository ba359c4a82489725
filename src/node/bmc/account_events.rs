//! The events of accounts and roles: what differs between two moments.

use super::account::{Account, Accounts};
use crate::node::event::{Of, What};
use crate::profile::accounts::AccountRules;

impl Accounts {
    /// Hands every difference to `now` to `out`. A failed login is none, unless it locks the account.
    pub fn differences(&self, now: &Self, rules: &AccountRules, out: &mut impl FnMut(What)) {
        if self == now {
            return;
        }
        let (before, after) = (self.list(rules), now.list(rules));
        for account in after.iter() {
            match before.iter().find(|other| other.id == account.id) {
                None => out(What::Created(Of::Account(account.id))),
                Some(was) if shown(was) != shown(account) => out(What::Changed(Of::Account(account.id))),
                Some(_) => {}
            }
        }
        for account in before.iter().filter(|was| !after.iter().any(|other| other.id == was.id)) {
            out(What::Removed(Of::Account(account.id)));
        }
        for role in now.roles() {
            match self.roles().iter().find(|other| other.id == role.id) {
                None => out(What::Created(Of::Role(role.id.clone()))),
                Some(was) if was != role => out(What::Changed(Of::Role(role.id.clone()))),
                Some(_) => {}
            }
        }
        for role in self.roles().iter().filter(|was| !now.roles().iter().any(|other| other.id == was.id)) {
            out(What::Removed(Of::Role(role.id.clone())));
        }
        if self.policy != now.policy {
            out(What::Changed(Of::AccountService));
        }
    }
}

/// What a client can see of an account. The revision stands for everything that a client sets.
fn shown(account: &Account) -> (u32, bool) {
    (account.revision, account.locked_at.is_some())
}
