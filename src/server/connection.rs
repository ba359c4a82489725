//! One connection, from its first byte to its last: TLS if wanted, then HTTP/1.1 under the eyes of the watchdog.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

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
use super::watchdog::Watchdog;
use crate::face::{Face, Refused};
use crate::limit::Limit;
use crate::tls::Shown;

/// The first byte of every TLS connection: a record of type handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Serves one connection until it ends.
pub(super) async fn run<F: Face>(
    stream: TcpStream,
    tls: Option<Shown>,
    mut context: Context<F>,
    mut stop: watch::Receiver<bool>,
) {
    let Some(shown) = tls else {
        return serve(stream, context, stop).await;
    };
    let remote = context.peer.remote;
    let greeting = timeout(
        context.shared.admission.limits.handshake_time,
        greet(stream, shown, context.peer.local.ip()),
    );
    let greeted = tokio::select! {
        biased;
        // Nothing was asked yet, so there is nothing to wait for.
        _ = stop.wait_for(|stop| *stop) => return,
        greeted = greeting => greeted,
    };
    match greeted {
        Ok(Ok(Greeted::Tls(stream))) => {
            context.peer.sni = stream.get_ref().1.server_name().map(Into::into);
            serve(stream, context, stop).await;
        }
        Ok(Ok(Greeted::Plain(stream))) => {
            context.peer.tls = false;
            context.seat.refuse = Some(Refused::HttpsOnly);
            serve(stream, context, stop).await;
        }
        Ok(Err(error)) => {
            context.shared.admission.bad_handshake();
            tracing::debug!(%remote, %error, "TLS handshake failed");
        }
        Err(_) => {
            context.shared.admission.hit(Limit::HandshakeTime);
            tracing::debug!(%remote, "TLS handshake took too long");
        }
    }
}

/// How a client began on a TLS port.
enum Greeted {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

async fn greet(stream: TcpStream, shown: Shown, local: IpAddr) -> io::Result<Greeted> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != TLS_HANDSHAKE {
        return Ok(Greeted::Plain(stream));
    }
    let config = shown.config(local).map_err(io::Error::other)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    Ok(Greeted::Tls(Box::new(stream)))
}

/// Speaks HTTP/1.1 until the client or a limit ends it, or until the server stops and the last answer is out.
pub(super) async fn serve<S, F>(stream: S, context: Context<F>, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    F: Face,
{
    let context = Arc::new(context);
    let (activity, limits) = (&context.activity, &context.shared.admission.limits);
    let mut watchdog = Watchdog::new(limits);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(activity)));
    let service = service_fn(|request| {
        let context = Arc::clone(&context);
        async move { context.answer(request).await }
    });
    let mut connection = pin!(http(limits.header_bytes).serve_connection(io, service));
    let mut stopping = pin!(stop.wait_for(|stop| *stop));
    let (mut stopped, mut ended) = (false, false);
    let result = poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            if !stopped && stopping.as_mut().poll(cx).is_ready() {
                stopped = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            match watchdog.poll(cx, activity, limits) {
                Poll::Pending => return Poll::Pending,
                // An idle connection is ended in good manners, any other is cut: its client is not listening.
                Poll::Ready(Wait::Request) if !ended => {
                    ended = true;
                    context.shared.admission.hit(Limit::IdleTime);
                    connection.as_mut().graceful_shutdown();
                }
                Poll::Ready(wait) => {
                    match wait {
                        Wait::Head => context.shared.admission.hit(Limit::HeaderTime),
                        Wait::Write => context.shared.admission.hit(Limit::WriteTime),
                        Wait::Request | Wait::Close => {}
                    }
                    tracing::debug!(remote = %context.peer.remote, ?wait, "the client was too slow and was cut off");
                    return Poll::Ready(Ok(()));
                }
            }
        }
    })
    .await;
    if let Err(error) = result {
        if error.is_parse_too_large() {
            context.shared.admission.hit(Limit::HeaderBytes);
        }
        tracing::debug!(remote = %context.peer.remote, %error, "connection ended with an error");
    }
}

/// hyper's settings. Its own header timeout is off, as the watchdog does that work with one timer for all waits.
///
/// With `half_close` a client may end its side and still get its answer. It also keeps hyper from looking for the end
/// of the stream during a request, which costs a new read buffer each time.
fn http(header_bytes: usize) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_header_size(header_bytes).half_close(true);
    builder
}
