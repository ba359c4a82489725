//! A client of the stream of events (server-sent events), over TLS.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use fauxmetal::tls::provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use super::super::load::eventually;
use super::{BASIC, SERVICE, is_named};

type Tls = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// An open stream. A drop closes the connection.
pub(super) struct Stream {
    socket: TcpStream,
    /// The document of each event or report.
    read: Arc<Mutex<Vec<Value>>>,
}

impl Stream {
    /// `query` is empty, or begins with a question mark.
    pub(super) fn open(url: &str, ca_pem: &str, query: &str, last_event: Option<u64>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        let address = url.strip_prefix("https://").unwrap();
        let host = ServerName::try_from(address.split(':').next().unwrap().to_owned()).unwrap();
        let socket = TcpStream::connect(address).unwrap();
        let kept = socket.try_clone().unwrap();
        let tls = ClientConnection::new(Arc::new(config), host).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(tls, socket));
        let uri = format!("{SERVICE}/SSE{query}");
        let last = last_event.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let request =
            format!("GET {uri} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {BASIC}\r\n{last}\r\n");
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let read = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&read);
        std::thread::spawn(move || follow(stream, &all));
        Self { socket: kept, read }
    }

    /// The documents so far.
    pub(super) fn documents(&self) -> Vec<Value> {
        self.read.lock().unwrap().clone()
    }

    /// The events in these documents.
    pub(super) fn events(&self) -> Vec<Value> {
        self.documents().iter().map(|document| document["Events"][0].clone()).collect()
    }

    /// Waits for an event with this name, and returns all events up to it.
    pub(super) fn until(&self, name: &str) -> Vec<Value> {
        eventually(&format!("event {name} in the stream"), || {
            self.events().iter().any(|event| is_named(event, name))
        });
        let mut events = self.events();
        let last = events.iter().position(|event| is_named(event, name)).unwrap();
        events.truncate(last + 1);
        events
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Reads chunks (RFC 9112, section 7.1) and the events in them until the connection ends.
fn follow(mut stream: Tls, read: &Mutex<Vec<Value>>) -> Option<()> {
    let mut text = Vec::new();
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).ok().filter(|n| *n > 0)?;
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).ok()?;
        text.extend_from_slice(&chunk[..size]);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let frame = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let Some(data) = field("data: ") else {
                assert!(frame.starts_with(':'), "neither an event nor a comment: {frame}");
                continue;
            };
            let document: Value = serde_json::from_str(data).unwrap();
            let id: u64 = field("id: ").unwrap().parse().unwrap();
            if let Some(events) = document["Events"].as_array() {
                assert_eq!(events.len(), 1, "an id stands for one event: {frame}");
                assert_eq!(super::number(&events[0]), id, "{frame}");
            }
            read.lock().unwrap().push(document);
        }
    }
}
