//! One image to be written, the ways in which that can fail, and reading of short responses.

use reqwest::Response;

use crate::effect::client::chunk;
use crate::effect::http_error::HttpError;
use crate::node::NodeId;
use crate::node::ipa::{ImageJob, IpaError};

/// An image to be written, with the facts about its node on which the result depends.
pub(super) struct Transfer {
    pub(super) id: NodeId,
    pub(super) start: u32,
    pub(super) job: Box<ImageJob>,
    pub(super) insecure: bool,
    pub(super) md5_enabled: bool,
    /// Bytes available on the disk or on the root partition.
    pub(super) capacity_bytes: u64,
}

/// Why an attempt failed.
pub(super) enum TransferError {
    /// A retry may succeed.
    Retry(IpaError),
    /// A retry would fail again.
    Final(IpaError),
    /// The machine does not wait for the image any more.
    Abandoned,
}

/// The first `limit` bytes of a body.
pub(super) async fn read_up_to(mut response: Response, limit: usize) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = chunk(&mut response).await? {
        let free = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(free)]);
        if body.len() >= limit {
            break;
        }
    }
    Ok(body)
}
