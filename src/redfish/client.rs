//! The client of a request, and what it may do (DSP0266, "Privilege model").

use super::access::{Access, Belongs, Need};
use super::error::Problem;
use super::message::{INSUFFICIENT_PRIVILEGE, Message, PASSWORD_CHANGE_REQUIRED};
use crate::dmtf::Privilege;
use crate::node::bmc::account::{Account, Accounts};
use crate::node::bmc::role::Privileges;
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;

/// The client of a request: an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) account: u32,
    pub(super) privileges: Privileges,
    /// It may do nothing before it has changed its password.
    pub(super) must_change: bool,
}

/// What the client of a request may change of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    Everything,
    /// These properties of the body and no others.
    Only(&'static [&'static str]),
}

/// What a request does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Read,
    /// PATCH, or an action.
    Set,
    Other,
}

impl Client {
    pub(super) fn new(account: &Account, accounts: &Accounts, now: SimTime) -> Self {
        Self {
            account: account.id,
            privileges: accounts.privileges(&account.role).unwrap_or_default(),
            must_change: account.must_change(now),
        }
    }

    /// The first account, as the settings say.
    pub(super) fn first(rules: &AccountRules) -> Self {
        Self { account: rules.first, privileges: Privileges::ALL, must_change: false }
    }

    /// Whether the client has one of the privileges. `ConfigureSelf` is for what belongs to the client's own account.
    fn has(self, one_of: Privileges, own: bool) -> bool {
        let counted = if own { one_of } else { one_of.without(Privilege::ConfigureSelf) };
        self.privileges.meets(counted)
    }

    /// The message that asks the client for a new password.
    pub(super) fn change_password_first(self) -> Message {
        password_change_required(self.account)
    }

    /// What the client may do, of what needs `need`. `own`: it belongs to the client's own account.
    ///
    /// # Errors
    /// If the client may do nothing of it.
    pub(super) fn may(self, need: Need, access: &Access, own: bool, does: Does) -> Result<May, Problem> {
        let is_account = access.belongs == Some(Belongs::Account);
        if self.must_change {
            // DSP0266, "Password change required handling".
            return match does {
                Does::Read if is_account && own => Ok(May::Everything),
                Does::Set if is_account && own => Ok(May::Only(Access::OWN_PASSWORD)),
                Does::Read | Does::Set | Does::Other => Err(self.change_password_first().into()),
            };
        }
        match need {
            Need::Nothing => Ok(May::Everything),
            Need::OneOf(privileges) if self.has(privileges, own) => Ok(May::Everything),
            Need::OneOf(_) => {
                let privileges = access.password.filter(|_| does == Does::Set);
                match privileges.filter(|privileges| self.has(*privileges, own)) {
                    Some(_) => Ok(May::Only(Access::OWN_PASSWORD)),
                    None => Err((&INSUFFICIENT_PRIVILEGE).into()),
                }
            }
        }
    }
}

/// The message that asks for a new password of an account.
pub(super) fn password_change_required(account: u32) -> Message {
    let uri = format!("/redfish/v1/AccountService/Accounts/{account}");
    Message::new(&PASSWORD_CHANGE_REQUIRED, [&uri])
}
