//! Changes of accounts and roles, as a request asks for them. Passwords become hashes where the change is made.

use crate::node::bmc::account::{Change, Policy};
use crate::node::bmc::role::CustomRole;

/// A change of accounts and roles.
pub(super) enum AccountChange {
    Create(NewAccount),
    Change(u32, Change, Option<Box<str>>),
    /// `ManagerAccount.ChangePassword`. `own` is the password of the account that asks.
    ChangePassword {
        id: u32,
        own: Box<str>,
        new: Box<str>,
    },
    Delete(u32),
    Policy(Policy),
    CreateRole(CustomRole),
    ChangeRole(CustomRole),
    DeleteRole(Box<str>),
}

/// The values of a new account.
pub(super) struct NewAccount {
    /// The empty slot, if it is one.
    pub slot: Option<u32>,
    pub user: Box<str>,
    pub password: Box<str>,
    pub role: Box<str>,
    pub change: Change,
}
