//! Certificates that a client must refuse: what differs from the right one.

use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::server::ProducesTickets;

use super::ca::DAY;
use super::error::TlsError;
use super::leaf::AGENT_LIFETIME_DAYS;
use super::names::CertificateNames;
use crate::wire::Certificate;

/// The name in a certificate for another host. Nobody can have it (RFC 2606).
const OTHER_HOST: &str = "another-host.invalid";

/// The names of a wrong certificate, and the time at which it was issued.
pub(super) fn names_and_issue(
    which: Certificate,
    names: CertificateNames,
    now: SystemTime,
) -> Result<(CertificateNames, SystemTime), TlsError> {
    match which {
        // No certificate of this room has a longer life, so it ended at least one day ago.
        Certificate::Expired => Ok((names, now - (AGENT_LIFETIME_DAYS + 1) * DAY)),
        Certificate::OtherHost => {
            let mut other = CertificateNames::new();
            other.add_host(OTHER_HOST)?;
            Ok((other, now))
        }
    }
}

/// A client that resumes a session sees no certificate. So there are no sessions with a wrong one, and those with the right one
/// are not resumed.
pub(super) fn forget_sessions(config: &mut ServerConfig) {
    config.ticketer = std::sync::Arc::new(NoTickets);
    config.send_tls13_tickets = 0;
}

#[derive(Debug)]
struct NoTickets;

impl ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}
