//! The client that a request comes from, and what it may do (DSP0266, "Authentication" and "Privilege model").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Problem;
use super::headers::Head;
use super::message::{INSUFFICIENT_PRIVILEGE, Message, NO_VALID_SESSION, PASSWORD_CHANGE_REQUIRED};
use super::resource::{Access, Belongs, Need};
use super::root::Root;
use super::service::Redfish;
use super::token;
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
    fn new(account: &Account, accounts: &Accounts, now: SimTime) -> Self {
        Self {
            account: account.id,
            privileges: accounts.privileges(&account.role).unwrap_or_default(),
            must_change: account.must_change(now),
        }
    }

    /// The first account, as the settings say.
    fn first(rules: &AccountRules) -> Self {
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

impl Redfish {
    /// The client that a request proves to come from. One that proves nothing is refused. A right password does not make up for
    /// a wrong token.
    pub(super) fn identify(&self, root: &mut Root<'_>, head: &Head<'_>) -> Result<Client, Problem> {
        let client = match (head.token, head.authorization) {
            (Some(token), _) => token.to_str().ok().and_then(|token| self.client_of_session(root, token)),
            (None, Some(given)) => {
                // The scheme's name may be in any case (RFC 9110, 11.1).
                let given = given.as_bytes().split_at_checked(6);
                given
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"basic "))
                    .and_then(|(_, credentials)| self.client_of_credentials(root, credentials))
            }
            (None, None) => None,
        };
        client.ok_or_else(|| (&NO_VALID_SESSION).into())
    }

    /// The client whose live session has that token. This use keeps the session alive.
    fn client_of_session(&self, root: &mut Root<'_>, token: &str) -> Option<Client> {
        let account = match root {
            Root::Shared => self.sessions.check(token, self.fleet.clock().now())?,
            Root::Own { node, now } => node.session(&token::secret(token)?, *now)?,
        };
        if self.has_new_accounts(root) {
            return Some(first_client(root)).filter(|client| client.account == account);
        }
        let now = self.now_at(root);
        self.with_accounts(root, |accounts, rules| {
            let account = accounts.get(account, rules)?;
            Some(Client::new(&account, accounts, now))
        })
    }

    /// The client that has these credentials of HTTP Basic, in base64.
    fn client_of_credentials(&self, root: &mut Root<'_>, credentials: &[u8]) -> Option<Client> {
        // Nearly every request comes from the one account of the settings, and needs no decoding.
        if self.has_new_accounts(root) && self.account.proves(credentials) {
            return Some(first_client(root));
        }
        let pair = zeroize::Zeroizing::new(STANDARD.decode(credentials).ok()?);
        let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
        let account = self.prove(root, user, password)?;
        let now = self.now_at(root);
        Some(self.with_accounts(root, |accounts, _| Client::new(&account, accounts, now)))
    }
}

fn first_client(root: &Root<'_>) -> Client {
    Client::first(root.node().map_or(&AccountRules::DEFAULT, |node| &node.profile().accounts))
}
