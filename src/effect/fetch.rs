//! Reading a remote file piece by piece: only as much of an image as its boot configuration takes.

use std::ops::Range;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::client::{self, why};
use crate::media::{MediaError, ObjectError, Progress, Sparse};

/// One request for a piece takes this long at most.
const PIECE: Duration = Duration::from_secs(60);
/// Of a server that ignores ranges, an image is read up to here at most, bytes. Real boot configurations lie within the
/// first few MiB.
const MAX_SKIPPED_BYTES: u64 = 1 << 30;
/// Bytes at an image's beginning that are kept when they come along anyway.
const MAX_HEAD_BYTES: u64 = 4 << 20;

/// A file on a server.
pub(super) struct Remote<'a> {
    pub(super) client: &'a Client,
    pub(super) url: Url,
    pub(super) credentials: Option<(&'a str, &'a str)>,
}

impl Remote<'_> {
    /// Fetches pieces for `parse` until it has what it needs.
    pub(super) async fn read<T>(
        &self,
        mut parse: impl FnMut(&mut Sparse) -> Progress<Result<T, MediaError>>,
    ) -> Result<T, String> {
        let mut image = Sparse::new();
        loop {
            match parse(&mut image) {
                Progress::Done(result) => {
                    return result.map_err(|error| format!("{}: {error}", self.shown()));
                }
                Progress::Need(range) => {
                    let piece = tokio::time::timeout(PIECE, self.fetch(&mut image, range)).await;
                    piece
                        .unwrap_or_else(|_| Err(format!("no piece within {} s", PIECE.as_secs())))
                        .map_err(|why| format!("{}: {why}", self.shown()))?;
                }
            }
        }
    }

    /// Whether the file can be read at all.
    pub(super) async fn probe(&self) -> Result<(), String> {
        let request = async {
            match self.get(&(0..2048)).await?.status() {
                StatusCode::RANGE_NOT_SATISFIABLE => Err("the image is empty".to_owned()),
                _ => Ok(()),
            }
        };
        let answer = tokio::time::timeout(PIECE, request).await;
        answer
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PIECE.as_secs())))
            .map_err(|why| format!("{}: {why}", self.shown()))
    }

    /// The whole of a small text; `None` where there is none (404).
    pub(super) async fn text(&self, limit: usize) -> Result<Option<String>, String> {
        let exchange = async {
            let mut response = self.request().send().await.map_err(why)?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                status if status != StatusCode::OK => return Err(format!("the server says {status}")),
                _ => {}
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(why)? {
                if body.len() + chunk.len() > limit {
                    return Err(format!("it is longer than {limit} bytes"));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Some(String::from_utf8_lossy(&body).into_owned()))
        };
        let answer = tokio::time::timeout(PIECE, exchange).await;
        answer
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PIECE.as_secs())))
            .map_err(|why| format!("{}: {why}", self.shown()))
    }

    pub(super) fn shown(&self) -> String {
        client::shown(&self.url)
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let request = self.client.get(self.url.clone());
        match self.credentials {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    /// An answer to a request for `range`: it, everything, or that there is no such range.
    async fn get(&self, range: &Range<u64>) -> Result<Response, String> {
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let response = self.request().header(RANGE, wanted).send().await.map_err(why)?;
        match response.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => Ok(response),
            status => Err(format!("the server says {status}")),
        }
    }

    /// Puts the bytes of `range` into the image, or as many of them as there are.
    async fn fetch(&self, image: &mut Sparse, range: Range<u64>) -> Result<(), String> {
        let bad = |error: ObjectError| error.to_string();
        let mut response = self.get(&range).await?;
        let (start, total) = match response.status() {
            StatusCode::PARTIAL_CONTENT => content_range(&response, &range)?,
            // The image ends before the range.
            StatusCode::RANGE_NOT_SATISFIABLE => return image.set_length(range.start).map_err(bad),
            _ => (0, response.content_length()),
        };
        if let Some(total) = total {
            image.set_length(total).map_err(bad)?;
        }
        if range.start - start > MAX_SKIPPED_BYTES {
            return Err(format!(
                "the server ignores ranges, and byte {} is too far to be read up to",
                range.start
            ));
        }
        let mut at = start;
        while let Some(chunk) = response.chunk().await.map_err(why)? {
            let end = at + chunk.len() as u64;
            if end <= MAX_HEAD_BYTES {
                image.insert(at, &chunk).map_err(bad)?;
            } else if at.max(range.start) < end.min(range.end) {
                let (from, to) = (at.max(range.start), end.min(range.end));
                image.insert(from, &chunk[(from - at) as usize..(to - at) as usize]).map_err(bad)?;
            }
            at = end;
            if at >= range.end {
                return Ok(());
            }
        }
        match total {
            None => image.set_length(at).map_err(bad),
            Some(total) if at >= total || at > range.start => Ok(()),
            Some(total) => Err(format!("the server ended at byte {at} of {total}")),
        }
    }
}

/// Where a partial answer begins, and how long the whole is, if it says.
fn content_range(response: &Response, range: &Range<u64>) -> Result<(u64, Option<u64>), String> {
    let header = response.headers().get(CONTENT_RANGE).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let (part, total) = header.split_once('/').unwrap_or((header, "*"));
    let start = part.strip_prefix("bytes ").and_then(|r| r.split('-').next()).and_then(|n| n.parse().ok());
    match start {
        Some(start) if start == range.start => Ok((start, total.parse().ok())),
        Some(start) => Err(format!("the server answers from byte {start} instead of {}", range.start)),
        None => Err(format!("the server's Content-Range is '{header}'")),
    }
}
