//! A receiver of events: an HTTPS server with a CA of its own. Its threads end with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fauxmetal::tls::{CertificateNames, DevelopmentCa, MinVersion, Subject, server_config};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// An address that no other test uses, so that no other socket takes the port of a receiver that is down.
const HOST: &str = "127.92.0.1";

/// A request with events, or with a report.
#[derive(Clone)]
pub(super) struct Delivery {
    /// The header lines, in lower case.
    pub(super) head: String,
    pub(super) document: Value,
    /// The status of the answer. 0 if the receiver has gone down before.
    pub(super) status: u16,
}

#[derive(Default)]
struct State {
    /// The requests of each path, in order.
    deliveries: BTreeMap<String, Vec<Delivery>>,
    /// Paths whose requests are refused with 503.
    busy: BTreeSet<String>,
    /// The receiver takes requests, and answers none.
    is_slow: bool,
    /// The open connections. `None` while the receiver is down.
    open: Option<Vec<TcpStream>>,
    /// Connections whose threads run.
    served: usize,
    /// Connections on which no handshake with TLS was completed.
    broken: usize,
}

/// A receiver on loopback. Each path is a subscription of its own.
pub(super) struct Receiver {
    address: SocketAddr,
    pub(super) ca_pem: String,
    tls: Arc<ServerConfig>,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    pub(super) fn start() -> Self {
        Self::with_certificate_for(HOST)
    }

    pub(super) fn with_certificate_for(host: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a certificate is valid from now on")]
        let now = SystemTime::now();
        let ca = DevelopmentCa::in_memory(now).unwrap();
        let mut names = CertificateNames::new();
        names.add_host(host).unwrap();
        let identity = ca.redfish_identity(&Subject::named(host), &names, now).unwrap();
        let tls = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
        let listener = TcpListener::bind((HOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Self { address, ca_pem: ca.certificate_pem().to_owned(), tls, state: Arc::default() };
        receiver.listen(listener);
        receiver
    }

    fn listen(&self, listener: TcpListener) {
        self.state.lock().unwrap().open = Some(Vec::new());
        let (state, tls) = (Arc::clone(&self.state), Arc::clone(&self.tls));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                {
                    let mut state = state.lock().unwrap();
                    match &mut state.open {
                        Some(open) => open.push(stream.try_clone().unwrap()),
                        // The connection that has woken this thread. The listener is closed.
                        None => return,
                    }
                    state.served += 1;
                }
                let (state, tls) = (Arc::clone(&state), Arc::clone(&tls));
                std::thread::spawn(move || {
                    let _ = take(stream, tls, &state);
                    state.lock().unwrap().served -= 1;
                });
            }
        });
    }

    /// Goes down: connections end, and new ones are refused.
    pub(super) fn stop(&self) {
        let open = self.state.lock().unwrap().open.take().unwrap();
        // It ends the loop of the listener.
        drop(TcpStream::connect(self.address));
        for stream in open {
            let _ = stream.shutdown(Shutdown::Both);
        }
        super::eventually("closed port", || TcpStream::connect(self.address).is_err());
        super::eventually("end of the connections", || self.state.lock().unwrap().served == 0);
    }

    /// Comes back after [`stop`](Self::stop), with the same address.
    pub(super) fn restart(&self) {
        self.listen(TcpListener::bind(self.address).unwrap());
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Refuses the requests of some paths from now on, and takes all others.
    pub(super) fn refuse(&self, paths: &[&str]) {
        self.state.lock().unwrap().busy = paths.iter().map(|&path| path.to_owned()).collect();
    }

    /// Takes requests from now on without an answer, or answers them.
    pub(super) fn hold(&self, on: bool) {
        self.state.lock().unwrap().is_slow = on;
    }

    /// All requests of a path so far.
    pub(super) fn deliveries(&self, path: &str) -> Vec<Delivery> {
        self.state.lock().unwrap().deliveries.get(path).cloned().unwrap_or_default()
    }

    /// The documents of a path that the receiver has acknowledged, in the order in which they have come.
    pub(super) fn documents(&self, path: &str) -> Vec<Value> {
        let taken = self.deliveries(path).into_iter().filter(|delivery| delivery.status == 204);
        taken.map(|delivery| delivery.document).collect()
    }

    /// The events in these documents.
    pub(super) fn events(&self, path: &str) -> Vec<Value> {
        let documents = self.documents(path).into_iter();
        documents.flat_map(|document| document["Events"].as_array().unwrap().clone()).collect()
    }

    /// The number of connections that clients have given up during the handshake.
    pub(super) fn broken(&self) -> usize {
        self.state.lock().unwrap().broken
    }
}

/// Answers the requests of a connection.
fn take(stream: TcpStream, tls: Arc<ServerConfig>, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    while stream.conn.is_handshaking() {
        if stream.conn.complete_io(&mut stream.sock).is_err() {
            state.lock().unwrap().broken += 1;
            return Ok(());
        }
    }
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body)?;
        let document = serde_json::from_slice(&body).unwrap();
        let (status, at) = {
            let mut state = state.lock().unwrap();
            let status = if state.busy.contains(&path) { 503 } else { 204 };
            let of_path = state.deliveries.entry(path.clone()).or_default();
            of_path.push(Delivery { head, document, status });
            (status, of_path.len() - 1)
        };
        while state.lock().unwrap().is_slow {
            std::thread::sleep(Duration::from_millis(5));
        }
        let length = if status == 204 { "" } else { "content-length: 0\r\n" };
        let answer = format!("HTTP/1.1 {status} Answer\r\n{length}\r\n");
        let sent = stream.get_mut().write_all(answer.as_bytes()).and_then(|()| stream.get_mut().flush());
        if let Err(error) = sent {
            state.lock().unwrap().deliveries.get_mut(&path).unwrap()[at].status = 0;
            return Err(error);
        }
    }
}
