//! Config drives that an image's step gives as a URL.

use super::transfer::{Transfer, TransferError, read_up_to};
use crate::effect::client::send;
use crate::effect::redact::redacted_text;
use crate::effect::runner::EffectRunner;
use crate::ipa::{check_configdrive, failure};

/// Bytes of a config drive that are downloaded: 64 MiB in base64 and some line ends.
const MAX_BYTES: usize = 96 << 20;

impl EffectRunner {
    /// Downloads and checks the config drive, if the job gives its URL.
    pub(super) async fn fetch_configdrive(&self, transfer: &Transfer) -> Result<(), TransferError> {
        let Some(url) = &transfer.job.configdrive_url else { return Ok(()) };
        let node = &transfer.job.node_uuid;
        let shown = redacted_text(url);
        let failed = |what: String| {
            let text =
                format!("Can't download the configdrive content for node {node} from '{shown}'. {what}");
            TransferError::Final(failure::deployment(text))
        };
        let parsed = self.clients.egress.parse(url).map_err(|error| failed(format!("Reason: {error}")))?;
        let request = self.clients.direct(transfer.insecure).get(parsed);
        let response = send(request).await.map_err(|error| failed(format!("Reason: {error}")))?;
        let status = response.status();
        if status.as_u16() >= 400 {
            return Err(failed(format!("Got status code {}", status.as_u16())));
        }
        let body =
            read_up_to(response, MAX_BYTES).await.map_err(|error| failed(format!("Reason: {error}")))?;
        // A body that is not text is the file system itself.
        if std::str::from_utf8(&body).is_err() {
            return Ok(());
        }
        // Unpacking up to 64 MiB is no work for a thread that serves requests.
        let name = node.clone();
        let checked = tokio::task::spawn_blocking(move || check_configdrive(&body, &name)).await;
        let checked = checked.map_err(|error| failed(format!("Reason: {error}")))?;
        checked.map(|_| ()).map_err(TransferError::Final)
    }
}
