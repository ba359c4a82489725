//! From a request of hyper's to the answer of the face, or to a refusal.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Request, Response, Uri};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::activity::Activity;
use super::admission::{Admission, Seat};
use super::body;
use crate::face::{Body, Face, HangUp, Peer, Refused};
use crate::limit::Limit;

/// When an overloaded server is worth another try, in seconds.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What the connections of one listener share.
pub(super) struct Shared<F> {
    pub(super) face: Arc<F>,
    pub(super) body_bytes: usize,
    pub(super) admission: Arc<Admission>,
}

/// What the requests of one connection share.
pub(super) struct Context<F> {
    pub(super) shared: Arc<Shared<F>>,
    pub(super) peer: Peer,
    pub(super) seat: Seat,
    pub(super) activity: Arc<Activity>,
}

impl<F: Face> Context<F> {
    pub(super) fn new(shared: Arc<Shared<F>>, peer: Peer, seat: Seat) -> Context<F> {
        Context { shared, peer, seat, activity: Arc::default() }
    }

    /// Answers one request. An error makes hyper close the connection without a byte.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        self.activity.request_begins();
        let response = if let Some(why) = self.refusal(&request) {
            self.refuse(why, !request.body().is_end_stream())
        } else if request.body().is_end_stream() {
            // By far the most frequent case, and the shortest way.
            self.answer_without_body(request).await
        } else {
            self.answer_with_body(request).await
        };
        self.activity.request_ends();
        if response.extensions().get::<HangUp>().is_some() {
            return Err(HangUp);
        }
        Ok(response)
    }

    async fn answer_without_body(&self, request: Request<Incoming>) -> Response<Body> {
        let mut call = pin!(self.shared.face.call(&self.peer, request.map(|_| Bytes::new())));
        // Nearly all are answered at once, and pay for neither a place nor a timer.
        if let Poll::Ready(response) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            return response;
        }
        match self.shared.admission.wait() {
            Ok(_waiting) => self.in_time(call).await,
            Err(why) => self.refuse(why, false),
        }
    }

    async fn answer_with_body(&self, request: Request<Incoming>) -> Response<Body> {
        // The place comes first: a change must not be made and then refused.
        let _waiting = match self.shared.admission.wait() {
            Ok(waiting) => waiting,
            Err(why) => return self.refuse(why, true),
        };
        let (parts, body) = request.into_parts();
        match body::read(body, self.shared.body_bytes, &self.shared.admission).await {
            // The share of the memory is held until the face is done with the body.
            Ok((body, _share)) => {
                self.in_time(self.shared.face.call(&self.peer, Request::from_parts(parts, body))).await
            }
            Err(why) => self.refuse(why, true),
        }
    }

    /// The answer, if it is there in time.
    async fn in_time(&self, call: impl Future<Output = Response<Body>>) -> Response<Body> {
        match timeout(self.shared.admission.limits.request_time, call).await {
            Ok(response) => response,
            Err(_) => {
                self.shared.admission.hit(Limit::RequestTime);
                self.refuse(Refused::Overloaded, false)
            }
        }
    }

    /// Why the request is refused by its head alone.
    fn refusal(&self, request: &Request<Incoming>) -> Option<Refused> {
        let limit_bytes = self.shared.admission.limits.uri_bytes;
        let too_long = length(request.uri()) > limit_bytes;
        if too_long {
            self.shared.admission.hit(Limit::UriBytes);
        }
        self.seat.refuse.or(too_long.then_some(Refused::UriTooLong { limit_bytes }))
    }

    /// Has the face shape a refusal, and makes it the last answer of the connection.
    fn refuse(&self, why: Refused, body_left: bool) -> Response<Body> {
        if body_left {
            self.activity.leaves_unread();
        }
        let mut response = self.shared.face.refuse(why);
        response.headers_mut().insert(CONNECTION, CLOSE);
        if why == Refused::Overloaded {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        response.map(Body::from)
    }
}

/// The length of the request target, near enough: an absolute one is counted without `http://`.
fn length(uri: &Uri) -> usize {
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    authority + uri.path_and_query().map_or(0, |target| target.as_str().len())
}
