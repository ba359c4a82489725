//! What a protocol face is to the server that carries it: a function from a whole request to a whole response.
//! A leaf, so that the faces and the server can both see it without seeing each other.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::{Frame, SizeHint};

/// The two ends of one connection.
///
/// IPv4 addresses are always plain IPv4, also when they came in through a dual-stack IPv6 socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address and port the client reached. On a wildcard listener it tells which of the host's addresses was used.
    pub local: SocketAddr,
    /// The client's address and port.
    pub remote: SocketAddr,
    /// Whether the request came over TLS.
    pub tls: bool,
    /// Whose the local address is, where nodes have addresses or ports of their own: the node's index.
    pub node: Option<u32>,
    /// The host name that the client asked for in its TLS handshake, if it named one (RFC 6066, section 3).
    pub sni: Option<Box<str>>,
}

/// Why the server answers a request itself and never shows it to the face.
///
/// The text of each variant is fit to be shown to the client. The connection is closed after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The body is longer than this face accepts.
    #[error("the request body is larger than the {limit_bytes} bytes accepted here")]
    BodyTooLarge {
        /// The longest body the face accepts.
        limit_bytes: usize,
    },
    /// The body did not arrive in time.
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The body is not what its framing promised, or the client stopped in the middle of it.
    #[error("the request body is not framed as its headers say")]
    BodyBroken,
    /// The request target is longer than the server accepts.
    #[error("the request target is longer than the {limit_bytes} bytes accepted here")]
    UriTooLong {
        /// The longest request target the server accepts.
        limit_bytes: usize,
    },
    /// The server holds as many connections, or as many bytes of bodies, as its limits allow.
    #[error("the server is at its limit, try again later")]
    Overloaded,
    /// The client spoke plain HTTP to a port that speaks TLS.
    #[error("this is an HTTPS port, use https:// to reach it")]
    HttpsOnly,
}

impl Refused {
    /// The HTTP status that says so (RFC 9110, section 15).
    pub fn status(self) -> StatusCode {
        match self {
            Refused::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Refused::BodyBroken | Refused::HttpsOnly => StatusCode::BAD_REQUEST,
            Refused::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Refused::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Put by a face into the extensions of an answer that stands for a refused connection: the server closes the connection
/// without sending it.
///
/// A machine that is off answers nothing at all, and Ironic waits for that when it locks an agent down
/// (`ironic/drivers/modules/agent_client.py`, `_wait_until_locked_down`). A listener that serves all agents cannot
/// refuse one of them before it has read the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the face hung up")]
pub struct HangUp;

/// The body of an answer.
pub enum Body {
    /// There from the start. What has been sent of it is gone.
    Whole(Option<Bytes>),
    /// Made part by part as the client takes them, so that no answer is as large as the fleet. A part must be quick to
    /// make: the thread that sends it waits.
    Parts(Box<dyn Iterator<Item = Bytes> + Send>),
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|b| !b.is_empty()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            Self::Whole(bytes) => bytes.take(),
            Self::Parts(parts) => parts.next(),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Parts(_) => SizeHint::default(),
        }
    }
}

/// One protocol as the server sees it. A listener carries exactly one face.
pub trait Face: Send + Sync + 'static {
    /// Answers a request whose body has been read in full and is within the limit.
    ///
    /// The future runs to its end even if the client goes away meanwhile; only when it outlives the drain time of a
    /// stopping server it is dropped unfinished. `content-length`, `date` and `connection` are added by the server, and a `HEAD` loses its body there.
    fn call(
        self: &Arc<Self>,
        peer: &Peer,
        request: Request<Bytes>,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// Whether anybody answers at the address that a node has to itself. If not, a connection to it is reset before a byte
    /// is read, as by a machine that is off.
    fn is_home(&self, _node: u32) -> bool {
        true
    }

    /// Shapes a refusal of the server's own in the protocol's error format, normally with `why.status()`.
    ///
    /// The server adds `connection: close`, and `retry-after` to an overload.
    fn refuse(&self, why: Refused) -> Response<Bytes>;
}
