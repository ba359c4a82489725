//! The Redfish service as the server sees it.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

use super::error::Problem;
use super::message::{
    HEADER_INVALID, INVALID_URI, Message, PAYLOAD_TOO_LARGE, SERVICE_TEMPORARILY_UNAVAILABLE,
    UNRECOGNIZED_REQUEST_BODY,
};
use super::{Content, Redfish};
use crate::address::{host_of, label_below};
use crate::face::{Body, Face, HangUp, Peer, Refused};
use crate::node::NodeId;
use crate::node::spec::Spec;

impl Face for Redfish {
    fn call(
        self: &Arc<Self>,
        peer: &Peer,
        request: Request<Bytes>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let whole = |response: Response<Bytes>| response.map(Body::from);
        std::future::ready(match (peer.node, &self.domain) {
            (None, None) => self.answer(&request).map(|content| match content {
                Content::Bytes(bytes) => bytes.into(),
                Content::List(list) => Body::Parts(Box::new(list.parts(Arc::clone(self)))),
            }),
            // A node that has gone since the client connected answers nothing more.
            (Some(node), _) => whole(self.call_own(NodeId(node), |_| true, &request).unwrap_or_else(hang_up)),
            (None, Some(domain)) => {
                whole(self.call_named(domain, peer, &request).unwrap_or_else(misdirected))
            }
        })
    }

    fn is_home(&self, node: u32) -> bool {
        self.is_up(NodeId(node))
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let problem: Problem = match why {
            Refused::BodyTooLarge { .. } => (&PAYLOAD_TOO_LARGE).into(),
            Refused::BodyTimeout | Refused::BodyBroken => (&UNRECOGNIZED_REQUEST_BODY).into(),
            Refused::UriTooLong { .. } => Message::new(&INVALID_URI, ["(too long)"]).into(),
            Refused::Overloaded => Message::new(&SERVICE_TEMPORARILY_UNAVAILABLE, ["1"]).into(),
            // Whoever speaks plain HTTP here is a person with the wrong URL, who reads text.
            Refused::HttpsOnly => return plain(why),
        };
        let mut response = problem.answer();
        *response.status_mut() = why.status();
        response
    }
}

impl Redfish {
    /// The answer of the node that the client named, if it is there. The name in the TLS handshake, if there was one, must
    /// be that of the request (RFC 9110, 7.4).
    fn call_named(&self, domain: &str, peer: &Peer, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let header = || request.headers().get(header::HOST)?.to_str().ok();
        let host = host_of(request.uri().authority().map(http::uri::Authority::as_str).or_else(header)?);
        if peer
            .sni
            .as_ref()
            .is_some_and(|sni| !sni.eq_ignore_ascii_case(host.strip_suffix('.').unwrap_or(host)))
        {
            return None;
        }
        let label = label_below(host, domain)?;
        let id = NodeId(Spec::index_of_name(self.fleet.seed(), label)?);
        self.call_own(id, |node| node.spec().is_named(label), request)
    }
}

fn hang_up() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    response.extensions_mut().insert(HangUp);
    response
}

/// 421: no controller is called that here.
fn misdirected() -> Response<Bytes> {
    let mut response = Problem::from(Message::new(&HEADER_INVALID, ["Host"])).answer();
    *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
    response
}

fn plain(why: Refused) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{why}\n")));
    *response.status_mut() = why.status();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
