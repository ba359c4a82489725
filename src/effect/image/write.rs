//! The effect `WriteImage`: attempts and retries.

use reqwest::header::AUTHORIZATION;
use reqwest::{Response, StatusCode};

use super::checksum::{self, Expected};
use super::format::{self, Header};
use super::transfer::{RESPONSE_TIME, Transfer, TransferError, head, read_up_to};
use crate::effect::client::{Proxies, chunk};
use crate::effect::performed::Performed;
use crate::effect::redact::{redacted, redacted_text};
use crate::effect::runner::EffectRunner;
use crate::effect::settings::Images;
use crate::fault::agent::Act;
use crate::ipa::{failure, written};
use crate::journal::{Call, CallKind, Outcome};
use crate::node::effect::Answer;
use crate::node::ipa::{self, ImageJob, Ipa, IpaError, Job};
use crate::node::{Node, NodeId};
use crate::note::Note;
use crate::time::SimTime;

/// Bytes of an image that must arrive within the limit `download-part-time`.
const PART_BYTES: u64 = 512 << 10;
/// Longest checksum file that is read.
const MAX_CHECKSUM_FILE_BYTES: usize = 1 << 20;
/// Characters of an error response that the agent's error repeats.
const MAX_ERROR_CHARS: usize = 300;

impl EffectRunner {
    /// Writes the image of the agent's job. `None` if the machine does not wait for it any more.
    /// A success ends the command [`Settings::write_time`](crate::effect::Settings::write_time) after `due` at the earliest.
    pub(in crate::effect) async fn write_image(
        &self,
        id: NodeId,
        start: u32,
        due: SimTime,
    ) -> Option<Performed> {
        let earliest_end = self.fleet.clock().after_real(due, self.settings.write_time);
        let transfer = match self.transfer(id, start)? {
            Ok(transfer) => transfer,
            Err(error) => return Some(performed(start, Err(error))),
        };
        let result = match self.settings.images {
            Images::Skip if !self.fleet.has_faults() => {
                Ok(format::identifier(expected_text(&transfer.job).as_bytes()))
            }
            Images::Skip | Images::Verify | Images::Probe => {
                let writes = |node: &Node| image_of(node, start).is_some();
                match self.while_wanted(id, writes, self.with_retries(&transfer)).await? {
                    Ok(identifier) => Ok(identifier),
                    Err(TransferError::Retry(error) | TransferError::Final(error)) => Err(error),
                }
            }
        };
        let written = result.map(|identifier| written(&transfer.job, identifier, earliest_end));
        Some(performed(start, written).at(shown(&transfer.job)))
    }

    /// The image that the agent writes. The error is that of a machine which has lost its cables or the disk since the command
    /// began.
    fn transfer(&self, id: NodeId, start: u32) -> Option<Result<Transfer, IpaError>> {
        let look = |node: &Node, _| {
            let (agent, image) = image_of(node, start)?;
            let Some(disk) = node.agent_disks().into_iter().find(|disk| *disk.drive.device == *image.device)
            else {
                return Some(Err(failure::no_device(format!("No such device: {}", image.device))));
            };
            if !node.has_network() {
                return Some(Err(failure::download(&image.id, "[Errno 101] Network is unreachable")));
            }
            let disk_bytes = disk.capacity_bytes();
            let partition = image.partitions.as_ref().map(|p| p.root_mib.saturating_mul(1 << 20));
            let capacity_bytes = partition.map_or(disk_bytes, |bytes| bytes.min(disk_bytes));
            let job = Box::new(image.clone());
            let (insecure, md5_enabled) = (agent.params.insecure, agent.serving()?.md5_enabled);
            Some(Ok(Transfer { id, job, insecure, md5_enabled, capacity_bytes, disk_bytes }))
        };
        self.fleet.look(id, look).flatten()
    }

    /// Repeats attempts until one succeeds or fails for good. Other downloads may run between two attempts.
    async fn with_retries(&self, transfer: &Transfer) -> Result<u32, TransferError> {
        let mut failed = 0;
        loop {
            let permit = self.download_slot().await;
            let limit = self.settings.limits.download_time;
            let result = tokio::time::timeout(limit, self.attempt(transfer)).await.unwrap_or_else(|_| {
                self.meters.download_time_limit.one();
                let why = format!("not complete within {} s (limit download-time)", limit.as_secs());
                Err(TransferError::Final(failure::download(&transfer.job.id, &why)))
            });
            drop(permit);
            match result {
                Err(TransferError::Retry(error)) if failed < self.settings.image_retries => {
                    failed += 1;
                    let (attempt, why) = (failed, Note::from(&*error.details));
                    let (node, uuid) = self.fleet.names(transfer.id);
                    tracing::debug!(
                        target: "fauxmetal::effect",
                        { %node, %uuid, attempt, error = %why },
                        "image download failed, retry follows"
                    );
                    let (url, error) = (shown(&transfer.job).into(), Some(why.as_str().into()));
                    let call =
                        Call { call: CallKind::Image, url, outcome: Outcome::Failed, status: None, error };
                    self.fleet.journal().call(transfer.id, self.fleet.clock().now(), &call);
                }
                result => return result,
            }
            self.fleet.clock().pause(self.settings.image_retry_ms).await;
        }
    }

