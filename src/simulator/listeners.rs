//! The listeners of a simulator, on free ports of the loopback interface, and their certificates.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::Error;
use crate::address::{Place, Urls};
use crate::clock;
use crate::seed;
use crate::server::{ListenError, Listener};
use crate::tls::{
    CertificateNames, DevelopmentCa, ListenerTls, Made, MinVersion, Subject, TlsError,
    agent_identity_in_memory,
};

/// Where a block of consecutive ports may begin: above the ports of services, and below those that Linux gives to outgoing
/// connections (`net.ipv4.ip_local_port_range`).
const FIRST_PORTS: std::ops::Range<u16> = 10_000..32_768;

/// Tries to find a block of ports that are all free. Each begins at another random port.
const TRIES: usize = 50;

/// How the BMCs of a simulator share addresses; their agents do the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// All nodes share one port and one Redfish service root, with all systems below it.
    #[default]
    Shared,
    /// Each node has a port and a service root of its own, for at most 10,000 nodes.
    Port,
}

/// A bound listener, with the URLs by which clients on this host reach it.
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) urls: Urls,
}

/// Binds a listener. Must be called within the runtime that will serve it.
pub(super) fn bind(addresses: Addresses, nodes: u32, tls: Option<&ListenerTls>) -> Result<Bound, Error> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let failed = |ListenError { address, source }| Error::Listen { address, source };
    match addresses {
        Addresses::Shared => {
            let any = Place::One((Ipv4Addr::LOCALHOST, 0).into());
            let listener = Listener::at(any, nodes, tls.cloned()).map_err(failed)?;
            let urls = Urls::Same(format!("{scheme}://{}", listener.address()).into());
            Ok(Bound { listener, urls })
        }
        Addresses::Port => {
            let listener = bind_block(nodes, tls).map_err(failed)?;
            let (host, first) = (Ipv4Addr::LOCALHOST.to_string().into(), listener.address().port());
            Ok(Bound { listener, urls: Urls::Ports { scheme, host, first } })
        }
    }
}

/// Binds a port for each node, all in a row.
fn bind_block(nodes: u32, tls: Option<&ListenerTls>) -> Result<Listener, ListenError> {
    let room = u32::from(FIRST_PORTS.end - FIRST_PORTS.start).saturating_sub(nodes).max(1);
    let mut tries = 0;
    loop {
        let random = seed::secret::<4>().map_or(0, u32::from_ne_bytes);
        let first = u32::from(FIRST_PORTS.start) + random % room;
        let first =
            SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(first).unwrap_or(FIRST_PORTS.start)));
        match Listener::at(Place::Ports(first), nodes, tls.cloned()) {
            Err(error) if error.source.kind() == ErrorKind::AddrInUse && tries < TRIES => tries += 1,
            bound => return bound,
        }
    }
}

/// The certificates of both listeners, which exist in memory only.
pub(super) struct Certificates {
    pub(super) bmcs: ListenerTls,
    pub(super) agents: ListenerTls,
    /// The certificate with which clients verify the BMCs, PEM.
    pub(super) ca_pem: String,
    /// The certificate that agents tell Ironic to trust, PEM.
    pub(super) agent_pem: String,
}

impl Certificates {
    pub(super) fn new() -> Result<Self, Error> {
        Self::make().map_err(|error| Error::Tls(error.to_string()))
    }

    fn make() -> Result<Self, TlsError> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::unix_ms());
        let names = CertificateNames::of_this_host();
        let ca = DevelopmentCa::in_memory(now)?;
        let (subject, min) = (Subject::named("bmc"), MinVersion::default());
        let bmcs = ca.redfish_identity(&subject, &names, now)?;
        let agents = agent_identity_in_memory(&names, now)?;
        let ca_pem = ca.certificate_pem().to_owned();
        let agent_pem = agents.certificate_pem().to_owned();
        let bmcs = Made::by_ca(ca, &bmcs, None, subject, names.clone(), now, min)?;
        let agents = Made::self_signed(&agents, names, now, min)?;
        let [bmcs, agents] = [bmcs, agents].map(|made| ListenerTls::Made(Arc::new(made)));
        Ok(Self { bmcs, agents, ca_pem, agent_pem })
    }
}
