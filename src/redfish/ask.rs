//! Who asks for what: whether the client may make a request, and what the request asks for.

use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request};

use super::access::{Belongs, Need};
use super::client::{self, Client, May};
use super::error::Problem;
use super::headers::Head;
use super::message::{HEADER_INVALID, Message, OPERATION_NOT_ALLOWED};
use super::negotiate;
use super::query::{Page, Query};
use super::root::Root;
use super::row::Target;
use super::service::Redfish;
use super::task;
use super::trace::Trace;
use super::tree::{IdOf, Route};
use crate::node::bmc::tasks::Payload;

/// A request that the client may make.
pub(super) struct Ask<'r> {
    pub(super) target: Target,
    /// The id that names the node.
    pub(super) node: Option<(IdOf, &'r str)>,
    /// The other ids in the path.
    pub(super) ids: Vec<&'r str>,
    /// The decoded path without a slash at the end.
    pub(super) uri: &'r str,
    pub(super) does: Does<'r>,
    /// In a box, so that a request without a query moves a pointer.
    pub(super) query: Option<Box<Query>>,
    pub(super) trace: &'r Trace<'r>,
    pub(super) by: By,
    /// Whether a rule makes the BMC forget the change that it acknowledges.
    pub(super) forgets: bool,
}

/// The client of a request.
#[derive(Clone, Copy)]
pub(super) struct By {
    /// `None` if the resource is public and the client proves nothing, or for a part of another answer.
    pub(super) client: Option<Client>,
    /// What the client may change.
    pub(super) may: May,
    pub(super) address: Option<IpAddr>,
}

/// What the request does.
#[derive(Clone, Copy)]
pub(super) enum Does<'r> {
    /// GET and HEAD. The page matters to a collection only.
    Read(Page),
    Options,
    /// Every other method.
    Change(&'r Request<Bytes>, &'r Head<'r>),
}

impl Ask<'_> {
    /// The request, as a task shows it.
    pub(super) fn payload(&self) -> Option<Payload> {
        if let Does::Change(request, _) = self.does { task::payload(self.uri, request) } else { None }
    }
}

impl Redfish {
    /// Decides whether the client may make the request, and reads what it asks for. `path` is the decoded path.
    #[inline] // Otherwise the large result is copied.
    #[expect(clippy::too_many_arguments, reason = "all that is known of a request")]
    pub(super) fn allow<'r>(
        &self,
        root: &mut Root<'_>,
        address: Option<IpAddr>,
        request: &'r Request<Bytes>,
        head: &'r Head<'r>,
        path: &'r str,
        route: Option<Route<'r>>,
        trace: &'r Trace<'r>,
    ) -> Result<Ask<'r>, Problem> {
        let method = request.method();
        let is_public = route.as_ref().is_some_and(|route| route.target.need(method) == Need::Nothing);
        let mut client = if is_public { None } else { Some(self.identify(root, head)?) };
        check_version(head)?;
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let query = match request.uri().query() {
            Some(query) if reads => Some(Box::new(Query::parse(query)?)),
            Some(query) => Query::refuse(query).map(|()| None)?,
            None => None,
        };
        // A public document has links to documents that are not public.
        if is_public && query.as_ref().is_some_and(|query| query.follows_links()) {
            client = Some(self.identify(root, head)?);
        }
        let route = route.ok_or_else(|| Problem::not_found(request.uri().path()))?;
        let may = match client {
            Some(client) if !is_public => self.permit(root, client, &route, method)?,
            Some(_) | None => May::Everything,
        };
        let Route { target, node, ids } = route;
        if let Some(query) = &query {
            query.check(target)?;
        }
        if let Some(accept) = head.accept.filter(|_| reads) {
            negotiate::check_accept(accept, target)?;
        }
        if let Some(headers) = head.rare {
            negotiate::check(headers)?;
        }
        let does = match *method {
            Method::GET | Method::HEAD => {
                Does::Read(query.as_ref().map_or(Page::WHOLE, |query| query.page(target)))
            }
            Method::OPTIONS => Does::Options,
            _ => Does::Change(request, head),
        };
        let by = By { client, may, address };
        Ok(Ask {
            target,
            node,
            ids,
            uri: path.strip_suffix('/').unwrap_or(path),
            does,
            query,
            trace,
            by,
            forgets: false,
        })
    }

    /// What a client may do with a method there.
    ///
    /// # Errors
    /// If the client may do nothing, or there is no such method.
    pub(super) fn permit(
        &self,
        root: &Root<'_>,
        client: Client,
        route: &Route<'_>,
        method: &Method,
    ) -> Result<May, Problem> {
        let (target, access) = (route.target, route.target.access());
        let own = match access.belongs {
            None => false,
            Some(Belongs::Account) => {
                route.ids.first().is_some_and(|id| id.parse() == Ok(client.account)) && target.is_of_member()
            }
            Some(Belongs::Subscription) => {
                let id = route.ids.first().and_then(|id| id.parse().ok()).unwrap_or(0);
                let account = self.with_subscriptions(root, |all| Some(all.get(id)?.wanted.account));
                target.is_of_member() && account == Some(client.account)
            }
            Some(Belongs::Session) => {
                target.is_of_member()
                    && route.ids.first().is_some_and(|id| self.owns_session(root, client, id))
            }
        };
        let does = match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => client::Does::Read,
            Method::PATCH => client::Does::Set,
            Method::POST if target.is_action() => client::Does::Set,
            _ => client::Does::Other,
        };
        client.may(target.need(method), access, own, does).map_err(|problem| {
            // A method that the resource does not have is no matter of privileges.
            if target.has(method) { problem } else { (&OPERATION_NOT_ALLOWED).into() }
        })
    }
}

/// `OData-Version` must be 4.0 if a client sends it (DSP0266, "Request headers").
fn check_version(head: &Head<'_>) -> Result<(), Problem> {
    match head.odata_version {
        Some(version) if version.as_bytes() != b"4.0" => {
            Err(Message::new(&HEADER_INVALID, ["OData-Version"]).into())
        }
        _ => Ok(()),
    }
}
