//! Images that agents write: streamed, hashed, and thrown away.
//!
//! Mirrors the download of `ironic_python_agent/extensions/standby.py`, with its errors. IPA has two loops of retries,
//! one within the other; here they are one.

mod checksum;
mod configdrive;
mod format;

use bytes::Bytes;
use reqwest::{Response, StatusCode};

use super::client::{self, Proxies, why};
use super::{Done, Images, Outside};
use crate::ipa::{failure, written};
use crate::node::NodeId;
use crate::node::effect::Answer;
use crate::node::ipa::{self, ImageJob, IpaError, Job};
use checksum::Expected;
use format::Header;

/// Bytes after which a transfer looks whether its machine still waits for it.
const LOOK_EVERY_BYTES: u64 = 16 << 20;
/// Bytes of a checksum file at most.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// Characters of a server's error that are kept.
const MAX_ERROR_CHARS: usize = 300;

/// An image that is to be written, with what its node knows.
struct Transfer {
    id: NodeId,
    start: u32,
    job: Box<ImageJob>,
    insecure: bool,
    md5_enabled: bool,
    /// Room on the disk, or on the root partition, bytes.
    room: u64,
}

/// Why an attempt came to nothing.
enum Trouble {
    /// It may go well another time.
    Again(IpaError),
    /// It would not.
    Final(IpaError),
    /// The machine does not wait for it any more.
    Gone,
}

impl Outside {
    /// Writes the image of the agent's job.
    pub(super) async fn write_image(&self, id: NodeId, start: u32) -> Option<Done> {
        let transfer = self.transfer(id, start)?;
        let result = match self.settings.images {
            Images::Skip => Ok(format::identifier(expected_text(&transfer.job).as_bytes())),
            Images::Verify | Images::Probe => match self.with_retries(&transfer).await {
                Ok(identifier) => Ok(identifier),
                Err(Trouble::Again(error) | Trouble::Final(error)) => Err(error),
                Err(Trouble::Gone) => return None,
            },
        };
        let note = result.as_ref().err().map(|error| format!("{}: {}", error.kind, error.details));
        let answer = ipa::Answer::ImageWritten(result.map(|identifier| written(&transfer.job, identifier)));
        Some(Done::new(Answer::Ipa { start, answer }, note))
    }

    fn transfer(&self, id: NodeId, start: u32) -> Option<Transfer> {
        let look = |node: &crate::node::Node, _| {
            let agent = node.ipa().filter(|_| node.starts() == start)?;
            let Some(Job::Image { image, .. }) = agent.job() else { return None };
            let disk = node.profile().drives().find(|(_, _, d)| *d.device == *image.device);
            let disk = disk.map_or(u64::MAX, |(_, _, d)| d.capacity_bytes);
            let room =
                image.partitions.as_ref().map_or(disk, |p| disk.min(p.root_mib.saturating_mul(1 << 20)));
            let job = image.clone();
            let (insecure, md5_enabled) = (agent.params.insecure, agent.serving()?.md5_enabled);
            Some(Transfer { id, start, job, insecure, md5_enabled, room })
        };
        self.fleet.look(id, look).flatten()
    }

