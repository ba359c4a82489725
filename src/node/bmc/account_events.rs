//! The events of accounts and roles: what differs between two moments.

use super::account::{Account, Accounts};
use crate::node::event::{AccountEvent, Of, What};
use crate::profile::accounts::AccountRules;

impl Accounts {
    /// Hands every difference to `now` to `out`. A failed login is none, unless it locks the account.
    pub(crate) fn differences(&self, now: &Self, rules: &AccountRules, out: &mut impl FnMut(What)) {
        if self == now {
            return;
        }
        let (before, after) = (self.list(rules), now.list(rules));
        for account in after.iter() {
            match before.iter().find(|other| other.id == account.id) {
                None => out(What::Created(Of::Account(account.id))),
                Some(was) => changes(was, account, out),
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

/// The changes of an account. The revision stands for everything that a client sets.
fn changes(was: &Account, now: &Account, out: &mut impl FnMut(What)) {
    let by_client = was.revision != now.revision;
    if by_client {
        out(What::Changed(Of::Account(now.id)));
    }
    if was.locked_at == now.locked_at {
        return;
    }
    let mut tell = |account: &Account, event| {
        out(What::Account(account.id, account.locked_as.clone().unwrap_or_default(), event));
    };
    if was.locked_at.is_some() {
        tell(was, if by_client { AccountEvent::Unlocked } else { AccountEvent::LockoutExpired });
    }
    if now.locked_at.is_some() {
        tell(now, AccountEvent::Locked);
    }
}
