//! What a connection is doing at the moment, told by its stream and by its requests, read by its watchdog.
//! One task does all of it, so the atomics are there for `Send` alone and need no ordering.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::{io, io::IoSlice};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a refused request that are read and dropped.
const LINGER_BYTES: usize = 64 << 20;

/// The client owes us something; how long it may take is the watchdog's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The first byte of a request.
    Request,
    /// The rest of a request's headers.
    Head,
    /// Room for more of the answer.
    Write,
    /// The end of its own side, after we ended ours.
    Close,
}

const WAITING: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const CLOSING: u8 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Activity {
    phase: AtomicU8,
    stalled: AtomicBool,
    unread: AtomicBool,
    /// Grows with every step forward, so that two waits of one kind can be told apart.
    step: AtomicU32,
}

impl Activity {
    /// What the client owes us and since which step, or `None` if it is our turn.
    pub(super) fn wait(&self) -> Option<(Wait, u32)> {
        let wait = if self.stalled.load(Relaxed) {
            Wait::Write
        } else {
            match self.phase.load(Relaxed) {
                WAITING => Wait::Request,
                HEAD => Wait::Head,
                CLOSING => Wait::Close,
                _ => return None,
            }
        };
        Some((wait, self.step.load(Relaxed)))
    }

    /// The headers of a request have been read. Its body has a time limit of its own.
    pub(super) fn request_begins(&self) {
        self.phase.store(BUSY, Relaxed);
        self.advance();
    }

    /// The answer to a request is there and will be written.
    pub(super) fn request_ends(&self) {
        self.phase.store(WAITING, Relaxed);
    }

    /// The body of a request will not be read, so the client may be writing still when we close.
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

    /// Returns whether the client may be writing still.
    fn closes(&self) -> bool {
        // A head that never became a request was refused by hyper, somewhere in its middle.
        let broken_head = self.phase.swap(CLOSING, Relaxed) == HEAD;
        broken_head || self.unread.load(Relaxed)
    }

    fn advance(&self) {
        self.step.store(self.step.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

/// A stream that tells what happens on it.
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

    /// Ends our side. If the client may be writing still, its bytes are then read and dropped until it ends its side
    /// too: closing at once would make the kernel reset the connection, and the client lose the answer.
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
