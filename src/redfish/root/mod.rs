//! A service root of a node's own, as a controller has it on its own address: its node is found before the path is looked
//! at, and locked once for all that the request takes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use uuid::Uuid;

use super::error::Problem;
use super::protocol::{no_content, not_found};
use super::resource::{Cx, Effect};
use super::{Asked, Granted, Redfish, Reply, message, tree};
use crate::face::HangUp;
use crate::node::bmc::session::{self, Secret};
use crate::node::command::{Command, Outcome, Refusal};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// The service root at which a request came in.
pub(super) enum Root<'n> {
    /// The fleet's, with all systems below it.
    Fleet,
    /// A node's own.
    Own {
        /// The node, locked and settled.
        node: &'n mut Node,
        /// The moment it is settled to.
        now: SimTime,
    },
}

impl Root<'_> {
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }
}

impl Redfish {
    /// Answers a request at a node's own root, if the node is there and is `meant`.
    ///
    /// A controller that restarts has no network: the answer then is a [`HangUp`], as a client of hardware would meet it.
    pub fn call_own(
        &self,
        id: NodeId,
        meant: impl FnOnce(&Node) -> bool,
        request: &Request<Bytes>,
    ) -> Option<Response<Bytes>> {
        let answer = self.fleet.with(id, |node, now| {
            if !meant(node) {
                return None;
            }
            if let Some(until) = node.bmc().restarting_until {
                let left = std::time::Duration::from_millis(until.since_ms(now));
                let mut response = Problem::from(Refusal::ManagerRestarting(left)).answer();
                response.extensions_mut().insert(HangUp);
                return Some(response);
            }
            Some(self.whole(self.answer_at(&mut Root::Own { node, now }, request, now)))
        });
        answer.flatten()
    }

    /// Whether a node is there and its controller is not restarting.
    pub(super) fn is_up(&self, id: NodeId) -> bool {
        self.fleet.look(id, |node, _| node.bmc().restarting_until.is_none()).unwrap_or(false)
    }

    pub(super) fn on_own(&self, asked: &Asked<'_>, node: &mut Node, now: SimTime) -> Result<Reply, Problem> {
        let mut buffer = Uuid::encode_buffer();
        let key = &*node.spec().uuid().hyphenated().encode_lower(&mut buffer);
        let uri = asked.uri;
        let cx = Cx { redfish: self, node: Some(node), now, uri, ids: &asked.ids, node_key: key, own: true };
        let effect = match self.granted(asked, &cx)? {
            Granted::Reply(reply) => return Ok(reply),
            Granted::Change(effect) => effect,
        };
        self.fleet.may_change()?;
        let command = match effect {
            Effect::LogIn { user, password } => {
                return self.log_in(&mut Root::Own { node, now }, &user, &password, now);
            }
            Effect::Node(command) => command,
            Effect::LogOut(id) => {
                Command::Session(session::Command::End(id.parse().map_err(|_| not_found(uri))?))
            }
            Effect::SessionTimeout(seconds) => Command::Session(session::Command::SetTimeout(seconds)),
        };
        node.apply(command, now)?;
        Ok(Reply::Answer(no_content()))
    }
}

/// Whether `key` is what the node calls that part of itself.
pub(super) fn is_id_of(node: &Node, part: tree::NodeId, key: &str) -> bool {
    let ids = &node.profile().ids;
    match part {
        tree::NodeId::System => ids.system == key,
        tree::NodeId::Manager => ids.manager == key,
        tree::NodeId::Chassis => ids.chassis == key,
        tree::NodeId::Prefix => false,
    }
}

/// Begins a session at a controller's own root; its id and token.
pub(super) fn log_in(
    node: &mut Node,
    user: &str,
    most: usize,
    now: SimTime,
) -> Result<(u64, Box<str>), Problem> {
    let secret: Secret = crate::seed::secret().map_err(|_| Problem::from(&message::INTERNAL_ERROR))?;
    let begin = session::Command::Begin { user: user.into(), secret, most };
    match node.apply(Command::Session(begin), now)? {
        Outcome::Created(id) => Ok((id.into(), URL_SAFE_NO_PAD.encode(secret).into())),
        Outcome::Done | Outcome::Ipa(_) => Err((&message::INTERNAL_ERROR).into()),
    }
}

/// Whether a token is one of the controller's live sessions'; this use keeps it alive.
pub(super) fn is_live(node: &mut Node, token: &str, now: SimTime) -> bool {
    let mut secret = Secret::default();
    matches!(URL_SAFE_NO_PAD.decode_slice(token, &mut secret), Ok(n) if n == secret.len())
        && node.session(&secret, now)
}

#[cfg(test)]
mod tests;
