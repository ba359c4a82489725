//! The service root that a request came to: the one that all nodes share, or one that belongs to a node. Each has
//! sessions and accounts of its own.

use std::net::IpAddr;

use super::client::{Client, password_change_required};
use super::error::Problem;
use super::message::{INTERNAL_ERROR, Message, RESOURCE_AT_URI_UNAUTHORIZED};
use super::resource::{Outcome, ServiceChange};
use super::service::Redfish;
use super::session::NoSession;
use super::task::AskedAt;
use super::token;
use crate::node::Node;
use crate::node::bmc::account::Account;
use crate::node::bmc::session::{self, Secret};
use crate::node::bmc::tasks;
use crate::node::command::{Command, Refusal};
use crate::node::event::{Of, What};
use crate::time::SimTime;

/// The service root that a request came to.
pub(super) enum Root<'n> {
    /// All nodes are below it.
    Shared,
    /// It belongs to this node, which is locked and settled to `now`.
    Own { node: &'n mut Node, now: SimTime },
}

impl Root<'_> {
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    pub(super) fn node(&self) -> Option<&Node> {
        match self {
            Self::Shared => None,
            Self::Own { node, .. } => Some(node),
        }
    }
}

impl Redfish {
    /// The simulated time at a root. Most requests at the shared root need that of their node only.
    pub(super) fn now_at(&self, root: &Root<'_>) -> SimTime {
        match root {
            Root::Shared => self.fleet.clock().now(),
            Root::Own { now, .. } => *now,
        }
    }

    /// Whether the session with that id belongs to the client's account.
    pub(super) fn owns_session(&self, root: &Root<'_>, client: Client, id: &str) -> bool {
        let Ok(id) = id.parse::<u32>() else { return false };
        let account = match root {
            Root::Shared => {
                let session = self.sessions.get(u64::from(id), self.fleet.clock().now());
                session.map(|session| session.account)
            }
            Root::Own { node, now } => {
                let mut sessions = node.bmc().sessions.live(*now);
                sessions.find(|session| session.id == id).map(|session| session.account)
            }
        };
        account == Some(client.account)
    }

    /// Makes a change of the service. `uri` is the resource that the change was sent to. Subscribers of the shared root hear of it.
    pub(super) fn change_service(
        &self,
        root: &mut Root<'_>,
        client: Option<Client>,
        address: Option<IpAddr>,
        change: ServiceChange,
        uri: &str,
    ) -> Result<Outcome, Problem> {
        if root.is_own() {
            return self.make_change(root, client, address, change, uri);
        }
        let now = self.fleet.clock().now();
        self.end_idle_sessions(now);
        let see = || (self.sessions.ids(now), self.sessions.timeout_s(), self.task_settings.get());
        let before = self.events.are_observed().then(see);
        let outcome = self.make_change(root, client, address, change, uri)?;
        // The events of sessions that end now are among those below.
        self.sessions.step(now);
        if let Some((sessions, timeout, tasks)) = before {
            let (sessions_now, timeout_now, tasks_now) = see();
            let number = |id: &u64| u32::try_from(*id).unwrap_or(u32::MAX);
            let gone = sessions.iter().filter(|id| !sessions_now.contains(id));
            let new = sessions_now.iter().filter(|id| !sessions.contains(id));
            let mut events: Vec<What> = gone.map(|id| What::Removed(Of::Session(number(id)))).collect();
            events.extend(new.map(|id| What::Created(Of::Session(number(id)))));
            events.extend((timeout != timeout_now).then_some(What::Changed(Of::SessionService)));
            events.extend((tasks != tasks_now).then_some(What::Changed(Of::TaskService)));
            self.events.happened(events, now);
        }
        self.events.wake();
        Ok(outcome)
    }

