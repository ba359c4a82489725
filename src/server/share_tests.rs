//! Tests of what one client can take: memory for bodies, connections and time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::admission::Admission;
use super::answer::{Context, Shared};
use super::connection::serve;
use super::{Listener, Server};
use crate::face::{Body, Face, Peer, Refused, Welcome};
use crate::limit::Limits;

/// Answers with the length of the body. Only a request with a key may have a large one; `/login` may have a small one.
struct Guarded;

impl Face for Guarded {
    async fn call(self: &Arc<Self>, _: &Peer, request: &Request<Bytes>) -> Response<Body> {
        Response::new(Bytes::from(format!("{} bytes", request.body().len())).into())
    }

    fn welcome(&self, _: &Peer, head: &Request<Bytes>) -> Result<Welcome, Box<Response<Bytes>>> {
        assert!(head.body().is_empty());
        match (head.headers().contains_key("key"), head.uri().path()) {
            (true, _) => Ok(Welcome::Whole),
            (false, "/login") => Ok(Welcome::Small),
            (false, _) => Err(Box::new(with_status(StatusCode::UNAUTHORIZED, "the key is missing"))),
        }
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        with_status(why.status(), &why.to_string())
    }
}

fn with_status(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(text.to_owned().into());
    *response.status_mut() = status;
    response
}

/// The largest body of the listener.
const LARGEST: usize = 1 << 20;

fn shared(limits: Limits) -> Arc<Shared<Guarded>> {
    let admission = Arc::new(Admission::new(limits));
    let listener = admission.add_listener();
    Arc::new(Shared { face: Arc::new(Guarded), body_bytes: LARGEST, listener, admission })
}

/// An in-memory connection of a client.
fn connect(shared: &Arc<Shared<Guarded>>, client: u8) -> DuplexStream {
    let (ours, theirs) = duplex(1 << 20);
    let remote = SocketAddr::from(([10, 0, 0, client], 1));
    let peer =
        Peer { local: SocketAddr::from(([10, 0, 0, 0], 1)), remote, tls: false, node: None, sni: None };
    let slot = shared.admission.admit(shared.listener, &peer).unwrap();
    let context = Context::new(Arc::clone(shared), peer, slot);
    tokio::spawn(async move {
        let (_stop, stopped) = watch::channel(false);
        serve(theirs, context, stopped).await;
    });
    ours
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), head: &str, body_bytes: usize) {
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; body_bytes]).await.unwrap();
}

