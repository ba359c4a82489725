//! Egress rules: which URLs and addresses outgoing calls may reach.
//!
//! An address is checked after its name is resolved, at each connection. So a host name, a redirect, or a name that
//! changes its address cannot get around the rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::meter::Counter;

/// Why a URL is not fetched.
///
/// Clients see the text: in `Status.Conditions` of a system, and in the error of an agent's command.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("'{0}' is not a URL")]
    NotAUrl(String),
    /// Only HTTP and HTTPS are allowed. `file:` above all would give clients the files of this machine.
    #[error("only http and https URLs are fetched, not '{0}:'")]
    Scheme(String),
    #[error("{0} may not be called (--egress)")]
    Address(IpAddr),
}

/// A network such as `192.0.2.0/24`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// # Errors
    /// A message for the operator, if `text` is not a network or has host bits set.
    pub fn parse(text: &str) -> Result<Self, String> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network: IpNet = network
            .map_err(|_| format!("'{text}' is not a network; write ADDRESS/LENGTH, as 192.0.2.0/24"))?;
        if network.trunc() == network {
            return Ok(Self(network));
        }
        Err(format!("'{text}' has host bits set; write {}", network.trunc()))
    }
}

/// Addresses at which cloud providers serve instance metadata, which includes secrets. The best known one,
/// 169.254.169.254, is not listed because link-local addresses are excluded anyway.
const METADATA: [IpAddr; 10] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

#[derive(Debug, Default)]
pub(super) struct Egress {
    /// Only these networks. If empty, every address except link-local, multicast, broadcast, unspecified and cloud
    /// metadata addresses.
    pub(super) only: Vec<Network>,
    /// Counts the calls that the rules refused.
    pub(super) refused: Counter,
}

impl Egress {
    fn permits(&self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        if !self.only.is_empty() {
            return self.only.iter().any(|network| network.0.contains(&address));
        }
        !is_reserved(address) && !embedded(address).into_iter().flatten().any(|ip| is_reserved(ip.into()))
    }

    /// Parses a URL and checks it.
    pub(super) fn parse(&self, text: &str) -> Result<Url, Forbidden> {
        let url = Url::parse(text).map_err(|_| {
            // A text that is not a URL may still contain a password.
            let shown = if text.contains(['@', '?']) { "..." } else { text };
            Forbidden::NotAUrl(shown.to_owned())
        })?;
        self.check(&url)?;
        Ok(url)
    }

    /// Checks the scheme, and the host if it is an address. [`Names`] checks the addresses of a host name.
    pub(super) fn check(&self, url: &Url) -> Result<(), Forbidden> {
        match url.scheme() {
            "http" | "https" => self.check_host(url),
            other => Err(Forbidden::Scheme(other.to_owned())),
        }
    }

    /// Checks the host only, for the URL of a proxy.
    pub(super) fn check_host(&self, url: &Url) -> Result<(), Forbidden> {
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.permits(literal) {
            return Ok(());
        }
        self.refused.one();
        Err(Forbidden::Address(literal))
    }
}

/// The IPv4 address inside an IPv6 address: IPv4-mapped (RFC 4291, 2.5.5.2) or NAT64 (RFC 6052, 2.1).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(ip) = address else { return address };
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => ip.to_canonical(),
    }
}

/// Whether an address is refused if the settings name no networks.
fn is_reserved(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    link_local || address.is_multicast() || address.is_unspecified() || METADATA.contains(&address)
}

/// The IPv4 addresses to which a gateway on the way may translate an IPv6 address.
fn embedded(address: IpAddr) -> [Option<Ipv4Addr>; 4] {
    let IpAddr::V6(ip) = address else { return [None; 4] };
    let bytes = ip.octets();
    let at = |places: [usize; 4]| Some(Ipv4Addr::from(places.map(|place| bytes[place])));
    let last = || at([12, 13, 14, 15]);
    match ip.segments() {
        // NAT64 of the local network (RFC 8215). The length of its prefix is unknown: 96, 64, 56 or 48 (RFC 6052, 2.2).
        // A reading that is no server, such as zeros or multicast, belongs to another length.
        [0x64, 0xff9b, 1, ..] => [last(), at([9, 10, 11, 12]), at([7, 9, 10, 11]), at([6, 7, 9, 10])]
            .map(|ip| ip.filter(|ip| !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()))),
        // IPv4-compatible (RFC 4291, 2.5.5.1), without `::` and `::1`.
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => [last(), None, None, None],
        // IPv4-translated (RFC 2765, 2.1).
        [0, 0, 0, 0, 0xffff, 0, _, _] => [last(), None, None, None],
        // 6to4 (RFC 3056, 2).
        [0x2002, ..] => [at([2, 3, 4, 5]), None, None, None],
        // Teredo (RFC 4380, 4): the server, and the client with its bits inverted.
        [0x2001, 0, ..] => [at([4, 5, 6, 7]), last().map(|ip| Ipv4Addr::from(!u32::from(ip))), None, None],
        _ => [None; 4],
    }
}

