//! Requests to `_bulk`, with their repetitions.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use rustls::ClientConfig;
use url::Url;

use super::super::client::cause;
use super::super::exit_code::UsageError;
use super::super::out;
use crate::note::Note;
use crate::report::{Answer, Bulk, Refused};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for a request and its answer. Elasticsearch waits a minute for its shards.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The longest answer. It has a line for each document, and can repeat a part of it.
const MAX_BYTES: usize = 16 << 20;
/// The longest wait before a repetition, whatever the server says.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// What became of the documents so far.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) taken: u64,
    /// The number of documents that the server refuses, and the first of them.
    pub(super) refused: Option<(u64, Refused)>,
}

/// Sends documents to a server.
pub(super) struct Sender {
    http: reqwest::Client,
    url: Url,
    /// The URL in messages, without a password.
    shown: Note,
    authorization: Option<HeaderValue>,
    retry: u32,
    delay: Duration,
}

/// What to do after a request.
enum Outcome {
    Answered(Answer),
    /// No answer, or one that says that the server is busy: the reason, and the wait that the server asks for.
    Busy(String, Option<Duration>),
}

impl Sender {
    pub(super) fn new(
        mut url: Url,
        tls: ClientConfig,
        authorization: Option<HeaderValue>,
        retry: u32,
        delay: Duration,
    ) -> anyhow::Result<Self> {
        let wrong = || UsageError("--url: it is no address of a server".to_owned());
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().push("_bulk");
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fauxmetal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let shown = Note::from(url.as_str());
        Ok(Self { http, url, shown, authorization, retry, delay })
    }

    /// Sends documents until the server has taken or refused each of them.
    ///
    /// # Errors
    /// If the server refuses the request, or is still busy after all repetitions.
    pub(super) async fn send(&self, mut bulk: Bulk, sent: &mut Sent) -> anyhow::Result<()> {
        for attempt in 1.. {
            let (why, wanted) = match self.request(&bulk).await? {
                Outcome::Answered(Answer { taken, again, refused }) => {
                    sent.taken += taken as u64;
                    for one in refused {
                        sent.refused.get_or_insert((0, one)).0 += 1;
                    }
                    if again.is_empty() {
                        return Ok(());
                    }
                    bulk.keep(&again);
                    (
                        format!(
                            "the server has no room at present; documents to send again: {}",
                            again.len()
                        ),
                        None,
                    )
                }
                Outcome::Busy(why, wanted) => (why, wanted),
            };
            if attempt > self.retry {
                anyhow::bail!(
                    "{}: {why}; {attempt} requests were sent, and {} documents were taken before. Sending a run again replaces its documents",
                    self.shown,
                    sent.taken
                );
            }
            let wait = wanted.unwrap_or(self.delay.saturating_mul(attempt)).min(MAX_WAIT);
            out::message(&format!("{why}; the next request follows in {:.1} s", wait.as_secs_f64()));
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    async fn request(&self, bulk: &Bulk) -> anyhow::Result<Outcome> {
        let mut request =
            self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/x-ndjson").body(bulk.body());
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Busy(format!("no answer: {}", cause(&error)), None)),
        };
        let (status, wanted) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(_)) if body.len() > MAX_BYTES => {
                    anyhow::bail!("{}: the answer is longer than {MAX_BYTES} bytes", self.shown)
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => {
                    return Ok(Outcome::Busy(format!("a part of an answer: {}", cause(&error)), None));
                }
            }
        }
        if Answer::may_pass(status.as_u16()) {
            return Ok(Outcome::Busy(format!("the server says {status}"), wanted));
        }
        if !status.is_success() {
            let text = Note::from(String::from_utf8_lossy(&body).into_owned());
            anyhow::bail!("{}: the server says {status}: {text}", self.shown);
        }
        let answer =
            Answer::read(&body, bulk.ids()).map_err(|why| anyhow::anyhow!("{}: {why}", self.shown))?;
        Ok(Outcome::Answered(answer))
    }
}

/// The seconds of `Retry-After`. A date counts as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
