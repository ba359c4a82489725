//! The current activity of a connection. Its stream and its requests update it; its watchdog reads it.
//!
//! A single task does all of this. The atomics only make the type `Send` and need no ordering.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::{io, io::IoSlice};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum number of bytes of a refused request that the server reads and drops.
const LINGER_BYTES: usize = 64 << 20;

/// The action of the client for which the connection waits. The watchdog limits the time of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The first byte of the connection.
    FirstByte,
    /// The first byte of a further request.
    Request,
    /// The remaining headers of a request.
    Head,
    /// Reading the response, so that the server can write more of it.
    Write,
    /// Ending its side of the connection after the server has ended its own.
    Close,
}

const WAITING: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const CLOSING: u8 = 3;

#[derive(Debug, Default)]
pub(super) struct Activity {
    /// [`WAITING`], [`HEAD`], [`BUSY`] or [`CLOSING`].
    phase: AtomicU8,
    /// Whether a write waits until the client reads.
    stalled: AtomicBool,
    /// Whether a request's body was left unread.
    unread: AtomicBool,
    /// Increases with each progress, which distinguishes two consecutive waits of the same kind.
    step: AtomicU32,
}

impl Activity {
    /// The wait for the client and the step in which it began. `None` while the server works.
    pub(super) fn wait(&self) -> Option<(Wait, u32)> {
        let step = self.step.load(Relaxed);
        let wait = if self.stalled.load(Relaxed) {
            Wait::Write
        } else {
            match self.phase.load(Relaxed) {
                WAITING if step == 0 => Wait::FirstByte,
                WAITING => Wait::Request,
                HEAD => Wait::Head,
                CLOSING => Wait::Close,
                _ => return None,
            }
        };
        Some((wait, step))
    }

    /// Called when the headers of a request have been read. The body has a separate time limit.
    pub(super) fn request_begins(&self) {
        self.phase.store(BUSY, Relaxed);
        self.advance();
    }

    /// Called when the response to a request is ready to be written.
    pub(super) fn request_ends(&self) {
        self.phase.store(WAITING, Relaxed);
    }

    /// Called when a request's body will not be read: the client may still be sending it when the server closes.
    pub(super) fn leaves_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    fn bytes_arrived(&self) {
        if self.phase.load(Relaxed) == WAITING {
            self.phase.store(HEAD, Relaxed);
        }
    }

    fn wrote<T>(&self, result: &Poll<io::Result<T>>) {
        let stalled = self.stalled.load(Relaxed);
        match result {
            Poll::Pending if !stalled => self.stalled.store(true, Relaxed),
            Poll::Ready(_) if stalled => {
                self.stalled.store(false, Relaxed);
                self.advance();
            }
            Poll::Pending | Poll::Ready(_) => {}
        }
    }

    /// Called when the server closes. Returns whether the client may still be sending.
    fn closes(&self) -> bool {
        // If a head was never completed, hyper refused it before it had read all of it.
        let broken_head = self.phase.swap(CLOSING, Relaxed) == HEAD;
        broken_head || self.unread.load(Relaxed)
    }

    fn advance(&self) {
        self.step.store(self.step.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

/// A stream that reports its reads and writes to an [`Activity`].
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    activity: Arc<Activity>,
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    ended: bool,
    linger_bytes: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>) -> Watched<S> {
        Watched { inner, activity, closing: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.bytes_arrived();
        }
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.activity.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.activity.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.activity.wrote(&result);
        result
    }

    /// Ends the server's side. If the client may still be sending, its bytes are read and dropped until it ends its
    /// side too. If the server closed immediately, the kernel would reset the connection and the client would lose the
    /// response.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let closing = this.closing.get_or_insert_with(|| Closing {
            ended: false,
            linger_bytes: if this.activity.closes() { LINGER_BYTES } else { 0 },
        });
        if !closing.ended {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            closing.ended = true;
        }
        let mut space = [0; 8192];
        while closing.linger_bytes > 0 {
            let mut dropped = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut this.inner).poll_read(cx, &mut dropped));
            let count = dropped.filled().len();
            if read.is_err() || count == 0 {
                break;
            }
            closing.linger_bytes = closing.linger_bytes.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}
