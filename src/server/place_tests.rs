//! Tests with real sockets: nodes with addresses, ports or host names of their own.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use rustls::client::ClientConfig;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{HandshakeKind, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Listener, Server};
use crate::address::{Place, Prefix};
use crate::face::{Body, Face, Peer, Refused};
use crate::limit::Limits;
use crate::tls::testing::{names, now, trusting};
use crate::tls::{
    CertificateNames, DevelopmentCa, Leaves, ListenerTls, MinVersion, Subject, provider, server_config,
};

/// Answers with the node and the server name of the connection. Node 7 accepts no connections.
struct WhichNode;

impl Face for WhichNode {
    async fn call(self: &Arc<Self>, peer: &Peer, _: &Request<Bytes>) -> Response<Body> {
        let node = peer.node.map_or_else(|| "shared".to_owned(), |node| node.to_string());
        Response::new(format!("{node} {}", peer.sni.as_deref().unwrap_or("unnamed")).into())
            .map(|text: Bytes| text.into())
    }

    fn accepts_connections(&self, node: u32, _: bool) -> bool {
        node != 7
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        Response::new(why.to_string().into())
    }
}

/// Serves on a place until the test ends. Returns the place with its actual port.
fn serve(place: Place, nodes: u32, tls: Option<ListenerTls>) -> Place {
    serve_on(Listener::at(place, nodes, tls).unwrap())
}

fn serve_on(listener: Listener) -> Place {
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(WhichNode), 0);
    tokio::spawn(server.run(std::future::pending()));
    place
}

fn ips(network: &str, bits: u8) -> Place {
    Place::Ips(Prefix::new(network.parse().unwrap(), bits).unwrap(), 0)
}

/// Sends a request; returns the response body, or the error with which the connection ends.
async fn request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<String, ErrorKind> {
    let sent = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    sent.map_err(|error| error.kind())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| error.kind())?;
    Ok(answer.rsplit("\r\n\r\n").next().unwrap().to_owned())
}

async fn plain(address: SocketAddr) -> Result<String, ErrorKind> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| error.kind())?;
    request(&mut stream).await
}

/// Whether a connection was refused or reset. A client cannot always distinguish the two.
fn is_reset(result: &Result<String, ErrorKind>) -> bool {
    matches!(result, Err(ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused | ErrorKind::BrokenPipe))
}

#[tokio::test]
async fn one_socket_serves_a_whole_prefix_and_resets_connections_to_addresses_without_a_node() {
    let place = serve(ips("127.77.0.0", 16), 1000, None);
    for node in [0, 1, 255, 256, 65_533] {
        assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
    }
    let port = place.of(0).port();
    for unused in ["127.77.0.0", "127.78.0.1", "127.0.0.1", "127.77.0.8"] {
        let result = plain(SocketAddr::new(unused.parse().unwrap(), port)).await;
        assert!(is_reset(&result), "{unused}: {result:?}");
    }
}

#[tokio::test]
async fn reset_connections_are_counted_separately_from_accepted_ones() {
    let listener = Listener::at(ips("127.82.0.0", 16), 10, None).unwrap();
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(WhichNode), 0);
    let meter = server.meter();
    tokio::spawn(server.run(std::future::pending()));
    assert!(plain(place.of(3)).await.is_ok());
    let unused = SocketAddr::new("127.82.0.0".parse().unwrap(), place.of(0).port());
    assert!(is_reset(&plain(unused).await));
    let mut page = crate::meter::Page::default();
    meter(&mut page);
    for line in ["fauxmetal_connections_accepted_total 1\n", "fauxmetal_connections_reset_total 1\n"] {
        assert!(page.text().contains(line), "{line} is not in {}", page.text());
    }
}

#[tokio::test]
async fn an_ipv6_prefix_is_served_and_leaves_the_port_free_for_ipv4() {
    // The system chooses a port of IPv4, where other tests and closed connections take many. With IPv6 one may be taken, too.
    let both = || {
        let four = Listener::at(ips("127.79.0.0", 24), 1, None).unwrap();
        let six = ips("::1", 128).with_port(four.address().port());
        Some((Listener::at(six, 1, None).ok()?, four))
    };
    let (six, four) = (0..20).find_map(|_| both()).unwrap();
    assert_eq!(plain(serve_on(six).of(0)).await.unwrap(), "0 unnamed");
    assert_eq!(plain(serve_on(four).of(3)).await.unwrap(), "3 unnamed");
}

#[tokio::test]
async fn each_port_belongs_to_one_node_and_one_task_serves_all_ports() {
    let free = |first: u16| {
        let place = Place::Ports(SocketAddr::from(([127, 0, 0, 1], first)));
        Listener::at(place, 40, None).ok()
    };
    let listener = (21_000..30_000).step_by(40).find_map(free).unwrap();
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(WhichNode), 0);
    tokio::spawn(server.run(std::future::pending()));
    for node in [0, 39, 1, 0, 39] {
        assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
    }
    assert!(is_reset(&plain(place.of(7)).await));
}

