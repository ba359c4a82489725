//! Faults of the wire, as raw sockets and TLS clients see them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use serde_json::{Value, json};

use super::super::load::connect;
use super::{Bench, LOGIN, holds};

/// What a client gets for a GET of a system.
#[derive(Debug, PartialEq)]
enum Got {
    /// The whole answer, with the status.
    Answer(u16),
    /// Fewer bytes than the head promises, and an orderly end.
    Part,
    Reset,
    /// Nothing, for as long as the test waits.
    Silence,
    /// A whole answer whose body is no JSON.
    Garbage,
}

/// Long enough for an answer on a busy machine, and short for a test that waits for none.
const PATIENCE_MS: u64 = 1500;

fn get(bench: &Bench, name: &str) -> Got {
    let mut stream = connect(bench.daemon.redfish());
    stream.set_read_timeout(Some(std::time::Duration::from_millis(PATIENCE_MS))).unwrap();
    let system = bench.system(name);
    let request = format!("GET {system} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{LOGIN}\r\n");
    let mut bytes = Vec::new();
    match stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return Got::Reset,
        Err(error)
            if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) && bytes.is_empty() =>
        {
            return Got::Silence;
        }
        Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
        Err(error) => panic!("{error}"),
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Got::Part };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    if bytes.len() - head.len() - 4 < length.parse().unwrap() {
        return Got::Part;
    }
    match serde_json::from_str::<Value>(body) {
        Ok(_) => Got::Answer(head[9..12].parse().unwrap()),
        Err(_) => Got::Garbage,
    }
}

#[test]
fn a_reset() {
    for when in ["before", "within"] {
        holds(&[], &json!({"reset": {"when": when, "bytes": 300}}), |bench, name| match get(bench, name) {
            Got::Reset | Got::Part => true,
            got => {
                assert_eq!(got, Got::Answer(200));
                false
            }
        });
    }
    // The whole answer comes before the reset.
    let bench = Bench::new(&[]);
    bench.add(&json!({}), &json!({"reset": {"when": "after"}}));
    assert!([Got::Answer(200), Got::Reset].contains(&get(&bench, "generic-1")));
}

#[test]
fn a_truncated_answer() {
    holds(&[], &json!({"truncated": {"bytes": 900}}), |bench, name| get(bench, name) == Got::Part);
}

#[test]
fn a_garbled_answer() {
    holds(&[], &json!({"garbled": {"oneOf": 3}}), |bench, name| get(bench, name) == Got::Garbage);
}

#[test]
fn a_black_hole() {
    holds(&[], &json!("black-hole"), |bench, name| get(bench, name) == Got::Silence);
}

#[test]
fn a_half_open_connection() {
    holds(&[], &json!("half-open"), |bench, name| get(bench, name) == Got::Silence);
}

#[test]
fn latency() {
    // Longer than the client waits, so that no time is measured.
    holds(&[], &json!({"latency": {"mean": "1h"}}), |bench, name| get(bench, name) == Got::Silence);
    let bench = Bench::new(&[]);
    bench.add(&json!({}), &json!({"latency": {"mean": "20ms", "distribution": "pareto"}}));
    assert_eq!(get(&bench, "generic-1"), Got::Answer(200));
}

#[test]
fn a_slow_answer() {
    holds(&[], &json!({"bandwidth": {"bytesPerSecond": 1}}), |bench, name| {
        let mut stream = connect(bench.daemon.redfish());
        let request = format!("GET {} HTTP/1.1\r\nhost: x\r\n{LOGIN}\r\n", bench.system(name));
        stream.write_all(request.as_bytes()).unwrap();
        // An answer of a kilobyte or more otherwise arrives at once.
        stream.read(&mut [0; 4096]).unwrap() < 200
    });
}

