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
