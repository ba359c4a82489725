//! The entry points of the service: from the server, from a test, and by host name.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use rustls::sign::CertifiedKey;
use tokio::task::JoinError;

use super::answer::Content;
use super::attachment::Attachment;
use super::coding::coded;
use super::error::Problem;
use super::event::stream::is_stream;
use super::list::List;
use super::message::{
    HEADER_INVALID, INTERNAL_ERROR, INVALID_URI, Message, PAYLOAD_TOO_LARGE, SERVICE_TEMPORARILY_UNAVAILABLE,
    UNRECOGNIZED_REQUEST_BODY,
};
use super::meters;
use super::root::Root;
use super::row::Target;
use super::service::Redfish;
use crate::address::{host_of, label_below};
use crate::face::{Body, CloseConnection, Face, Peer, Refused, Welcome};
use crate::fault::Occasion;
use crate::fleet::persist::Seen;
use crate::node::bmc::Bmc;
use crate::node::{Node, NodeId};
use crate::wire::Opening;

impl Face for Redfish {
    /// A response leaves only when the state that it shows is stored on disk, so that it is still true after a crash.
    async fn call(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        self.account.learn(request).await;
        if is_stream(request) {
            return self.call_stream(peer, request);
        }
        let (response, seen) = if is_long(peer, request) {
            let (redfish, peer, request) = (Arc::clone(self), peer.clone(), request.clone());
            match self.searches.run(move || redfish.answer(&peer, &request)).await {
                Ok(answered) => answered,
                Err(_) => return Problem::from(&INTERNAL_ERROR).response().map(Body::from),
            }
        } else {
            self.answer(peer, request)
        };
        let response = match self.sent(response, request).await {
            Ok(response) => response,
            Err(_) => return Problem::from(&INTERNAL_ERROR).response().map(Body::from),
        };
        match self.fleet.until_persisted(seen).await {
            Ok(()) => coded(request.headers(), response),
            Err(not_kept) => Problem::from(not_kept).response().map(Body::from),
        }
    }

    fn welcome(&self, peer: &Peer, head: &Request<Bytes>) -> Result<Welcome, Box<Response<Bytes>>> {
        let own = match (peer.node, &self.facts.domain) {
            (None, None) => {
                return self.welcome_at(&mut Root::Shared, peer.remote.ip(), head);
            }
            (Some(node), _) => Some(NodeId(node)),
            (None, Some(domain)) => self.named(domain, peer, head).map(|(id, _)| id),
        };
        let asked = own.and_then(|id| {
            let client = peer.remote.ip();
            self.fleet.with(id, |node, now| self.welcome_at(&mut Root::Own { node, now }, client, head))
        });
        // Without a node, the response needs no body.
        asked.unwrap_or(Ok(Welcome::Small))
    }

    fn accepts_connections(&self, node: u32, tls: bool) -> bool {
        let accepts = |bmc: &Bmc| bmc.restarting_until.is_none() && !bmc.network.protocols.are_closed(tls);
        self.fleet.look(NodeId(node), |node, _| accepts(node.bmc())).unwrap_or(false)
    }

    fn opening(&self, peer: &Peer) -> Option<Opening> {
        self.fleet.opening(peer.node, Occasion::Connection)
    }

    fn certificate(&self, peer: &Peer) -> Option<Arc<CertifiedKey>> {
        self.certificate_for(peer)
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let problem: Problem = match why {
            Refused::BodyTooLarge { .. } => (&PAYLOAD_TOO_LARGE).into(),
            Refused::BodyTimeout | Refused::BodyBroken => (&UNRECOGNIZED_REQUEST_BODY).into(),
            Refused::HostInvalid => Message::new(&HEADER_INVALID, ["Host"]).into(),
            Refused::TransferCodingUnknown => Message::new(&HEADER_INVALID, ["Transfer-Encoding"]).into(),
            Refused::SchemeUnknown => Message::new(&INVALID_URI, ["(of another scheme)"]).into(),
            Refused::UriTooLong { .. } => Message::new(&INVALID_URI, ["(too long)"]).into(),
            Refused::Overloaded => Message::new(&SERVICE_TEMPORARILY_UNAVAILABLE, ["1"]).into(),
            // A person with the wrong URL reads this, so it is text.
            Refused::HttpsOnly => return plain(why),
        };
        let mut response = problem.response();
        *response.status_mut() = why.status();
        response
    }
}

