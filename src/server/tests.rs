//! Tests of the server: real sockets where the kernel matters, an in-memory stream and a paused clock for the timeouts.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use rustls::client::ClientConfig;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::admission::Admission;
use super::answer::{Context, Shared};
use super::connection::serve;
use super::{Listener, Server};
use crate::face::{Body, Face, Peer, Refused};
use crate::limit::Limits;
use crate::tls::testing::{names, now, trusting};
use crate::tls::{DevelopmentCa, MinVersion, Subject, provider, server_config};

const BODY_LIMIT_BYTES: usize = 1000;

/// Answers with the request. `/gate` notifies `reached` and then waits for `gate`; `/large` answers 1 MiB.
#[derive(Default)]
struct Echo {
    reached: Notify,
    gate: Notify,
}

impl Face for Echo {
    async fn call(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        match request.uri().path() {
            "/gate" => {
                self.reached.notify_one();
                self.gate.notified().await;
            }
            "/large" => return Response::new(Bytes::from(vec![b'x'; 1 << 20]).into()),
            "/stream" => {
                self.gate.notified().await;
                let pieces = futures_util::stream::once(async {
                    tokio::time::sleep(3 * Limits::DEFAULT.idle_time).await;
                    Ok::<_, Infallible>(hyper::body::Frame::data(Bytes::from_static(b"late")))
                });
                let body = http_body_util::StreamBody::new(pieces);
                return Response::new(Body::Stream(http_body_util::BodyExt::boxed_unsync(body)));
            }
            "/parts" => {
                let parts = (0..100).map(|n| Bytes::from(format!("{n};")));
                return Response::new(Body::Parts(Box::new(parts)));
            }
            _ => {}
        }
        let (method, uri, length) = (request.method(), request.uri(), request.body().len());
        Response::new(Bytes::from(format!("{method} {uri} {length} bytes, tls {}", peer.tls)).into())
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let mut response = Response::new(why.to_string().into());
        *response.status_mut() = why.status();
        response
    }
}

struct Running {
    address: SocketAddr,
    face: Arc<Echo>,
    stop: oneshot::Sender<()>,
    run: JoinHandle<usize>,
}

