//! Tests with real sockets: what a client sees of a connection that begins with a fault.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;
use rustls::client::ClientConfig;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{AlertDescription, CertificateError, ProtocolVersion, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ending::{hold, reset};
use super::{Listener, Server};
use crate::address::{Place, Prefix};
use crate::face::{Body, Face, Peer, Refused};
use crate::limit::Limits;
use crate::tls::testing::{names, now, trusting};
use crate::tls::{
    CertificateNames, DevelopmentCa, Leaves, ListenerTls, Made, MinVersion, Subject,
    agent_identity_in_memory, provider, server_config,
};
use crate::wire::{Alert, Certificate, LONGEST, Opening, Protocol, Shape};

/// The body of every answer.
pub(super) const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.";

/// The node whose connections have the fault. All others are served as usual.
pub(super) const FAULTY: u32 = 1;
const FINE: u32 = 2;

/// Serves [`BODY`]; `/parts` in two parts. Connections and answers of [`FAULTY`], or of an address that all nodes share, have the fault.
#[derive(Default)]
pub(super) struct Faulty {
    pub(super) opening: Mutex<Option<Opening>>,
    pub(super) shape: Mutex<Option<Shape>>,
}

fn is_faulty(peer: &Peer) -> bool {
    peer.node.is_none_or(|node| node == FAULTY)
}

impl Face for Faulty {
    async fn call(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        let body = match request.uri().path() {
            "/parts" => Body::Parts(Box::new([&BODY[..10], &BODY[10..]].map(Bytes::from).into_iter())),
            _ => Bytes::from(BODY).into(),
        };
        let mut response = Response::new(body);
        if is_faulty(peer)
            && request.uri().path() != "/fine"
            && let Some(shape) = *self.shape.lock()
        {
            response.extensions_mut().insert(shape);
        }
        response
    }

    fn opening(&self, peer: &Peer) -> Option<Opening> {
        self.opening.lock().filter(|_| is_faulty(peer))
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let mut response = Response::new(why.to_string().into());
        *response.status_mut() = why.status();
        response
    }
}

pub(super) struct Running {
    place: Place,
    pub(super) face: Arc<Faulty>,
    stop: oneshot::Sender<()>,
    run: JoinHandle<usize>,
}

impl Running {
    fn start(place: Place, tls: Option<ListenerTls>) -> Self {
        Self::start_with(Limits::default(), place, tls)
    }

    fn start_with(limits: Limits, place: Place, tls: Option<ListenerTls>) -> Self {
        let listener = Listener::at(place, 10, tls).unwrap();
        let (place, face) = (listener.place(), Arc::new(Faulty::default()));
        let mut server = Server::new(limits);
        server.add(listener, Arc::clone(&face), 1000);
        let (stop, stopped) = oneshot::channel();
        let run = tokio::spawn(server.run(async { stopped.await.unwrap() }));
        Self { place, face, stop, run }
    }

    /// Each node has an address of its own.
    pub(super) fn with_addresses(tls: Option<ListenerTls>) -> Self {
        let prefix = Prefix::new("127.90.0.0".parse().unwrap(), 16).unwrap();
        Self::start(Place::Ips(prefix, 0), tls)
    }

    pub(super) fn address(&self, node: u32) -> SocketAddr {
        self.place.of(node)
    }

    pub(super) async fn connect(&self, node: u32) -> TcpStream {
        TcpStream::connect(self.address(node)).await.unwrap()
    }

    /// Checks that the other nodes are served.
    pub(super) async fn others_are_fine(&self) {
        assert!(exchange(&mut self.connect(FINE).await).await.unwrap().ends_with(BODY));
    }

    /// Stops the server. No connection may last until the end of the drain.
    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        assert_eq!(self.run.await.unwrap(), 0, "a connection was cut at the end of the drain");
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Sends a request and reads to the end of the connection.
pub(super) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<String, ErrorKind> {
    stream.write_all(GET.as_bytes()).await.map_err(|error| error.kind())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| error.kind())?;
    Ok(answer)
}

/// The bytes that a client on this host has sent and whose receipt the server's kernel has not acknowledged.
fn unacknowledged(client: &TcpStream) -> u64 {
    let written = |address| {
        let SocketAddr::V4(address) = address else { panic!("{address} is not IPv4") };
        format!("{:08X}:{:04X}", u32::from_le_bytes(address.ip().octets()), address.port())
    };
    // Connections to different servers can have the same port of the client.
    let ends = [written(client.local_addr().unwrap()), written(client.peer_addr().unwrap())];
    let unsent = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(1..3)? == ends.as_slice()).then(|| words[4].split_once(':').unwrap().0.to_owned())
    };
    // The table changes while it is read, so a reader can miss a line.
    let found = (0..100).find_map(|_| fs::read_to_string("/proc/net/tcp").unwrap().lines().find_map(unsent));
    u64::from_str_radix(&found.expect("the kernel lists each connection"), 16).unwrap()
}

