//! A listening socket, and how to go on when accepting fails.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Sleep, sleep};

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

/// A bound socket that clients can connect to already; they are served once its server runs.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    pub(super) tls: Option<Arc<ServerConfig>>,
    failures: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Listener {
    /// Listens on `address`, with TLS if `tls` is given. Port 0 takes a free port; `[::]` serves IPv4 too where the
    /// system does so. Must be called within a Tokio runtime.
    pub fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> Result<Listener, ListenError> {
        let open = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A restart must not wait for the old connections to leave TIME_WAIT.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address, tls, failures: 0, pause: None })
        };
        open().map_err(|source| ListenError { address, source })
    }

    /// The address it is bound to, with the port that was taken for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
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
            match self.socket.accept().await {
                Ok((stream, remote)) => {
                    self.recovered();
                    // An error here is about this one socket: its client is gone already.
                    if let Ok(accepted) = self.prepare(stream, remote) {
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
        remote: SocketAddr,
    ) -> io::Result<(TcpStream, SocketAddr, SocketAddr)> {
        // Answers go out in one piece; waiting for more would only delay them.
        stream.set_nodelay(true)?;
        let local = if self.address.ip().is_unspecified() { stream.local_addr()? } else { self.address };
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
            tracing::warn!(address = %self.address, %error, failures, "cannot accept connections, trying again");
        }
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            tracing::info!(address = %self.address, failures = self.failures, "accepting connections again");
            self.failures = 0;
        }
    }
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
