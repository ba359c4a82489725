//! Listening sockets: one for an address or a prefix, or one for each port. A failed accept is retried with back-off.

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
use crate::tls::ListenerTls;
use crate::wire::Need;

/// Connections that the kernel queues until they are accepted. The kernel reduces it to `net.core.somaxconn`.
pub const BACKLOG: u32 = 4096;

/// The back-off after a failed accept doubles from the first to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    pub address: SocketAddr,
    pub source: io::Error,
}

#[derive(Debug)]
enum Sockets {
    One(TcpListener),
    /// A socket for each port. One task waits for all of them and is woken only for sockets that have a client.
    Each(FuturesUnordered<Pin<Box<dyn Future<Output = Accepted> + Send>>>),
}

/// A socket, its bound address and the result of its accept.
type Accepted = (TcpListener, SocketAddr, io::Result<(TcpStream, SocketAddr)>);

/// One or several bound sockets. The kernel already queues connections; they are served once the server runs.
#[derive(Debug)]
pub struct Listener {
    sockets: Sockets,
    place: Place,
    pub(super) tls: Option<ListenerTls>,
    /// Failed accepts since the last successful one.
    failures: u32,
    /// The back-off that is running.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Listener {
    /// Listens on `address`, with TLS if `tls` is given. Port 0 takes a free port. `[::]` also serves IPv4 if the
    /// system is configured so. Must be called within a Tokio runtime.
    pub fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Listener, ListenError> {
        Listener::at(Place::One(address), 1, tls.map(ListenerTls::Same))
    }

    /// Listens on a place for `nodes` nodes. A prefix needs one socket, bound to the wildcard address; a connection to
    /// an address that belongs to no node is reset at once. Ports need a socket each, because one socket has one port.
    ///
    /// # Errors
    /// The address that cannot be bound.
    pub fn at(place: Place, nodes: u32, tls: Option<ListenerTls>) -> Result<Listener, ListenError> {
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

    /// The bound address, or the address of the first node. Port 0 is replaced by the actual port.
    pub fn address(&self) -> SocketAddr {
        self.place.of(0)
    }

    /// The place on which it listens. Port 0 is replaced by the actual port.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The node that owns a local address. `Some(None)` if all nodes share the address, `None` if it belongs to no
    /// node.
    pub(super) fn owner(&self, local: SocketAddr) -> Option<Option<u32>> {
        match self.place {
            Place::One(_) => Some(None),
            Place::Ips(prefix, _) => prefix.node_at(local.ip()).map(Some),
            Place::Ports(first) => local.port().checked_sub(first.port()).map(|node| Some(u32::from(node))),
        }
    }

    /// The TLS settings, if it has TLS.
    pub fn tls(&self) -> Option<&ListenerTls> {
        self.tls.as_ref()
    }

    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether the listener has what an [opening](crate::wire::Opening::need) needs.
    pub fn allows(&self, need: Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::Tls => self.is_tls(),
            Need::OwnCa => self.tls.as_ref().is_some_and(ListenerTls::can_be_wrong),
        }
    }

    /// The next connection with its local and its remote address. Retries failed accepts. Cancel-safe.
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
                        // A fleet without nodes has no ports.
                        std::future::pending().await
                    };
                    each.push(next(socket, bound));
                    (Some(bound), accepted)
                }
            };
            match accepted {
                Ok((stream, remote)) => {
                    self.recovered();
                    // An error here concerns this connection only: its client has already gone.
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
        // A response is written at once, so Nagle's algorithm would only delay it.
        stream.set_nodelay(true)?;
        let local = match (bound, self.place) {
            (Some(bound), _) | (None, Place::One(bound)) if !bound.ip().is_unspecified() => bound,
            _ => stream.local_addr()?,
        };
        Ok((stream, canonical(local), canonical(remote)))
    }

    fn failed(&mut self, error: &io::Error) {
        // The client disconnected before the accept. The listener itself works.
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        // The most likely error is too many open files. The socket then stays readable, so without a pause the accept
        // would fail in a busy loop.
        let delay = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.pause = Some(Box::pin(sleep(delay)));
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_power_of_two() {
            let failures = self.failures;
            tracing::warn!(address = %self.address(), %error, failures, "cannot accept connections; retrying");
        }
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            tracing::info!(address = %self.address(), failures = self.failures, "accepting connections again");
            self.failures = 0;
        }
    }
}

/// Opens a socket on one address. In the returned address, port 0 is replaced by the actual port.
fn open(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections to leave TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Opens a socket on all addresses of one address family; if `loopback`, on the loopback interface only where that is
/// possible.
fn open_any(any: SocketAddr, loopback: bool) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(any), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if any.is_ipv6() {
        // Leaves the same port free for a listener on IPv4.
        socket.set_only_v6(true)?;
    }
    if loopback && let Err(error) = socket.bind_device(Some(LOOPBACK)) {
        // Old kernels require a privilege for this. Connections through other interfaces are then reset, not refused.
        tracing::debug!(%error, "cannot bind to the loopback interface only; listening on all interfaces");
    }
    socket.bind(&any.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    let socket = TcpListener::from_std(socket.into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// The name of the loopback interface on Linux.
const LOOPBACK: &[u8] = b"lo";

/// Accepts the next connection of one socket and returns the socket with it.
fn next(socket: TcpListener, bound: SocketAddr) -> Pin<Box<dyn Future<Output = Accepted> + Send>> {
    Box::pin(async move {
        let accepted = socket.accept().await;
        (socket, bound, accepted)
    })
}

/// Converts the IPv4-mapped addresses of a dual-stack socket to IPv4.
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
    async fn a_client_that_disconnects_before_the_accept_causes_no_pause() {
        let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        listener.failed(&io::ErrorKind::ConnectionAborted.into());
        assert!(listener.pause.is_none());
    }

    #[tokio::test]
    async fn the_error_names_an_address_that_is_in_use() {
        let listener = Listener::bind("[::1]:0".parse().unwrap(), None).unwrap();
        let error = Listener::bind(listener.address(), None).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("cannot listen on {}: ", listener.address())),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_wildcard_listener_returns_the_actual_local_address() {
        let mut listener = Listener::bind("[::]:0".parse().unwrap(), None).unwrap();
        let port = listener.address().port();
        let client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (_stream, local, remote) = listener.accept().await;
        assert_eq!(local, SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(remote, client.local_addr().unwrap());
    }
}
