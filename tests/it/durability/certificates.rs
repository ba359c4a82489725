//! Certificates that clients have installed: the next connection shows them, and they are still there after `kill -9`.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;

use fauxmetal::tls::insecure_client_config;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

use super::{Answer, BASIC, Daemon, field};

const SERVICE: &str = "/redfish/v1/CertificateService";

/// A CA of a client.
struct Ca(Issuer<'static, KeyPair>);

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(Issuer::new(params, KeyPair::generate().unwrap()))
    }

    /// Signs a request. Returns the certificate as PEM and as DER.
    fn sign(&self, csr: &str) -> (String, Vec<u8>) {
        let request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        let signed = request.signed_by(&self.0).unwrap();
        (signed.pem(), signed.der().to_vec())
    }
}

/// Sends a request on a new connection. Returns the certificate of the handshake, and the answer.
fn ask(to: SocketAddr, method: &str, path: &str, body: &Value) -> (Vec<u8>, Answer) {
    let tls = Arc::new(insecure_client_config().unwrap());
    let name = ServerName::try_from("bmc.example").unwrap();
    let mut stream =
        StreamOwned::new(ClientConnection::new(tls, name).unwrap(), TcpStream::connect(to).unwrap());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{body}",
        BASIC.0,
        BASIC.1,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!text.contains("PRIVATE KEY"), "{text}");
    let shown = stream.conn.peer_certificates().unwrap()[0].to_vec();
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    (shown, Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body })
}

fn post(to: SocketAddr, path: &str, body: &Value) -> Answer {
    ask(to, "POST", path, body).1
}

/// Lets the BMC make a request, has it signed, and installs the certificate. Returns the certificate.
fn install(to: SocketAddr, manager: &str, ca: &Ca) -> Vec<u8> {
    let certificates = format!("{manager}/NetworkProtocol/HTTPS/Certificates");
    let wanted = json!({
        "CertificateCollection": {"@odata.id": certificates}, "CommonName": "bmc.example", "Country": "DE",
        "Organization": "Test", "AlternativeNames": ["bmc.example", "IP:192.0.2.7"],
        "KeyCurveId": "TPM_ECC_NIST_P384", "KeyUsage": ["DigitalSignature", "ServerAuthentication"],
    });
    let answer = post(to, &format!("{SERVICE}/Actions/CertificateService.GenerateCSR"), &wanted);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["CertificateCollection"]["@odata.id"], certificates);
    let (pem, der) = ca.sign(answer.body["CSRString"].as_str().unwrap());
    let answer = replace(to, manager, &pem);
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(field(&answer.head, "location").unwrap(), format!("{certificates}/1"));
    let shown = ask(to, "GET", &format!("{certificates}/1"), &Value::Null);
    assert_eq!(shown.0, der, "the next handshake shows it");
    let document = shown.1.body;
    assert_eq!(document["CertificateString"].as_str().unwrap().trim(), pem.replace('\r', "").trim());
    assert_eq!(document["Subject"]["CommonName"], "bmc.example");
    assert_eq!(document["Subject"]["AlternativeNames"], json!(["DNS:bmc.example", "IP:192.0.2.7"]));
    assert_eq!(document["KeyUsage"], json!(["DigitalSignature", "ServerAuthentication"]));
    der
}

fn replace(to: SocketAddr, manager: &str, pem: &str) -> Answer {
    let uri = format!("{manager}/NetworkProtocol/HTTPS/Certificates/1");
    let body = json!({
        "CertificateString": pem, "CertificateType": "PEM", "CertificateUri": {"@odata.id": uri},
    });
    post(to, &format!("{SERVICE}/Actions/CertificateService.ReplaceCertificate"), &body)
}