impl Running {
    fn start(limits: Limits, tls: Option<Arc<rustls::ServerConfig>>) -> Running {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), tls).unwrap();
        let (address, face) = (listener.address(), Arc::new(Echo::default()));
        let mut server = Server::new(limits);
        server.add(listener, Arc::clone(&face), BODY_LIMIT_BYTES);
        let (stop, stopped) = oneshot::channel();
        let run = tokio::spawn(server.run(async { stopped.await.unwrap() }));
        Running { address, face, stop, run }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Reads one response with a `content-length`; returns head and body.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> (String, String) {
    let head = head(stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Reads up to the end of the connection. Fails if it ends with a reset.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    rest
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Running::start(Limits::default(), None);
    let mut client = server.connect().await;
    send(&mut client, "GET /a?b=c HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let (head, body) = answer(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\ndate: "), "{head}");
    assert_eq!(body, "GET /a?b=c 0 bytes, tls false");
    // Two pipelined requests, the first with a chunked body.
    let chunked =
        "POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    send(&mut client, &format!("{chunked}PUT /q HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")).await;
    assert_eq!(answer(&mut client).await.1, "POST /p 7 bytes, tls false");
    assert_eq!(answer(&mut client).await.1, "PUT /q 2 bytes, tls false");
    send(&mut client, "HEAD /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let only_head = rest(&mut client).await;
    assert!(
        only_head.contains("content-length: 1048576\r\n") && only_head.ends_with("\r\n\r\n"),
        "{only_head}"
    );
}

#[tokio::test]
async fn a_response_in_parts_is_chunked_and_complete() {
    let server = Running::start(Limits::default(), None);
    let mut client = server.connect().await;
    send(&mut client, "GET /parts HTTP/1.0\r\nHost: x\r\n\r\n").await;
    let text = rest(&mut client).await;
    assert!(text.ends_with(&(0..100).map(|n| format!("{n};")).collect::<String>()), "{text}");
    let mut client = server.connect().await;
    send(&mut client, "GET /parts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let text = rest(&mut client).await;
    assert!(text.contains("transfer-encoding: chunked") && text.ends_with("\r\n99;\r\n0\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn a_client_that_ends_its_side_still_receives_its_response() {
    let server = Running::start(Limits::default(), None);
    let mut client = server.connect().await;
    send(&mut client, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.shutdown().await.unwrap();
    server.face.reached.notified().await;
    server.face.gate.notify_one();
    assert!(rest(&mut client).await.ends_with("GET /gate 0 bytes, tls false"));
}

#[tokio::test]
async fn a_client_receives_the_refusal_of_a_body_that_it_is_still_sending() {
    let server = Running::start(Limits::default(), None);
    // A client that expects `100-continue` never sends the body.
    let mut client = server.connect().await;
    send(&mut client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\nexpect: 100-continue\r\n\r\n")
        .await;
    let (head, body) = answer(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 413 ") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(body, "the request body is larger than the 1000 bytes accepted here");
    // Other clients send the complete body before they read, which is more than the kernel's buffers hold.
    for framing in ["content-length: 8388616", "transfer-encoding: chunked"] {
        let mut client = server.connect().await;
        send(&mut client, &format!("POST / HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n800000\r\n")).await;
        client.write_all(&vec![b'x'; 8 << 20]).await.unwrap();
        client.shutdown().await.unwrap();
        assert!(rest(&mut client).await.starts_with("HTTP/1.1 413 "), "{framing}");
    }
}

#[tokio::test]
async fn a_long_target_is_answered_414_and_long_headers_431() {
    let server = Running::start(Limits::default(), None);
    let mut client = server.connect().await;
    send(&mut client, &format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(Limits::DEFAULT.uri_bytes)))
        .await;
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 414 "));
    let mut client = server.connect().await;
    send(
        &mut client,
        &format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n", "x".repeat(2 * Limits::DEFAULT.header_bytes)),
    )
    .await;
    client.shutdown().await.unwrap();
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn large_bodies_share_a_limited_memory() {
    let limits = Limits { bodies_bytes: 100 << 10, ..Limits::default() };
    let shared = shared_with(limits, 1 << 20);
    let post =
        format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{}", 90 << 10, "x".repeat(90 << 10));

    let mut taken = shared.admission.bodies.share(IpAddr::from([10, 0, 0, 1]));
    assert!(taken.grow(20 << 10, 1 << 20));
    let mut client = on_duplex(&shared, 1 << 20);
    send(&mut client, &post).await;
    let (head, _) = answer(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 1\r\n"), "{head}");

    drop(taken);
    for _ in 0..2 {
        let mut client = on_duplex(&shared, 1 << 20);
        send(&mut client, &post).await;
        assert_eq!(answer(&mut client).await.1, "POST / 92160 bytes, tls false");
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_503_until_a_slot_is_free() {
    let server = Running::start(Limits { connections: 1, ..Limits::default() }, None);
    let mut first = server.connect().await;
    send(&mut first, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    answer(&mut first).await;

    let mut second = server.connect().await;
    send(&mut second, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let refusal = rest(&mut second).await;
    assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("retry-after: 1\r\n"), "{refusal}");

    drop(first);
    // The server notices the end of the first connection after a short time.
    for _ in 0..1000 {
        let mut third = server.connect().await;
        send(&mut third, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if rest(&mut third).await.starts_with("HTTP/1.1 200 ") {
            return;
        }
    }
    panic!("the slot of the first connection never became free");
}

#[tokio::test]
async fn a_stop_completes_the_request_in_flight_and_closes_idle_connections_at_once() {
    let server = Running::start(Limits::default(), None);
    // Connections are accepted in this order, so all three are accepted once the last is served.
    let (mut fresh, mut idle, mut busy) =
        (server.connect().await, server.connect().await, server.connect().await);
    send(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    answer(&mut idle).await;
    send(&mut busy, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.face.reached.notified().await;

    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut fresh).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());

    server.face.gate.notify_one();
    let (head, body) = answer(&mut busy).await;
    assert!(head.contains("connection: close\r\n"), "{head}");
    assert_eq!(body, "GET /gate 0 bytes, tls false");
    assert_eq!(server.run.await.unwrap(), 0);
}

#[tokio::test]
async fn connections_that_outlive_the_drain_time_are_cut_and_counted() {
    let server = Running::start(Limits { drain: Duration::ZERO, ..Limits::default() }, None);
    let mut busy = server.connect().await;
    send(&mut busy, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.face.reached.notified().await;
    server.stop.send(()).unwrap();
    assert_eq!(server.run.await.unwrap(), 1);
    assert_eq!(rest(&mut busy).await, "");
}

/// The client's clock, fixed at the day of the tests.
#[derive(Debug)]
struct Today;

impl TimeProvider for Today {
    fn current_time(&self) -> Option<UnixTime> {
        now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

async fn tls_client(server: &Running, config: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
    let connector = TlsConnector::from(Arc::clone(config));
    connector.connect(ServerName::try_from("127.0.0.1").unwrap(), server.connect().await).await.unwrap()
}

#[tokio::test]
async fn tls_1_3_sessions_are_resumed_and_plain_http_is_answered_400() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let identity = ca.redfish_identity(&Subject::named("bmc"), &names(&["127.0.0.1"]), now()).unwrap();
    let server = Running::start(
        Limits::default(),
        Some(server_config(identity.resolver(), MinVersion::Tls12).unwrap()),
    );
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(Today))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusting(ca.certificate_pem()))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);

    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut client = tls_client(&server, &config).await;
        send(&mut client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(answer(&mut client).await.1, "GET / 0 bytes, tls true");
        let (_, session) = client.get_ref();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(session.handshake_kind(), Some(kind));
    }

    let mut plain = server.connect().await;
    send(&mut plain, "GET /redfish/v1 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let refusal = rest(&mut plain).await;
    assert!(refusal.starts_with("HTTP/1.1 400 "), "{refusal}");
    assert!(refusal.ends_with("this is an HTTPS port, use https:// to reach it"), "{refusal}");

    // A stop sends a TLS close, and does not wait for a handshake that never began.
    let (mut idle, _mute) = (tls_client(&server, &config).await, server.connect().await);
    server.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(server.run.await.unwrap(), 0);
}

#[tokio::test]
async fn a_listener_refuses_tls_versions_below_its_minimum() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let identity = ca.redfish_identity(&Subject::named("bmc"), &names(&["127.0.0.1"]), now()).unwrap();
    let old = ClientConfig::builder_with_details(provider(), Arc::new(Today))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(trusting(ca.certificate_pem()))
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(old));
    for (min, spoken) in [(MinVersion::Tls12, true), (MinVersion::Tls13, false)] {
        let server =
            Running::start(Limits::default(), Some(server_config(identity.resolver(), min).unwrap()));
        let name = ServerName::try_from("127.0.0.1").unwrap();
        assert_eq!(connector.connect(name, server.connect().await).await.is_ok(), spoken, "{min:?}");
    }
}

/// An in-memory connection with a buffer of `capacity_bytes` in each direction.
fn on_duplex(shared: &Arc<Shared<Echo>>, capacity_bytes: usize) -> DuplexStream {
    let (client, stream) = duplex(capacity_bytes);
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let peer = Peer { local: nowhere, remote: nowhere, tls: false, node: None, sni: None };
    let slot = shared.admission.admit(shared.listener, &peer).unwrap();
    let context = Context::new(Arc::clone(shared), peer, slot);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        serve(stream, context, stopped).await;
        drop(stop);
    });
    client
}

fn shared() -> Arc<Shared<Echo>> {
    shared_with(Limits::default(), BODY_LIMIT_BYTES)
}

fn shared_with(limits: Limits, body_bytes: usize) -> Arc<Shared<Echo>> {
    let admission = Arc::new(Admission::new(limits));
    let listener = admission.add_listener();
    Arc::new(Shared { face: Arc::new(Echo::default()), body_bytes, listener, admission })
}

/// Fails unless the connection ends within half a second of `limit`. Returns the bytes read until then.
async fn ends_after(client: &mut DuplexStream, limit: Duration) -> String {
    let (slack, mut read) = (Duration::from_millis(500), String::new());
    let early = timeout(limit - slack, client.read_to_string(&mut read)).await;
    assert!(early.is_err(), "cut too early");
    timeout(2 * slack, client.read_to_string(&mut read)).await.expect("cut too late").unwrap();
    read
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_headers_slowly_is_cut() {
    let mut client = on_duplex(&shared(), 1024);
    send(&mut client, "GET / HTTP/1.1\r\nhost: x\r\n").await;
    for _ in 0..4 {
        assert!(timeout(Limits::DEFAULT.header_time / 5, client.read_u8()).await.is_err(), "cut too early");
        send(&mut client, "x: y\r\n").await;
    }
    assert_eq!(ends_after(&mut client, Limits::DEFAULT.header_time / 5).await, "");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_one_that_waits_for_a_response_is_not() {
    let shared = shared();
    let mut client = on_duplex(&shared, 1024);
    assert!(timeout(Limits::DEFAULT.idle_time / 2, client.read_u8()).await.is_err());
    // The idle timeout does not apply while the server works on a response.
    send(&mut client, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(3 * Limits::DEFAULT.idle_time, client.read_u8()).await.is_err());
    shared.face.gate.notify_one();
    assert_eq!(answer(&mut client).await.1, "GET /gate 0 bytes, tls false");
    // Nor does it apply while a response is streamed, however long the stream pauses.
    shared.face.gate.notify_one();
    send(&mut client, "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
    head(&mut client).await;
    let mut piece = [0; 14];
    client.read_exact(&mut piece).await.unwrap();
    assert_eq!(&piece, b"4\r\nlate\r\n0\r\n\r\n");
    assert_eq!(ends_after(&mut client, Limits::DEFAULT.idle_time).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_takes_too_long_is_replaced_by_503() {
    let mut client = on_duplex(&shared(), 1024);
    send(&mut client, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = ends_after(&mut client, Limits::DEFAULT.request_time).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn waiting_requests_are_limited_and_other_requests_are_answered_meanwhile() {
    let server = Running::start(Limits { requests: 1, ..Limits::default() }, None);
    let mut waiting = server.connect().await;
    send(&mut waiting, "GET /gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.face.reached.notified().await;
    for request in
        ["GET /gate HTTP/1.1\r\nhost: x\r\n\r\n", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi"]
    {
        let mut client = server.connect().await;
        send(&mut client, request).await;
        let refusal = rest(&mut client).await;
        assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("retry-after: 1\r\n"), "{refusal}");
    }
    let mut client = server.connect().await;
    send(&mut client, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(answer(&mut client).await.1, "GET / 0 bytes, tls false");
    server.face.gate.notify_one();
    assert_eq!(answer(&mut waiting).await.1, "GET /gate 0 bytes, tls false");
    send(&mut client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi").await;
    assert_eq!(answer(&mut client).await.1, "POST / 2 bytes, tls false");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_answered_408() {
    let mut client = on_duplex(&shared(), 1024);
    send(&mut client, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf").await;
    let answer = ends_after(&mut client, Limits::DEFAULT.body_time).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_cut_and_a_slow_reader_is_not() {
    let mut client = on_duplex(&shared(), 64);
    send(&mut client, "GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    for _ in 0..4 {
        assert!(timeout(Limits::DEFAULT.write_time * 4 / 5, std::future::pending::<()>()).await.is_err());
        client.read_exact(&mut [0; 64]).await.unwrap();
    }
    assert!(
        timeout(Limits::DEFAULT.write_time + Duration::from_secs(1), std::future::pending::<()>())
            .await
            .is_err()
    );
    assert!(rest(&mut client).await.len() <= 64);
}
