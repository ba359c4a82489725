//! What goes wrong with a connection before its first request.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::answer::Context;
use super::{connection, ending, hello};
use crate::face::Face;
use crate::limit::Limit;
use crate::tls::{ListenerTls, TlsError};
use crate::wire::{How, LONGEST, Opening, Protocol};

/// Serves a connection that begins as a fault says. A connection to a listener that lacks what the fault needs is served as usual.
pub(super) async fn run<F: Face>(
    opening: Opening,
    stream: TcpStream,
    tls: Option<ListenerTls>,
    context: Context<F>,
    mut stop: watch::Receiver<bool>,
) {
    if context.slot.refusal().is_some() {
        // The server is at a limit, and the connection must not stay.
        return connection::run(stream, tls, context, stop).await;
    }
    let (linger, local) = (context.shared.admission.limits.linger, context.peer.local.ip());
    let config = match (opening, &tls) {
        (Opening::Reset, _) => return ending::reset(stream),
        (Opening::BlackHole, _) => return ending::end(stream, How::BlackHole, linger, &mut stop).await,
        (Opening::HalfOpen, _) => return ending::end(stream, How::HalfOpen, linger, &mut stop).await,
        (Opening::Delay(delay), _) => {
            tokio::select! {
                biased;
                () = ending::stopped(&mut stop) => return,
                () = sleep(delay.min(LONGEST)) => Ok(None),
            }
        }
        (Opening::Alert(alert), Some(_)) => {
            return hail(stream, tls, context, stop, |_| hello::alert(alert)).await;
        }
        (Opening::Only(Protocol::Tls10), Some(_)) => {
            return hail(stream, tls, context, stop, |hello| hello::answer(hello, hello::TLS_1_0)).await;
        }
        (Opening::Only(Protocol::Tls11), Some(_)) => {
            return hail(stream, tls, context, stop, |hello| hello::answer(hello, hello::TLS_1_1)).await;
        }
        (Opening::Only(Protocol::Tls12), Some(tls)) => {
            tls.only_tls12(local, context.shared.face.certificate(&context.peer)).map(Some)
        }
        (Opening::Certificate(which), Some(tls)) => tls.wrong(local, which),
        (Opening::Alert(_) | Opening::Only(_) | Opening::Certificate(_), None) => Ok(None),
    };
    serve_with(config, stream, tls, context, stop).await;
}

/// Serves a connection with other TLS settings, if there are some.
async fn serve_with<F: Face>(
    config: Result<Option<Arc<ServerConfig>>, TlsError>,
    stream: TcpStream,
    tls: Option<ListenerTls>,
    context: Context<F>,
    stop: watch::Receiver<bool>,
) {
    let tls = match config {
        Ok(Some(config)) => Some(ListenerTls::Same(config)),
        Ok(None) => tls,
        Err(error) => {
            tracing::warn!(remote = %context.peer.remote, %error, "the TLS settings of a fault cannot be made");
            return;
        }
    };
    connection::run(stream, tls, context, stop).await;
}

/// Answers the `ClientHello` of a client with `reply`, and closes. A client that sends anything but TLS is served as usual.
async fn hail<F: Face>(
    mut stream: TcpStream,
    tls: Option<ListenerTls>,
    context: Context<F>,
    mut stop: watch::Receiver<bool>,
    reply: impl Fn(&[u8]) -> Vec<u8>,
) {
    let limits = &context.shared.admission.limits;
    let hailed = async {
        let hello = hello::read(&mut stream).await?;
        if let Some(hello) = &hello {
            stream.write_all(&reply(hello)).await?;
        }
        Ok::<_, io::Error>(hello.is_some())
    };
    let hailed = tokio::select! {
        biased;
        () = ending::stopped(&mut stop) => return,
        hailed = timeout(limits.handshake_time, hailed) => hailed,
    };
    match hailed {
        Ok(Ok(true)) => {
            context.shared.admission.count_failed_handshake();
            ending::close(stream, limits.linger).await;
        }
        Ok(Ok(false)) => connection::run(stream, tls, context, stop).await,
        Ok(Err(error)) => {
            tracing::debug!(remote = %context.peer.remote, %error, "a connection ended before its handshake");
        }
        Err(_) => context.shared.admission.hit(Limit::HandshakeTime),
    }
}