impl Redfish {
    /// Answers a request at the root that it came to. The second value is what the response depends on.
    fn answer(&self, peer: &Peer, request: &Request<Bytes>) -> (Response<Content>, Seen) {
        let bytes = |response: Response<Bytes>| response.map(Content::Bytes);
        self.fleet.noting(|| match (peer.node, &self.facts.domain) {
            (None, None) => self.call_shared(Some(peer.remote.ip()), request),
            // The node may have been removed since the client connected.
            (Some(node), _) => {
                let client = Some(peer.remote.ip());
                // A listener that a client has closed leaves no connection open.
                let listens = |node: &Node| !node.bmc().network.protocols.are_closed(peer.tls);
                let response = self.call_from(client, NodeId(node), listens, request);
                response.unwrap_or_else(|| bytes(close_connection()))
            }
            (None, Some(domain)) => {
                self.call_named(domain, peer, request).unwrap_or_else(|| bytes(misdirected()))
            }
        })
    }

    /// The response as it is sent. An archive is made on a thread for blocking work, with no node locked.
    async fn sent(
        self: &Arc<Self>,
        response: Response<Content>,
        request: &Request<Bytes>,
    ) -> Result<Response<Body>, JoinError> {
        let (head, content) = response.into_parts();
        let body = match content {
            Content::Bytes(bytes) => bytes.into(),
            Content::List(list) => Body::Parts(Box::new(counted_parts(list, Arc::clone(self)))),
            Content::Attachment(attachment, target) => {
                let (redfish, asked) = (Arc::clone(self), request.clone());
                let made = self.searches.run(move || redfish.counted_download(&attachment, target, &asked));
                let mut made = made.await?;
                made.headers_mut().extend(head.headers);
                return Ok(made.map(Body::from));
            }
        };
        Ok(Response::from_parts(head, body))
    }

    fn counted_download(
        &self,
        attachment: &Attachment,
        target: Target,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let response = self.download(attachment, request);
        self.requests.sent(meters::kind(Some(target)), response.body().len());
        response
    }

    /// Opens the stream of events of the root that the request came to.
    fn call_stream(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        let own = match (peer.node, &self.facts.domain) {
            (None, None) => None,
            (Some(node), _) => Some(NodeId(node)),
            (None, Some(domain)) => match self.named(domain, peer, request) {
                Some((id, _)) => Some(id),
                None => return misdirected().map(Body::from),
            },
        };
        self.stream(own, request)
    }

    /// Answers a request at the root that all nodes share.
    pub fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.whole(self.call_shared(None, request), request)
    }

    pub(super) fn call_shared(&self, client: Option<IpAddr>, request: &Request<Bytes>) -> Response<Content> {
        self.respond(&mut Root::Shared, client, request)
    }

    /// Answers a request at the root of a node, if the node exists and `is_meant`.
    ///
    /// A BMC that restarts has no network. The response is then a [`CloseConnection`], and the server closes the connection.
    #[doc(hidden)]
    pub fn call_own(
        &self,
        id: NodeId,
        is_meant: impl FnOnce(&Node) -> bool,
        request: &Request<Bytes>,
    ) -> Option<Response<Bytes>> {
        Some(self.whole(self.call_from(None, id, is_meant, request)?, request))
    }

    fn call_from(
        &self,
        client: Option<IpAddr>,
        id: NodeId,
        is_meant: impl FnOnce(&Node) -> bool,
        request: &Request<Bytes>,
    ) -> Option<Response<Content>> {
        let response = self.fleet.with(id, |node, now| {
            if !is_meant(node) {
                return None;
            }
            if let Err(refusal) = node.bmc().check_running(now) {
                let mut response = Problem::from(refusal).response();
                response.extensions_mut().insert(CloseConnection);
                return Some(response.map(Content::Bytes));
            }
            Some(self.respond(&mut Root::Own { node, now }, client, request))
        });
        response.flatten()
    }

    pub(super) fn whole(&self, response: Response<Content>, request: &Request<Bytes>) -> Response<Bytes> {
        let (head, content) = response.into_parts();
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::List(list) => counted_parts(list, self).flatten().collect(),
            Content::Attachment(attachment, target) => {
                return self.counted_download(&attachment, target, request);
            }
        };
        Response::from_parts(head, bytes)
    }

    /// Answers a request at the root of the node that the client named, if the node exists. The name in the TLS handshake
    /// must be the name in the request (RFC 9110, 7.4).
    fn call_named(&self, domain: &str, peer: &Peer, request: &Request<Bytes>) -> Option<Response<Content>> {
        let (id, label) = self.named(domain, peer, request)?;
        self.call_from(Some(peer.remote.ip()), id, |node| node.spec().is_named(label), request)
    }

    /// The node that the client named, and its label below the domain.
    fn named<'r>(&self, domain: &str, peer: &Peer, request: &'r Request<Bytes>) -> Option<(NodeId, &'r str)> {
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
        Some((self.fleet.candidate(label)?, label))
    }
}

