//! The current activity of a connection. Its stream and its requests update it; its watchdog reads it.
//!
//! A single task does all of this. The atomics only make the type `Send` and need no ordering.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker, ready};
use std::{io, io::IoSlice};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::shaping::{Next, Shaping};
use crate::wire::How;

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
    /// Whether a fault delays an answer, changes how it is written, or has ended the connection. Only then is `fault` read.
    shaped: AtomicBool,
    fault: Mutex<Fault>,
}

/// What a fault does to the connection.
#[derive(Debug, Default)]
struct Fault {
    shaping: Option<Box<Shaping>>,
    /// Whether the whole answer is in hyper's buffer.
    buffered: bool,
    /// How the connection must end now.
    end: Option<How>,
    /// The request that waits until all earlier bytes are written.
    waiter: Option<Waker>,
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
                if self.is_shaped() {
                    self.wake();
                }
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

    /// Whether a fault affects the connection now.
    pub(super) fn is_shaped(&self) -> bool {
        self.shaped.load(Relaxed)
    }

    /// Called when a fault begins to affect an answer. Its bytes are counted from [`shape`](Self::shape) on.
    pub(super) fn shape_begins(&self) {
        self.shaped.store(true, Relaxed);
    }

    /// Called when the next byte that hyper writes is the first one of an answer with a shape.
    pub(super) fn shape(&self, shaping: Shaping) {
        *self.fault.lock() = Fault { shaping: Some(Box::new(shaping)), ..Fault::default() };
    }

    /// Called when the whole answer with a shape is in hyper's buffer.
    pub(super) fn answer_is_buffered(&self) {
        self.fault.lock().buffered = true;
    }

    /// Ready when all bytes of earlier answers are written.
    pub(super) fn poll_quiet(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut fault = self.fault.lock();
        if self.stalled.load(Relaxed) || fault.shaping.is_some() || fault.end.is_some() {
            fault.waiter = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// How the connection must end now, if a fault says so.
    pub(super) fn end(&self) -> Option<How> {
        self.fault.lock().end
    }

    /// The shape leaves the connection as it was. The request ends with its answer.
    fn shape_ends(&self) {
        self.request_ends();
        self.shaped.store(false, Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waiter) = self.fault.lock().waiter.take() {
            waiter.wake();
        }
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

    pub(super) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    /// Writes as the shape of the answer says. Pending for good at the end of the connection, which [`Activity::end`] then tells.
    #[cold]
    fn write_shaped(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(mut shaping) = self.take_shaping() else { return self.write_or_wait(cx, bytes) };
        match shaping.poll_next(cx) {
            Poll::Pending => {
                self.activity.fault.lock().shaping = Some(shaping);
                Poll::Pending
            }
            Poll::Ready(Next::Write(most)) => {
                let result = Pin::new(&mut self.inner).poll_write(cx, &bytes[..bytes.len().min(most)]);
                if let Poll::Ready(Ok(count)) = &result {
                    shaping.wrote(*count);
                }
                self.activity.fault.lock().shaping = Some(shaping);
                self.activity.wrote(&result);
                result
            }
            Poll::Ready(Next::End(how)) => {
                // The bytes before the end are sent first, which TLS may have kept back.
                let result = Pin::new(&mut self.inner).poll_flush(cx);
                let mut fault = self.activity.fault.lock();
                match result {
                    Poll::Ready(Ok(())) => fault.end = Some(how),
                    _ => fault.shaping = Some(shaping),
                }
                drop(fault);
                self.activity.wrote(&result);
                if let Poll::Ready(Err(error)) = result { Poll::Ready(Err(error)) } else { Poll::Pending }
            }
        }
    }

    /// Flushes an answer with a shape. Its shape ends with its last byte.
    #[cold]
    fn flush_shaped(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(mut shaping) = self.take_shaping() else {
            return if self.activity.end().is_some() { Poll::Pending } else { self.flush(cx) };
        };
        let result = self.flush(cx);
        let mut fault = self.activity.fault.lock();
        if shaping.is_late(cx) {
            fault.end = Some(How::Reset);
            return Poll::Pending;
        }
        if fault.buffered && matches!(result, Poll::Ready(Ok(()))) {
            if let Some(how) = shaping.end() {
                fault.end = Some(how);
                return Poll::Pending;
            }
            drop(fault);
            self.activity.shape_ends();
        } else {
            fault.shaping = Some(shaping);
        }
        result
    }

    /// A write while a shape is not there yet, or after it has ended the connection.
    fn write_or_wait(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.activity.end().is_some() {
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.activity.wrote(&result);
        result
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.activity.wrote(&result);
        result
    }

    fn take_shaping(&self) -> Option<Box<Shaping>> {
        self.activity.fault.lock().shaping.take()
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
        if self.activity.is_shaped() {
            return self.write_shaped(cx, buf);
        }
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.activity.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.activity.is_shaped() {
            let first = bufs.iter().find(|bytes| !bytes.is_empty());
            return self.write_shaped(cx, first.map_or(&[], |bytes| bytes));
        }
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.activity.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.activity.is_shaped() { self.flush_shaped(cx) } else { self.flush(cx) }
    }

    /// Ends the server's side. If the client may still be sending, its bytes are read and dropped until it ends its
    /// side too. If the server closed immediately, the kernel would reset the connection and the client would lose the
    /// response.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.activity.is_shaped() && this.activity.end().is_some() {
            return Poll::Pending;
        }
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
