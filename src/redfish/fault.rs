//! The seam of the faults of a BMC: what the rules of a node do to a request and to its answer.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::answer::{Content, refusal};
use super::error::Problem;
use super::message::{self, Message, NO_VALID_SESSION};
use super::root::Root;
use super::row::Target;
use super::service::Redfish;
use super::tree::Route;
use crate::face::CloseConnection;
use crate::fault::bmc::Act as Bmc;
use crate::fault::bmc::status::Status;
use crate::fault::{Act, Asked, Met, Occasion, Rule, What, wire};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// What the rules of a node do to one request.
pub(super) struct Hit {
    node: NodeId,
    acts: Vec<Act>,
}

impl Redfish {
    /// What the rules of the node do that a request concerns. A fleet without rules pays for one look at a number.
    #[inline]
    pub(super) fn meet(
        &self,
        root: &mut Root<'_>,
        route: Option<&Route<'_>>,
        request: &Request<Bytes>,
    ) -> Option<Hit> {
        if !self.fleet.has_faults() {
            return None;
        }
        let hit = match root {
            Root::Own { node, now } => Hit { node: node.id(), acts: meet(node, *now, request) },
            Root::Shared => {
                let (_, key) = route?.node?;
                let id = self.fleet.find(key.parse::<Uuid>().ok()?)?;
                let has_rules = self.fleet.identify(id, |node, _| !node.faults().rules().is_empty());
                if has_rules != Some(true) {
                    return None;
                }
                let acts = self.fleet.with(id, |node, now| match node.bmc().restarting_until {
                    Some(_) => Vec::new(),
                    None => meet(node, now, request),
                });
                Hit { node: id, acts: acts? }
            }
        };
        (!hit.acts.is_empty()).then_some(hit)
    }

    /// The BMC restarts at once if a rule says so, and sends no answer.
    pub(super) fn finish(
        &self,
        root: &mut Root<'_>,
        target: Option<Target>,
        hit: &Hit,
        mut response: Response<Content>,
    ) -> Response<Content> {
        if let Some(other) = hit.after(target) {
            response = other;
        }
        if hit.bmc().any(|act| *act == Bmc::Restart) {
            match root {
                Root::Own { node, now } => node.restart_bmc_now(*now),
                Root::Shared => drop(self.fleet.with(hit.node, Node::restart_bmc_now)),
            }
            response.extensions_mut().insert(CloseConnection);
        }
        if let Some(shape) = wire::shape(&hit.acts) {
            response.extensions_mut().insert(shape);
        }
        for act in hit.bmc() {
            if let (Bmc::Patch(patch), StatusCode::OK, Content::Bytes(bytes)) =
                (act, response.status(), response.body())
                && let Ok(mut document) = serde_json::from_slice::<Value>(bytes)
            {
                patch.apply(&mut document);
                *response.body_mut() = Content::Bytes(document.to_string().into());
            }
        }
        response
    }
}

impl Hit {
    /// What the BMC itself does.
    fn bmc(&self) -> impl Iterator<Item = &Bmc> {
        self.acts.iter().filter_map(|act| if let Act::Bmc(act) = act { Some(act) } else { None })
    }

    /// Whether a change is acknowledged and forgotten.
    pub(super) fn forgets(&self) -> bool {
        self.bmc().any(|act| *act == Bmc::Forget)
    }

    /// The answer in place of what the request asks for.
    pub(super) fn before(&self, target: Option<Target>) -> Option<Response<Content>> {
        self.refusal(target, false)
    }

    /// The answer in place of the one that the request would get, once it is done.
    pub(super) fn after(&self, target: Option<Target>) -> Option<Response<Content>> {
        self.refusal(target, true)
    }

    fn refusal(&self, target: Option<Target>, applied: bool) -> Option<Response<Content>> {
        self.bmc().find_map(|act| match act {
            Bmc::Refuse(status) if status.apply == applied => Some(refuse(status, target)),
            Bmc::WrongPassword | Bmc::Locked if !applied => {
                Some(refusal(&(&NO_VALID_SESSION).into(), target, None))
            }
            Bmc::NoSession if !applied => Some(refusal(&Problem::too_many_sessions(), target, None)),
            Bmc::Refuse(_)
            | Bmc::WrongPassword
            | Bmc::Locked
            | Bmc::NoSession
            | Bmc::Forget
            | Bmc::Patch(_)
            | Bmc::Restart
            | Bmc::Stale
            | Bmc::HoldTask(_)
            | Bmc::Clock(_) => None,
        })
    }
}

fn meet(node: &mut Node, now: SimTime, request: &Request<Bytes>) -> Vec<Act> {
    if node.faults().rules().is_empty() {
        return Vec::new();
    }
    let asked = Asked { method: request.method().as_str(), path: request.uri().path(), body: request.body() };
    let mut acts = node.meet(&Met { asked: Some(asked), ..Met::at(Occasion::Request) }, now);
    if *request.method() == Method::POST && logs_in(asked.path) {
        acts.extend(node.meet(&Met { asked: Some(asked), ..Met::at(Occasion::Login) }, now));
    }
    acts
}

fn logs_in(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path.trim_end_matches("/Members").ends_with("/SessionService/Sessions")
}

fn refuse(status: &Status, target: Option<Target>) -> Response<Content> {
    let seconds = status.retry_after.map(|after| after.ms().div_ceil(1000));
    let problem = message_of(status).map_or_else(|_| Problem::from(&message::INTERNAL_ERROR), Problem::from);
    let mut response = refusal(&problem, target, None);
    if let Ok(code) = StatusCode::from_u16(status.code) {
        *response.status_mut() = code;
    }
    response.headers_mut().remove(header::RETRY_AFTER);
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// # Errors
/// If the registry has no such message, or the arguments are not as many as those of its text.
fn message_of(status: &Status) -> Result<Message, String> {
    let key = status.key();
    let entry = message::BASE_REGISTRY.messages.iter().find(|entry| entry.key == key).ok_or_else(|| {
        let known: Vec<_> = message::BASE_REGISTRY.messages.iter().map(|entry| entry.key).collect();
        format!("'message' is '{key}'; allowed are {}", known.join(", "))
    })?;
    let mut args = status.args.clone();
    if status.message.is_none() && args.is_empty() && entry.args() == 1 {
        args.push(status.retry_after.map_or(1, |after| after.ms().div_ceil(1000)).to_string());
    }
    if args.len() != entry.args() {
        return Err(format!(
            "'args' has {} texts, and the message {key} needs {}: {}",
            args.len(),
            entry.args(),
            entry.text
        ));
    }
    Ok(Message { entry, args, property: None })
}

/// Checks what a rule asks of the BMCs.
///
/// # Errors
/// The parameter, its value, and what is allowed.
pub fn check_rule(rule: &Rule) -> Result<(), String> {
    match &rule.what {
        What::Status(status) => {
            message_of(status).map(drop).map_err(|problem| format!("'what.status': {problem}"))
        }
        _ => Ok(()),
    }
}
