//! Config drives that an image's step gives as a URL.

use std::time::Duration;

use super::transfer::{Transfer, TransferError, head, read_up_to};
use crate::effect::redact::redacted_text;
use crate::effect::runner::EffectRunner;
use crate::ipa::{check_configdrive, failure};

/// Bytes of a config drive that are downloaded: 64 MiB in base64 and some line ends.
const MAX_BYTES: usize = 96 << 20;
/// Longest time for a config drive: the largest one at 160 KiB a second.
const MAX_TIME: Duration = Duration::from_secs(600);

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
        let response = head(request).await.map_err(|error| failed(format!("Reason: {error}")))?;
        let status = response.status();
        if status.as_u16() >= 400 {
            return Err(failed(format!("Got status code {}", status.as_u16())));
        }
        let body = read_up_to(response, MAX_BYTES, MAX_TIME).await;
        let body = body.map_err(|error| failed(format!("Reason: {error}")))?;
        let node = node.clone();
        let check = move || {
            // A body that is not text is the file system itself.
            let is_text = std::str::from_utf8(&body).is_ok();
            if is_text { check_configdrive(&body, &node).map(|_| ()) } else { Ok(()) }
        };
        self.readers.run(check).await.map_err(TransferError::Final)
    }
}
