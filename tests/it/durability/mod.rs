//! A fleet that is stored on disk, tested by clients of the built binary.

mod accounts;
mod certificates;
mod clock;
mod control;
mod diagnostics;
mod directory;
mod events;
mod kill;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Credentials of the default account.
const BASIC: (&str, &str) = ("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");

/// A daemon that is ready. It is killed when this is dropped.
struct Daemon {
    child: Child,
    /// The first address of the BMCs.
    bmc: SocketAddr,
    admin: SocketAddr,
}

fn serve(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    let (listen, certs) = ("http://127.0.0.1:0", dir.join("certs"));
    command.args(["serve", "--admin-listen", listen]);
    if !more.contains(&"--listen") {
        command.args(["--listen", listen, "--agent-listen", listen]);
    }
    if !more.contains(&"--log") {
        command.args(["--log", "error"]);
    }
    command.arg("--certs").arg(certs).args(more);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

impl Daemon {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let mut child = serve(dir, more).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(line.trim().strip_prefix("READY ").unwrap()).unwrap();
        let address = |url: &Value| url.as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
        Self { child, bmc: address(&ready["redfish"][0]), admin: address(&ready["admin"]) }
    }

    fn client(&self) -> Client {
        Self::connect(self.bmc)
    }

    /// A client of a node with an address of its own.
    fn client_of(&self, node: u32) -> Client {
        let SocketAddr::V4(first) = self.bmc else { panic!("{} is no address of version 4", self.bmc) };
        let address = Ipv4Addr::from_bits(first.ip().to_bits() + node);
        Self::connect(SocketAddr::from((address, first.port())))
    }

    /// A client of the control API.
    fn control(&self) -> Client {
        Self::connect(self.admin)
    }

    fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client(stream)
    }

    /// Ends it like `kill -9`.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client with one connection.
struct Client(TcpStream);

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Client {
    /// Sends a request and reads the whole answer; `None` if the connection ended before it was complete.
    fn ask(&mut self, method: &str, path: &str, header: (&str, &str), body: &Value) -> Option<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{body}",
            header.0,
            header.1,
            body.len()
        );
        self.0.write_all(request.as_bytes()).ok()?;
        let mut read = Vec::new();
        let mut chunk = [0; 8192];
        loop {
            let n = self.0.read(&mut chunk).ok().filter(|n| *n > 0)?;
            read.extend_from_slice(&chunk[..n]);
            let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(read[..end].to_vec()).unwrap();
            let length = field(&head, "content-length").map_or(0, |l| l.parse().unwrap());
            if read.len() < end + 4 + length {
                continue;
            }
            let status = head[9..12].parse().unwrap();
            let body = serde_json::from_slice(&read[end + 4..]).unwrap_or(Value::Null);
            return Some(Answer { status, head, body });
        }
    }

    fn get(&mut self, path: &str) -> Value {
        let answer = self.ask("GET", path, BASIC, &Value::Null).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}
