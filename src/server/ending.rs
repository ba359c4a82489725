//! How a fault ends a connection: with a reset, in an orderly way, late, or with silence.

use std::future::pending;
use std::io;
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use crate::wire::{How, LONGEST};

/// How long a silent connection stays after its client has closed it. The client's kernel forgets the connection after this time
/// (`net.ipv4.tcp_fin_timeout`), so the client cannot notice its end.
const AFTER_CLOSE: Duration = Duration::from_secs(60);

/// How long a half-open connection stays, whose client cannot be seen. A client's kernel gives up sending after about this time
/// (`net.ipv4.tcp_retries2`).
const HALF_OPEN: Duration = Duration::from_secs(925);

/// A stream over a TCP connection. A stream in memory has none.
pub(super) trait Socket {
    fn tcp(&self) -> Option<&TcpStream>;
}

impl Socket for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Socket for Box<TlsStream<TcpStream>> {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self.get_ref().0)
    }
}

#[cfg(test)]
impl Socket for tokio::io::DuplexStream {
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

/// Ends a connection. A connection that is held in silence ends at once when the server stops.
pub(super) async fn end<S: AsyncRead + AsyncWrite + Socket + Unpin>(
    mut stream: S,
    how: How,
    linger: Duration,
    stop: &mut watch::Receiver<bool>,
) {
    match how {
        How::Reset => reset(stream),
        How::Close => close(stream, linger).await,
        How::CloseLate(after) => {
            tokio::select! {
                biased;
                () = stopped(stop) => {}
                () = sleep(after.min(LONGEST)) => {}
                () = drain(&mut stream) => {}
            }
            close(stream, linger).await;
        }
        How::BlackHole => {
            hold(&stream, LONGEST, AFTER_CLOSE, stop).await;
            reset(stream);
        }
        How::HalfOpen => {
            if let Some(Err(error)) = stream.tcp().map(ignore_all) {
                tracing::debug!(%error, "the kernel still acknowledges what the client sends");
            }
            hold(&stream, HALF_OPEN, AFTER_CLOSE, stop).await;
            reset(stream);
        }
    }
}

/// Resets a connection, as a host without a listener does. The kernel then keeps no state for it.
pub(super) fn reset(stream: impl Socket) {
    // If the option cannot be set, the drop closes the connection normally.
    let _ = stream.tcp().map(TcpStream::set_zero_linger);
    drop(stream);
}

/// Ends the server's side, and reads until the client ends its side too: if bytes were left unread, the kernel would send a reset.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, linger: Duration) {
    let closed = async {
        if stream.shutdown().await.is_ok() {
            drain(&mut stream).await;
        }
    };
    let _ = timeout(linger, closed).await;
}

/// Reads and drops bytes until the client ends its side, in whatever way.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut dropped = [0; 4096];
    while stream.read(&mut dropped).await.is_ok_and(|count| count > 0) {}
}

/// Ready when the server stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Keeps a connection open in silence for so long, until the server stops, or until a time after the client has closed it. The stream
/// can then only be dropped: bytes that wait in it do not wake a reader any more.
pub(super) async fn hold(
    stream: &impl Socket,
    longest: Duration,
    after_close: Duration,
    stop: &mut watch::Receiver<bool>,
) {
    let left = async {
        match stream.tcp() {
            Some(tcp) => until_closed(tcp).await,
            None => pending().await,
        }
        sleep(after_close).await;
    };
    tokio::select! {
        biased;
        () = stopped(stop) => {}
        () = sleep(longest) => {}
        () = left => {}
    }
}

/// Waits until the client has ended its side or reset the connection, without reading a byte.
async fn until_closed(stream: &TcpStream) {
    while let Ok(ready) = stream.ready(Interest::READABLE).await {
        if ready.is_read_closed() {
            return;
        }
        // There are bytes that stay unread. This waits for the next news of the socket.
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}

/// The instruction `BPF_RET | BPF_K` of the kernel's packet filter, which returns how many bytes of a packet are kept.
const RETURN: u16 = 0x06;

/// Makes the kernel ignore all further packets of a connection, as if they were lost.
fn ignore_all(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}
