//! The messages of SSDP, as DSP0266, "Discovery", has them: searches, their answers, and notifications.

use std::fmt::Write as _;

use uuid::Uuid;

/// The group of SSDP, with its port.
pub(super) const GROUP: &str = "239.255.255.250:1900";
/// The type of a Redfish service.
const REDFISH: &str = "urn:dmtf-org:service:redfish-rest:1";
/// The shortest time for which a client may remember a service, seconds.
const SHORTEST_MAX_AGE_S: u32 = 1800;
/// The longest time that a search leaves for its answers, seconds (UPnP Device Architecture 2.0, 1.3.2).
const LONGEST_MX_S: u64 = 5;

/// A service root that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) uuid: Uuid,
    /// Scheme, host and port.
    pub(super) url: String,
    pub(super) interval_s: u32,
    pub(super) ttl: u8,
}

/// The seconds that a search for Redfish services leaves for the answers. `None` for any other message.
pub(super) fn search(message: &[u8]) -> Option<u64> {
    let mut lines = str::from_utf8(message).ok()?.split("\r\n");
    if lines.next()? != "M-SEARCH * HTTP/1.1" {
        return None;
    }
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |name: &str| {
        headers.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let target = header("ST")?;
    let is_meant = target == "ssdp:all" || target == REDFISH;
    // A search by multicast must have MX.
    let mx: u64 = header("MX")?.parse().ok()?;
    (is_meant && header("MAN")? == "\"ssdp:discover\"").then_some(mx.min(LONGEST_MX_S))
}

impl Service {
    pub(super) fn answer(&self) -> String {
        self.message("HTTP/1.1 200 OK", &format!("ST: {REDFISH}\r\nEXT:\r\n"), true)
    }

    pub(super) fn alive(&self) -> String {
        let head = format!("HOST: {GROUP}\r\nNT: {REDFISH}\r\nNTS: ssdp:alive\r\n");
        self.message("NOTIFY * HTTP/1.1", &head, true)
    }

    pub(super) fn byebye(&self) -> String {
        let head = format!("HOST: {GROUP}\r\nNT: {REDFISH}\r\nNTS: ssdp:byebye\r\n");
        self.message("NOTIFY * HTTP/1.1", &head, false)
    }

    fn message(&self, first: &str, head: &str, is_there: bool) -> String {
        let mut text = format!("{first}\r\n{head}USN: uuid:{}::{REDFISH}\r\n", self.uuid);
        if is_there {
            // A notification may be lost, and the service must not be forgotten meanwhile.
            let max_age = SHORTEST_MAX_AGE_S.max(self.interval_s.saturating_mul(3));
            let _ = write!(text, "AL: {}/redfish/v1/\r\nCACHE-CONTROL: max-age={max_age}\r\n", self.url);
        }
        text + "\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, rest: &str) -> Option<u64> {
        search(format!("M-SEARCH * HTTP/1.1\r\nHost: {GROUP}\r\nST: {target}\r\n{rest}\r\n\r\n").as_bytes())
    }

    #[test]
    fn a_search_for_redfish_services_has_all_of_its_headers() {
        let right = "MAN: \"ssdp:discover\"\r\nMX: 3";
        assert_eq!((asked("ssdp:all", right), asked(REDFISH, right)), (Some(3), Some(3)));
        assert_eq!(asked("ssdp:all", "man:\"ssdp:discover\"\r\nmx:120"), Some(LONGEST_MX_S));
        for (target, rest) in [
            ("upnp:rootdevice", right),
            ("ssdp:all", "MAN: \"ssdp:discover\""),
            ("ssdp:all", "MAN: \"ssdp:discover\"\r\nMX: soon"),
            ("ssdp:all", "MAN: ssdp:discover\r\nMX: 3"),
            ("ssdp:all", "MX: 3"),
        ] {
            assert_eq!(asked(target, rest), None, "{target} {rest}");
        }
        for other in ["", "M-SEARCH * HTTP/1.1", "NOTIFY * HTTP/1.1\r\nST: ssdp:all\r\n\r\n"] {
            assert_eq!(search(other.as_bytes()), None);
        }
        assert_eq!(search(&[0xff; 64]), None);
    }

    #[test]
    fn messages_are_those_of_dsp0266() {
        let service =
            Service { uuid: Uuid::nil(), url: "https://192.0.2.2:443".into(), interval_s: 900, ttl: 2 };
        insta::assert_snapshot!(
            [service.answer(), service.alive(), service.byebye()].concat().replace("\r\n", "\n")
        );
    }
}
