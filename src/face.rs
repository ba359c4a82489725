//! The interface between the HTTP server and the protocols it serves (Redfish, the agent API, metrics).
//!
//! A protocol is a [`Face`]: a function from a complete request to a complete response. This module is a leaf, so that
//! the faces and the server both depend on it and not on each other.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Body as _, Frame, SizeHint};
use rustls::sign::CertifiedKey;

use crate::wire::Opening;

/// The two ends of one connection.
///
/// An IPv4 address is always a plain IPv4 address, even if the connection arrived on a dual-stack IPv6 socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address and port to which the client connected. On a wildcard listener this is the actual address of the
    /// host.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub tls: bool,
    /// The index of the node that owns the local address. `None` if all nodes share the address.
    pub node: Option<u32>,
    /// The server name that the client sent in its TLS handshake (RFC 6066, section 3).
    pub sni: Option<Box<str>>,
}

/// Why the server refuses a request before the face sees it.
///
/// A face may send the text of a variant to the client. The server closes the connection after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the request body is larger than the {limit_bytes} bytes accepted here")]
    BodyTooLarge { limit_bytes: usize },
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The body contradicts `content-length` or the chunked encoding, or the client stopped in the middle of it.
    #[error("the request body is not framed as its headers say")]
    BodyBroken,
    #[error("the request target is longer than the {limit_bytes} bytes accepted here")]
    UriTooLong { limit_bytes: usize },
    /// A limit on connections, on waiting requests or on the memory for bodies is reached, or the response took too
    /// long.
    #[error("the server is at its limit, try again later")]
    Overloaded,
    /// RFC 9112, section 3.2.
    #[error("one Host header is needed, with a name or an address and optionally a port")]
    HostInvalid,
    /// A proxy for other schemes would serve it (RFC 9112, section 3.2.2).
    #[error("the scheme of the request target is neither http nor https")]
    SchemeUnknown,
    /// RFC 9112, section 6.1.
    #[error("the only transfer coding accepted here is chunked")]
    TransferCodingUnknown,
    /// The client sent plain HTTP to a TLS port.
    #[error("this is an HTTPS port, use https:// to reach it")]
    HttpsOnly,
}

impl Refused {
    /// The HTTP status for this refusal (RFC 9110, section 15).
    pub fn status(self) -> StatusCode {
        match self {
            Refused::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Refused::BodyBroken | Refused::HttpsOnly | Refused::HostInvalid | Refused::SchemeUnknown => {
                StatusCode::BAD_REQUEST
            }
            Refused::TransferCodingUnknown => StatusCode::NOT_IMPLEMENTED,
            Refused::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Refused::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A response extension that tells the server to close the connection without sending the response.
///
/// A face uses it to act like a machine that is off, which sends no response. Ironic waits for a failed connection when
/// it locks an agent down (`ironic/drivers/modules/agent_client.py`, `_wait_until_locked_down`). A listener that serves
/// all agents knows the agent only after it has read the request, so it cannot refuse the connection earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the face closed the connection without a response")]
pub struct CloseConnection;

/// How much of a request's body is read. A face decides it from the head of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// The whole body, up to the limit of the listener.
    Whole,
    /// At most [`Welcome::SMALL_BYTES`]: the client has proved nothing yet.
    Small,
}

impl Welcome {
    /// A body of so many bytes takes none of the memory that large bodies share: the limit on connections bounds it.
    pub const SMALL_BYTES: usize = 64 << 10;
}

pub enum Body {
    /// The complete body; `None` if it is empty or already sent.
    Whole(Option<Bytes>),
    /// A body of several pieces, which are not copied into one.
    Pieces(VecDeque<Bytes>),
    /// A body that is produced in parts while it is sent, so that a list of the whole fleet is never in memory at once.
    /// The sending thread produces each part, so a part must be quick to produce.
    Parts(Box<dyn Iterator<Item = Bytes> + Send>),
    /// A body whose pieces have to be awaited, such as a stream of events.
    Stream(UnsyncBoxBody<Bytes, Infallible>),
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|b| !b.is_empty()))
    }
}

impl Body {
    /// A body whose pieces come from a stream without a known end.
    pub fn of_stream(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        let frames = pieces.map(|bytes| Ok(Frame::data(bytes)));
        Self::Stream(StreamBody::new(frames).boxed_unsync())
    }

    /// The number of bytes, if it is known before they are sent.
    pub fn known_bytes(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.as_ref().map_or(0, Bytes::len)),
            Self::Pieces(pieces) => Some(pieces.iter().map(Bytes::len).sum()),
            Self::Parts(_) => None,
            Self::Stream(body) => body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()),
        }
    }

    /// The complete body in one piece. A stream is not awaited, and has none.
    pub fn whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes.unwrap_or_default(),
            Self::Pieces(pieces) => pieces.into_iter().flatten().collect(),
            Self::Parts(parts) => parts.flatten().collect(),
            Self::Stream(_) => Bytes::new(),
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Pieces(pieces) => pieces.pop_front(),
            Self::Parts(parts) => parts.next(),
            Self::Stream(body) => return Pin::new(body).poll_frame(cx),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Pieces(pieces) => pieces.is_empty(),
            Self::Parts(_) => false,
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.known_bytes().map_or_else(SizeHint::default, |bytes| SizeHint::with_exact(bytes as u64))
    }
}

/// One protocol. Each listener serves exactly one face.
pub trait Face: Send + Sync + 'static {
    /// Answers a request whose complete body has been read and is within the limit. A [`Shape`](crate::wire::Shape) among the
    /// extensions of the response says what goes wrong with it on the wire.
    ///
    /// The future runs to its end even if the client disconnects. It is dropped unfinished only if it exceeds the
    /// request timeout or the drain time of a stopping server. The server adds `content-length`, `date` and
    /// `connection`, and removes the body of a response to `HEAD`.
    fn call(
        self: &Arc<Self>,
        peer: &Peer,
        request: &Request<Bytes>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Decides from the head of a request whether its large body is read. `head` has the body left out. A body that is
    /// announced as small is read without this question.
    ///
    /// # Errors
    /// The response to a request that the head alone decides, such as one without credentials. The server sends it, and
    /// closes the connection without reading the body.
    fn welcome(&self, _peer: &Peer, _head: &Request<Bytes>) -> Result<Welcome, Box<Response<Bytes>>> {
        Ok(Welcome::Whole)
    }

    /// Whether a node that has an address of its own accepts connections there, with or without TLS. If not, the server resets a connection
    /// before it reads a byte, as the network does for a machine that is off.
    fn accepts_connections(&self, _node: u32, _tls: bool) -> bool {
        true
    }

    /// What goes wrong with a new connection before its first request. It is asked once for each connection that a node
    /// [accepts](Self::accepts_connections). The server name is not known yet.
    fn opening(&self, _peer: &Peer) -> Option<Opening> {
        None
    }

    /// The certificate that a client has installed for the peer's side of this connection. `None`: the listener presents its own.
    /// It is asked at each TLS handshake.
    fn certificate(&self, _peer: &Peer) -> Option<Arc<CertifiedKey>> {
        None
    }

    /// Builds the response to a refused request in the protocol's error format, normally with status `why.status()`.
    ///
    /// The server adds `connection: close`, and `retry-after` for [`Refused::Overloaded`].
    fn refuse(&self, why: Refused) -> Response<Bytes>;
}
