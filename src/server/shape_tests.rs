//! Tests of answers with a shape: real sockets where the kernel matters, an in-memory stream and a paused clock for times.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::time::timeout;

use super::admission::Admission;
use super::answer::{Context, Shared};
use super::connection::serve;
use super::opening_tests::{
    BODY, FAULTY, Faulty, Running, count, exchange, is_unheard, secure, secure_server,
};
use crate::face::Peer;
use crate::limit::Limits;
use crate::wire::{At, End, Garble, How, LONGEST, Pace, Shape};

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

fn ends(at: At, how: How) -> Shape {
    Shape { end: Some(End { at, how }), ..Shape::default() }
}

/// What a client reads, and whether the connection then ends with FIN (`true`) or with a reset.
async fn reads(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> (String, bool) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut read, mut some) = (Vec::new(), [0; 1000]);
    let orderly = loop {
        match stream.read(&mut some).await {
            Ok(0) => break true,
            Ok(count) => read.extend(&some[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break false,
            Err(error) => panic!("{error}"),
        }
    };
    (String::from_utf8(read).unwrap(), orderly)
}

/// Reads a whole answer, and leaves the connection open.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(BODY.as_bytes()) {
        read.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_connection_ends_with_a_reset_or_with_fin_at_exactly_the_place() {
    let plain = Running::with_addresses(None);
    let (tls, client) = secure_server();
    let whole =
        exchange(&mut plain.connect(FAULTY).await).await.unwrap().replace("connection: close\r\n", "");
    for (at, bytes) in [
        (At::Before, 0),
        (At::Within(1), 1),
        (At::Within(100), 100),
        (At::Within(1 << 40), whole.len()),
        (At::After, whole.len()),
    ] {
        for (how, orderly) in [(How::Reset, false), (How::Close, true)] {
            let shape = Some(ends(at, how));
            (*plain.face.shape.lock(), *tls.face.shape.lock()) = (shape, shape);
            let (read, end) = reads(&mut plain.connect(FAULTY).await, GET).await;
            assert_eq!((read.len(), end), (bytes, orderly), "{shape:?}: {read}");
            let mut stream = secure(&tls, &client, FAULTY).await.unwrap();
            let (read, end) = reads(&mut stream, GET).await;
            assert_eq!((read.len(), end), (bytes, orderly), "{shape:?} with TLS: {read}");
        }
    }
    plain.others_are_fine().await;
    plain.stop().await;
    tls.stop().await;
}

#[tokio::test]
async fn silence_begins_at_exactly_the_place_and_a_stop_ends_it() {
    for (how, unheard) in [(How::BlackHole, false), (How::HalfOpen, true)] {
        for (at, bytes) in [(At::Before, 0), (At::Within(40), 40), (At::After, BODY.len())] {
            let server = Running::with_addresses(None);
            *server.face.shape.lock() = Some(ends(at, how));
            let mut client = server.connect(FAULTY).await;
            client.write_all(GET.as_bytes()).await.unwrap();
            let mut read = vec![0; bytes];
            if at == At::After {
                answer(&mut client).await;
            } else {
                client.read_exact(&mut read).await.unwrap();
            }
            assert_eq!(is_unheard(&mut client).await, unheard, "{how:?} {at:?}");
            assert_eq!(client.try_read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
            server.others_are_fine().await;
            server.stop().await;
            assert_eq!(client.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
}

#[tokio::test]
async fn a_connection_that_closes_late_announces_its_end_and_waits_for_the_client_or_a_stop() {
    let server = Running::with_addresses(None);
    *server.face.shape.lock() = Some(ends(At::After, How::CloseLate(LONGEST)));
    let mut client = server.connect(FAULTY).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    let read = answer(&mut client).await;
    assert!(read.contains("\r\nconnection: close\r\n"), "{read}");
    assert_eq!(client.try_read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "the client has closed first");
    let mut other = server.connect(FAULTY).await;
    other.write_all(GET.as_bytes()).await.unwrap();
    answer(&mut other).await;
    let (stop, end) = tokio::join!(server.stop(), async {
        let read = other.read(&mut [0]).await.unwrap();
        drop(other);
        read
    });
    assert_eq!((stop, end), ((), 0));
}

#[tokio::test]
async fn a_stop_ends_a_delayed_and_a_slow_answer_at_once() {
    let slow = Pace { piece_bytes: count(20), pause: LONGEST };
    for (shape, bytes) in [
        (Shape { delay: LONGEST, ..Shape::default() }, 0),
        (Shape { pace: Some(slow), ..Shape::default() }, 20),
    ] {
        let server = Running::with_addresses(None);
        *server.face.shape.lock() = Some(shape);
        let mut client = server.connect(FAULTY).await;
        client.write_all(GET.as_bytes()).await.unwrap();
        client.read_exact(&mut vec![0; bytes]).await.unwrap();
        server.others_are_fine().await;
        server.stop().await;
        assert_eq!(client.read(&mut [0]).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }
}

fn garble(seed: u64, one_of: u32) -> Option<Shape> {
    Some(Shape { garble: Some(Garble { seed, one_of: count(one_of) }), ..Shape::default() })
}

#[tokio::test]
async fn garbled_bytes_follow_from_the_seed_and_leave_head_and_framing_whole() {
    let (server, client) = secure_server();
    let read = async |path: &str, shape| {
        *server.face.shape.lock() = shape;
        let mut stream = secure(&server, &client, FAULTY).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let end = all.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        assert!(all.starts_with(b"HTTP/1.1 200 OK\r\n"));
        all.split_off(end)
    };
    let differ = |one: &[u8], other: &[u8]| {
        assert_eq!(one.len(), other.len());
        let places = one.iter().zip(other).enumerate().filter(|(_, (one, other))| one != other);
        places.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let plain = read("/", None).await;
    let first = read("/", garble(7, 8)).await;
    assert_eq!(first, read("/", garble(7, 8)).await);
    assert_ne!(first, read("/", garble(8, 8)).await);
    let places = differ(&plain, &first);
    let blocks: Vec<_> = places.iter().map(|place| place / 8).collect();
    assert_eq!(blocks, (0..BODY.len() / 8).collect::<Vec<_>>(), "one byte of each block");
    assert_eq!(differ(&plain, &read("/", garble(7, 1)).await).len(), BODY.len(), "all bytes");
    // The same bytes change, however the body is divided.
    let parts = read("/parts", garble(7, 8)).await;
    let chunks = [b"A\r\n", &first[..10], b"\r\n36\r\n", &first[10..], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(parts, chunks);
}

/// An in-memory connection to a face with a shape.
fn on_duplex(shape: Shape) -> DuplexStream {
    let (client, stream) = duplex(1 << 16);
    let admission = Arc::new(Admission::new(Limits::default()));
    let listener = admission.add_listener();
    let face = Arc::new(Faulty::default());
    *face.shape.lock() = Some(shape);
    let shared = Arc::new(Shared { face, body_bytes: 1000, listener, admission });
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let peer = Peer { local: nowhere, remote: nowhere, tls: false, node: None, sni: None };
    let slot = shared.admission.admit(shared.listener, &peer).unwrap();
    let context = Context::new(shared, peer, slot);
    tokio::spawn(async move {
        let (_stop, stopped) = watch::channel(false);
        serve(stream, context, stopped).await;
    });
    client
}

/// The bytes that arrive until the clock of the test has advanced so far.
async fn arrive(client: &mut DuplexStream, within: Duration) -> usize {
    let mut read = Vec::new();
    let _ = timeout(within, client.read_to_end(&mut read)).await;
    read.len()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_delay_longer_than_the_limits_of_clients_is_kept() {
    let delay = 4 * Limits::DEFAULT.request_time;
    let mut client = on_duplex(Shape { delay, ..Shape::default() });
    client.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(arrive(&mut client, delay - SECOND).await, 0, "too early");
    assert!(timeout(2 * SECOND, answer(&mut client)).await.expect("too late").contains(" 200 OK"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_in_small_pieces_and_the_next_one_waits_for_its_end() {
    let shape = Shape { pace: Some(Pace::bytes_per_s(count(2))), ..Shape::default() };
    let mut client = on_duplex(shape);
    // Both requests are there before the first answer.
    client.write_all(format!("{GET}GET /fine HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    for _ in 0..20 {
        let count = arrive(&mut client, SECOND).await;
        assert!((1..=3).contains(&count), "{count} bytes in a second");
    }
    let rest = timeout(200 * SECOND, answer(&mut client)).await.expect("too late");
    assert!(rest.ends_with(BODY) && !rest.starts_with("HTTP"), "{rest}");
    let next = timeout(SECOND, answer(&mut client)).await.expect("the other answer has no shape");
    assert!(next.starts_with("HTTP/1.1 200 OK\r\n"), "{next}");
    assert_eq!(arrive(&mut client, Limits::DEFAULT.idle_time / 2).await, 0, "the connection stays open");
    client.write_all(GET.as_bytes()).await.unwrap();
    assert!((1..=3).contains(&arrive(&mut client, SECOND).await), "the shape of the third answer");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_and_silence_and_a_late_end_are_bounded() {
    let slow = Pace { piece_bytes: count(1), pause: LONGEST / 4 };
    let slow = Shape { pace: Some(slow), ..Shape::default() };
    let mut client = on_duplex(slow);
    client.write_all(GET.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    assert!(timeout(LONGEST - SECOND, client.read_to_end(&mut read)).await.is_err(), "cut too early");
    timeout(2 * SECOND, client.read_to_end(&mut read)).await.expect("cut too late").unwrap();
    assert!((3..=5).contains(&read.len()), "{} bytes", read.len());
    for (how, end) in [
        (How::BlackHole, LONGEST),
        (How::HalfOpen, Duration::from_secs(925)),
        (How::CloseLate(100 * SECOND), 100 * SECOND),
        (How::CloseLate(100 * LONGEST), LONGEST),
    ] {
        let mut client = on_duplex(ends(At::After, how));
        client.write_all(GET.as_bytes()).await.unwrap();
        answer(&mut client).await;
        assert!(timeout(end - SECOND, client.read_u8()).await.is_err(), "{how:?}: too early");
        let rest = timeout(2 * SECOND, client.read_to_end(&mut Vec::new())).await;
        assert_eq!(rest.expect("too late").unwrap(), 0, "{how:?}");
    }
}
