//! The URLs of services that are called, as users write them.

use std::fmt;

use http::Uri;

/// The start of URLs: scheme, host and optionally port and path, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    uri: Uri,
    text: String,
}

impl BaseUrl {
    /// The largest number of URLs in one list.
    pub const MAX: usize = 64;

    /// # Errors
    /// Unless it is an `http` or `https` URL without user, query and fragment. The message does not repeat a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        without_user(text)?;
        let wrong =
            |why: &str| format!("'{text}' is not a URL{why}; write http://HOST:PORT or https://HOST:PORT");
        if text.contains(['?', '#']) {
            return Err(wrong(": it has a query or a fragment"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong(""))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return Err(wrong(""));
        }
        // The parser drops a text after the last colon that is not a port number.
        let authority = uri.authority().map_or("", |a| a.as_str());
        let has_port = authority.rfind(':').is_some_and(|colon| !authority[colon..].contains(']'));
        if has_port && uri.port_u16().is_none() {
            return Err(wrong(": its port is not a number from 0 to 65535"));
        }
        let text = text.trim_end_matches('/').to_owned();
        Ok(Self { uri, text })
    }

    /// The whole URL, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    pub fn scheme(&self) -> &'static str {
        if self.is_tls() { "https" } else { "http" }
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        bare(self.uri.host().unwrap_or_default())
    }

    /// The port as written, or the scheme's default.
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// The path without a slash at the end; it may be empty.
    pub fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// # Errors
/// If the URL has a user or password. The message does not repeat them.
pub(crate) fn without_user(url: &str) -> Result<(), String> {
    match url.contains('@') {
        true => Err("the URL has a user or password ('@'); write it without them".to_owned()),
        false => Ok(()),
    }
}

/// Removes the brackets around an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

/// Whether a text is an `http` or `https` URI with a host.
pub fn is_http_uri(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && text.parse::<Uri>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_has_no_slash_at_its_end_and_no_secret() {
        let url = BaseUrl::parse("http://ironic.example:6385/baremetal/").unwrap();
        assert_eq!((url.as_str(), url.path()), ("http://ironic.example:6385/baremetal", "/baremetal"));
        let error = BaseUrl::parse("http://me:hunter2@ironic").unwrap_err();
        assert_eq!(error, "the URL has a user or password ('@'); write it without them");
        for text in ["http://a/?q=1", "http://a/#b", "http://", "http:///x", "a b"] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
