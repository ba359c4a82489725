//! One connection: an optional TLS handshake, then HTTP/1.1 with the time limits of the watchdog.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::activity::{Wait, Watched};
use super::answer::Context;
use super::ending::{self, Socket};
use super::watchdog::Watchdog;
use crate::face::{Face, Refused};
use crate::limit::Limit;
use crate::tls::ListenerTls;
use crate::wire::How;

/// The first byte of every TLS connection: a record of type handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Serves one connection until it ends, or until its refusal slot is taken for a newer one.
pub(super) async fn run<F: Face>(
    stream: TcpStream,
    tls: Option<ListenerTls>,
    context: Context<F>,
    stop: watch::Receiver<bool>,
) {
    let Some(refusal) = context.slot.refusal() else {
        return open(stream, tls, context, stop).await;
    };
    tokio::select! {
        biased;
        () = refusal.taken() => {}
        () = open(stream, tls, context, stop) => {}
    }
}

async fn open<F: Face>(
    stream: TcpStream,
    tls: Option<ListenerTls>,
    mut context: Context<F>,
    mut stop: watch::Receiver<bool>,
) {
    let Some(tls) = tls else {
        return serve(stream, context, stop).await;
    };
    let remote = context.peer.remote;
    let handshake = timeout(context.shared.admission.limits.handshake_time, handshake(stream, tls, &context));
    let opened = tokio::select! {
        biased;
        // There is no request yet that the server should answer before it stops.
        _ = stop.wait_for(|stop| *stop) => return,
        opened = handshake => opened,
    };
    match opened {
        Ok(Ok(Opened::Tls(stream))) => {
            context.peer.sni = stream.get_ref().1.server_name().map(Into::into);
            serve(stream, context, stop).await;
        }
        Ok(Ok(Opened::Plain(stream))) => {
            context.peer.tls = false;
            context.slot.refuse = Some(Refused::HttpsOnly);
            serve(stream, context, stop).await;
        }
        Ok(Err(error)) => {
            context.shared.admission.count_failed_handshake();
            // A probe that only connects sends nothing, and is no failure that a person must look at.
            match error.kind() {
                io::ErrorKind::NotConnected | io::ErrorKind::TimedOut => {
                    tracing::debug!(%remote, "a connection was closed unused");
                }
                _ => tracing::warn!(%remote, %error, "TLS handshake failed"),
            }
        }
        Err(_) => {
            context.shared.admission.hit(Limit::HandshakeTime);
            tracing::debug!(%remote, "TLS handshake timed out");
        }
    }
}

/// What a client sent first on a TLS port.
enum Opened {
    Tls(Box<TlsStream<TcpStream>>),
    /// Anything but a TLS record, most likely plain HTTP.
    Plain(TcpStream),
}

async fn handshake<F: Face>(stream: TcpStream, tls: ListenerTls, context: &Context<F>) -> io::Result<Opened> {
    let mut first = [0];
    let length = loop {
        match timeout(context.shared.admission.limits.first_byte, stream.peek(&mut first)).await {
            Ok(length) => break length?,
            Err(_) if context.slot.is_scarce() => {
                context.shared.admission.hit(Limit::HandshakeTime);
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(_) => {}
        }
    };
    match length {
        0 => return Err(io::ErrorKind::NotConnected.into()),
        _ if first[0] != TLS_HANDSHAKE => return Ok(Opened::Plain(stream)),
        _ => {}
    }
    let own = context.shared.face.certificate(&context.peer).and_then(|own| tls.replaced(own));
    let config = own.map_or_else(|| tls.config(context.peer.local.ip()), Ok).map_err(io::Error::other)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    Ok(Opened::Tls(Box::new(stream)))
}

/// Serves HTTP/1.1 until the client or a limit ends the connection, or until the server stops and the last response is
/// sent.
pub(super) async fn serve<S, F>(stream: S, context: Context<F>, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Socket + Unpin + Send,
    F: Face,
{
    let context = Arc::new(context);
    let (activity, admission) = (&context.activity, &context.shared.admission);
    let limits = &admission.limits;
    let mut watchdog = Watchdog::new(limits);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(activity)));
    let service = service_fn(|request| {
        let context = Arc::clone(&context);
        async move { context.answer(request).await }
    });
    let mut connection = http(limits.header_bytes).serve_connection(io, service);
    let ended = {
        let mut stopping = pin!(stop.wait_for(|stop| *stop));
        let (mut stopped, mut idle_ended) = (false, false);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = Pin::new(&mut connection).poll(cx) {
                    return Poll::Ready(Ended::Served(result));
                }
                if !stopped && stopping.as_mut().poll(cx).is_ready() {
                    stopped = true;
                    Pin::new(&mut connection).graceful_shutdown();
                    continue;
                }
                if activity.is_shaped() {
                    if let Some(how) = activity.end() {
                        return Poll::Ready(Ended::Fault(how));
                    }
                    if stopped {
                        // An answer that a fault delays or slows must not delay the stop.
                        return Poll::Ready(Ended::Fault(How::Reset));
                    }
                }
                let wait = ready!(watchdog.poll(cx, activity, limits, &context.slot));
                // An idle connection is ended gracefully. In the other waits the client does not react, so the connection
                // is cut.
                if matches!(wait, Wait::FirstByte | Wait::Request) && !idle_ended {
                    idle_ended = true;
                    admission.hit(Limit::IdleTime);
                    Pin::new(&mut connection).graceful_shutdown();
                    continue;
                }
                match wait {
                    Wait::Head => admission.hit(Limit::HeaderTime),
                    Wait::Write => admission.hit(Limit::WriteTime),
                    Wait::FirstByte | Wait::Request | Wait::Close => {}
                }
                tracing::debug!(remote = %context.peer.remote, ?wait, "the client was too slow; its connection was cut");
                return Poll::Ready(Ended::Served(Ok(())));
            }
        })
        .await
    };
    match ended {
        Ended::Served(Ok(())) => {}
        Ended::Served(Err(error)) => {
            if error.is_parse_too_large() {
                admission.hit(Limit::HeaderBytes);
            }
            tracing::debug!(remote = %context.peer.remote, %error, "connection ended with an error");
        }
        Ended::Fault(how) => {
            let stream = connection.into_parts().io.into_inner().into_inner();
            Box::pin(ending::end(stream, how, limits.linger, &mut stop)).await;
        }
    }
}

/// Why a connection is served no longer.
enum Ended {
    Served(hyper::Result<()>),
    /// A fault ends it. hyper must not touch the stream any more.
    Fault(How),
}

/// The settings of hyper. hyper's own header timeout is off: the watchdog measures that time, with one timer for all
/// waits.
///
/// With `half_close` a client can end its side and still receive its response. It also stops hyper from checking for
/// the end of the stream during a request, which would cost a new read buffer each time.
fn http(header_bytes: usize) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_header_size(header_bytes).half_close(true);
    builder
}
