//! Config drives that are given as a URL.

use super::{Outside, Transfer, Trouble, text};
use crate::effect::client::{self, why};
use crate::ipa::{check_configdrive, failure};

/// Bytes of a config drive at most, as it is transferred: 64 MiB in base64, and some line ends.
const MAX_BYTES: usize = 96 << 20;

impl Outside {
    /// Fetches and checks the config drive, if the job names one.
    pub(super) async fn fetch_configdrive(&self, transfer: &Transfer) -> Result<(), Trouble> {
        let Some(url) = &transfer.job.configdrive_url else { return Ok(()) };
        let node = &transfer.job.node_uuid;
        let shown = client::shown_text(url);
        let failed = |what: String| {
            let text =
                format!("Can't download the configdrive content for node {node} from '{shown}'. {what}");
            Trouble::Final(failure::deployment(text))
        };
        let parsed = self.clients.parse(url).map_err(|error| failed(format!("Reason: {error}")))?;
        let request = self.clients.get(transfer.insecure).get(parsed);
        let response = request.send().await.map_err(|error| failed(format!("Reason: {}", why(error))))?;
        let status = response.status();
        if status.as_u16() >= 400 {
            return Err(failed(format!("Got status code {}", status.as_u16())));
        }
        let body = text(response, MAX_BYTES).await.map_err(|error| failed(format!("Reason: {error}")))?;
        // What is not text is taken to be the file system itself.
        if std::str::from_utf8(&body).is_err() {
            return Ok(());
        }
        check_configdrive(&body, node).map(|_| ()).map_err(Trouble::Final)
    }
}