#[tokio::test]
async fn the_error_names_a_port_that_is_in_use() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let first = SocketAddr::new(taken.ip(), taken.port() - 1);
    let error = Listener::at(Place::Ports(first), 3, None).unwrap_err().to_string();
    // Another process may use the port below.
    let named =
        [first, taken].iter().any(|address| error.starts_with(&format!("cannot listen on {address}: ")));
    assert!(named, "{error}");
}

/// The client's clock, fixed at the day of the tests.
#[derive(Debug)]
struct Today;

impl TimeProvider for Today {
    fn current_time(&self) -> Option<UnixTime> {
        now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

fn client(trusted: Arc<RootCertStore>) -> TlsConnector {
    let config = ClientConfig::builder_with_details(provider(), Arc::new(Today))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn secure(
    client: &TlsConnector,
    address: SocketAddr,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    client.connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

#[tokio::test]
async fn each_address_has_a_certificate_of_its_own_and_resumes_its_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let identity =
        ca.redfish_identity(&Subject::named("bmc"), &CertificateNames::of_this_host(), now()).unwrap();
    let leaves = Arc::new(
        Leaves::new(ca, identity, None, Box::new(|_| Subject::named("bmc")), now(), MinVersion::Tls12)
            .unwrap(),
    );
    let trusted = trusting(leaves.ca_pem());
    let client = client(trusted);
    let v4 = serve(ips("127.80.0.0", 16), 1000, Some(ListenerTls::ByAddress(Arc::clone(&leaves))));
    let v6 = serve(ips("::1", 128), 1, Some(ListenerTls::ByAddress(leaves)));
    for (address, node) in [(v4.of(4), 4), (v4.of(700), 700), (v6.of(0), 0)] {
        let name = address.ip().to_string();
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = secure(&client, address, &name).await.unwrap();
            assert_eq!(request(&mut stream).await.unwrap(), format!("{node} unnamed"));
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind), "{address}");
        }
    }
    let error = secure(&client, v4.of(5), "127.80.0.9").await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_wildcard_certificate_serves_every_name_of_its_domain_and_the_face_receives_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let mut wanted = names(&["127.0.0.1"]);
    wanted.add_domain("BMC.example").unwrap();
    let identity = ca.redfish_identity(&Subject::named("bmc"), &wanted, now()).unwrap();
    let again = ca.redfish_identity(&Subject::named("bmc"), &wanted, now()).unwrap();
    assert_eq!(identity.certificate_pem(), again.certificate_pem(), "the stored certificate is reused");
    let tls = ListenerTls::Same(server_config(identity.resolver(), MinVersion::Tls12).unwrap());
    let place = serve(Place::One("127.0.0.1:0".parse().unwrap()), 1, Some(tls));
    let client = client(trusting(ca.certificate_pem()));
    let mut stream = secure(&client, place.of(0), "generic-5.bmc.example").await.unwrap();
    assert_eq!(request(&mut stream).await.unwrap(), "shared generic-5.bmc.example");
    assert!(secure(&client, place.of(0), "a.generic-5.bmc.example").await.is_err());
}

/// The environment variable that is set inside the namespace of [`a_routed_prefix_of_ipv6_is_served`].
const WITHIN: &str = "FAUXMETAL_TEST_IN_NAMESPACE";

/// Runs in a network namespace of its own, because it needs a route. If the system allows none, the test prints that it
/// is skipped.
#[tokio::test]
async fn a_routed_prefix_of_ipv6_is_served() {
    if std::env::var_os(WITHIN).is_none() {
        let script = "ip link set lo up && ip route add local fd00:77::/64 dev lo \
                      && ip route add local 10.77.0.0/16 dev lo || exit 77; exec \"$0\" \"$@\"";
        let test = std::env::current_exe().unwrap();
        let name = "server::place_tests::a_routed_prefix_of_ipv6_is_served";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", script]).arg(test).args(["--exact", name]);
        let ran = command.env(WITHIN, "1").output();
        return match ran {
            Ok(out) if out.status.success() => {
                assert!(String::from_utf8_lossy(&out.stdout).contains("1 passed"), "{out:?}");
            }
            Ok(out) if out.status.code() == Some(101) => panic!("{}", String::from_utf8_lossy(&out.stdout)),
            other => eprintln!("skipped: the system allows no network namespace with routes ({other:?})"),
        };
    }
    for (place, unused) in [(ips("fd00:77::", 64), "fd00:77::"), (ips("10.77.0.0", 16), "10.77.255.255")] {
        let place = serve(place, 1000, None);
        for node in [0, 1, 998] {
            assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
        }
        let result = plain(SocketAddr::new(unused.parse().unwrap(), place.of(0).port())).await;
        assert!(is_reset(&result), "{result:?}");
    }
}