    /// One attempt: checksum, image, config drive. Returns the disk's identifier.
    async fn attempt(&self, transfer: &Transfer) -> Result<u32, TransferError> {
        let job = &transfer.job;
        let location = if job.stream { job.device.to_string() } else { format!("/tmp/{}", job.id) };
        let broken = |why: String| {
            let what = if job.stream { "device " } else { "" };
            failure::download(&job.id, &format!("Unable to write image to {what}{location}. Error: {why}"))
        };
        let fault = self.fault_of(transfer.id).await;
        if self.settings.images == Images::Skip {
            let expected = expected_text(job);
            return match fault {
                Some(Fault::WrongSum) => {
                    let error = failure::checksum(job, &location, &expected, &checksum::other(&expected));
                    Err(TransferError::Retry(error))
                }
                Some(Fault::Cut { .. }) => Err(TransferError::Retry(broken(cut(0, None)))),
                None => Ok(format::identifier(expected.as_bytes())),
            };
        }
        let expected = self.expected(transfer).await?;
        let (url, mut response) = self.open(transfer).await?;
        let mut header = Header::default();
        let mut hash = expected.hasher();
        let mut bytes = 0u64;
        let length = response.content_length();
        let cut_at = fault.and_then(|fault| fault.cut_at(length));
        let (most, part_time) = (transfer.most_bytes(), self.settings.limits.download_part_time);
        let mut more = true;
        while more {
            let part = async {
                let end = bytes.saturating_add(PART_BYTES);
                while bytes < end {
                    let next = chunk(&mut response).await;
                    let next =
                        next.map_err(|error| TransferError::Retry(broken(format!("{url}: {error}"))))?;
                    let Some(chunk) = next else { return Ok(false) };
                    bytes += chunk.len() as u64;
                    if bytes > most {
                        let why = "[Errno 28] No space left on device";
                        return Err(TransferError::Final(broken(why.to_owned())));
                    }
                    if cut_at.is_some_and(|at| bytes >= at) {
                        return Ok(false);
                    }
                    hash.update(&chunk);
                    header.add(&chunk);
                    if self.settings.images == Images::Probe && header.is_full() {
                        return Ok(false);
                    }
                }
                Ok(true)
            };
            more = tokio::time::timeout(part_time, part).await.unwrap_or_else(|_| {
                self.meters.download_part_limit.one();
                let (kib, seconds) = (PART_BYTES >> 10, part_time.as_secs());
                let why = format!("{url}: less than {kib} KiB within {seconds} s (limit download-part-time)");
                Err(TransferError::Retry(broken(why)))
            })?;
        }
        if let Some(at) = cut_at {
            return Err(TransferError::Retry(broken(cut(at, length))));
        }
        let is_wrong = fault == Some(Fault::WrongSum);
        if self.settings.images == Images::Verify || is_wrong {
            let found = if is_wrong { checksum::other(&expected.value) } else { hash.finish() };
            if found != expected.value {
                let error = failure::checksum(job, &location, &expected.value, &found);
                return Err(TransferError::Retry(error));
            }
        }
        drop(response);
        header.check(job, bytes, transfer.capacity_bytes).map_err(TransferError::Final)?;
        self.fetch_configdrive(transfer).await?;
        Ok(header.disk_identifier(job, &expected.value))
    }

    /// What a rule does to an attempt to download an image.
    async fn fault_of(&self, id: NodeId) -> Option<Fault> {
        if !self.fleet.has_faults() {
            return None;
        }
        self.fleet.until_changes_are_accepted().await;
        let fault = match self.fleet.with(id, Node::meet_download).flatten()? {
            Act::WrongSum => Fault::WrongSum,
            Act::Cut(percent) => Fault::Cut { percent },
            _ => return None,
        };
        // What others see of it must not be undone by a crash.
        while self.fleet.until_node_persisted(id).await.is_err() {}
        Some(fault)
    }

