//! SSDP: answers searches for Redfish services, and announces the service roots of the fleet.
//!
//! It joins the group only on the addresses that the BMCs listen on. What a client has disabled is neither announced nor answered
//! for. The times are real ones, because the clients are.

mod message;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::address::{Place, Urls};
use crate::fleet::Fleet;
use crate::node::Node;
use message::{Service, search};

/// The group of SSDP.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);
/// The port of SSDP.
pub(super) const PORT: u16 = 1900;
/// The largest number of service roots that are announced and answered for: those of the first nodes.
const MOST: usize = 512;
/// The largest number of nodes that are asked whether they are announced.
const MOST_ASKED: usize = 65_536;
/// The longest search that is read, bytes.
const LONGEST_SEARCH: usize = 1024;
/// How often the nodes are asked whether they are announced.
const TICK: Duration = Duration::from_secs(1);

/// The sockets, and what they announce.
#[derive(Debug)]
pub(super) struct Ssdp {
    /// A socket for each address of an interface, in the group.
    sockets: Vec<(Ipv4Addr, UdpSocket)>,
    urls: Urls,
    /// `ServiceRoot.UUID` of the root that all nodes share.
    uuid: uuid::Uuid,
}

/// The service roots that have been announced, with the seconds since then. The root that all nodes share has the number 0.
type Announced = BTreeMap<u32, (Service, u32)>;

impl Ssdp {
    /// Joins the group for each IPv4 address of `places`. `port` is [`PORT`], except in a test. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The address on which it cannot join.
    pub(super) fn join(
        places: &[Place],
        port: u16,
        urls: Urls,
        uuid: uuid::Uuid,
    ) -> Result<Self, (Ipv4Addr, io::Error)> {
        let mut sockets: Vec<(Ipv4Addr, UdpSocket)> = Vec::new();
        for place in places {
            if let IpAddr::V4(address) = place.of(0).ip()
                && sockets.iter().all(|(other, _)| *other != address)
            {
                sockets.push((address, open(address, port).map_err(|error| (address, error))?));
            }
        }
        Ok(Self { sockets, urls, uuid })
    }

    /// Answers and announces until `stop` is true, and says goodbye then.
    pub(super) async fn run(self, fleet: Arc<Fleet>, mut stop: watch::Receiver<bool>) {
        let mut announced = Announced::new();
        tokio::select! {
            biased;
            // An error means that the daemon was dropped.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.serve(&fleet, &mut announced) => {}
        }
        for (service, _) in announced.values() {
            self.notify(service, &service.byebye()).await;
        }
    }

    async fn serve(&self, fleet: &Fleet, announced: &mut Announced) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = [0; LONGEST_SEARCH];
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => self.announce(fleet, announced).await,
                (socket, length, from) = self.receive(&mut buffer) => {
                    if let Some(mx) = search(&buffer[..length]) {
                        self.answer(fleet, socket, from, mx).await;
                    }
                }
            }
        }
    }

    /// The next message, with the number of its socket.
    async fn receive(&self, buffer: &mut [u8]) -> (usize, usize, SocketAddr) {
        loop {
            let ready = self.sockets.iter().map(|(_, socket)| Box::pin(socket.readable()));
            let (_, number, _) = futures_util::future::select_all(ready).await;
            // A message that is gone, or cannot be read, is one that nobody has sent.
            if let Ok((length, from)) = self.sockets[number].1.try_recv_from(buffer) {
                return (number, length, from);
            }
        }
    }

    /// Sends the answers to a search. Many are spread over the time that the search leaves.
    async fn answer(&self, fleet: &Fleet, socket: usize, to: SocketAddr, mx_s: u64) {
        let services = self.services(fleet);
        let pause = Duration::from_secs(mx_s) / u32::try_from(services.len().max(1)).unwrap_or(u32::MAX);
        let alone = services.len() == 1;
        for (_, service) in services {
            // The client may be gone.
            let _ = self.sockets[socket].1.send_to(service.answer().as_bytes(), to).await;
            if !alone {
                sleep(pause).await;
            }
        }
    }

    /// Announces what is new, what is due again, and what is gone.
    async fn announce(&self, fleet: &Fleet, announced: &mut Announced) {
        let now: BTreeMap<u32, Service> = self.services(fleet).into_iter().collect();
        let gone: Vec<u32> = announced.keys().filter(|number| !now.contains_key(number)).copied().collect();
        for (service, _) in gone.iter().filter_map(|number| announced.remove(number)) {
            self.notify(&service, &service.byebye()).await;
        }
        for (number, service) in now {
            let since = announced.get(&number).map(|(_, since)| since + 1);
            let is_due = since.is_none_or(|since| service.interval_s > 0 && since >= service.interval_s);
            if is_due {
                self.notify(&service, &service.alive()).await;
            }
            announced.insert(number, (service, if is_due { 0 } else { since.unwrap_or(0) }));
        }
    }

    async fn notify(&self, service: &Service, message: &str) {
        let port = self.port();
        for (address, socket) in &self.sockets {
            let sent = async {
                socket.set_multicast_ttl_v4(u32::from(service.ttl))?;
                socket.send_to(message.as_bytes(), SocketAddrV4::new(GROUP, port)).await
            };
            if let Err(error) = sent.await {
                tracing::debug!(%address, %error, "a notification of SSDP cannot be sent");
            }
        }
    }

    fn port(&self) -> u16 {
        let bound = self.sockets.first().and_then(|(_, socket)| socket.local_addr().ok());
        bound.map_or(PORT, |address| address.port())
    }

    /// The service roots that are announced now. A root that all nodes share is one until a client disables SSDP at one of
    /// its managers: DMTF's protocol validator disables it at one, and then expects silence.
    fn services(&self, fleet: &Fleet) -> Vec<(u32, Service)> {
        let mut seen =
            fleet.ids().take(MOST_ASKED).filter_map(|id| fleet.identify(id, |node, _| self.service(node)));
        if self.urls.are_own() {
            return seen.flatten().take(MOST).collect();
        }
        let Some(Some(root)) = seen.next() else { return Vec::new() };
        if seen.all(|service| service.is_some()) { vec![root] } else { Vec::new() }
    }

    /// The service root of a node, unless its BMC is away or has SSDP disabled.
    fn service(&self, node: &Node) -> Option<(u32, Service)> {
        let (bmc, own) = (node.bmc(), self.urls.are_own());
        let ssdp = bmc.network.protocols.ssdp;
        let is_away =
            own && (bmc.restarting_until.is_some() || bmc.network.protocols.are_closed(self.urls.is_tls()));
        if !ssdp.enabled || is_away {
            return None;
        }
        let (number, uuid) = if own { (node.id().0, node.spec().service_uuid()) } else { (0, self.uuid) };
        let url = self.urls.of(node.id().0, || node.spec().name());
        Some((number, Service { uuid, url, interval_s: ssdp.interval_s, ttl: ssdp.ttl }))
    }
}

