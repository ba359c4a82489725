//! Compressed responses: gzip and zstd, where `Accept-Encoding` allows it (RFC 9110, 12.5.3).
//!
//! Only a long body is compressed. A usual document of a few kilobytes takes longer to compress than to write, and a fleet
//! sends thousands of them in a second. A list that is written in parts is compressed part by part.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::headers::GZIP;
use crate::face::Body;

/// A shorter body stays plain.
const MIN_BYTES: usize = 8 << 10;
/// The level of zstd: the fastest of its usual levels.
const ZSTD_LEVEL: i32 = 1;

/// A content coding of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    /// The name in headers, and at the end of an ETag.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The coding that a client prefers. Of two with the same weight it is zstd, which is faster. `None`: the client wants
/// neither.
fn preferred(headers: &HeaderMap) -> Option<Coding> {
    let (mut gzip, mut zstd, mut others) = (None, None, 0);
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        for part in value.as_bytes().split(|byte| *byte == b',') {
            let (name, weight) = weighted(part);
            match name.to_ascii_lowercase().as_slice() {
                b"gzip" | b"x-gzip" => gzip = Some(weight),
                b"zstd" => zstd = Some(weight),
                b"*" => others = weight,
                _ => {}
            }
        }
    }
    let (gzip, zstd) = (gzip.unwrap_or(others), zstd.unwrap_or(others));
    match (gzip, zstd) {
        (0, 0) => None,
        (gzip, zstd) if zstd >= gzip => Some(Coding::Zstd),
        _ => Some(Coding::Gzip),
    }
}

/// The name in an element of a list, and its weight in thousandths (RFC 9110, 12.4.2). A weight that is wrong counts as 0.
pub(super) fn weighted(part: &[u8]) -> (&[u8], u16) {
    let mut fields = part.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = fields.next().unwrap_or_default();
    let weight = fields.find_map(|field| field.strip_prefix(b"q=").or_else(|| field.strip_prefix(b"Q=")));
    let Some(weight) = weight else { return (name, 1000) };
    let number = std::str::from_utf8(weight).ok().and_then(|text| text.parse::<f32>().ok());
    let thousandths = number.filter(|number| (0.0..=1.0).contains(number)).unwrap_or(0.0) * 1000.0;
    (name, thousandths.round() as u16)
}

/// Compresses the body of a response if it is long and the client wants it. `headers` are those of the request.
///
/// The ETag of a compressed document ends in the name of the coding, because it is another representation (RFC 9110,
/// 8.8.3). `precondition.rs` takes it for the same document.
pub(super) fn coded(headers: &HeaderMap, response: Response<Body>) -> Response<Body> {
    let is_known = response.status() == StatusCode::NOT_MODIFIED;
    if response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == GZIP) {
        return response;
    }
    if !is_known && response.body().known_bytes().is_some_and(|bytes| bytes < MIN_BYTES) {
        return response;
    }
    let Some(coding) = preferred(headers) else {
        return if is_known { response } else { with_vary(response) };
    };
    if is_known {
        return with_known_tag(headers, response, coding);
    }
    let (mut head, body) = with_vary(response).into_parts();
    let body = match body {
        Body::Whole(Some(bytes)) => {
            let mut encoder = Encoder::new(coding);
            let mut compressed = encoder.add(&bytes);
            compressed.extend(encoder.end());
            Body::from(Bytes::from(compressed))
        }
        Body::Parts(parts) => {
            Body::Parts(Box::new(Compressed { parts, encoder: Some(Encoder::new(coding)) }))
        }
        other => return Response::from_parts(head, other),
    };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    if let Some(tag) = head.headers.get_mut(header::ETAG) {
        *tag = tag_of(tag, coding);
    }
    Response::from_parts(head, body)
}

