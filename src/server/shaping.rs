//! What goes wrong with one answer: its delay, its speed, its bytes, and the end of its connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;
use crate::face::Body;
use crate::seed::Seed;
use crate::wire::{At, Garble, How, LONGEST, Shape};

/// An answer that is being written in another way than usual.
#[derive(Debug)]
pub(super) struct Shaping {
    shape: Shape,
    /// The bytes that the stream has taken.
    sent: u64,
    /// The bytes of the current piece that the stream has taken.
    in_piece: u64,
    pause: Option<Pin<Box<Sleep>>>,
    /// When the answer must be complete. `None` for a stream without a known end, which may pause for as long as it likes.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What the stream does next with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It writes at most so many bytes.
    Write(usize),
    /// It ends the connection.
    End(How),
}

impl Shaping {
    pub(super) fn new(shape: Shape, has_end: bool) -> Self {
        let deadline = has_end.then(|| Box::pin(sleep(LONGEST)));
        Self { shape, sent: 0, in_piece: 0, pause: None, deadline }
    }

    /// Waits until more of the answer may be written.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.is_late(cx) {
            return Poll::Ready(Next::End(How::Reset));
        }
        let left = self.shape.end.map_or(u64::MAX, |end| match end.at {
            At::Before => 0,
            At::Within(bytes) => bytes.saturating_sub(self.sent),
            At::After => u64::MAX,
        });
        if let (0, Some(end)) = (left, self.shape.end) {
            return Poll::Ready(Next::End(end.how));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let piece =
            self.shape.pace.map_or(u64::MAX, |pace| u64::from(pace.piece_bytes.get()) - self.in_piece);
        Poll::Ready(Next::Write(usize::try_from(left.min(piece)).unwrap_or(usize::MAX)))
    }

    /// Called when the stream has taken so many bytes.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        if let Some(pace) = self.shape.pace {
            self.in_piece += bytes as u64;
            if self.in_piece >= u64::from(pace.piece_bytes.get()) {
                self.in_piece = 0;
                self.pause = Some(Box::pin(sleep(pace.pause.min(LONGEST))));
            }
        }
    }

    /// Whether the answer takes longer than a fault may make it.
    pub(super) fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready())
    }

    /// The end of the connection after the complete answer. An answer can be shorter than the place of its end.
    pub(super) fn end(&self) -> Option<How> {
        self.shape.end.map(|end| end.how)
    }
}

/// The body of an answer with a shape. It reports its end to the connection.
pub(super) fn body(inner: Body, garble: Option<Garble>, activity: Arc<Activity>) -> Body {
    Body::Stream(Shaped { inner, garbler: garble.map(Garbler::new), activity }.boxed_unsync())
}

struct Shaped {
    inner: Body,
    garbler: Option<Garbler>,
    activity: Arc<Activity>,
}

impl hyper::body::Body for Shaped {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        let Some(garbler) = &mut this.garbler else { return Poll::Ready(frame) };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(|data| garbler.garble(&data)))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Shaped {
    /// hyper drops a body when its last byte is in hyper's buffer.
    fn drop(&mut self) {
        self.activity.answer_is_buffered();
    }
}

/// Changes one byte of each block of a body, which is independent of how the body is divided into frames.
struct Garbler {
    garble: Garble,
    /// The bytes of the body so far.
    at: u64,
}

impl Garbler {
    fn new(garble: Garble) -> Self {
        Self { garble, at: 0 }
    }

    fn garble(&mut self, data: &[u8]) -> Bytes {
        let mut changed = BytesMut::from(data);
        let (first, end) = (self.at, self.at + data.len() as u64);
        let length = u64::from(self.garble.one_of.get());
        self.at = end;
        for block in first / length..end.div_ceil(length) {
            let chance = Seed(self.garble.seed).block(block);
            let at = block * length + (chance >> 8) % length;
            if let Some(byte) =
                at.checked_sub(first).and_then(|at| changed.get_mut(usize::try_from(at).ok()?))
            {
                // A byte that is changed by 0 would stay.
                *byte ^= (chance as u8).max(1);
            }
        }
        changed.freeze()
    }
}