/// A socket in the group, on the interface with this address.
fn open(interface: Ipv4Addr, port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // Other programs of this host may answer SSDP, too.
    socket.set_reuse_address(true)?;
    // Without this, the socket hears what any program of this host has joined.
    #[cfg(target_os = "linux")]
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SocketAddrV4::new(GROUP, port).into())?;
    socket.join_multicast_v4(&GROUP, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::node::NodeId;
    use crate::node::bmc::network::{self, Protocols};
    use crate::node::command::Command;
    use crate::profile::built_in;
    use crate::seed::Seed;
    use crate::time::SimTime;

    const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

    fn fleet(nodes: u32) -> Arc<Fleet> {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
        fleet.add(&built_in("generic").unwrap(), nodes).unwrap();
        Arc::new(fleet)
    }

    fn disable(fleet: &Fleet, node: u32) {
        let mut protocols = Protocols::default();
        protocols.ssdp.enabled = false;
        let command = network::Command::Protocols(Box::new(protocols));
        fleet.apply(NodeId(node), Command::Network(command)).unwrap().unwrap();
    }

    /// A service on a free port of loopback.
    fn joined(urls: Urls) -> Ssdp {
        Ssdp::join(&[Place::One((LOOPBACK, 443).into())], 0, urls, uuid::Uuid::nil()).unwrap()
    }

    #[tokio::test]
    async fn searches_are_answered_and_what_begins_and_ends_is_announced() {
        let fleet = fleet(2);
        let urls = Urls::Ports { scheme: "https", host: "127.0.0.1".into(), first: 10_000 };
        let ssdp = joined(urls);
        let port = ssdp.port();
        let listener = open(LOOPBACK, port).unwrap();
        let client = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        socket2::SockRef::from(&client).set_multicast_if_v4(&LOOPBACK).unwrap();
        let (stopper, stop) = watch::channel(false);
        let running = tokio::spawn(ssdp.run(Arc::clone(&fleet), stop));

        let uuids =
            [0, 1].map(|node| fleet.look(NodeId(node), |node, _| node.spec().service_uuid()).unwrap());
        let heard = async |socket: &UdpSocket, with: &str| loop {
            let mut buffer = [0; 1024];
            let length = socket.recv(&mut buffer).await.unwrap();
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if text.contains(with) {
                return text;
            }
        };
        for uuid in uuids {
            assert!(heard(&listener, &uuid.to_string()).await.contains("ssdp:alive"));
        }
        let search = "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nMX: 0\r\nST: ssdp:all\r\n\r\n";
        client.send_to(search.as_bytes(), (GROUP, port)).await.unwrap();
        for (uuid, at) in uuids.into_iter().zip(["10000", "10001"]) {
            let answer = heard(&client, &uuid.to_string()).await;
            assert!(answer.contains(&format!("AL: https://127.0.0.1:{at}/redfish/v1/\r\n")), "{answer}");
        }
        disable(&fleet, 0);
        let gone = heard(&listener, "ssdp:byebye").await;
        assert!(gone.contains(&uuids[0].to_string()), "{gone}");
        stopper.send(true).unwrap();
        let gone = heard(&listener, "ssdp:byebye").await;
        assert!(gone.contains(&uuids[1].to_string()), "{gone}");
        running.await.unwrap();
    }

    #[tokio::test]
    async fn a_shared_root_is_announced_until_one_of_its_managers_has_ssdp_disabled() {
        let fleet = fleet(2);
        let ssdp = joined(Urls::Same("https://127.0.0.1:8443".into()));
        let services = ssdp.services(&fleet);
        let [(0, service)] = services.as_slice() else { panic!("{services:?}") };
        assert_eq!((service.uuid, &*service.url), (uuid::Uuid::nil(), "https://127.0.0.1:8443"));
        disable(&fleet, 1);
        assert_eq!(ssdp.services(&fleet), []);
    }

    #[tokio::test]
    async fn only_so_many_roots_are_announced() {
        let ssdp = joined(Urls::Ports { scheme: "https", host: "127.0.0.1".into(), first: 10_000 });
        assert_eq!(ssdp.services(&fleet(MOST as u32 + 8)).len(), MOST);
    }
}