    fn make_change(
        &self,
        root: &mut Root<'_>,
        client: Option<Client>,
        address: Option<IpAddr>,
        change: ServiceChange,
        uri: &str,
    ) -> Result<Outcome, Problem> {
        match (change, root) {
            (ServiceChange::LogIn { user, password }, root) => {
                let account = self.prove(root, &user, &password).ok_or_else(|| {
                    Message::new(&RESOURCE_AT_URI_UNAUTHORIZED, [uri, "The credentials are not valid."])
                })?;
                return self.begin_session(root, &user, &account, address);
            }
            (ServiceChange::Accounts(change), root) => {
                return self.change_account(root, client, change, uri);
            }
            (ServiceChange::Events(command), root) => {
                let id = self.subscribe(root, client.map_or(0, |client| client.account), command)?;
                return Ok(id.map_or(Outcome::Done, |id| Outcome::Created {
                    id: id.to_string(),
                    token: None,
                    message: None,
                }));
            }
            (ServiceChange::Certificate(asking), root) => return self.change_certificate(root, asking),
            (ServiceChange::Aggregates(asking), _) => return self.change_aggregates(asking, uri),
            (ServiceChange::LogOut(id), Root::Shared) => {
                if !id.parse().is_ok_and(|id| self.sessions.end(id)) {
                    return Err(Problem::not_found(uri));
                }
            }
            (ServiceChange::LogOut(id), Root::Own { node, now }) => {
                let id = id.parse().map_err(|_| Problem::not_found(uri))?;
                node.apply(Command::Session(session::Command::End(id)), *now)?;
            }
            (ServiceChange::Directed(directed), Root::Own { node, now }) => {
                let command = directed.command(node, true)?;
                return self.apply(node, command, AskedAt { own_root: true, now: *now }, || directed.payload);
            }
            (ServiceChange::Directed(directed), Root::Shared) => {
                let id = directed.machine().and_then(|uuid| self.fleet.find(uuid));
                let Some(id) = id else { return Err(directed.nobody()) };
                let apply = |node: &mut Node, now| -> Result<Outcome, Problem> {
                    let command = directed.command(node, false)?;
                    self.apply(node, command, AskedAt { own_root: false, now }, || directed.payload)
                };
                // A machine that has been removed since is not there any more.
                return self.fleet.with(id, apply).unwrap_or_else(|| Err(Problem::not_found(uri)));
            }
            (ServiceChange::Tasks { enabled, auto_delete_minutes }, Root::Shared) => {
                self.task_settings.change(enabled, auto_delete_minutes);
            }
            (ServiceChange::Tasks { enabled, auto_delete_minutes }, Root::Own { node, now }) => {
                let change = tasks::Command::Change { enabled, auto_delete_minutes };
                node.apply(Command::Task(change), *now)?;
            }
            (ServiceChange::SessionTimeout(seconds), Root::Shared) => {
                self.sessions.set_timeout_s(seconds);
            }
            (ServiceChange::SessionTimeout(seconds), Root::Own { node, now }) => {
                node.apply(Command::Session(session::Command::SetTimeout(seconds)), *now)?;
            }
        }
        Ok(Outcome::Done)
    }

    fn begin_session(
        &self,
        root: &mut Root<'_>,
        user: &str,
        account: &Account,
        client: Option<IpAddr>,
    ) -> Result<Outcome, Problem> {
        // DSP0266, "Password change required handling".
        let message = account.must_change(self.now_at(root)).then(|| password_change_required(account.id));
        let account = account.id;
        match root {
            Root::Shared => {
                let (id, token) = self
                    .sessions
                    .begin(user, account, client, self.fleet.clock().now())
                    .map_err(|why| match why {
                        NoSession::TooMany => Problem::too_many_sessions(),
                        NoSession::NoSecret => Problem::from(&INTERNAL_ERROR),
                    })?;
                Ok(Outcome::Created { id: id.to_string(), token: Some(token), message })
            }
            Root::Own { node, now } => {
                let secret: Secret = crate::seed::secret().map_err(|_| Problem::from(&INTERNAL_ERROR))?;
                let most = self.own_sessions;
                let begin = Command::Session(session::Command::Begin {
                    user: user.into(),
                    account,
                    client,
                    secret,
                    most,
                });
                let outcome = node.apply(begin, *now).inspect_err(|refusal| {
                    if *refusal == Refusal::TooManySessions {
                        self.own_sessions_refused.one();
                    }
                })?;
                let token = Some(token::of(&secret));
                let id = outcome.created().ok_or_else(|| Problem::from(&INTERNAL_ERROR))?;
                Ok(Outcome::Created { id: id.to_string(), token, message })
            }
        }
    }
}