#[test]
fn a_slow_close() {
    holds(&[], &json!({"slow-close": {"by": "10m"}}), |bench, name| {
        let mut stream = connect(bench.daemon.redfish());
        let system = bench.system(name);
        let request = format!("GET {system} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{LOGIN}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (head, _) = super::super::load::answer(&mut stream).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        stream.set_read_timeout(Some(std::time::Duration::from_millis(PATIENCE_MS))).unwrap();
        stream.read(&mut [0]).is_err()
    });
}

/// Adds the rule `r` of the whole listener, restarts the process, and clears the rule.
fn holds_for_all(arguments: &[&'static str], what: &Value, is_broken: impl Fn(&Bench) -> bool) {
    let mut bench = Bench::new(arguments);
    assert!(!is_broken(&bench));
    let rule = json!({"name": "r", "who": {"all": true}, "what": what});
    bench.control("POST", "/faults", &json!({"rules": [rule]}));
    assert!(is_broken(&bench));
    bench.restart();
    assert!(is_broken(&bench));
    bench.clear();
    assert!(!is_broken(&bench));
}

#[test]
fn a_refused_connection() {
    holds_for_all(&[], &json!("connection-refused"), |bench| get(bench, "generic-1") == Got::Reset);
    // Nodes that share a listener share its connections.
    let bench = Bench::new(&[]);
    let rule = json!({"name": "r", "who": {"names": ["generic-1"]}, "what": "connection-refused"});
    bench.refuses(&rule, "--addresses ip, port or host");
}

#[test]
fn a_silent_connection() {
    holds_for_all(&[], &json!("connection-silent"), |bench| get(bench, "generic-1") == Got::Silence);
}

#[test]
fn a_node_with_an_address_of_its_own() {
    let listen = ["--addresses", "ip", "--listen", "http://127.90.0.0/24:0", "--agent-listen", "off"];
    let bench = Bench::new(&listen);
    let url = bench.daemon.ready["redfish"][0].as_str().unwrap();
    let port: u16 = url.rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    let reads = |node: u8| {
        let mut stream = TcpStream::connect((Ipv4Addr::new(127, 90, 0, node + 1), port)).unwrap();
        let _ = stream.write_all(b"GET /redfish HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.read(&mut [0]).is_ok_and(|read| read > 0)
    };
    bench.add(&json!({}), &json!("connection-refused"));
    assert_eq!([reads(0), reads(1), reads(2)], [true, false, true]);
    bench.clear();
    assert!(reads(1));
}

const TLS: &[&str] = &["--listen", "https://localhost:0", "--agent-listen", "off"];

/// The result of a TLS handshake with the BMCs.
fn handshake(bench: &Bench) -> Result<(), Error> {
    let ca = std::fs::read(bench.daemon.ready["ca"].as_str().unwrap()).unwrap();
    handshake_at(&bench.daemon.ready["redfish"][0], &ca)
}

/// The result of a TLS handshake of a client that trusts this certificate.
pub(super) fn handshake_at(url: &Value, trusted_pem: &[u8]) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted_pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let port: u16 = url.as_str().unwrap().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    let mut stream = connect(([127, 0, 0, 1], port).into());
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    while tls.is_handshaking() {
        if let Err(error) = tls.complete_io(&mut stream) {
            return Err(error.get_ref().unwrap().downcast_ref::<Error>().unwrap().clone());
        }
    }
    Ok(())
}

#[test]
fn a_tls_alert() {
    let alert = Err(Error::AlertReceived(AlertDescription::UnknownCA));
    holds_for_all(TLS, &json!({"tls-alert": {"alert": "unknown_ca"}}), |bench| handshake(bench) == alert);
    let bench = Bench::new(&[]);
    bench.refuses(&json!({"name": "r", "who": {"all": true}, "what": "tls-alert"}), "https:// in --listen");
}

#[test]
fn a_wrong_certificate() {
    holds_for_all(TLS, &json!({"wrong-certificate": {"which": "expired"}}), |bench| {
        matches!(
            handshake(bench),
            Err(Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. }
            ))
        )
    });
    holds_for_all(TLS, &json!({"wrong-certificate": {"which": "other-host"}}), |bench| {
        let named = |error: &CertificateError| {
            matches!(
                error,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            )
        };
        matches!(handshake(bench), Err(Error::InvalidCertificate(error)) if named(&error))
    });
}

#[test]
fn an_old_version_of_tls() {
    for version in ["1.0", "1.1"] {
        let refused = Err(Error::AlertReceived(AlertDescription::ProtocolVersion));
        holds_for_all(TLS, &json!({"old-tls": {"version": version}}), |bench| handshake(bench) == refused);
    }
}