fn with_vary(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// A client that has the compressed document finds it by its ETag.
fn with_known_tag(headers: &HeaderMap, mut response: Response<Body>, coding: Coding) -> Response<Body> {
    if let Some(tag) = response.headers().get(header::ETAG).map(|tag| tag_of(tag, coding)) {
        let mut named = headers.get_all(header::IF_NONE_MATCH).iter();
        if named.any(|line| memchr::memmem::find(line.as_bytes(), tag.as_bytes()).is_some()) {
            response.headers_mut().insert(header::ETAG, tag);
        }
    }
    response
}

/// The ETag of a document in a coding: `"A"` becomes `"A-gzip"`.
fn tag_of(tag: &HeaderValue, coding: Coding) -> HeaderValue {
    let plain = tag.as_bytes();
    let open = plain.strip_suffix(b"\"").unwrap_or(plain);
    let tag = [open, b"-", coding.name().as_bytes(), b"\""].concat();
    HeaderValue::from_bytes(&tag).expect("the tag and the coding are ASCII")
}

/// The tag without the name of a coding, if it has one: `"A"` for `"A-gzip"`, without the quote at its end.
pub(super) fn without_coding(tag: &[u8]) -> Option<&[u8]> {
    tag.strip_suffix(b"-gzip\"").or_else(|| tag.strip_suffix(b"-zstd\""))
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// An encoder writes into memory, which takes everything.
const IN_MEMORY: &str = "memory takes all bytes";

impl Encoder {
    fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL);
                Self::Zstd(encoder.expect("the level is one of zstd's"))
            }
        }
    }

    /// Adds plain bytes, and returns the compressed bytes that are ready.
    fn add(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(bytes).expect(IN_MEMORY);
                std::mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(bytes).expect(IN_MEMORY);
                std::mem::take(encoder.get_mut())
            }
        }
    }

    /// The compressed bytes at the end.
    fn end(self) -> Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.finish().expect(IN_MEMORY),
            Self::Zstd(encoder) => encoder.finish().expect(IN_MEMORY),
        }
    }
}

/// A body in parts that is compressed while it is sent.
struct Compressed {
    parts: Box<dyn Iterator<Item = Bytes> + Send>,
    /// `None` once the end is written.
    encoder: Option<Encoder>,
}

impl Iterator for Compressed {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            let encoder = self.encoder.as_mut()?;
            let ready = match self.parts.next() {
                Some(part) => encoder.add(&part),
                None => self.encoder.take()?.end(),
            };
            if !ready.is_empty() {
                return Some(ready.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn the_weights_of_a_client_decide() {
        for (value, wanted) in [
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip;q=1.0, zstd;q=0.5", Some(Coding::Gzip)),
            ("GZIP", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("*, zstd;q=0", Some(Coding::Gzip)),
            ("gzip ; q=0.001", Some(Coding::Gzip)),
            ("gzip;q=0, zstd; q=0", None),
            ("gzip;q=0, *;q=0", None),
            ("gzip;q=2", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(preferred(&accepting(value)), wanted, "{value}");
        }
        assert_eq!(preferred(&HeaderMap::new()), None);
    }

    fn long(body: Body) -> Response<Body> {
        Response::builder().header("ETag", "\"A\"").body(body).unwrap()
    }

    fn plain(coding: &str, body: Body) -> Vec<u8> {
        let bytes = body.whole();
        if coding == "zstd" {
            return zstd::decode_all(&*bytes).unwrap();
        }
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn a_long_body_is_compressed_whole_or_in_parts() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        for (value, tag) in [("gzip", "\"A-gzip\""), ("zstd", "\"A-zstd\"")] {
            let parts: Vec<_> = text.chunks(10_000).map(Bytes::copy_from_slice).collect();
            for body in [Body::from(Bytes::from(text.clone())), Body::Parts(Box::new(parts.into_iter()))] {
                let response = coded(&accepting(value), long(body));
                let headers = response.headers();
                assert_eq!(
                    (&headers["content-encoding"], &headers["etag"]),
                    (&value.parse().unwrap(), &tag.parse().unwrap())
                );
                assert_eq!(headers["vary"], "Accept-Encoding");
                assert!(plain(value, response.into_body()) == text, "{value}");
            }
        }
    }

    #[test]
    fn a_short_body_and_one_for_a_client_that_wants_it_plain_stay_as_they_are() {
        let short = coded(&accepting("gzip"), long(Bytes::from_static(b"{}").into()));
        assert_eq!((short.headers().len(), short.into_body().whole()), (1, "{}".into()));
        let body = vec![b' '; MIN_BYTES];
        let response = coded(&accepting("gzip;q=0"), long(Bytes::from(body.clone()).into()));
        assert_eq!(
            (response.headers().get("content-encoding"), &response.headers()["vary"]),
            (None, &"Accept-Encoding".parse().unwrap())
        );
        assert_eq!(response.into_body().whole(), body);
    }

    #[test]
    fn a_client_that_has_the_compressed_document_finds_it_by_its_tag() {
        let mut headers = accepting("gzip");
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"B\", \"A-gzip\""));
        let mut response = long(Body::Whole(None));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        assert_eq!(coded(&headers, response).headers()["etag"], "\"A-gzip\"");
    }
}
