//! The bound listeners of the BMCs and of the agents.

use std::io::ErrorKind;
use std::net::UdpSocket;

use crate::address::{Place, Urls};
use crate::config::setting::{AGENT_LISTEN, LISTEN, Setting};
use crate::config::{Config, Listen};
use crate::server::{ListenError, Listener};
use crate::tls::ListenerTls;

use super::identities::Identities;

/// Clients can connect to bound listeners, and get a response once the server runs.
pub(super) struct Listeners {
    pub(super) bmcs: Vec<Listener>,
    /// The URLs of each listener in `bmcs`.
    pub(super) bmc_urls: Vec<Urls>,
    /// The listener of the agents and their URLs, unless `--agent-listen` is off.
    pub(super) agents: Option<(Listener, Urls)>,
}

impl Listeners {
    pub(super) fn bind(config: &Config, identities: &Identities, nodes: u32) -> anyhow::Result<Self> {
        let (mut bmcs, mut bmc_urls) = (Vec::new(), Vec::new());
        for listen in &config.listen {
            let shown = identities.redfish.clone().filter(|_| listen.tls);
            let listener = open(&LISTEN, listen, listen.place(config.layout), nodes, shown)?;
            bmc_urls.push(config.bmc_urls(listen, listener.address().port()));
            bmcs.push(listener);
        }
        let agents = match &config.agent_listen {
            Some(listen) => {
                let shown = identities.agents.clone().filter(|_| listen.tls);
                let listener = open(&AGENT_LISTEN, listen, config.agent_place(listen), nodes, shown)?;
                let urls = config.agent_urls(listen, listener.address().port());
                Some((listener, urls))
            }
            None => None,
        };
        Ok(Self { bmcs, bmc_urls, agents })
    }

    pub(super) fn agent_urls(&self) -> Option<&Urls> {
        self.agents.as_ref().map(|(_, urls)| urls)
    }

    pub(super) fn bmc_places(&self) -> Vec<Place> {
        self.bmcs.iter().map(Listener::place).collect()
    }
}

/// Binds a listener. `listen` is the value of `setting`.
///
/// # Errors
/// With the flag, the address as the user wrote it, and what to do.
pub(super) fn open(
    setting: &Setting,
    listen: &Listen,
    place: Place,
    nodes: u32,
    tls: Option<ListenerTls>,
) -> anyhow::Result<Listener> {
    let listener =
        Listener::at(place, nodes, tls).map_err(|error| cannot_listen(setting, listen, place, &error))?;
    if let Some(warning) = unreachable(setting, listen, place, nodes) {
        tracing::warn!("{warning}");
    }
    Ok(listener)
}

fn cannot_listen(setting: &Setting, listen: &Listen, place: Place, error: &ListenError) -> anyhow::Error {
    let flag = setting.flag();
    let port = error.address.port();
    // With a port for each node, the user wrote the first one only.
    let node = match place {
        Place::Ports(first) if first.port() != port => format!(" (port {port})"),
        Place::One(_) | Place::Ips(..) | Place::Ports(_) => String::new(),
    };
    let any_port = match place {
        Place::One(_) => ", or port 0 for a free one",
        Place::Ips(..) | Place::Ports(_) => "",
    };
    let off = if flag == AGENT_LISTEN.flag() { ", or off if no client needs agents" } else { "" };
    let way_out = match error.source.kind() {
        ErrorKind::AddrInUse => {
            format!("another program uses port {port}; stop it, or give {flag} another port{any_port}{off}")
        }
        ErrorKind::PermissionDenied => {
            format!("this user may not listen on port {port}; give {flag} a port from 1024")
        }
        ErrorKind::AddrNotAvailable => {
            format!("this host does not have that address; give {flag} one that it has")
        }
        _ => format!("give {flag} another address"),
    };
    anyhow::anyhow!("{flag}: cannot listen on {listen}{node}: {}; {way_out}", error.source)
}

/// A warning if this host does not take connections to the addresses of the nodes. One socket on the wildcard address
/// serves a block, so binding it does not show that. Binding a UDP socket does, and sends nothing.
fn unreachable(setting: &Setting, listen: &Listen, place: Place, nodes: u32) -> Option<String> {
    let Place::Ips(..) = place else { return None };
    let missing = [0, nodes.saturating_sub(1)].into_iter().map(|node| place.of(node).ip()).find(|ip| {
        UdpSocket::bind((*ip, 0)).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
    })?;
    let block = listen.prefix?;
    let family = if missing.is_ipv6() { "-6 " } else { "" };
    Some(format!(
        "{} {listen}: this host does not have the address {missing}, so that clients cannot connect; route the block to it \
         with: ip {family}route add local {}/{} dev lo",
        setting.flag(),
        block.network(),
        block.bits()
    ))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use crate::address::Prefix;

    fn listen(address: SocketAddr, prefix: Option<Prefix>) -> Listen {
        Listen { tls: true, address, prefix }
    }

    fn refusal(listen: &Listen, place: Place, nodes: u32) -> String {
        open(&AGENT_LISTEN, listen, place, nodes, None).err().unwrap().to_string()
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_is_named_as_written_with_its_flag_and_a_way_out() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let _taken = TcpListener::bind(taken).unwrap();
        let said = refusal(&listen(taken, None), Place::One(taken), 1);
        assert!(said.starts_with(&format!("--agent-listen: cannot listen on https://{taken}: ")), "{said}");
        assert!(
            said.ends_with(
                "stop it, or give --agent-listen another port, or port 0 for a free one, or off if no client needs agents"
            ),
            "{said}"
        );
        let first = SocketAddr::new(taken.ip(), taken.port() - 1);
        let said = refusal(&listen(first, None), Place::Ports(first), 2);
        assert!(
            said.contains(&format!("on https://{first} (port {}): ", taken.port()))
                || said.contains("another program"),
            "{said}"
        );
        let block = Prefix::new("127.16.0.0".parse().unwrap(), 12).unwrap();
        let any = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = any.local_addr().unwrap().port();
        let of_block = listen(SocketAddr::new(block.network(), port), Some(block));
        let said = refusal(&of_block, Place::Ips(block, port), 5);
        assert!(
            said.starts_with(&format!("--agent-listen: cannot listen on https://127.16.0.0/12:{port}: ")),
            "{said}"
        );
        assert!(!said.contains("0.0.0.0:"), "{said}");
        let missing: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let said = refusal(&listen(missing, None), Place::One(missing), 1);
        assert!(
            said.ends_with("this host does not have that address; give --agent-listen one that it has"),
            "{said}"
        );
    }

    #[test]
    fn a_block_that_is_not_routed_to_this_host_gives_a_warning() {
        let warning = |text: &str, bits| {
            let block = Prefix::new(text.parse().unwrap(), bits).unwrap();
            let listen = listen(SocketAddr::new(block.network(), 8443), Some(block));
            unreachable(&LISTEN, &listen, Place::Ips(block, 8443), 5)
        };
        assert_eq!(warning("127.16.0.0", 12), None);
        let said = warning("198.51.100.0", 24).unwrap();
        assert_eq!(
            said,
            "--listen https://198.51.100.0/24:8443: this host does not have the address 198.51.100.1, so that clients cannot \
             connect; route the block to it with: ip route add local 198.51.100.0/24 dev lo"
        );
    }
}
