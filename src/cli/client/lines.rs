//! Long answers, read as they arrive: files, and lists with one JSON document per line.

use bytes::{Buf as _, Bytes, BytesMut};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::error::{ClientError, broken};

/// The longest line. A node with 64 labels of the longest keys and values has 30 KiB.
pub(super) const MAX_LINE: usize = 1 << 20;

/// An answer of any length, in pieces as they arrive.
pub(in crate::cli) struct Pieces {
    response: Response,
    server: String,
}

impl Pieces {
    pub(super) fn new(response: Response, server: String) -> Self {
        Self { response, server }
    }

    /// The next piece; `None` after the last one. An answer that ends too early is an error.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.response.chunk().await.map_err(|error| broken(&self.server, &error))
    }
}

/// The lines of an answer. At most one line and one piece of the answer are in memory.
pub(in crate::cli) struct Lines {
    pieces: Pieces,
    /// What has arrived and was not read.
    piece: Bytes,
    /// The beginning of a line whose end has not arrived.
    begun: BytesMut,
}

impl Lines {
    pub(super) fn new(response: Response, server: String) -> Self {
        Self { pieces: Pieces::new(response, server), piece: Bytes::new(), begun: BytesMut::new() }
    }

    /// The next line that is not empty, without its end; `None` after the last one.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let line = self.any().await?;
            if line.as_ref().is_none_or(|line| !line.is_empty()) {
                return Ok(line);
            }
        }
    }

    /// The next line without its end, which may be empty; `None` after the last one.
    pub(super) async fn any(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.piece) {
                let mut line = self.piece.split_to(end);
                self.piece.advance(1);
                if !self.begun.is_empty() {
                    self.begun.extend_from_slice(&line);
                    line = self.begun.split().freeze();
                }
                return Ok(Some(line));
            }
            self.begun.extend_from_slice(&self.piece);
            if self.begun.len() > MAX_LINE {
                return Err(self.unreadable(&format_args!("a line has more than {MAX_LINE} bytes")));
            }
            match self.pieces.next().await? {
                Some(piece) => self.piece = piece,
                None if self.begun.is_empty() => return Ok(None),
                None => return Err(self.broken("the last line has no end")),
            }
        }
    }

    /// The document of the next line; `None` after the last one.
    pub(in crate::cli) async fn document<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        let Some(line) = self.next().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|error| self.unreadable(&error))
    }

    pub(super) fn broken(&self, why: &str) -> ClientError {
        ClientError::Broken { server: self.pieces.server.clone(), why: why.to_owned() }
    }

    pub(super) fn unreadable(&self, why: &impl std::fmt::Display) -> ClientError {
        ClientError::Unreadable { server: self.pieces.server.clone(), why: why.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of an answer that arrives in these pieces.
    async fn read(pieces: &[&'static str]) -> Result<Vec<String>, ClientError> {
        let pieces: Vec<Result<_, std::io::Error>> =
            pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let mut lines = Lines::new(http::Response::new(body).into(), "x".to_owned());
        let mut all = Vec::new();
        while let Some(line) = lines.next().await? {
            all.push(String::from_utf8(line.to_vec()).unwrap());
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_are_read_wherever_the_pieces_end() {
        for pieces in
            [&["a\nbc\n\nd\n"] as &[_], &["a", "\nb", "c\n", "\n", "", "d\n"], &["a\nb", "c\nd", "\n"]]
        {
            assert_eq!(read(pieces).await.unwrap(), ["a", "bc", "d"], "{pieces:?}");
        }
        assert_eq!(read(&[]).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_an_error() {
        assert!(matches!(read(&["a\nb"]).await, Err(ClientError::Broken { .. })));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_an_error() {
        let long: &'static str = Box::leak("x".repeat(MAX_LINE / 2 + 1).into_boxed_str());
        assert!(matches!(read(&[long, long, "\n"]).await, Err(ClientError::Unreadable { .. })));
    }
}