    /// The expected checksum. It is downloaded if the job gives the URL of a checksum file.
    async fn expected(&self, transfer: &Transfer) -> Result<Expected, TransferError> {
        let job = &transfer.job;
        let Some(given) = &job.checksum else {
            return Err(TransferError::Final(failure::execution("the image has no checksum".to_owned())));
        };
        let mut value = given.value.to_string();
        if value.starts_with("http://") || value.starts_with("https://") {
            let url = value;
            let shown = redacted_text(&url);
            let response = self.get(transfer, &url, &shown).await?;
            let text = read_up_to(response, MAX_CHECKSUM_FILE_BYTES, RESPONSE_TIME)
                .await
                .map_err(|why| TransferError::Retry(failure::execution(format!("{shown}: {why}"))))?;
            let text = String::from_utf8_lossy(&text);
            value = checksum::in_file(&text, job.urls.first().map_or("", |u| &**u))
                .map_err(|why| TransferError::Retry(failure::download(&shown, &why.to_string())))?;
        }
        Expected::new(given.algorithm.as_deref(), value, transfer.md5_enabled)
            .map_err(|why| TransferError::Final(failure::execution(why.to_string())))
    }

    /// Opens the first of the image's URLs that answers 200. After a server error (500 and above) the next URL follows;
    /// every other error ends the attempt.
    async fn open(&self, transfer: &Transfer) -> Result<(String, Response), TransferError> {
        let mut last = None;
        for url in &transfer.job.urls {
            match self.get(transfer, url, &transfer.job.id).await {
                Ok(response) => return Ok((redacted_text(url), response)),
                Err(TransferError::Retry(error)) if &*error.kind == "ImageDownloadError" => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let none = || failure::download(&transfer.job.id, "it has no URL");
        Err(TransferError::Retry(last.unwrap_or_else(none)))
    }

    /// The 200 response to a GET of an image or checksum file. Errors call the file `name`.
    async fn get(&self, transfer: &Transfer, url: &str, name: &str) -> Result<Response, TransferError> {
        let job = &transfer.job;
        let unusable = |why: String| TransferError::Final(failure::execution(why));
        let url = self.clients.egress.parse(url).map_err(|error| unusable(error.to_string()))?;
        let shown = redacted(&url);
        let proxies = Proxies { by_scheme: job.proxies.to_vec(), except: job.no_proxy.clone() };
        let client = self.clients.through(transfer.insecure, &proxies);
        let mut request = client.map_err(|error| unusable(error.to_string()))?.get(url);
        if let Some(header) = &job.authorization {
            request = request.header(AUTHORIZATION, &**header);
        } else if let Some((user, password)) = &job.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let response = head(request)
            .await
            .map_err(|error| TransferError::Retry(failure::execution(format!("GET {shown}: {error}"))))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = read_up_to(response, 4 * MAX_ERROR_CHARS, RESPONSE_TIME).await.unwrap_or_default();
        let body: String = String::from_utf8_lossy(&body).chars().take(MAX_ERROR_CHARS).collect();
        let code = status.as_u16();
        let why = format!("Received status code {code} from {shown}, expected 200. Response body: {body}");
        Err(if code < 500 {
            TransferError::Final(failure::download_fatal(name, &why))
        } else {
            TransferError::Retry(failure::download(name, &why))
        })
    }
}

/// The first URL of an image without credentials.
fn shown(job: &ImageJob) -> String {
    job.urls.first().map(|url| redacted_text(url)).unwrap_or_default()
}

/// The answer for the agent, and what the log needs.
fn performed(start: u32, result: Result<ipa::Written, IpaError>) -> Performed {
    let problem = result.as_ref().err().map(|error| Note::from(format!("{}: {}", error.kind, error.details)));
    Performed::new(Answer::Ipa { start, answer: ipa::Answer::ImageWritten(result) }, problem)
}

/// The agent of start `start` and the image that it is writing.
fn image_of(node: &Node, start: u32) -> Option<(&Ipa, &ImageJob)> {
    let agent = node.ipa().filter(|_| node.starts() == start)?;
    match agent.job() {
        Some(Job::Image { image, .. }) => Some((agent, image)),
        Some(Job::Timed { .. } | Job::ShutDown) | None => None,
    }
}

/// What a rule does to an attempt to download an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The image has another checksum.
    WrongSum,
    /// The connection breaks after so many percent.
    Cut { percent: u8 },
}

impl Fault {
    /// The number of bytes after which the connection breaks, for an image of that length.
    fn cut_at(self, length: Option<u64>) -> Option<u64> {
        match self {
            Self::WrongSum => None,
            Self::Cut { percent } => Some(length.unwrap_or(0) / 100 * u64::from(percent)),
        }
    }
}

/// The words of Python's HTTP client for a connection that breaks after `bytes` bytes of an image of `length` bytes.
fn cut(bytes: u64, length: Option<u64>) -> String {
    let read = match length {
        Some(length) => {
            format!("IncompleteRead({bytes} bytes read, {} more expected)", length.saturating_sub(bytes))
        }
        None => format!("IncompleteRead({bytes} bytes read)"),
    };
    format!("('Connection broken: {read}', {read})")
}

fn expected_text(job: &ImageJob) -> String {
    job.checksum.as_ref().map_or_else(|| job.id.to_string(), |c| c.value.to_string())
}
