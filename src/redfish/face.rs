//! The Redfish service as the server sees it.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};

use super::Redfish;
use super::error::Problem;
use super::message::{
    INVALID_URI, Message, PAYLOAD_TOO_LARGE, SERVICE_TEMPORARILY_UNAVAILABLE, UNRECOGNIZED_REQUEST_BODY,
};
use crate::face::{Face, Peer, Refused};

impl Face for Redfish {
    /// Nothing is told before it is kept, so that what a client knows is there after a crash, too.
    async fn call(&self, _peer: &Peer, request: Request<Bytes>) -> Response<Bytes> {
        let (response, seen) = self.fleet.noting(|| Self::call(self, &request));
        match self.fleet.until_kept(seen).await {
            Ok(()) => response,
            Err(not_kept) => Problem::from(not_kept).answer(),
        }
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
    use crate::fleet::keep::{Ledger, Next};
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
        redfish: Redfish,
        systems: Vec<String>,
        ledger: Arc<Ledger>,
    }

    impl Bench {
        fn new() -> Self {
            let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
            fleet.add(&built_in("generic").unwrap(), 2).unwrap();
            let uuid = |n| fleet.look(NodeId(n), |n, _| n.spec().uuid()).unwrap();
            let systems = (0..2).map(|n| format!("/redfish/v1/Systems/{}", uuid(n))).collect();
            let ledger = fleet.keep();
            Self {
                redfish: Redfish::new(Arc::new(fleet), Account::new("admin", "password")),
                systems,
                ledger,
            }
        }

        async fn send(&self, method: &str, uri: &str, body: &'static str) -> Response<Bytes> {
            let any = "127.0.0.1:1".parse().unwrap();
            let request = Request::builder().method(method).uri(uri);
            let request =
                request.header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=").body(body.into()).unwrap();
            Face::call(&self.redfish, &Peer { local: any, remote: any, tls: false }, request).await
        }

        /// The status of an answer that comes at once.
        async fn now(&self, method: &str, uri: &str, body: &'static str) -> Option<u16> {
            let answer = tokio::time::timeout(SOON, self.send(method, uri, body)).await;
            answer.ok().map(|answer| answer.status().as_u16())
        }

        /// As the one who writes batches does.
        fn keep_all(&self) {
            while let Next::Keep(batch) = self.ledger.take(Some(Duration::ZERO)) {
                self.ledger.kept(batch.number);
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
            let said = String::from_utf8(answer.into_body().to_vec()).unwrap();
            assert!(said.contains("Base.1.22.ServiceTemporarilyUnavailable"), "{said}");
        }
        assert_eq!(bench.now("GET", system, "").await, Some(200), "reads go on");
        let tag = bench.redfish.fleet.look(NodeId(0), |n, _| n.bmc().asset_tag.clone()).unwrap();
        assert_eq!(
            (tag, bench.redfish.sessions.ids(SimTime::from_ms(0)).len()),
            (None, 0),
            "nothing was done"
        );
        bench.ledger.kept(0);
        let (answer, ()) = tokio::join!(bench.send("PATCH", system, TAG), async { bench.keep_all() });
        assert_eq!(answer.status(), 204);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_not_held_back_for_ever() {
        let bench = Bench::new();
        assert_eq!(bench.send("PATCH", &bench.systems[0], TAG).await.status(), 503);
    }
}
