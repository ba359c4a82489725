//! Addresses to listen on and URLs to call, as the configuration has them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

use crate::address::{Layout, Prefix};

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    pub tls: bool,
    /// Address and port; port 0 takes a free port. For a prefix, its first address.
    pub address: SocketAddr,
    /// The block of addresses, if each node has its own IP address.
    pub prefix: Option<Prefix>,
}

impl Listen {
    /// The largest number of `--listen` addresses.
    pub const MAX: usize = 64;

    /// Parses `https://ADDRESS:PORT` or `http://ADDRESS:PORT`; for [`Layout::Ip`] `https://ADDRESS/BITS:PORT`. The default port
    /// is the scheme's.
    pub(super) fn parse(text: &str, layout: Layout) -> Result<Self, String> {
        if layout == Layout::Ip {
            return Self::parse_prefix(text);
        }
        let url = BaseUrl::parse(text)?;
        let allowed = "write an IP address or localhost, such as https://127.0.0.1:8443";
        let address = match bare(url.uri.host().unwrap_or_default()) {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => {
                host.parse().map_err(|_| format!("'{host}' is not an address to listen on; {allowed}"))?
            }
        };
        if !url.path().is_empty() {
            return Err(format!("'{text}' has a path; {allowed}"));
        }
        let tls = url.is_tls();
        let port = url.uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, address: SocketAddr::new(address, port), prefix: None })
    }

    fn parse_prefix(text: &str) -> Result<Self, String> {
        without_user(text)?;
        let wrong = || {
            format!(
                "'{text}' is not a block of addresses; write one such as https://127.16.0.0/12:8443 or https://[fd00:1::]/64:8443"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let (host, rest) = rest.split_once('/').ok_or_else(wrong)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (bits, port) = rest.split_once(':').unwrap_or((rest, if tls { "443" } else { "80" }));
        let address: IpAddr = bare(host).parse().map_err(|_| wrong())?;
        let (bits, port) = (bits.parse().map_err(|_| wrong())?, port.parse().map_err(|_| wrong())?);
        let prefix = Prefix::new(address, bits).map_err(|error| error.to_string())?;
        Ok(Self { tls, address: SocketAddr::new(address, port), prefix: Some(prefix) })
    }

    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether it listens on every address of the host. Clients cannot use the wildcard address itself.
    pub fn is_wildcard(&self) -> bool {
        self.address.ip().is_unspecified()
    }

    /// The host by which clients on this machine reach the listener.
    pub(super) fn near_host(&self) -> Host {
        Host(match self.address.ip() {
            ip if !ip.is_unspecified() => ip.to_string(),
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.to_string(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.to_string(),
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix {
            Some(prefix) => {
                let network = Host(prefix.network().to_string());
                write!(f, "{}://{network}/{}:{}", self.scheme(), prefix.bits(), self.address.port())
            }
            None => write!(f, "{}://{}", self.scheme(), self.address),
        }
    }
}

/// A host name or an IP address, without brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// The largest number of names in one list.
    pub(super) const MAX: usize = 64;
    /// The longest name (RFC 1035, section 2.3.4).
    const MAX_BYTES: usize = 253;

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let host = bare(text);
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        match host.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => {
                Err(format!("clients cannot reach '{text}'; write an address or name of this host"))
            }
            Ok(_) => Ok(Self(host.to_owned())),
            Err(_) if host.len() <= Self::MAX_BYTES && host.split('.').all(label) => {
                Ok(Self(host.to_owned()))
            }
            Err(_) => {
                Err(format!("'{text}' is not a host; write a name or an IP address, without scheme and port"))
            }
        }
    }

    pub(super) fn to_lower_case(&self) -> Self {
        Self(self.0.to_ascii_lowercase())
    }

    /// The name or address without brackets, as in certificates.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    /// The host as in a URL: an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(&self.0) }
    }
}

/// The start of other URLs: scheme, host and optionally port and path, without a slash at the end.
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
fn without_user(url: &str) -> Result<(), String> {
    match url.contains('@') {
        true => Err("the URL has a user or password ('@'); write it without them".to_owned()),
        false => Ok(()),
    }
}

/// Removes the brackets around an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_print_as_they_are_written() {
        for text in ["https://127.0.0.1:8443", "http://0.0.0.0:0", "https://[::]:8443"] {
            assert_eq!(Listen::parse(text, Layout::Shared).unwrap().to_string(), text);
        }
        assert_eq!(
            Listen::parse("http://localhost/", Layout::Port).unwrap().to_string(),
            "http://127.0.0.1:80"
        );
        assert_eq!(Listen::parse("https://[::1]", Layout::Host).unwrap().to_string(), "https://[::1]:443");
        for text in ["https://127.16.0.0/12:8443", "http://[fd00:1::]/64:0"] {
            assert_eq!(Listen::parse(text, Layout::Ip).unwrap().to_string(), text);
        }
        assert_eq!(
            Listen::parse("http://[::1]/128/", Layout::Ip).unwrap().to_string(),
            "http://[::1]/128:80"
        );
    }

    #[test]
    fn wrong_listeners_say_what_is_allowed() {
        for (text, said) in [
            ("127.0.0.1:8443", "'127.0.0.1:8443' is not a URL; write http"),
            ("ftp://127.0.0.1", "'ftp://127.0.0.1' is not a URL; write http"),
            ("https://example.org:1", "'example.org' is not an address to listen on; write an IP address"),
            ("https://127.0.0.1:1/redfish", "'https://127.0.0.1:1/redfish' has a path; write"),
            ("https://127.0.0.1:70000", "'https://127.0.0.1:70000' is not a URL: its port is not a number"),
            ("https://127.0.0.1:", "'https://127.0.0.1:' is not a URL: its port is not a number"),
            ("", "'' is not a URL"),
        ] {
            let error = Listen::parse(text, Layout::Shared).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
        for (text, said) in [
            (
                "https://127.0.0.1:8443",
                "'https://127.0.0.1:8443' is not a block of addresses; write one such as https://",
            ),
            ("ftp://127.0.0.0/8", "'ftp://127.0.0.0/8' is not a block"),
            ("https://me:hunter2@127.0.0.0/8", "the URL has a user or password"),
            ("https://127.0.0.0/8:port", "'https://127.0.0.0/8:port' is not a block"),
            ("https://localhost/8", "'https://localhost/8' is not a block"),
            (
                "https://127.16.0.1/12",
                "127.16.0.1 is not the first address of its /12 block; write 127.16.0.0/12",
            ),
            ("https://10.0.0.0/40", "the prefix length is 40; IPv4 allows 0 to 32"),
        ] {
            let error = Listen::parse(text, Layout::Ip).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }

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

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, url) in [("fleet.example", "fleet.example"), ("::1", "[::1]"), ("[fd00::1]", "[fd00::1]")]
        {
            assert_eq!(Host::parse(text).unwrap().to_string(), url);
        }
        for text in ["", "a..b", "https://a", "a:80", "0.0.0.0", "-a", "ü.example"] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }
}
