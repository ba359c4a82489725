//! The response with an archive: whole, or the part that a client asks for to go on with a download (RFC 9110, 14).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use super::attachment::Attachment;
use super::headers::{GZIP, ODATA_4, ODATA_VERSION};
use super::precondition::{self, Condition};
use super::service::Redfish;

impl Redfish {
    /// Makes the archive, and the response to a GET of it.
    pub(super) fn download(&self, attachment: &Attachment, request: &Request<Bytes>) -> Response<Bytes> {
        let bytes = Bytes::from(self.archive(attachment));
        let name = format!("diagnostic-data-{}.tar.gz", attachment.entry);
        answer(bytes, &name, request.headers())
    }
}

fn answer(bytes: Bytes, name: &str, asked: &HeaderMap) -> Response<Bytes> {
    let value = |text: String| HeaderValue::try_from(text).expect("digits and ASCII text");
    let tag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&bytes));
    let length = bytes.len();
    let (status, body, range) = match precondition::evaluate(asked, tag.as_bytes()) {
        Condition::SameDocument => (StatusCode::NOT_MODIFIED, Bytes::new(), None),
        Condition::OtherDocument => (StatusCode::PRECONDITION_FAILED, Bytes::new(), None),
        Condition::Met => match range(asked, &tag, length) {
            Range::Whole => (StatusCode::OK, bytes, None),
            Range::Part(first, end) => {
                let range = format!("bytes {first}-{}/{length}", end - 1);
                (StatusCode::PARTIAL_CONTENT, bytes.slice(first..end), Some(range))
            }
            Range::Behind => {
                (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(format!("bytes */{length}")))
            }
        },
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(GZIP));
    headers.insert(header::CONTENT_DISPOSITION, value(format!("attachment; filename=\"{name}\"")));
    headers.insert(&ODATA_VERSION, ODATA_4);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, value(tag));
    if let Some(range) = range {
        headers.insert(header::CONTENT_RANGE, value(range));
    }
    response
}

/// The bytes that a client asks for.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    Whole,
    /// From the first of these up to the second, which is not part of it.
    Part(usize, usize),
    /// There are no such bytes.
    Behind,
}

/// One range of bytes. A list of ranges, other units and a range with mistakes are ignored, as RFC 9110 allows.
fn range(asked: &HeaderMap, tag: &str, length: usize) -> Range {
    if asked.get(header::IF_RANGE).is_some_and(|known| known.as_bytes() != tag.as_bytes()) {
        return Range::Whole;
    }
    let text = asked.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some((first, last)) = text.and_then(|text| text.trim().strip_prefix("bytes=")?.split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |text: &str| -> Option<Option<usize>> {
        if text.is_empty() {
            return Some(None);
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Some(text.parse().unwrap_or(usize::MAX)))
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) if last.is_none_or(|last| last >= first) => {
            if first >= length {
                return Range::Behind;
            }
            Range::Part(first, last.map_or(length, |last| last.saturating_add(1).min(length)))
        }
        (Some(None), Some(Some(0))) => Range::Behind,
        (Some(None), Some(Some(newest))) => Range::Part(length.saturating_sub(newest), length),
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Response<Bytes> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        answer(Bytes::from_static(b"0123456789"), "x.tar.gz", &map)
    }

    #[test]
    fn a_client_gets_the_part_that_it_asks_for() {
        for (asked_for, status, body) in [
            ("bytes=0-", 206, "0123456789"),
            ("bytes=4-", 206, "456789"),
            ("bytes=4-4", 206, "4"),
            ("bytes=4-99", 206, "456789"),
            ("bytes=-3", 206, "789"),
            ("bytes=-99", 206, "0123456789"),
            ("bytes=10-", 416, ""),
            ("bytes=-0", 416, ""),
            ("bytes=5-4", 200, "0123456789"),
            ("bytes=1-2,4-5", 200, "0123456789"),
            ("bytes=x-", 200, "0123456789"),
            ("lines=1-2", 200, "0123456789"),
            ("bytes=99999999999999999999-", 416, ""),
        ] {
            let response = asked(&[("range", asked_for)]);
            assert_eq!(
                (response.status().as_u16(), &response.body()[..]),
                (status, body.as_bytes()),
                "{asked_for}"
            );
        }
        assert_eq!(asked(&[("range", "bytes=4-6")]).headers()["content-range"], "bytes 4-6/10");
        assert_eq!(asked(&[("range", "bytes=10-")]).headers()["content-range"], "bytes */10");
    }

    #[test]
    fn a_part_of_other_data_is_never_sent() {
        let tag = asked(&[]).headers()["etag"].to_str().unwrap().to_owned();
        let resumed = |known: &str| asked(&[("range", "bytes=4-"), ("if-range", known)]).status().as_u16();
        assert_eq!((resumed(&tag), resumed("\"other\"")), (206, 200));
        assert_eq!(asked(&[("if-none-match", &tag)]).status(), 304);
        assert_eq!(asked(&[("if-match", "\"other\"")]).status(), 412);
    }
}