/// Reads the head of a response and `length` bytes of its body.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> (u16, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let closes = head.contains("connection: close\r\n");
    let status = head[9..12].parse().unwrap();
    assert_eq!(closes, status != 200, "{head}");
    (status, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_request_that_its_head_refuses_is_answered_before_its_body_is_sent() {
    let shared = shared(Limits::default());
    for head in [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 65537",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\nexpect: 100-continue",
    ] {
        let mut client = connect(&shared, 1);
        send(&mut client, head, 0).await;
        assert_eq!(answer(&mut client).await, (401, "the key is missing".to_owned()), "{head}");
    }
    let mut client = connect(&shared, 1);
    send(&mut client, "POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 65537", 0).await;
    let small = "the request body is larger than the 65536 bytes accepted here";
    assert_eq!(answer(&mut client).await, (413, small.to_owned()));
    for (head, length) in [("POST /login HTTP/1.1", 65_536), ("POST / HTTP/1.1\r\nkey: k", LARGEST)] {
        let mut client = connect(&shared, 1);
        send(&mut client, &format!("{head}\r\nhost: x\r\ncontent-length: {length}"), length).await;
        assert_eq!(answer(&mut client).await, (200, format!("{length} bytes")));
    }
}

#[tokio::test]
async fn a_body_takes_memory_when_it_arrives_and_not_when_it_is_announced() {
    let shared = shared(Limits { bodies_bytes: LARGEST, ..Limits::default() });
    let announced = format!("POST / HTTP/1.1\r\nhost: x\r\nkey: k\r\ncontent-length: {LARGEST}");
    let mut slow = connect(&shared, 1);
    send(&mut slow, &announced, 70 << 10).await;
    let length = 300 << 10;
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\nkey: k\r\ncontent-length: {length}");
    for client in [1, 2] {
        let mut other = connect(&shared, client);
        send(&mut other, &head, length).await;
        assert_eq!(answer(&mut other).await, (200, format!("{length} bytes")));
    }
    send(&mut slow, "", LARGEST - (70 << 10) - 4).await;
    assert_eq!(answer(&mut slow).await, (200, format!("{LARGEST} bytes")));
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_has_less_time_while_slots_are_scarce_and_a_used_one_has_not() {
    let limits = Limits { connections: 16, connections_per_client: 8, ..Limits::default() };
    let shared = shared(limits);
    let soon = limits.first_byte + Duration::from_millis(100);
    let mut silent = connect(&shared, 1);
    assert!(timeout(limits.idle_time / 2, silent.read_u8()).await.is_err(), "slots are free");
    let mut used = connect(&shared, 1);
    send(&mut used, "GET / HTTP/1.1\r\nhost: x", 0).await;
    assert_eq!(answer(&mut used).await.0, 200);
    let mut others: Vec<_> = (0..5).map(|_| connect(&shared, 1)).collect();
    let mut rest = String::new();
    timeout(soon, silent.read_to_string(&mut rest)).await.expect("the client has seven of eight").unwrap();
    for other in &mut others {
        // A part of them was enough.
        let _ = timeout(soon, other.read_u8()).await;
    }
    assert!(timeout(limits.idle_time / 2, used.read_u8()).await.is_err(), "it is not silent");
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_that_is_silent_frees_its_slot_soon() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let shared = shared(limits);
    let _first = connect(&shared, 1);
    let mut refused = connect(&shared, 2);
    let soon = limits.first_byte + Duration::from_millis(100);
    let mut rest = String::new();
    timeout(soon, refused.read_to_string(&mut rest)).await.expect("it is still open").unwrap();
}

#[tokio::test]
async fn a_head_that_breaks_a_rule_of_http_is_refused() {
    let shared = shared(Limits::default());
    for (head, status) in [
        ("GET / HTTP/1.1", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b", 400),
        ("GET / HTTP/1.1\r\nhost: name:x", 400),
        ("GET ftp://x/ HTTP/1.1\r\nhost: x", 400),
        ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked", 501),
        ("GET http://x/ HTTP/1.1\r\nhost: x:1", 200),
        ("GET / HTTP/1.0", 200),
    ] {
        let mut client = connect(&shared, 1);
        send(&mut client, head, 0).await;
        let mut line = [0; 12];
        client.read_exact(&mut line).await.unwrap();
        assert_eq!(line[9..], *status.to_string().as_bytes(), "{head}");
    }
}

/// Connects from an address of the loopback network.
async fn connect_from(client: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn silent_connections_to_one_listener_leave_room_for_other_listeners_and_clients() {
    let mut server =
        Server::new(Limits { connections: 200, connections_per_client: 100, ..Limits::default() });
    let [one, other] = [(); 2].map(|()| {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let address = listener.address();
        server.add(listener, Arc::new(Guarded), LARGEST);
        address
    });
    let meter = server.meter();
    tokio::spawn(server.run(std::future::pending()));
    let (same, another) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
    let mut silent = Vec::new();
    for _ in 0..270 {
        silent.push(connect_from(same, one).await);
    }
    let get = "GET / HTTP/1.1\r\nhost: x";
    for (client, to, expected) in
        [(same, one, 503), (same, other, 200), (another, one, 200), (another, other, 200)]
    {
        let mut stream = connect_from(client, to).await;
        send(&mut stream, get, 0).await;
        assert_eq!(answer(&mut stream).await.0, expected, "{client} to {to}");
    }
    let mut page = crate::meter::Page::default();
    meter(&mut page);
    let hits = "fauxmetal_limit_hits_total{limit=\"connections-per-client\"} 171\n";
    assert!(page.text().contains(hits), "{}", page.text());
}