    /// Attempt after attempt. Between two of them somebody else may transfer.
    async fn with_retries(&self, transfer: &Transfer) -> Result<u32, Trouble> {
        let mut failed = 0;
        loop {
            let permit = match self.transfers.try_acquire() {
                Ok(permit) => permit,
                Err(_) => {
                    self.meters.downloads_limit.one();
                    self.transfers.acquire().await.expect("the semaphore is never closed")
                }
            };
            self.look(transfer)?;
            let result = self.attempt(transfer).await;
            drop(permit);
            match result {
                Err(Trouble::Again(error)) if failed < self.settings.image_retries => {
                    failed += 1;
                    let (attempt, why) = (failed, &error.details);
                    tracing::debug!(
                        target: "fauxmetal::effect",
                        { node.id = transfer.id.0, attempt, error = %why },
                        "an image is tried again"
                    );
                }
                result => return result,
            }
            let clock = self.fleet.clock();
            if let Some(wait) = clock.wait(clock.now().after_ms(self.settings.image_retry_ms)) {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn look(&self, transfer: &Transfer) -> Result<(), Trouble> {
        if self.current(transfer.id, transfer.start) { Ok(()) } else { Err(Trouble::Gone) }
    }

    /// One attempt: checksum, image, config drive. The disk's identifier is what comes of it.
    async fn attempt(&self, transfer: &Transfer) -> Result<u32, Trouble> {
        let job = &transfer.job;
        let expected = self.expected(transfer).await?;
        let (url, mut response) = self.open(transfer).await?;
        let mut header = Header::default();
        let mut hash = expected.hasher();
        let (mut bytes, mut looked) = (0u64, 0u64);
        let location = if job.stream { job.device.to_string() } else { format!("/tmp/{}", job.id) };
        let broken = |why: String| {
            let what = if job.stream { "device " } else { "" };
            failure::download(&job.id, &format!("Unable to write image to {what}{location}. Error: {why}"))
        };
        loop {
            let next = response.chunk().await;
            let next = next.map_err(|error| Trouble::Again(broken(format!("{url}: {}", why(error)))))?;
            let Some(chunk) = next else { break };
            hash.update(&chunk);
            header.add(&chunk);
            bytes += chunk.len() as u64;
            if job.stream && bytes > transfer.room {
                return Err(Trouble::Final(broken("[Errno 28] No space left on device".to_owned())));
            }
            if self.settings.images == Images::Probe && header.is_full() {
                break;
            }
            if bytes - looked >= LOOK_EVERY_BYTES {
                looked = bytes;
                self.look(transfer)?;
            }
        }
        if self.settings.images == Images::Verify {
            let found = hash.finish();
            if found != expected.value {
                return Err(Trouble::Again(failure::checksum(job, &location, &expected.value, &found)));
            }
        }
        drop(response);
        header.check(job, bytes, transfer.room).map_err(Trouble::Final)?;
        self.fetch_configdrive(transfer).await?;
        Ok(header.disk_identifier(job, &expected.value))
    }

    /// What the image must hash to, fetched from its own URL if need be.
    async fn expected(&self, transfer: &Transfer) -> Result<Expected, Trouble> {
        let job = &transfer.job;
        let Some(given) = &job.checksum else {
            return Err(Trouble::Final(failure::execution("the image has no checksum".to_owned())));
        };
        let mut value = given.value.to_string();
        if value.starts_with("http://") || value.starts_with("https://") {
            let url = value;
            let shown = client::shown_text(&url);
            let response = self.get(transfer, &url, &shown).await?;
            let text = text(response, MAX_TEXT_BYTES)
                .await
                .map_err(|why| Trouble::Again(failure::execution(format!("{shown}: {why}"))))?;
            let text = String::from_utf8_lossy(&text);
            value = checksum::in_file(&text, job.urls.first().map_or("", |u| &**u))
                .map_err(|why| Trouble::Again(failure::download(&shown, &why)))?;
        }
        Expected::new(given.algorithm.as_deref(), value, transfer.md5_enabled)
            .map_err(|why| Trouble::Final(failure::execution(why)))
    }

    /// The first of the image's URLs that answers well. Errors of a server lead on to the next one, others do not.
    async fn open(&self, transfer: &Transfer) -> Result<(String, Response), Trouble> {
        let mut last = None;
        for url in &transfer.job.urls {
            match self.get(transfer, url, &transfer.job.id).await {
                Ok(response) => return Ok((client::shown_text(url), response)),
                Err(Trouble::Again(error)) if &*error.kind == "ImageDownloadError" => last = Some(error),
                Err(trouble) => return Err(trouble),
            }
        }
        let none = || failure::download(&transfer.job.id, "it has no URL");
        Err(Trouble::Again(last.unwrap_or_else(none)))
    }

    /// A good answer to a GET of a file of the image, which errors call `name`.
    async fn get(&self, transfer: &Transfer, url: &str, name: &str) -> Result<Response, Trouble> {
        let job = &transfer.job;
        let url =
            self.clients.parse(url).map_err(|error| Trouble::Final(failure::execution(error.to_string())))?;
        let shown = client::shown(&url);
        let proxies = Proxies { by_scheme: job.proxies.to_vec(), except: job.no_proxy.clone() };
        let client = self.clients.through(transfer.insecure, &proxies);
        let client = client.map_err(|error| Trouble::Final(failure::execution(error.to_string())))?;
        let mut request = client.get(url);
        if let Some(header) = &job.authorization {
            request = request.header(reqwest::header::AUTHORIZATION, &**header);
        } else if let Some((user, password)) = &job.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let response = request.send().await;
        let response = response
            .map_err(|error| Trouble::Again(failure::execution(format!("GET {shown}: {}", why(error)))))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = text(response, 4 * MAX_ERROR_CHARS).await.unwrap_or_default();
        let body: String = String::from_utf8_lossy(&body).chars().take(MAX_ERROR_CHARS).collect();
        let code = status.as_u16();
        let why = format!("Received status code {code} from {shown}, expected 200. Response body: {body}");
        Err(if code < 500 {
            Trouble::Final(failure::download_fatal(name, &why))
        } else {
            Trouble::Again(failure::download(name, &why))
        })
    }
}

/// The first bytes of a body.
async fn text(mut response: Response, limit: usize) -> Result<Bytes, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(why)? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() >= limit {
            break;
        }
    }
    Ok(body.into())
}

fn expected_text(job: &ImageJob) -> String {
    job.checksum.as_ref().map_or_else(|| job.id.to_string(), |c| c.value.to_string())
}
