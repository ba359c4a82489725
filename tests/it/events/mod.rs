//! Events over sockets: the built binary, receivers with TLS and a CA of their own, and clients of the stream.

mod life;
mod outage;
mod receiver;
mod reports;
mod stream;
mod tls;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::load::eventually;
use receiver::Receiver;
use stream::Stream;

const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";
const SERVICE: &str = "/redfish/v1/EventService";
const SUBSCRIPTIONS: &str = "/redfish/v1/EventService/Subscriptions";
/// The longest wait for an answer of the daemon.
const ANSWER: Duration = Duration::from_secs(60);

/// Whose root the subscriptions are at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RootOf {
    All,
    FirstNode,
}

/// A daemon with TLS, and a client of one of its service roots.
struct Site {
    child: Child,
    /// The URL of the service root, without a path.
    url: String,
    admin: String,
    ca_pem: String,
    client: ureq::Agent,
    /// The URI of the first machine.
    system: String,
    _certs: tempfile::TempDir,
}

impl Site {
    /// Starts a daemon. Its clock runs faster than the test's, so that no retry keeps the test waiting.
    fn start(root: RootOf, more: &[&str]) -> Self {
        let certs = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
        command.args(["serve", "--nodes", "2", "--seed", "1", "--speed", "1000", "--log", "error"]);
        command.args(["--admin-listen", "http://127.0.0.1:0"]);
        match root {
            RootOf::All => {
                command.args(["--listen", "https://127.0.0.1:0", "--agent-listen", "https://127.0.0.1:0"])
            }
            RootOf::FirstNode => command.args(["--addresses", "ip"]).args([
                "--listen",
                "https://127.89.0.0/24:0",
                "--agent-listen",
                "https://127.90.0.0/24:0",
            ]),
        };
        command.arg("--certs").arg(certs.path()).args(more);
        let mut child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(line.trim().strip_prefix("READY ").unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let ca_pem = std::fs::read_to_string(text(&ready["ca"])).unwrap();
        let trusted = [Certificate::from_pem(ca_pem.as_bytes()).unwrap()];
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&trusted)).build();
        let client = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER))
            .build()
            .into();
        let (url, admin) = (text(&ready["redfish"][0]), text(&ready["admin"]));
        let mut site = Self { child, url, admin, ca_pem, client, system: String::new(), _certs: certs };
        site.system = text(&site.get("/redfish/v1/Systems")["Members"][0]["@odata.id"]);
        site
    }

    /// Sends a request to a URL. Returns the status, `Location` and the document.
    fn send(&self, method: &str, url: &str, body: &Value) -> (u16, String, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request.header("Authorization", BASIC).header("Content-Type", "application/json");
        let mut answer = self.client.run(request.body(text).unwrap()).unwrap();
        let location = answer.headers().get("location").map(|at| at.to_str().unwrap().to_owned());
        let text = answer.body_mut().read_to_string().unwrap();
        let document = serde_json::from_str(&text).unwrap_or(Value::Null);
        (answer.status().as_u16(), location.unwrap_or_default(), document)
    }

    fn get(&self, path: &str) -> Value {
        let (status, _, document) = self.send("GET", &format!("{}{path}", self.url), &Value::Null);
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    fn status_of(&self, path: &str) -> u16 {
        self.send("GET", &format!("{}{path}", self.url), &Value::Null).0
    }

    /// A request of a client that changes something. Returns `Location`.
    fn write(&self, method: &str, path: &str, body: &Value) -> String {
        let (status, location, document) = self.send(method, &format!("{}{path}", self.url), body);
        assert!(status < 300, "{method} {path} {body}: {status} {document}");
        location
    }

    /// A change of the first machine by the control API.
    fn control(&self, verb: &str, more: &Value) {
        let mut body = json!({"nodes": {"names": ["generic-0"]}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, _, document) = self.send("POST", &format!("{}/fauxmetal/v1/{verb}", self.admin), &body);
        assert_eq!((status, &document["accepted"]), (200, &json!(1)), "{verb}: {document}");
    }

    /// Subscribes a receiver, and returns the URI of the subscription.
    fn subscribe(&self, destination: &str, more: &Value) -> String {
        let mut body = json!({"Destination": destination, "Protocol": "Redfish"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.write("POST", SUBSCRIPTIONS, &body)
    }

    /// Submits an event of its own. Its key is `name`.
    fn submit(&self, name: &str) {
        let action = format!("{SERVICE}/Actions/EventService.SubmitTestEvent");
        self.write("POST", &action, &json!({ "MessageId": format!("Lab.1.0.{name}") }));
    }

    /// `SuspendSubscription` or `ResumeSubscription`.
    fn act(&self, subscription: &str, what: &str, body: &Value) {
        self.write("POST", &format!("{subscription}/Actions/EventDestination.{what}Subscription"), body);
    }

    /// Opens the stream of events.
    fn stream(&self, last_event: Option<u64>) -> Stream {
        Stream::open(&self.url, &self.ca_pem, "", last_event)
    }

    /// Opens the stream with a filter, whose spaces are escaped.
    fn stream_of(&self, filter: &str) -> Stream {
        Stream::open(&self.url, &self.ca_pem, &format!("?$filter={filter}"), None)
    }

    /// Sets `DeliveryRetryAttempts` to 2, and the pauses to ten simulated seconds.
    fn retry_twice(&self) {
        let settings = json!({"DeliveryRetryAttempts": 2, "DeliveryRetryIntervalSeconds": 10});
        self.write("PATCH", SERVICE, &settings);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number of an event at its service.
fn number(event: &Value) -> u64 {
    event["EventId"].as_str().unwrap().parse().unwrap()
}

/// The `MessageId` of an event without the version of its registry, and the URI of the resource that it is about.
fn words(event: &Value) -> String {
    let id = event["MessageId"].as_str().unwrap();
    let (registry, key) = (id.split('.').next().unwrap(), id.rsplit('.').next().unwrap());
    let origin = event["OriginOfCondition"]["@odata.id"].as_str().unwrap_or_default();
    format!("{registry}.{key} {origin}").trim_end().to_owned()
}

/// The name of an event that [`Site::submit`] has sent.
fn is_named(event: &Value, name: &str) -> bool {
    event["MessageId"] == format!("Lab.1.0.{name}")
}

/// Waits until an event with this name has come to a path of a receiver.
fn await_at(receiver: &Receiver, path: &str, name: &str) {
    eventually(&format!("event {name} at {path}"), || {
        receiver.events(path).iter().any(|event| is_named(event, name))
    });
}
