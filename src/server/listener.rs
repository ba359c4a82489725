//! Listening: one socket, or one for each port, and how to go on when accepting fails.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Sleep, sleep};

use crate::address::Place;
use crate::tls::Shown;

/// Connections the kernel keeps until they are accepted. It cuts this to its own limit (`net.core.somaxconn`).
pub const BACKLOG: u32 = 4096;

/// First and longest pause after a failed accept.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address as given.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// What is accepted from.
#[derive(Debug)]
enum Sockets {
    One(TcpListener),
    /// A socket for each port. All wait in one task, which is woken with those that have a client.
    Each(FuturesUnordered<Pin<Box<dyn Future<Output = Accepted> + Send>>>),
}

/// A socket that has accepted, with its bound address.
type Accepted = (TcpListener, SocketAddr, io::Result<(TcpStream, SocketAddr)>);

/// A bound socket, or several, that clients can connect to already; they are served once the server runs.
#[derive(Debug)]
pub struct Listener {
    sockets: Sockets,
    place: Place,
    pub(super) tls: Option<Shown>,
    failures: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Listener {
    /// Listens on `address`, with TLS if `tls` is given. Port 0 takes a free port; `[::]` serves IPv4 too where the
    /// system does so. Must be called within a Tokio runtime.
    pub fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Listener, ListenError> {
        Listener::at(Place::One(address), 1, tls.map(Shown::Same))
    }

    /// Listens on a place for so many nodes. A prefix needs one socket, bound to no address: what comes to an address of
    /// nobody's is reset at once. Ports need a socket each, for a system has no way to listen on several with one.
    ///
    /// # Errors
    /// Names the address that cannot be listened on.
    pub fn at(place: Place, nodes: u32, tls: Option<Shown>) -> Result<Listener, ListenError> {
        let failed = |address| move |source| ListenError { address, source };
        let (sockets, place) = match place {
            Place::One(address) => {
                let (socket, bound) = open(address).map_err(failed(address))?;
                (Sockets::One(socket), Place::One(bound))
            }
            Place::Ips(prefix, port) => {
                let any = match prefix.network() {
                    IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
                    IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
                };
                let (socket, bound) = open_any(any, prefix.is_loopback()).map_err(failed(any))?;
                (Sockets::One(socket), place.with_port(bound.port()))
            }
            Place::Ports(_) => {
                let each = FuturesUnordered::new();
                for address in (0..nodes.min(place.capacity())).map(|node| place.of(node)) {
                    let (socket, bound) = open(address).map_err(failed(address))?;
                    each.push(next(socket, bound));
                }
                (Sockets::Each(each), place)
            }
        };
        Ok(Listener { sockets, place, tls, failures: 0, pause: None })
    }

    /// The address it is bound to, or that of the first node, with the port that was taken for port 0.
    pub fn address(&self) -> SocketAddr {
        self.place.of(0)
    }

    /// Where it listens, with the port that was taken for port 0.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whose a local address of a connection is; `Some(None)` where nobody has one to himself.
    pub(super) fn whose(&self, local: SocketAddr) -> Option<Option<u32>> {
        match self.place {
            Place::One(_) => Some(None),
            Place::Ips(prefix, _) => prefix.node_at(local.ip()).map(Some),
            Place::Ports(first) => local.port().checked_sub(first.port()).map(|node| Some(u32::from(node))),
        }
    }

    /// Whether it speaks HTTPS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The next connection with its two ends, local first. Waits out failures; can be dropped at any await.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr, SocketAddr) {
        loop {
            if let Some(pause) = &mut self.pause {
                pause.await;
                self.pause = None;
            }
            let (bound, accepted) = match &mut self.sockets {
                Sockets::One(socket) => (None, socket.accept().await),
                Sockets::Each(each) => {
                    let Some((socket, bound, accepted)) = each.next().await else {
                        // There is no port to listen on.
                        std::future::pending().await
                    };
                    each.push(next(socket, bound));
                    (Some(bound), accepted)
                }
            };
            match accepted {
                Ok((stream, remote)) => {
                    self.recovered();
                    // An error here is about this one socket: its client is gone already.
                    if let Ok(accepted) = self.prepare(stream, bound, remote) {
                        return accepted;
                    }
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    fn prepare(
        &self,
        stream: TcpStream,
        bound: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> io::Result<(TcpStream, SocketAddr, SocketAddr)> {
        // Answers go out in one piece; waiting for more would only delay them.
        stream.set_nodelay(true)?;
        let local = match (bound, self.place) {
            (Some(bound), _) | (None, Place::One(bound)) if !bound.ip().is_unspecified() => bound,
            _ => stream.local_addr()?,
        };
        Ok((stream, canonical(local), canonical(remote)))
    }

    fn failed(&mut self, error: &io::Error) {
        // The one client went away before it was accepted. The listener is well.
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        // Most likely too many open files: the listener stays readable, and without a pause this would spin.
        let delay = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.pause = Some(Box::pin(sleep(delay)));
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_power_of_two() {
            let failures = self.failures;
            tracing::warn!(address = %self.address(), %error, failures, "cannot accept connections, trying again");
        }
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            tracing::info!(address = %self.address(), failures = self.failures, "accepting connections again");
            self.failures = 0;
        }
    }
}

/// A socket on one address. Its bound address has the port that was taken for port 0.
fn open(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections to leave TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A socket on all addresses of one family, at best on those of the loopback interface only.
fn open_any(any: SocketAddr, loopback: bool) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(any), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if any.is_ipv6() {
        // Beside it the same port can be listened on for IPv4.
        socket.set_only_v6(true)?;
    }
    if loopback && let Err(error) = socket.bind_device(Some(LOOPBACK)) {
        // Old kernels want a privilege for it. Connections from elsewhere are then reset instead of refused.
        tracing::debug!(%error, "cannot listen on the loopback interface alone");
    }
    socket.bind(&any.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    let socket = TcpListener::from_std(socket.into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Linux's name of the interface that leads nowhere else.
const LOOPBACK: &[u8] = b"lo";

/// Waits for the next connection of one socket among many.
fn next(socket: TcpListener, bound: SocketAddr) -> Pin<Box<dyn Future<Output = Accepted> + Send>> {
    Box::pin(async move {
        let accepted = socket.accept().await;
        (socket, bound, accepted)
    })
}

/// IPv4 behind a dual-stack socket shows as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failing_accept_pauses_longer_each_time_up_to_a_limit() {
        let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let too_many_files = io::Error::from_raw_os_error(24);
        let mut pauses_ms = Vec::new();
        for _ in 0..12 {
            listener.failed(&too_many_files);
            let pause = listener.pause.take().unwrap();
            let start = sleep(Duration::ZERO).deadline();
            pauses_ms.push((pause.deadline() - start).as_millis());
        }
        assert_eq!(pauses_ms[..4], [10, 20, 40, 80]);
        assert_eq!(pauses_ms[7..], [1000; 5]);
        listener.recovered();
        listener.failed(&too_many_files);
        assert_eq!(listener.failures, 1);
    }

    #[tokio::test]
    async fn a_client_that_went_away_costs_no_pause() {
        let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        listener.failed(&io::ErrorKind::ConnectionAborted.into());
        assert!(listener.pause.is_none());
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let listener = Listener::bind("[::1]:0".parse().unwrap(), None).unwrap();
        let error = Listener::bind(listener.address(), None).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("cannot listen on {}: ", listener.address())),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_wildcard_listener_knows_which_address_was_reached() {
        let mut listener = Listener::bind("[::]:0".parse().unwrap(), None).unwrap();
        let port = listener.address().port();
        let client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_stream, local, remote) = listener.accept().await;
        assert_eq!(local, SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(remote, client.local_addr().unwrap());
    }
}
