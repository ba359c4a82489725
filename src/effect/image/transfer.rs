//! One image to be written, the ways in which that can fail, and reading of short responses.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};

use crate::effect::client::{chunk, send};
use crate::effect::http_error::HttpError;
use crate::node::NodeId;
use crate::node::ipa::{ImageJob, IpaError};

/// Longest wait for the head of a response, and for the body of a short one. IPA waits 60 s
/// (`image_download_connection_timeout`).
pub(super) const RESPONSE_TIME: Duration = Duration::from_secs(60);

/// An image to be written, with the facts about its node on which the result depends.
pub(super) struct Transfer {
    pub(super) id: NodeId,
    pub(super) job: Box<ImageJob>,
    pub(super) insecure: bool,
    pub(super) md5_enabled: bool,
    /// Bytes available on the disk or on the root partition.
    pub(super) capacity_bytes: u64,
    /// Bytes of the disk, which also limit a file that is converted to an image.
    pub(super) disk_bytes: u64,
}

impl Transfer {
    /// The most bytes that a download may have.
    ///
    /// An image that is not streamed is a file before it is converted, and the file of a full disk is a little larger
    /// than the disk.
    pub(super) fn most_bytes(&self) -> u64 {
        if self.job.stream { self.capacity_bytes } else { self.disk_bytes / 64 * 65 }
    }
}

/// A response that was not complete in time, or not at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResponseError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("no complete response within {} s", .0.as_secs())]
    Timeout(Duration),
}

/// Why an attempt failed.
pub(super) enum TransferError {
    /// A retry may succeed.
    Retry(IpaError),
    /// A retry would fail again.
    Final(IpaError),
}

/// The head of the response to a request.
pub(super) async fn head(request: RequestBuilder) -> Result<Response, ResponseError> {
    let response = tokio::time::timeout(RESPONSE_TIME, send(request)).await;
    Ok(response.map_err(|_| ResponseError::Timeout(RESPONSE_TIME))??)
}

/// The first `limit` bytes of a body, which must arrive within `time`.
pub(super) async fn read_up_to(
    mut response: Response,
    limit: usize,
    time: Duration,
) -> Result<Vec<u8>, ResponseError> {
    let reading = async {
        let mut body = Vec::new();
        while let Some(chunk) = chunk(&mut response).await? {
            let free = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(free)]);
            if body.len() >= limit {
                break;
            }
        }
        Ok(body)
    };
    tokio::time::timeout(time, reading).await.unwrap_or(Err(ResponseError::Timeout(time)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::image;

    #[test]
    fn every_download_is_limited_by_the_disk() {
        let transfer = |stream| Transfer {
            id: NodeId(0),
            job: Box::new(ImageJob { stream, ..image() }),
            insecure: false,
            md5_enabled: false,
            capacity_bytes: 1 << 30,
            disk_bytes: 64 << 30,
        };
        assert_eq!(transfer(true).most_bytes(), 1 << 30);
        assert_eq!(transfer(false).most_bytes(), 65 << 30);
    }
}
