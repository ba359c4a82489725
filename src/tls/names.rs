//! The subject alternative names of a certificate (RFC 5280, section 4.2.1.6): IP addresses and DNS names.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use rcgen::SanType;
use rustls::pki_types::DnsName;

use super::error::TlsError;

/// The maximum number of names in one certificate. More names would make each handshake too large.
pub const MAX_NAMES: usize = 512;

/// The file with the host name on Linux. On other systems the certificate does not contain the host name.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// A set of IP addresses and DNS names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    addresses: BTreeSet<IpAddr>,
    hosts: BTreeSet<String>,
}

impl CertificateNames {
    pub fn new() -> Self {
        CertificateNames::default()
    }

    /// The names of every listener on this host: `localhost`, `127.0.0.1`, `::1` and the host name.
    pub fn of_this_host() -> Self {
        let mut names = CertificateNames::new();
        names.addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        names.hosts.insert("localhost".to_owned());
        // A host name that is not a DNS name, such as "(none)", is left out: a client cannot use it either.
        if let Ok(host) = fs::read_to_string(HOST_NAME_FILE)
            && let Some(host) = dns_name(host.trim())
        {
            names.hosts.insert(host);
        }
        names
    }

    /// Adds the address of a listener. For a wildcard address (`0.0.0.0`, `::`), adds the source addresses that this
    /// host uses on its default routes. Other addresses behind a wildcard need [`add_host`](Self::add_host).
    pub fn add_listener(&mut self, address: IpAddr) {
        let address = address.to_canonical();
        if address.is_unspecified() {
            let outward = [outward_v4(), if address.is_ipv6() { outward_v6() } else { None }];
            self.addresses.extend(outward.into_iter().flatten());
        } else {
            self.addresses.insert(address);
        }
    }

    /// Adds an IP address (IPv6 with or without brackets) or a DNS name.
    pub fn add_host(&mut self, host: &str) -> Result<(), TlsError> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            self.addresses.insert(address.to_canonical());
        } else {
            let host = dns_name(host).ok_or_else(|| TlsError::BadHost { host: host.to_owned() })?;
            self.hosts.insert(host);
        }
        Ok(())
    }

    /// Adds a wildcard for every name directly below a domain (RFC 9525, section 6.3).
    pub fn add_domain(&mut self, domain: &str) -> Result<(), TlsError> {
        let domain = dns_name(domain).ok_or_else(|| TlsError::BadHost { host: domain.to_owned() })?;
        self.hosts.insert(format!("*.{domain}"));
        Ok(())
    }

    /// Whether a certificate with these names also has every name in `other`.
    pub fn covers(&self, other: &CertificateNames) -> bool {
        self.addresses.is_superset(&other.addresses) && self.hosts.is_superset(&other.hosts)
    }

    /// The names as subject alternative names.
    pub(super) fn to_san(&self) -> Result<Vec<SanType>, TlsError> {
        let count = self.addresses.len() + self.hosts.len();
        if count > MAX_NAMES {
            return Err(TlsError::TooManyNames { count, limit: MAX_NAMES });
        }
        let addresses = self.addresses.iter().map(|address| Ok(SanType::IpAddress(*address)));
        let hosts = self.hosts.iter().map(|host| Ok(SanType::DnsName(host.as_str().try_into()?)));
        addresses.chain(hosts).collect()
    }

    /// Adds a name read from a certificate.
    pub(super) fn insert_dns(&mut self, host: &str) {
        self.hosts.insert(host.to_owned());
    }

    /// Adds an address read from a certificate. Returns whether it has the 4 or 16 bytes of an IP address.
    pub(super) fn insert_ip_bytes(&mut self, bytes: &[u8]) -> bool {
        let address = match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok(),
            16 => <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok(),
            _ => None,
        };
        self.addresses.extend(address);
        address.is_some()
    }
}

/// The canonical spelling of a DNS name: lower case, without a trailing dot. `None` if it is not a DNS name.
pub(super) fn dns_name(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    DnsName::try_from(host.as_str()).is_ok().then_some(host)
}

fn outward_v4() -> Option<IpAddr> {
    outward((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into())
}

fn outward_v6() -> Option<IpAddr> {
    let documentation = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    outward((Ipv6Addr::UNSPECIFIED, 0).into(), (documentation, 9).into())
}

/// The source address of this host towards `to`. Connecting a UDP socket only looks up the route and sends nothing.
fn outward(from: SocketAddr, to: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(from).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hosts: &[&str]) -> CertificateNames {
        let mut names = CertificateNames::new();
        hosts.iter().for_each(|host| names.add_host(host).unwrap());
        names
    }

    #[test]
    fn different_spellings_of_a_host_are_equal() {
        assert_eq!(
            of(&["BMC.Example.", "[::1]", "::ffff:10.0.0.1"]),
            of(&["bmc.example", "::1", "10.0.0.1"])
        );
    }

    #[test]
    fn the_error_quotes_a_host_that_cannot_be_in_a_certificate() {
        for bad in ["", "two words", "fe80::1%eth0", "bücher.example", "10.0.0.1:8000", "https://host"] {
            let error = CertificateNames::new().add_host(bad).unwrap_err();
            assert!(error.to_string().contains(&format!("'{bad}'")), "{error}");
        }
    }

    #[test]
    fn covers_requires_every_name() {
        assert!(of(&["a", "10.0.0.1", "10.0.0.2"]).covers(&of(&["a", "10.0.0.2"])));
        assert!(!of(&["a", "10.0.0.1"]).covers(&of(&["b"])));
        assert!(!of(&["a", "10.0.0.1"]).covers(&of(&["10.0.0.2"])));
    }

    #[test]
    fn a_wildcard_address_is_never_in_a_certificate() {
        let mut names = CertificateNames::new();
        names.add_listener("0.0.0.0".parse().unwrap());
        names.add_listener("::".parse().unwrap());
        names.add_listener("10.1.2.3".parse().unwrap());
        assert!(names.covers(&of(&["10.1.2.3"])));
        assert!(names.addresses.iter().all(|address| !address.is_unspecified()));
    }

    #[test]
    fn too_many_names_are_refused() {
        let mut names = CertificateNames::new();
        (0..=MAX_NAMES as u32).for_each(|n| names.add_listener(Ipv4Addr::from(0x0a00_0001 + n).into()));
        assert!(matches!(names.to_san(), Err(TlsError::TooManyNames { count: 513, limit: 512 })));
    }
}
