//! Fetches files for the BMC, each as a whole: images of firmware updates, to check that they can be read, and licenses. Nothing of
//! them is stored.

use std::time::Duration;

use super::client::{chunk, send};
use super::egress::Forbidden;
use super::http_error::HttpError;
use super::performed::Performed;
use super::redact::{redacted, redacted_text};
use super::runner::EffectRunner;
use crate::node::NodeId;
use crate::node::bmc::firmware::{Firmware, Progress};
use crate::node::bmc::licenses::{Licenses, digest};
use crate::node::bmc::source::Source;
use crate::node::effect::Answer;
use crate::note::Note;

const MAX_BYTES: u64 = Firmware::MAX_IMAGE_MIB << 20;
/// Longest time for a whole file.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A file cannot be read. Clients see the text in `Status.Conditions` of the component, and in the task.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("{url}: {cause}")]
    Http { url: String, cause: HttpError },
    #[error("{url}: the server says {status}")]
    Status { url: String, status: http::StatusCode },
    #[error("{url}: the file is empty")]
    Empty { url: String },
    #[error("{url}: the file is longer than {limit} bytes")]
    TooLong { url: String, limit: u64 },
    #[error("{url}: the file was not complete within {} s", TIMEOUT.as_secs())]
    Timeout { url: String },
}

impl EffectRunner {
    /// Fetches the image of an update. `None` if a later update has replaced it.
    pub(super) async fn fetch_firmware(&self, id: NodeId, component: u8, update: u32) -> Option<Performed> {
        let wanted = self.fleet.look(id, |node, _| {
            let wanted = node.bmc().firmware.update(component).filter(|wanted| wanted.number == update);
            wanted.filter(|wanted| matches!(wanted.progress, Progress::Fetching(_))).cloned()
        });
        let wanted = wanted.flatten()?;
        let result = self.download(&wanted.source, MAX_BYTES, |_| {}).await;
        let problem = result.as_ref().err().cloned();
        let answer = Answer::FirmwareFetched { component, update, result };
        Some(Performed::new(answer, problem).at(redacted_text(&wanted.source.uri)))
    }

    /// Fetches the license of a task. `None` if the task does not wait for it any more.
    pub(super) async fn fetch_license(&self, id: NodeId, task: u32) -> Option<Performed> {
        let wanted = self.fleet.look(id, |node, _| node.bmc().tasks.fetch(task).cloned()).flatten()?;
        let mut license = Vec::new();
        let most = Licenses::MAX_TEXT as u64;
        let result = self.download(&wanted.source, most, |piece| license.extend(piece)).await;
        let problem = result.as_ref().err().cloned();
        let answer = Answer::LicenseFetched { task, result: result.map(|()| digest(&license)) };
        Some(Performed::new(answer, problem).at(redacted_text(&wanted.source.uri)))
    }

    /// As [`EffectRunner::fetch`], once there is a place among the downloads. Returns the reason of a failure.
    async fn download(&self, source: &Source, limit: u64, take: impl FnMut(&[u8])) -> Result<(), Note> {
        let _place = self.download_slot().await;
        self.fetch(source, limit, take).await.map_err(|error| Note::from(error.to_string()))
    }

    /// Reads the whole file, which may have `limit` bytes, and gives `take` each piece within the limit.
    pub(super) async fn fetch(
        &self,
        source: &Source,
        limit: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Unreadable> {
        let url = self.clients.egress.parse(&source.uri)?;
        let shown = || redacted(&url);
        let mut request = self.clients.direct(false).get(url.clone());
        if let Some((user, password)) = source.credentials.as_deref() {
            request = request.basic_auth(user, Some(password));
        }
        let failed = |cause| Unreadable::Http { url: shown(), cause };
        let transfer = async {
            let mut response = send(request).await.map_err(failed)?;
            if response.status() != http::StatusCode::OK {
                return Err(Unreadable::Status { url: shown(), status: response.status() });
            }
            let mut bytes = response.content_length().filter(|length| *length > limit).unwrap_or(0);
            while bytes <= limit {
                match chunk(&mut response).await.map_err(failed)? {
                    Some(chunk) => {
                        bytes += chunk.len() as u64;
                        if bytes <= limit {
                            take(&chunk);
                        }
                    }
                    None if bytes == 0 => return Err(Unreadable::Empty { url: shown() }),
                    None => return Ok(()),
                }
            }
            Err(Unreadable::TooLong { url: shown(), limit })
        };
        tokio::time::timeout(TIMEOUT, transfer)
            .await
            .unwrap_or_else(|_| Err(Unreadable::Timeout { url: shown() }))
    }
}
