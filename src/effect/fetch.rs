//! Reads a remote file in pieces, to fetch only the part of an image that a boot needs.

use std::ops::Range;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use url::Url;

use super::client::{chunk, send};
use super::http_error::HttpError;
use super::readers::Readers;
use super::redact::redacted;
use crate::media::{Budget, MediaError, ObjectError, Progress, Sparse};

/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// If a server ignores ranges, bytes before the wanted range are read and dropped, up to this many. The boot
/// configuration of a real image is in its first few MiB.
const MAX_SKIPPED_BYTES: u64 = 1 << 30;
/// The first bytes of an image are stored even if they were not asked for, up to this many.
const MAX_HEAD_BYTES: u64 = 4 << 20;

/// A remote file could not be read. Clients see the text in `Status.Conditions` of a system.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {cause}")]
pub(super) struct FetchError {
    url: String,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("no piece within {} s", TIMEOUT.as_secs())]
    PieceTimeout,
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("the server says {0}")]
    Status(StatusCode),
    #[error("the image is empty")]
    Empty,
    #[error("it is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the server ignores ranges, and byte {start} is too far to be read up to")]
    RangesIgnored { start: u64 },
    #[error("the server answers from byte {start} instead of {wanted}")]
    WrongRange { start: u64, wanted: u64 },
    #[error("the server's Content-Range is '{0}'")]
    InvalidContentRange(String),
    #[error("the server ended at byte {end} of {total}")]
    Incomplete { end: u64, total: u64 },
}

/// A file on a server.
pub(super) struct Remote<'a> {
    pub(super) client: Client,
    pub(super) url: Url,
    /// User and password of HTTP Basic authentication.
    pub(super) credentials: Option<(&'a str, &'a str)>,
}

impl Remote<'_> {
    /// Fetches pieces until `parse` has all it needs. Its work is done by `readers` and charged to `budget`.
    pub(super) async fn read<T, F>(
        &self,
        readers: &Readers,
        budget: &Budget,
        parse: F,
    ) -> Result<T, FetchError>
    where
        T: Send + 'static,
        F: Fn(&mut Sparse) -> Progress<Result<T, MediaError>> + Copy + Send + 'static,
    {
        let mut image = Sparse::new(budget);
        loop {
            let progress;
            (image, progress) = readers
                .run(move || {
                    let progress = parse(&mut image);
                    (image, progress)
                })
                .await;
            match progress {
                Progress::Done(result) => return result.map_err(|error| self.failed(error.into())),
                Progress::Need(range) => {
                    let piece = tokio::time::timeout(TIMEOUT, self.fetch(&mut image, range)).await;
                    piece.unwrap_or(Err(Cause::PieceTimeout)).map_err(|cause| self.failed(cause))?;
                }
            }
        }
    }

    /// Checks that the file can be read.
    pub(super) async fn probe(&self) -> Result<(), FetchError> {
        let request = async {
            match self.get(&(0..2048)).await?.status() {
                StatusCode::RANGE_NOT_SATISFIABLE => Err(Cause::Empty),
                _ => Ok(()),
            }
        };
        self.in_time(request).await
    }

    /// The whole text of a file of at most `limit` bytes; `None` if the server answers 404.
    pub(super) async fn text(&self, limit: usize) -> Result<Option<String>, FetchError> {
        let request = async {
            let mut response = send(self.request()).await?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                status if status != StatusCode::OK => return Err(Cause::Status(status)),
                _ => {}
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = chunk(&mut response).await? {
                if body.len() + chunk.len() > limit {
                    return Err(Cause::TooLong { limit });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Some(String::from_utf8_lossy(&body).into_owned()))
        };
        self.in_time(request).await
    }

    async fn in_time<T>(&self, request: impl Future<Output = Result<T, Cause>>) -> Result<T, FetchError> {
        let result = tokio::time::timeout(TIMEOUT, request).await;
        result.unwrap_or(Err(Cause::Timeout)).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: Cause) -> FetchError {
        FetchError { url: self.shown(), cause }
    }

    /// The URL without credentials.
    pub(super) fn shown(&self) -> String {
        redacted(&self.url)
    }

    fn request(&self) -> RequestBuilder {
        let request = self.client.get(self.url.clone());
        match self.credentials {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    /// Asks for `range`. The response has the range (206), the whole file (200), or no such range (416).
    async fn get(&self, range: &Range<u64>) -> Result<Response, Cause> {
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let response = send(self.request().header(RANGE, wanted)).await?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => Ok(response),
            status => Err(Cause::Status(status)),
        }
    }

    /// Stores the bytes of `range` in `image`, or fewer if the file ends before.
    async fn fetch(&self, image: &mut Sparse, range: Range<u64>) -> Result<(), Cause> {
        let mut response = self.get(&range).await?;
        let (start, total) = match response.status() {
            StatusCode::PARTIAL_CONTENT => content_range(&response, &range)?,
            // The image ends before the range.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(image.set_length(range.start)?),
            _ => (0, response.content_length()),
        };
        if let Some(total) = total {
            image.set_length(total)?;
        }
        if range.start - start > MAX_SKIPPED_BYTES {
            return Err(Cause::RangesIgnored { start: range.start });
        }
        let mut at = start;
        while let Some(chunk) = chunk(&mut response).await? {
            let end = at + chunk.len() as u64;
            if end <= MAX_HEAD_BYTES {
                image.insert(at, &chunk)?;
            } else if at.max(range.start) < end.min(range.end) {
                let (from, to) = (at.max(range.start), end.min(range.end));
                image.insert(from, &chunk[(from - at) as usize..(to - at) as usize])?;
            }
            at = end;
            if at >= range.end {
                return Ok(());
            }
        }
        match total {
            None => Ok(image.set_length(at)?),
            Some(total) if at >= total || at > range.start => Ok(()),
            Some(total) => Err(Cause::Incomplete { end: at, total }),
        }
    }
}

/// The first byte of a 206 response, and the length of the whole file if the server gives it.
fn content_range(response: &Response, range: &Range<u64>) -> Result<(u64, Option<u64>), Cause> {
    let header = response.headers().get(CONTENT_RANGE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let (part, total) = header.split_once('/').unwrap_or((header, "*"));
    let start = part.strip_prefix("bytes ").and_then(|r| r.split('-').next()).and_then(|n| n.parse().ok());
    match start {
        Some(start) if start == range.start => Ok((start, total.parse().ok())),
        Some(start) => Err(Cause::WrongRange { start, wanted: range.start }),
        None => Err(Cause::InvalidContentRange(header.to_owned())),
    }
}