/// The system's DNS resolver, without the addresses that the egress rules exclude.
pub(super) struct Names(pub(super) Arc<Egress>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.iter().copied().filter(|a| egress.permits(a.ip())).collect();
            if let (true, Some(first)) = (allowed.is_empty(), found.first()) {
                egress.refused.one();
                return Err(Forbidden::Address(first.ip()).into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(only: &[&str], address: &str) -> bool {
        let only = only.iter().map(|n| Network::parse(n).unwrap()).collect();
        Egress { only, refused: Counter::default() }.permits(address.parse().unwrap())
    }

    #[test]
    fn without_a_list_only_reserved_addresses_are_refused() {
        for good in [
            "127.0.0.1",
            "10.1.2.3",
            "192.0.2.1",
            "::1",
            "2001:db8::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a01:203",
            "64:ff9b:1::a01:203",
            "64:ff9b:1:a01:2:300::",
            "64:ff9b:1:ae0:1:200::",
            "::10.1.2.3",
            "::ffff:0:10.1.2.3",
            "2002:a01:203::1",
            "2001:0:a01:203::f5fe:fdfc",
        ] {
            assert!(permits(&[], good), "{good}");
        }
        for bad in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "fd00:ec2::23",
            "fd00:a9fe:a9fe::1",
            "fd00:100::100:200",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            // The same addresses as a gateway translates them.
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:ffff:ffff:ffff:a83f:8110",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:a9fe:a9:fe00:1:2",
            "64:ff9b:1:a9:fe:a9fe::",
            "64:ff9b:1:0:a9:fea9:fe00::",
            "64:ff9b:1::6464:64c8",
            "::169.254.169.254",
            "::168.63.129.16",
            "::ffff:0:169.254.169.254",
            "::ffff:0:192.0.0.192",
            "2002:a9fe:a9fe::1",
            "2002:c000:c0::",
            "2002:e000:1::",
            "2001:0:a9fe:a9fe::",
            "2001:0:a01:203::5601:5601",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
        ] {
            assert!(!permits(&[], bad), "{bad}");
        }
    }

    #[test]
    fn with_a_list_all_other_addresses_are_refused() {
        let only = ["192.0.2.0/24", "2001:db8::/32", "169.254.169.254"];
        for good in ["192.0.2.255", "::ffff:192.0.2.1", "2001:db8:1::", "169.254.169.254"] {
            assert!(permits(&only, good), "{good}");
        }
        for bad in ["127.0.0.1", "192.0.3.0", "::1", "64:ff9b::7f00:1", "2001:db9::"] {
            assert!(!permits(&only, bad), "{bad}");
        }
    }

    #[test]
    fn only_http_and_https_are_fetched() {
        let egress = Egress::default();
        let parse = |text| egress.parse(text);
        assert!(parse("http://a/b").is_ok() && parse("https://[::1]:1/").is_ok());
        assert_eq!(parse("file:///etc/passwd").unwrap_err(), Forbidden::Scheme("file".into()));
        assert_eq!(parse("disk.iso").unwrap_err(), Forbidden::NotAUrl("disk.iso".into()));
        assert_eq!(parse("http://u:secret@:x/").unwrap_err(), Forbidden::NotAUrl("...".into()));
    }

    #[test]
    fn a_wrong_network_is_refused_with_a_hint() {
        for (text, said) in [
            ("192.0.2.1/24", "'192.0.2.1/24' has host bits set; write 192.0.2.0/24"),
            ("example.org", "'example.org' is not a network; write ADDRESS/LENGTH, as 192.0.2.0/24"),
            ("10.0.0.0/33", "'10.0.0.0/33' is not a network; write ADDRESS/LENGTH, as 192.0.2.0/24"),
        ] {
            assert_eq!(Network::parse(text).unwrap_err(), said);
        }
    }

    #[test]
    fn an_address_is_recognised_in_every_spelling() {
        let egress = Egress::default();
        for url in [
            "http://169.254.169.254/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:a9fe:a9fe]/",
        ] {
            let error = egress.check(&Url::parse(url).unwrap()).unwrap_err();
            assert!(error.to_string().contains("may not be called"), "{url}: {error}");
        }
        assert_eq!(egress.refused.get(), 4);
        assert!(egress.check(&Url::parse("http://example.org/").unwrap()).is_ok());
    }
}
