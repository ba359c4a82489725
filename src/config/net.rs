//! Addresses to listen on, as the configuration has them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::address::base_url::{BaseUrl, bare, without_user};
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
        let address = match url.host() {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => {
                host.parse().map_err(|_| format!("'{host}' is not an address to listen on; {allowed}"))?
            }
        };
        if !url.path().is_empty() {
            return Err(format!("'{text}' has a path; {allowed}"));
        }
        let tls = url.is_tls();
        let port = url.port();
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
