//! Turns a hyper request into a response of the face, or into a refusal.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{sleep, timeout};

use super::access;
use super::activity::Activity;
use super::admission::{Admission, Slot};
use super::shaping::{self, Shaping};
use super::{body, head};
use crate::face::{Body, CloseConnection, Face, Peer, Refused, Welcome};
use crate::limit::Limit;
use crate::wire::{At, End, How, LONGEST, Shape};

/// The value of `retry-after` in a response of an overloaded server, in seconds.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Shared by the connections of one listener.
pub(super) struct Shared<F> {
    pub(super) face: Arc<F>,
    pub(super) body_bytes: usize,
    /// The index of the listener in the admission control.
    pub(super) listener: usize,
    pub(super) admission: Arc<Admission>,
}

/// Shared by the requests of one connection.
pub(super) struct Context<F> {
    pub(super) shared: Arc<Shared<F>>,
    pub(super) peer: Peer,
    pub(super) slot: Slot,
    pub(super) activity: Arc<Activity>,
}

impl<F: Face> Context<F> {
    pub(super) fn new(shared: Arc<Shared<F>>, peer: Peer, slot: Slot) -> Context<F> {
        Context { shared, peer, slot, activity: Arc::default() }
    }

    /// Answers one request. An error makes hyper close the connection without sending a byte.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, CloseConnection> {
        if self.activity.is_shaped() {
            // A client has sent its next request before the end of an answer that a fault slows.
            poll_fn(|cx| self.activity.poll_quiet(cx)).await;
        }
        self.activity.request_begins();
        let watch = access::watch();
        let (head, body) = request.into_parts();
        let mut request = Request::from_parts(head, Bytes::new());
        let mut response = if let Some(why) = self.refusal(&request, &body) {
            self.refuse(why, !body.is_end_stream())
        } else if body.is_end_stream() {
            // By far the most frequent case, with the least work.
            self.answer_without_body(&request).await
        } else {
            self.answer_with_body(&mut request, body).await
        };
        response = match shape_of(&mut response) {
            None => self.until_sent(response),
            Some(shape) => Box::pin(self.shaped(shape, response)).await,
        };
        access::log(watch, &self.peer, &request, &response);
        if response.extensions().get::<CloseConnection>().is_some() {
            return Err(CloseConnection);
        }
        self.shared.admission.dates.correct(&mut response);
        Ok(response)
    }

    /// Ends the request for the watchdog: when the response is ready, or at the end of a stream, which can pause for as long as
    /// it likes.
    fn until_sent(&self, response: Response<Body>) -> Response<Body> {
        response.map(|body| match body {
            Body::Stream(stream) if stream.size_hint().exact().is_none() => {
                let request = Streaming(Arc::clone(&self.activity));
                Body::Stream(
                    stream
                        .map_frame(move |frame| {
                            let _held = &request;
                            frame
                        })
                        .boxed_unsync(),
                )
            }
            body => {
                self.activity.request_ends();
                body
            }
        })
    }

    /// Delays the response as its shape says, and tells the connection how to write it. The shape ends the request for the
    /// watchdog, which measures clients and not faults.
    async fn shaped(&self, shape: Shape, mut response: Response<Body>) -> Response<Body> {
        self.activity.shape_begins();
        poll_fn(|cx| self.activity.poll_quiet(cx)).await;
        sleep(shape.delay.min(LONGEST)).await;
        if let Some(End { at: At::After, how: How::CloseLate(_) }) = shape.end {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        let has_end =
            !matches!(&response.body(), Body::Stream(stream) if stream.size_hint().exact().is_none());
        self.activity.shape(Shaping::new(shape, has_end));
        response.map(|body| shaping::body(body, shape.garble, Arc::clone(&self.activity)))
    }

    async fn answer_without_body(&self, request: &Request<Bytes>) -> Response<Body> {
        let mut call = pin!(self.shared.face.call(&self.peer, request));
        // Nearly all responses are ready at once. They need neither a place among the waiting requests nor a timer.
        if let Poll::Ready(response) = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            return response;
        }
        match self.shared.admission.wait() {
            Ok(_waiting) => self.in_time(call).await,
            Err(why) => self.refuse(why, false),
        }
    }

    /// `request` is the head of the request, and gets its body.
    async fn answer_with_body(&self, request: &mut Request<Bytes>, body: Incoming) -> Response<Body> {
        // Checked before the face is called: a change must not be made and then answered with a refusal.
        let _waiting = match self.shared.admission.wait() {
            Ok(waiting) => waiting,
            Err(why) => return self.refuse(why, true),
        };
        let mut limit_bytes = self.shared.body_bytes;
        if body::may_be_large(request.headers(), &body) {
            match self.shared.face.welcome(&self.peer, request) {
                Ok(Welcome::Whole) => {}
                Ok(Welcome::Small) => limit_bytes = limit_bytes.min(Welcome::SMALL_BYTES),
                Err(response) => return self.last(*response, true),
            }
        }
        let share = self.shared.admission.bodies.share(self.peer.remote.ip());
        match body::read(body, limit_bytes, &self.shared.admission, share).await {
            // `_share` reserves the memory until the face has finished with the body.
            Ok((body, _share)) => {
                *request.body_mut() = body;
                self.in_time(self.shared.face.call(&self.peer, request)).await
            }
            Err(why) => self.refuse(why, true),
        }
    }

    /// The response of `call`, or a 503 after [`Limits::request_time`](crate::limit::Limits::request_time).
    async fn in_time(&self, call: impl Future<Output = Response<Body>>) -> Response<Body> {
        match timeout(self.shared.admission.limits.request_time, call).await {
            Ok(response) => response,
            Err(_) => {
                self.shared.admission.hit(Limit::RequestTime);
                self.refuse(Refused::Overloaded, false)
            }
        }
    }

    /// The reason to refuse the request before the face sees it, if there is one.
    fn refusal(&self, request: &Request<Bytes>, body: &Incoming) -> Option<Refused> {
        let limit_bytes = self.shared.admission.limits.uri_bytes;
        let too_long = length(request.uri()) > limit_bytes;
        if too_long {
            self.shared.admission.hit(Limit::UriBytes);
        }
        let why = self.slot.refuse.or(too_long.then_some(Refused::UriTooLong { limit_bytes }));
        why.or_else(|| head::check(request, body).err())
    }

    /// The face's response to a refused request, which is the last response of the connection.
    fn refuse(&self, why: Refused, body_unread: bool) -> Response<Body> {
        let mut response = self.shared.face.refuse(why);
        if why == Refused::Overloaded {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        self.last(response, body_unread)
    }

    /// Makes a response the last one of the connection.
    fn last(&self, mut response: Response<Bytes>, body_unread: bool) -> Response<Body> {
        if body_unread {
            self.activity.leaves_unread();
        }
        response.headers_mut().insert(CONNECTION, CLOSE);
        response.map(Body::from)
    }
}

/// Nearly no response has an extension.
fn shape_of(response: &mut Response<Body>) -> Option<Shape> {
    if response.extensions().is_empty() { None } else { response.extensions_mut().remove() }
}

/// A response that is being streamed. Its request ends with it.
struct Streaming(Arc<Activity>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.request_ends();
    }
}

/// The approximate length of the request target in bytes: an absolute target is counted without `http://`.
fn length(uri: &Uri) -> usize {
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    authority + uri.path_and_query().map_or(0, |target| target.as_str().len())
}