#[test]
fn a_bmc_presents_the_certificate_of_a_client_also_after_kill_9() {
    let (dir, ca) = (tempfile::tempdir().unwrap(), Ca::new());
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = [
        "--state",
        &state,
        "--nodes",
        "2",
        "--seed",
        "1",
        "--addresses",
        "ip",
        "--listen",
        "https://127.85.0.0/16:0",
        "--agent-listen",
        "http://127.86.0.0/16:0",
    ];
    let daemon = Daemon::start(dir.path(), &flags);
    let at = |daemon: &Daemon, node: u32| match daemon.bmc {
        SocketAddr::V4(first) => {
            SocketAddr::from((Ipv4Addr::from_bits(first.ip().to_bits() + node), first.port()))
        }
        SocketAddr::V6(_) => panic!("the block is of version 4"),
    };
    let handshake = |daemon: &Daemon, node| ask(at(daemon, node), "GET", "/redfish/v1", &Value::Null).0;
    let (manager, one) = ("/redfish/v1/Managers/1", at(&daemon, 0));
    let document = format!("{manager}/NetworkProtocol/HTTPS/Certificates/1");
    let (shown, answer) = ask(one, "GET", &document, &Value::Null);
    let known = answer.body["Fingerprint"].clone();
    assert_eq!(answer.status, 200);
    let pem = answer.body["CertificateString"].as_str().unwrap();
    assert_eq!(
        fauxmetal::tls::Shown::of(&shown.clone().into()).unwrap().fingerprint,
        known.as_str().unwrap()
    );
    // A certificate for another key is refused, and nothing changes.
    assert_eq!(replace(one, manager, pem).status, 400);
    assert_eq!(handshake(&daemon, 0), shown);

    let other = handshake(&daemon, 1);
    let first = install(one, manager, &ca);
    assert_eq!(handshake(&daemon, 1), other, "each BMC has its own");
    // With the key in use, and with a new one.
    let renew = |action: &str| {
        let answer = post(one, &format!("{document}/Actions/Certificate.{action}"), &json!({}));
        assert_eq!((answer.status, &answer.body["Certificate"]["@odata.id"]), (200, &json!(document)));
        ca.sign(answer.body["CSRString"].as_str().unwrap())
    };
    let (renewed, _) = renew("Renew");
    let (rekeyed, der) = renew("Rekey");
    assert_eq!(replace(one, manager, &renewed).status, 204);
    assert_ne!(handshake(&daemon, 0), first);
    assert_eq!(
        replace(one, manager, &rekeyed).status,
        400,
        "its key was forgotten with the other certificate"
    );
    let (rekeyed, der_2) = renew("Rekey");
    assert_ne!(der, der_2);
    assert_eq!(replace(one, manager, &rekeyed).status, 204);

    let keys = "/redfish/v1/Systems/1/SecureBoot/SecureBootDatabases/db/Certificates";
    let key = json!({"CertificateString": renewed, "CertificateType": "PEM"});
    let answer = post(one, keys, &key);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let key = field(&answer.head, "location").unwrap().to_owned();
    let fingerprint = answer.body["Fingerprint"].clone();
    assert!(fingerprint.is_string(), "{}", answer.body);

    daemon.kill();
    let daemon = Daemon::start(dir.path(), &flags);
    assert_eq!(handshake(&daemon, 0), der_2);
    let get = |uri: &str| ask(at(&daemon, 0), "GET", uri, &Value::Null).1.body;
    assert_eq!(get(&key)["Fingerprint"], fingerprint, "a key of secure boot is still there, too");
    let locations = get(&format!("{SERVICE}/CertificateLocations"));
    let all = locations["Links"]["Certificates"].as_array().unwrap();
    assert!(all.contains(&json!({"@odata.id": key})) && all.contains(&json!({"@odata.id": document})));
    let reset = format!("{manager}/Actions/Manager.ResetToDefaults");
    assert_eq!(post(at(&daemon, 0), &reset, &json!({"ResetType": "ResetAll"})).status, 202);
}

#[test]
fn a_shared_listener_presents_the_certificate_of_the_first_manager() {
    let (dir, ca) = (tempfile::tempdir().unwrap(), Ca::new());
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let flags = [
        "--state",
        &state,
        "--nodes",
        "2",
        "--seed",
        "1",
        "--listen",
        "https://127.0.0.1:0",
        "--agent-listen",
        "http://127.0.0.1:0",
    ];
    let daemon = Daemon::start(dir.path(), &flags);
    let locations = ask(daemon.bmc, "GET", &format!("{SERVICE}/CertificateLocations"), &Value::Null).1.body;
    let all = locations["Links"]["Certificates"].as_array().unwrap();
    assert_eq!(all.len(), 1);
    let first = all[0]["@odata.id"].as_str().unwrap().split("/NetworkProtocol").next().unwrap();
    let managers = ask(daemon.bmc, "GET", "/redfish/v1/Managers", &Value::Null).1.body;
    let managers =
        managers["Members"].as_array().unwrap().iter().map(|one| one["@odata.id"].as_str().unwrap());
    let second = managers.clone().find(|one| *one != first).unwrap();
    let der = install(daemon.bmc, first, &ca);
    let refused = json!({
        "CertificateCollection": {"@odata.id": format!("{second}/NetworkProtocol/HTTPS/Certificates")},
        "CommonName": "x",
    });
    let answer = post(daemon.bmc, &format!("{SERVICE}/Actions/CertificateService.GenerateCSR"), &refused);
    let message = &answer.body["error"]["@Message.ExtendedInfo"][0];
    assert_eq!(answer.status, 400);
    assert!(message["Message"].as_str().unwrap().contains(first), "{message}");
    daemon.kill();
    let daemon = Daemon::start(dir.path(), &flags);
    assert_eq!(ask(daemon.bmc, "GET", "/redfish/v1", &Value::Null).0, der);
}