/// Whether a request is answered on a thread for blocking work: a search of the fleet, or work with private keys.
fn is_long(peer: &Peer, request: &Request<Bytes>) -> bool {
    let with_keys = || {
        let actions = ["/Actions/CertificateService.", "/Actions/Certificate."];
        request.method() == Method::POST && actions.iter().any(|action| request.uri().path().contains(action))
    };
    (peer.node.is_none() && is_search(request)) || with_keys()
}

/// Whether a request searches a collection, which can take as long as a thousand other requests. It is then answered on a
/// thread for blocking work.
fn is_search(request: &Request<Bytes>) -> bool {
    request.uri().query().is_some_and(|query| memchr::memmem::find(query.as_bytes(), b"filter=").is_some())
}

/// The text of a list, part by part. Each part is counted as sent.
fn counted_parts<R: Deref<Target = Redfish> + Clone>(list: List, redfish: R) -> impl Iterator<Item = Bytes> {
    let (metrics, kind) = (redfish.clone(), meters::kind(Some(list.target())));
    list.parts(redfish).inspect(move |part| metrics.requests.sent(kind, part.len()))
}

fn close_connection() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    response.extensions_mut().insert(CloseConnection);
    response
}

/// 421: no BMC has that name here.
fn misdirected() -> Response<Bytes> {
    let mut response = Problem::from(Message::new(&HEADER_INVALID, ["Host"])).response();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::fleet::Fleet;
    use crate::fleet::persist::{Ledger, Next};
    use crate::node::NodeId;
    use crate::profile::built_in;
    use crate::redfish::auth::Account;
    use crate::seed::Seed;
    use crate::time::SimTime;

    const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
    const LOGIN: &str = r#"{"UserName": "admin", "Password": "password"}"#;
    const TAG: &str = r#"{"AssetTag": "x"}"#;
    /// Shorter than every timeout. The clock is paused, so this time passes at once when no task is ready.
    const SOON: Duration = Duration::from_secs(1);

    struct Bench {
        redfish: Arc<Redfish>,
        systems: Vec<String>,
        ledger: Arc<Ledger>,
    }

    impl Bench {
        fn new() -> Self {
            let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
            fleet.add(&built_in("generic").unwrap(), 2).unwrap();
            let uuid = |n| fleet.look(NodeId(n), |n, _| n.spec().uuid()).unwrap();
            let systems = (0..2).map(|n| format!("/redfish/v1/Systems/{}", uuid(n))).collect();
            let ledger = fleet.persist();
            Self {
                redfish: Arc::new(Redfish::new(Arc::new(fleet), Account::new("admin", "password"))),
                systems,
                ledger,
            }
        }

        async fn send(&self, method: &str, uri: &str, body: &'static str) -> Response<Body> {
            let any = "127.0.0.1:1".parse().unwrap();
            let request = Request::builder().method(method).uri(uri);
            let request =
                request.header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=").body(body.into()).unwrap();
            let peer = Peer { local: any, remote: any, tls: false, node: None, sni: None };
            Face::call(&self.redfish, &peer, &request).await
        }

        /// The status of the response, if it comes at once.
        async fn now(&self, method: &str, uri: &str, body: &'static str) -> Option<u16> {
            let answer = tokio::time::timeout(SOON, self.send(method, uri, body)).await;
            answer.ok().map(|answer| answer.status().as_u16())
        }

        /// Does the work of the thread that writes batches to disk.
        fn keep_all(&self) {
            while let Next::Write(batch) = self.ledger.take(Some(Duration::ZERO)) {
                self.ledger.persisted(batch.number);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_waits_until_its_state_is_on_disk() {
        let bench = Bench::new();
        let [one, other] = [&bench.systems[0], &bench.systems[1]];
        assert_eq!(bench.now("PATCH", one, TAG).await, None);
        assert_eq!(bench.now("GET", one, "").await, None, "it may be lost, and is not shown either");
        assert_eq!(bench.now("GET", "/redfish/v1/Systems?$expand=*", "").await, None, "nor among others");
        assert_eq!(bench.now("GET", other, "").await, Some(200), "what others show is kept");
        assert_eq!(bench.now("GET", "/redfish/v1/Systems", "").await, Some(200), "and which there are");
        bench.keep_all();
        assert_eq!(bench.now("GET", one, "").await, Some(200));
        let (answer, ()) = tokio::join!(bench.send("PATCH", other, TAG), async { bench.keep_all() });
        assert_eq!(answer.status(), 204);
        assert_eq!(bench.now("POST", SESSIONS, LOGIN).await, None);
        assert_eq!(bench.now("GET", SESSIONS, "").await, None);
        assert_eq!(bench.now("GET", "/redfish/v1/", "").await, Some(200), "the root shows none");
        bench.keep_all();
        assert_eq!(bench.now("GET", SESSIONS, "").await, Some(200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_fails_refuses_changes_before_they_are_made() {
        let bench = Bench::new();
        let system = &bench.systems[0];
        bench.ledger.failed(Duration::ZERO);
        for (method, uri, body) in [("PATCH", system.as_str(), TAG), ("POST", SESSIONS, LOGIN)] {
            let answer = bench.send(method, uri, body).await;
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["retry-after"]),
                (503, &HeaderValue::from(5))
            );
            let Body::Whole(Some(body)) = answer.into_body() else { panic!("a refusal is whole") };
            let said = String::from_utf8(body.to_vec()).unwrap();
            assert!(said.contains("Base.1.22.ServiceTemporarilyUnavailable"), "{said}");
        }
        assert_eq!(bench.now("GET", system, "").await, Some(200), "reads go on");
        let tag = bench.redfish.fleet.look(NodeId(0), |n, _| n.bmc().asset_tag.clone()).unwrap();
        assert_eq!(
            (tag, bench.redfish.sessions.ids(SimTime::from_ms(0)).len()),
            (None, 0),
            "nothing was done"
        );
        bench.ledger.persisted(0);
        let (answer, ()) = tokio::join!(bench.send("PATCH", system, TAG), async { bench.keep_all() });
        assert_eq!(answer.status(), 204);
    }

    #[test]
    fn a_large_body_is_welcome_from_a_client_that_has_logged_in() {
        let bench = Bench::new();
        let any = "127.0.0.1:1".parse().unwrap();
        let welcome = |node, uri: &str, basic: &str| {
            let peer = Peer { local: any, remote: any, tls: false, node, sni: None };
            let head = Request::post(uri).header("Authorization", format!("Basic {basic}"));
            let welcome = bench.redfish.welcome(&peer, &head.body(Bytes::new()).unwrap());
            welcome.map_err(|response| response.status().as_u16())
        };
        let (right, wrong) = ("YWRtaW46cGFzc3dvcmQ=", "YWRtaW46d3Jvbmc=");
        for node in [None, Some(0)] {
            assert_eq!(welcome(node, "/redfish/v1/Systems", right), Ok(Welcome::Whole));
            assert_eq!(welcome(node, "/redfish/v1/Systems", wrong), Err(401));
            assert_eq!(welcome(node, "/nowhere", wrong), Err(401));
            assert_eq!(welcome(node, SESSIONS, wrong), Ok(Welcome::Small), "a login has no credentials yet");
        }
    }

    #[tokio::test]
    async fn a_search_is_answered_elsewhere_and_a_long_response_compressed() {
        let bench = Bench::new();
        let any = "127.0.0.1:1".parse().unwrap();
        let peer = Peer { local: any, remote: any, tls: false, node: None, sni: None };
        let ask = async |query: &str, coding: &str| {
            let request = Request::get(format!("/redfish/v1/Systems?{query}"));
            let request = request.header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
            let request = request.header("Accept-Encoding", coding).body(Bytes::new()).unwrap();
            Face::call(&bench.redfish, &peer, &request).await
        };
        let places = bench.redfish.searches.hold().await;
        let search = ask("%24filter=PowerState+eq+%27Off%27&$expand=.&$select=Id", "gzip");
        let mut search = std::pin::pin!(search);
        let waits = std::future::poll_fn(|cx| std::task::Poll::Ready(search.as_mut().poll(cx).is_pending()));
        assert!(waits.await, "all threads for searches are busy");
        assert_eq!(ask("$top=1", "gzip").await.status(), 200, "other requests go on");
        drop(places);
        let found = search.await;
        assert_eq!((found.status().as_u16(), found.headers().get("content-encoding")), (200, None));
        let found: serde_json::Value = serde_json::from_slice(&found.into_body().whole()).unwrap();
        assert_eq!(found["Members"].as_array().unwrap().len(), 2);
        let long = ask("$expand=.($levels=2)", "gzip").await;
        assert_eq!(
            (long.status().as_u16(), &long.headers()["content-encoding"]),
            (200, &HeaderValue::from_static("gzip"))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_does_not_wait_for_the_disk_for_ever() {
        let bench = Bench::new();
        assert_eq!(bench.send("PATCH", &bench.systems[0], TAG).await.status(), 503);
    }
}
