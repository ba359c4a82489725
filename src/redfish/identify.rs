//! The client that a request proves to come from (DSP0266, "Authentication").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::Client;
use super::error::Problem;
use super::headers::Head;
use super::message::NO_VALID_SESSION;
use super::root::Root;
use super::service::Redfish;
use super::token;
use crate::profile::accounts::AccountRules;

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
