//! Nodes on addresses, ports and names of their own, through real sockets.

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
use crate::tls::tests::{names, now, trusting};
use crate::tls::{CertificateNames, DevelopmentCa, Leaves, MinVersion, Shown, provider, server_config};

/// Says who was reached. Node 7 is not at home.
struct Who;

impl Face for Who {
    async fn call(self: &Arc<Self>, peer: &Peer, _: Request<Bytes>) -> Response<Body> {
        let node = peer.node.map_or_else(|| "nobody".to_owned(), |node| node.to_string());
        Response::new(format!("{node} {}", peer.sni.as_deref().unwrap_or("unnamed")).into())
            .map(|text: Bytes| text.into())
    }

    fn is_home(&self, node: u32) -> bool {
        node != 7
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        Response::new(why.to_string().into())
    }
}

/// Serves on a place until the test ends; where that is.
fn serve(place: Place, nodes: u32, tls: Option<Shown>) -> Place {
    let listener = Listener::at(place, nodes, tls).unwrap();
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(Who), 0);
    tokio::spawn(server.run(std::future::pending()));
    place
}

fn ips(network: &str, bits: u8) -> Place {
    Place::Ips(Prefix::new(network.parse().unwrap(), bits).unwrap(), 0)
}

/// What is said over a connection, or how it ends.
async fn said(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Result<String, ErrorKind> {
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    asked.map_err(|error| error.kind())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| error.kind())?;
    Ok(answer.rsplit("\r\n\r\n").next().unwrap().to_owned())
}

async fn plain(address: SocketAddr) -> Result<String, ErrorKind> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| error.kind())?;
    said(&mut stream).await
}

/// Whether a connection was refused or reset, which a client cannot always tell apart.
fn is_reset(said: &Result<String, ErrorKind>) -> bool {
    matches!(said, Err(ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused | ErrorKind::BrokenPipe))
}

#[tokio::test]
async fn one_socket_serves_every_address_of_a_prefix_and_resets_what_is_nobodys() {
    let place = serve(ips("127.77.0.0", 16), 1000, None);
    for node in [0, 1, 255, 256, 65_533] {
        assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
    }
    let port = place.of(0).port();
    for nobodys in ["127.77.0.0", "127.78.0.1", "127.0.0.1", "127.77.0.8"] {
        let said = plain(SocketAddr::new(nobodys.parse().unwrap(), port)).await;
        assert!(is_reset(&said), "{nobodys}: {said:?}");
    }
}

#[tokio::test]
async fn connections_to_nobody_are_counted_apart_from_those_that_are_served() {
    let listener = Listener::at(ips("127.82.0.0", 16), 10, None).unwrap();
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(Who), 0);
    let meter = server.meter();
    tokio::spawn(server.run(std::future::pending()));
    assert!(plain(place.of(3)).await.is_ok());
    let nobodys = SocketAddr::new("127.82.0.0".parse().unwrap(), place.of(0).port());
    assert!(is_reset(&plain(nobodys).await));
    let mut page = crate::meter::Page::default();
    meter(&mut page);
    for line in ["fauxmetal_connections_accepted_total 1\n", "fauxmetal_connections_reset_total 1\n"] {
        assert!(page.text().contains(line), "{line} is not in {}", page.text());
    }
}

#[tokio::test]
async fn an_ipv6_address_is_a_place_like_any_other() {
    let place = serve(ips("::1", 128), 1, None);
    assert_eq!(plain(place.of(0)).await.unwrap(), "0 unnamed");
    let port = place.of(0).port();
    // The same port of the other family is not taken by it.
    let other = Place::Ips(Prefix::new("127.79.0.0".parse().unwrap(), 24).unwrap(), port);
    let other = serve(other, 1, None);
    assert_eq!(plain(other.of(3)).await.unwrap(), "3 unnamed");
}

#[tokio::test]
async fn each_port_is_a_nodes_and_one_task_serves_them_all() {
    let free = |first: u16| {
        let place = Place::Ports(SocketAddr::from(([127, 0, 0, 1], first)));
        Listener::at(place, 40, None).ok()
    };
    let listener = (21_000..30_000).step_by(40).find_map(free).unwrap();
    let place = listener.place();
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::new(Who), 0);
    tokio::spawn(server.run(std::future::pending()));
    for node in [0, 39, 1, 0, 39] {
        assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
    }
    assert!(is_reset(&plain(place.of(7)).await));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap();
    let first = SocketAddr::new(taken.ip(), taken.port() - 1);
    let error = Listener::at(Place::Ports(first), 3, None).unwrap_err().to_string();
    // The one below may be taken as well, by somebody else.
    let named =
        [first, taken].iter().any(|address| error.starts_with(&format!("cannot listen on {address}: ")));
    assert!(named, "{error}");
}

/// The client's clock on the fixed day of the tests.
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
async fn each_address_shows_a_certificate_of_its_own_and_resumes_its_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let identity = ca.redfish_identity(&CertificateNames::of_this_host(), now()).unwrap();
    let leaves = Arc::new(Leaves::new(ca, identity, now(), MinVersion::Tls12).unwrap());
    let trusted = trusting(leaves.ca_pem());
    let client = client(trusted);
    let v4 = serve(ips("127.80.0.0", 16), 1000, Some(Shown::ByAddress(Arc::clone(&leaves))));
    let v6 = serve(ips("::1", 128), 1, Some(Shown::ByAddress(leaves)));
    for (address, node) in [(v4.of(4), 4), (v4.of(700), 700), (v6.of(0), 0)] {
        let name = address.ip().to_string();
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = secure(&client, address, &name).await.unwrap();
            assert_eq!(said(&mut stream).await.unwrap(), format!("{node} unnamed"));
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind), "{address}");
        }
    }
    let error = secure(&client, v4.of(5), "127.80.0.9").await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_a_domain_is_good_for_every_name_in_it_and_the_name_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
    let mut wanted = names(&["127.0.0.1"]);
    wanted.add_domain("BMC.example").unwrap();
    let identity = ca.redfish_identity(&wanted, now()).unwrap();
    let again = ca.redfish_identity(&wanted, now()).unwrap();
    assert_eq!(identity.certificate_pem(), again.certificate_pem(), "it is kept");
    let shown = Shown::Same(server_config(identity.resolver(), MinVersion::Tls12).unwrap());
    let place = serve(Place::One("127.0.0.1:0".parse().unwrap()), 1, Some(shown));
    let client = client(trusting(ca.certificate_pem()));
    let mut stream = secure(&client, place.of(0), "generic-5.bmc.example").await.unwrap();
    assert_eq!(said(&mut stream).await.unwrap(), "nobody generic-5.bmc.example");
    assert!(secure(&client, place.of(0), "a.generic-5.bmc.example").await.is_err());
}

/// Set in the namespace of [`a_routed_prefix_of_ipv6_is_served`].
const WITHIN: &str = "FAUXMETAL_TEST_IN_NAMESPACE";

/// Within a network namespace of its own, since it needs a route. Where none can be made it is skipped, and says so.
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
            other => eprintln!("skipped: no network namespace with routes can be had here ({other:?})"),
        };
    }
    for (place, nobodys) in [(ips("fd00:77::", 64), "fd00:77::"), (ips("10.77.0.0", 16), "10.77.255.255")] {
        let place = serve(place, 1000, None);
        for node in [0, 1, 998] {
            assert_eq!(plain(place.of(node)).await.unwrap(), format!("{node} unnamed"));
        }
        let said = plain(SocketAddr::new(nobodys.parse().unwrap(), place.of(0).port())).await;
        assert!(is_reset(&said), "{said:?}");
    }
}
