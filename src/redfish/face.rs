//! The Redfish service as the server sees it.

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
    /// Nothing is told before it is kept, so that what a client knows is there after a crash, too.
    async fn call(self: &Arc<Self>, peer: &Peer, request: Request<Bytes>) -> Response<Body> {
        let whole = |response: Response<Bytes>| response.map(Body::from);
        let (response, seen) = self.fleet.noting(|| match (peer.node, &self.domain) {
            (None, None) => self.answer(&request).map(|content| match content {
                Content::Bytes(bytes) => bytes.into(),
                Content::List(list) => Body::Parts(Box::new(list.parts(Arc::clone(self)))),
            }),
            // A node that has gone since the client connected answers nothing more.
            (Some(node), _) => whole(self.call_own(NodeId(node), |_| true, &request).unwrap_or_else(hang_up)),
            (None, Some(domain)) => {
                whole(self.call_named(domain, peer, &request).unwrap_or_else(misdirected))
            }
        });
        match self.fleet.until_persisted(seen).await {
            Ok(()) => response,
            Err(not_kept) => whole(Problem::from(not_kept).answer()),
        }
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
    /// Shorter than anybody's patience, in a time that passes by itself when nobody does anything.
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
            Face::call(&self.redfish, &peer, request).await
        }

        /// The status of an answer that comes at once.
        async fn now(&self, method: &str, uri: &str, body: &'static str) -> Option<u16> {
            let answer = tokio::time::timeout(SOON, self.send(method, uri, body)).await;
            answer.ok().map(|answer| answer.status().as_u16())
        }

        /// As the one who writes batches does.
        fn keep_all(&self) {
            while let Next::Write(batch) = self.ledger.take(Some(Duration::ZERO)) {
                self.ledger.persisted(batch.number);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_what_is_not_kept() {
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

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_not_held_back_for_ever() {
        let bench = Bench::new();
        assert_eq!(bench.send("PATCH", &bench.systems[0], TAG).await.status(), 503);
    }
}
