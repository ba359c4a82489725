//! Reads a request body into memory, within the limits on size, time and memory.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::admission::Admission;
use super::memory::BodyShare;
use crate::face::{Refused, Welcome};
use crate::limit::Limit;

/// A body and the memory that it has taken.
pub(super) type Received<'m> = (Bytes, BodyShare<'m>);

/// Whether the face is asked before the body is read. A small body is read at once, which spares most requests from being
/// authorised twice. A client that expects `100-continue` sends its body only when the server begins to read it.
pub(super) fn may_be_large(headers: &HeaderMap, body: &Incoming) -> bool {
    announced(body).is_none_or(|length| length > Welcome::SMALL_BYTES) || headers.contains_key(header::EXPECT)
}

fn announced(body: &Incoming) -> Option<usize> {
    body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX))
}

/// Reads a complete body of at most `limit_bytes`.
pub(super) async fn read<'m>(
    body: Incoming,
    limit_bytes: usize,
    admission: &Admission,
    share: BodyShare<'m>,
) -> Result<Received<'m>, Refused> {
    // A body with a `content-length` above the limit is refused unread. A client that sent `expect: 100-continue` then
    // never sends the body.
    let announced = announced(&body);
    if announced.is_some_and(|length| length > limit_bytes) {
        admission.hit(Limit::BodyBytes);
        return Err(Refused::BodyTooLarge { limit_bytes });
    }
    let collected = collect(body, announced.unwrap_or(limit_bytes), limit_bytes, share);
    timeout(admission.limits.body_time, collected).await.unwrap_or(Err(Refused::BodyTimeout)).inspect_err(
        |why| match why {
            Refused::BodyTimeout => admission.hit(Limit::BodyTime),
            Refused::BodyTooLarge { .. } => admission.hit(Limit::BodyBytes),
            Refused::Overloaded => admission.hit(Limit::BodiesBytes),
            // These are not limits of a body.
            Refused::BodyBroken
            | Refused::UriTooLong { .. }
            | Refused::HostInvalid
            | Refused::SchemeUnknown
            | Refused::TransferCodingUnknown
            | Refused::HttpsOnly => {}
        },
    )
}

/// `most` is the length of the body if it is known, and else the limit.
async fn collect(
    mut body: Incoming,
    most: usize,
    limit_bytes: usize,
    mut share: BodyShare<'_>,
) -> Result<Received<'_>, Refused> {
    let first = next_data(&mut body).await?.unwrap_or_default();
    if body.is_end_stream() && first.len() <= limit_bytes {
        return Ok((first, share));
    }
    let mut whole = BytesMut::new();
    let mut next = Some(first);
    while let Some(data) = next {
        let length = whole.len() + data.len();
        if length > limit_bytes {
            return Err(Refused::BodyTooLarge { limit_bytes });
        }
        if length > whole.capacity() {
            // Doubling keeps the copies few, and the memory in proportion to what has arrived.
            let capacity = (2 * length).min(most).max(length);
            if capacity > Welcome::SMALL_BYTES && !share.grow(capacity, limit_bytes) {
                return Err(Refused::Overloaded);
            }
            whole.reserve(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
        next = next_data(&mut body).await?;
    }
    Ok((whole.freeze(), share))
}

/// The next data frame of the body. Trailers are dropped.
async fn next_data(body: &mut Incoming) -> Result<Option<Bytes>, Refused> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Refused::BodyBroken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
