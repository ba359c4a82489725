//! Reads a request body into memory, within the limits on size, time and memory.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::admission::{Admission, BodyShare};
use crate::face::Refused;
use crate::limit::Limit;

/// The size, in bytes, up to which a body needs no share of
/// [`Limits::bodies_bytes`](crate::limit::Limits::bodies_bytes). The limit on connections already bounds the memory
/// for such small bodies.
const SMALL_BYTES: usize = 64 << 10;

/// A body and, if it is large, its share of the memory for bodies.
pub(super) type Received = (Bytes, Option<BodyShare>);

/// Reads a complete body of at most `limit_bytes`.
pub(super) async fn read(
    body: Incoming,
    limit_bytes: usize,
    admission: &Admission,
) -> Result<Received, Refused> {
    // A body with a `content-length` above the limit is refused unread. A client that sent `expect: 100-continue` then
    // never sends the body.
    let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > limit_bytes) {
        admission.hit(Limit::BodyBytes);
        return Err(Refused::BodyTooLarge { limit_bytes });
    }
    timeout(admission.limits.body_time, collect(body, announced, limit_bytes, admission))
        .await
        .unwrap_or(Err(Refused::BodyTimeout))
        .inspect_err(|why| match why {
            Refused::BodyTimeout => admission.hit(Limit::BodyTime),
            Refused::BodyTooLarge { .. } => admission.hit(Limit::BodyBytes),
            // `share_for` counts a lack of memory itself; the others are not limits of a body.
            Refused::Overloaded | Refused::BodyBroken | Refused::UriTooLong { .. } | Refused::HttpsOnly => {}
        })
}

async fn collect(
    mut body: Incoming,
    announced: Option<usize>,
    limit_bytes: usize,
    admission: &Admission,
) -> Result<Received, Refused> {
    let first = next_data(&mut body).await?.unwrap_or_default();
    if body.is_end_stream() && first.len() <= limit_bytes {
        return Ok((first, None));
    }
    let wanted = announced.unwrap_or(limit_bytes);
    let mut share = None;
    let mut whole = BytesMut::with_capacity(announced.unwrap_or(2 * first.len()).min(SMALL_BYTES));
    let mut next = Some(first);
    while let Some(data) = next {
        let length = whole.len() + data.len();
        if length > limit_bytes {
            return Err(Refused::BodyTooLarge { limit_bytes });
        }
        if length > SMALL_BYTES && share.is_none() {
            share = Some(admission.share_for(wanted)?);
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