/// Whether the server's kernel stops to acknowledge what the client sends. It acknowledges a small packet within 200 ms (Linux,
/// `TCP_DELACK_MAX`); the first packets may arrive before the fault begins.
pub(super) async fn is_unheard(client: &mut TcpStream) -> bool {
    for _ in 0..5 {
        client.write_all(b"x").await.unwrap();
        let mut looks = 0;
        loop {
            // The server runs meanwhile.
            tokio::time::sleep(Duration::from_millis(10)).await;
            if unacknowledged(client) == 0 {
                break;
            }
            looks += 1;
            if looks == 50 {
                return true;
            }
        }
    }
    false
}

#[tokio::test]
async fn a_connection_is_reset_before_its_first_byte() {
    let server = Running::with_addresses(None);
    *server.face.opening.lock() = Some(Opening::Reset);
    let mut client = server.connect(FAULTY).await;
    let result = client.read_u8().await.unwrap_err().kind();
    assert_eq!(result, ErrorKind::ConnectionReset);
    server.others_are_fine().await;
    *server.face.opening.lock() = None;
    assert!(exchange(&mut server.connect(FAULTY).await).await.unwrap().ends_with(BODY));
    server.stop().await;
}

#[tokio::test]
async fn a_black_hole_acknowledges_and_a_half_open_connection_does_not_and_a_stop_ends_both() {
    for tls in [None, Some(by_address())] {
        for (opening, unheard) in [(Opening::BlackHole, false), (Opening::HalfOpen, true)] {
            let server = Running::with_addresses(tls.clone());
            *server.face.opening.lock() = Some(opening);
            let mut client = server.connect(FAULTY).await;
            assert_eq!(is_unheard(&mut client).await, unheard, "{opening:?}");
            if tls.is_none() {
                server.others_are_fine().await;
            }
            assert_eq!(client.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
            server.stop().await;
            assert_eq!(client.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }
}

#[tokio::test]
async fn a_silent_connection_takes_a_slot_and_one_over_the_limit_is_refused_and_not_held() {
    let server = Running::start_with(Limits { connections: 1, ..Limits::default() }, one(), None);
    *server.face.opening.lock() = Some(Opening::BlackHole);
    let mut held = server.connect(0).await;
    // It is accepted after the first one, and its refusal must not become silence.
    let refusal = exchange(&mut server.connect(0).await).await.unwrap();
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    assert_eq!(held.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    server.stop().await;
    assert!(held.read_u8().await.is_err());
}

#[tokio::test]
async fn a_delayed_connection_is_served_after_its_delay_and_a_stop_ends_the_delay() {
    let server = Running::with_addresses(None);
    *server.face.opening.lock() = Some(Opening::Delay(Duration::from_millis(1)));
    assert!(exchange(&mut server.connect(FAULTY).await).await.unwrap().ends_with(BODY));
    *server.face.opening.lock() = Some(Opening::Delay(LONGEST));
    let mut client = server.connect(FAULTY).await;
    server.others_are_fine().await;
    server.stop().await;
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

/// A connected pair: the client's stream and the server's.
async fn pair() -> (TcpStream, TcpStream) {
    let mut listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
    let client = TcpStream::connect(listener.address()).await.unwrap();
    let (stream, _, _) = listener.accept().await;
    (client, stream)
}

/// How long the clock of the test advances in a call.
async fn lasts(call: impl Future) -> Duration {
    let start = tokio::time::sleep(Duration::ZERO).deadline();
    call.await;
    tokio::time::sleep(Duration::ZERO).deadline() - start
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_held_for_a_limited_time_and_shorter_once_its_client_has_gone() {
    let second = Duration::from_secs(1);
    let (_stop, mut stopped) = watch::channel(false);
    let (client, stream) = pair().await;
    let whole = lasts(hold(&stream, LONGEST, 60 * second, &mut stopped)).await;
    assert!(whole.abs_diff(LONGEST) < second, "{whole:?}");
    for resets in [false, true] {
        let (mut client, stream) = pair().await;
        client.write_all(b"bytes that nobody reads").await.unwrap();
        if resets {
            reset(client);
        } else {
            drop(client);
        }
        let rest = lasts(hold(&stream, LONGEST, 60 * second, &mut stopped)).await;
        assert!(rest.abs_diff(60 * second) < second, "{rest:?}");
    }
    drop(client);
}

/// The client's clock, fixed at the day of the tests.
#[derive(Debug)]
struct Today;

impl TimeProvider for Today {
    fn current_time(&self) -> Option<UnixTime> {
        now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

fn client(ca_pem: &str, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
    let config = ClientConfig::builder_with_details(provider(), Arc::new(Today))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(trusting(ca_pem))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub(super) async fn secure(
    server: &Running,
    client: &TlsConnector,
    node: u32,
) -> Result<TlsStream<TcpStream>, rustls::Error> {
    let name = ServerName::from(server.address(node).ip()).to_owned();
    client.connect(name, server.connect(node).await).await.map_err(|error| {
        let inner = error.get_ref().unwrap_or_else(|| panic!("not an error of TLS: {error}"));
        inner.downcast_ref::<rustls::Error>().unwrap().clone()
    })
}

fn leaves() -> Arc<Leaves> {
    let ca = DevelopmentCa::in_memory(now()).unwrap();
    let identity =
        ca.redfish_identity(&Subject::named("bmc"), &CertificateNames::of_this_host(), now()).unwrap();
    let subject_of = Box::new(|_| Subject::named("bmc"));
    Arc::new(Leaves::new(ca, identity, None, subject_of, now(), MinVersion::Tls12).unwrap())
}

fn by_address() -> ListenerTls {
    ListenerTls::ByAddress(leaves())
}

/// A TLS server whose nodes have addresses of their own, and a client that trusts it.
pub(super) fn secure_server() -> (Running, TlsConnector) {
    let leaves = leaves();
    let client = client(leaves.ca_pem(), rustls::DEFAULT_VERSIONS);
    (Running::with_addresses(Some(ListenerTls::ByAddress(leaves))), client)
}

fn one() -> Place {
    Place::One("127.0.0.1:0".parse().unwrap())
}

#[tokio::test]
async fn a_handshake_ends_with_the_alert_and_plain_http_is_answered_as_usual() {
    let (server, client) = secure_server();
    for (alert, seen) in [
        (Alert::HandshakeFailure, AlertDescription::HandshakeFailure),
        (Alert::InternalError, AlertDescription::InternalError),
        (Alert::UnrecognizedName, AlertDescription::UnrecognisedName),
    ] {
        *server.face.opening.lock() = Some(Opening::Alert(alert));
        let error = secure(&server, &client, FAULTY).await.unwrap_err();
        assert_eq!(error, rustls::Error::AlertReceived(seen));
    }
    let plain = exchange(&mut server.connect(FAULTY).await).await.unwrap();
    assert!(plain.starts_with("HTTP/1.1 400 "), "{plain}");
    let mut fine = secure(&server, &client, FINE).await.unwrap();
    assert!(exchange(&mut fine).await.unwrap().ends_with(BODY));
    // A client that sends a part of its message does not delay a stop.
    let mut silent = server.connect(FAULTY).await;
    silent.write_all(&[22, 3, 1]).await.unwrap();
    server.stop().await;
}

/// What the client says about a certificate that it refuses.
fn refusal(result: Result<TlsStream<TcpStream>, rustls::Error>) -> CertificateError {
    match result.map(|_| ()) {
        Err(rustls::Error::InvalidCertificate(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_is_expired_or_that_of_another_host_and_right_again_afterwards() {
    let (ca, subject) = (DevelopmentCa::in_memory(now()).unwrap(), Subject::named("bmc"));
    let (ca_pem, names) = (ca.certificate_pem().to_owned(), names(&["127.0.0.1"]));
    let identity = ca.redfish_identity(&subject, &names, now()).unwrap();
    let made = Made::by_ca(ca, &identity, None, subject, names, now(), MinVersion::Tls12).unwrap();
    let same = Running::start(one(), Some(ListenerTls::Made(Arc::new(made))));
    let by_address = secure_server();
    for (server, client) in [(same, client(&ca_pem, rustls::DEFAULT_VERSIONS)), by_address] {
        // The client keeps the session, which must not hide a wrong certificate.
        let mut fine = secure(&server, &client, FAULTY).await.unwrap();
        assert!(exchange(&mut fine).await.unwrap().ends_with(BODY));
        *server.face.opening.lock() = Some(Opening::Certificate(Certificate::Expired));
        let error = refusal(secure(&server, &client, FAULTY).await);
        assert!(matches!(error, CertificateError::ExpiredContext { .. }), "{error:?}");
        *server.face.opening.lock() = Some(Opening::Certificate(Certificate::OtherHost));
        let error = refusal(secure(&server, &client, FAULTY).await);
        assert!(matches!(error, CertificateError::NotValidForNameContext { .. }), "{error:?}");
        *server.face.opening.lock() = None;
        assert!(secure(&server, &client, FAULTY).await.is_ok());
        server.stop().await;
    }
}

#[tokio::test]
async fn the_agents_certificate_can_be_expired_or_that_of_another_host_although_it_has_no_ca() {
    let names = names(&["127.0.0.1"]);
    let identity = agent_identity_in_memory(&names, now()).unwrap();
    let made = Made::self_signed(&identity, names, now(), MinVersion::Tls12).unwrap();
    let server = Running::start(one(), Some(ListenerTls::Made(Arc::new(made))));
    let pinned = client(identity.certificate_pem(), rustls::DEFAULT_VERSIONS);
    assert!(secure(&server, &pinned, 0).await.is_ok());
    *server.face.opening.lock() = Some(Opening::Certificate(Certificate::Expired));
    let error = refusal(secure(&server, &pinned, 0).await);
    assert!(matches!(error, CertificateError::ExpiredContext { .. }), "{error:?}");
    *server.face.opening.lock() = Some(Opening::Certificate(Certificate::OtherHost));
    let error = refusal(secure(&server, &pinned, 0).await);
    assert!(matches!(error, CertificateError::NotValidForNameContext { .. }), "{error:?}");
}

#[tokio::test]
async fn a_listener_with_the_users_certificate_says_that_it_has_no_other_one() {
    let ca = DevelopmentCa::in_memory(now()).unwrap();
    let identity = ca.redfish_identity(&Subject::named("bmc"), &names(&["127.0.0.1"]), now()).unwrap();
    let same = ListenerTls::Same(server_config(identity.resolver(), MinVersion::Tls12).unwrap());
    let opening = |which| Opening::Certificate(which).need();
    for which in Certificate::ALL {
        let plain = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        assert!(!plain.allows(opening(which)) && plain.allows(Opening::BlackHole.need()));
        let listener = Listener::at(one(), 1, Some(same.clone())).unwrap();
        assert!(!listener.allows(opening(which)));
        assert!(listener.allows(Opening::Alert(Alert::AccessDenied).need()));
        let listener = Listener::at(one(), 1, Some(by_address())).unwrap();
        assert!(listener.allows(opening(which)));
    }
    let server = Running::start(one(), Some(same));
    *server.face.opening.lock() = Some(Opening::Certificate(Certificate::Expired));
    let client = client(ca.certificate_pem(), rustls::DEFAULT_VERSIONS);
    assert!(secure(&server, &client, 0).await.is_ok(), "it is served as usual");
}

#[tokio::test]
async fn a_server_of_one_old_version_chooses_it_or_refuses_the_client() {
    let leaves = leaves();
    let both = client(leaves.ca_pem(), rustls::DEFAULT_VERSIONS);
    let new = client(leaves.ca_pem(), &[&version::TLS13]);
    let server = Running::with_addresses(Some(ListenerTls::ByAddress(leaves)));
    *server.face.opening.lock() = Some(Opening::Only(Protocol::Tls12));
    let stream = secure(&server, &both, FAULTY).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let error = secure(&server, &new, FAULTY).await.unwrap_err();
    assert_eq!(error, rustls::Error::AlertReceived(AlertDescription::ProtocolVersion));
    for protocol in [Protocol::Tls10, Protocol::Tls11] {
        *server.face.opening.lock() = Some(Opening::Only(protocol));
        let error = secure(&server, &both, FAULTY).await.unwrap_err();
        assert_eq!(error, rustls::Error::AlertReceived(AlertDescription::ProtocolVersion));
    }
    let fine = secure(&server, &new, FINE).await.unwrap();
    assert_eq!(fine.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

/// The first message of a client of TLS 1.2 that knows one cipher suite of old servers.
const OLD_HELLO: &[u8] = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03\
    0123456789abcdef0123456789abcdef\x00\x00\x02\x00\x2f\x01\x00";

#[tokio::test]
async fn a_client_of_a_later_version_reads_the_old_version_byte_for_byte() {
    let (server, _) = secure_server();
    for (protocol, minor) in [(Protocol::Tls10, 1), (Protocol::Tls11, 2)] {
        *server.face.opening.lock() = Some(Opening::Only(protocol));
        // The message arrives in two parts.
        let mut client = server.connect(FAULTY).await;
        client.write_all(&OLD_HELLO[..20]).await.unwrap();
        client.write_all(&OLD_HELLO[20..]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut reply = Vec::new();
        client.read_to_end(&mut reply).await.unwrap();
        assert_eq!(reply[..11], [22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor]);
        assert_eq!(reply[43..], [0, 0, 0x2f, 0, 21, 3, minor, 0, 2, 2, 40]);
    }
}

/// A number of bytes.
pub(super) fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}
