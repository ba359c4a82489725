//! The life of a machine as its subscribers see it: each event once, in order, and no other.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::super::load::{TOKEN, answer};
use super::*;

const ACCOUNTS: &str = "/redfish/v1/AccountService/Accounts";
const IMAGE: &[u8] = include_bytes!("../fixtures/live.iso");

/// Ironic's API, its boot configurations and an image, on loopback. Its threads end with the process.
struct Ironic {
    url: String,
    /// The inventories that agents have sent.
    inspected: Arc<Mutex<Vec<Value>>>,
}

impl Ironic {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inspected = Arc::default();
        let ironic = Self { url: url.clone(), inspected: Arc::clone(&inspected) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, url, inspected) = (stream.unwrap(), url.clone(), Arc::clone(&inspected));
                std::thread::spawn(move || serve(stream, &url, &inspected));
            }
        });
        ironic
    }
}

fn serve(mut stream: TcpStream, url: &str, inspected: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    loop {
        let (head, body) = answer(&mut stream)?;
        let path = head.split(' ').nth(1).unwrap();
        let (status, body) = match path {
            "/" => ("200 OK", r#"{"default_version": {"version": "1.115"}}"#.into()),
            "/live.iso" => ("200 OK", IMAGE.to_vec()),
            path if path.starts_with("/boot/") => {
                let parameters = format!(
                    "ipa-api-url={url} ipa-agent-token={TOKEN} ipa-inspection-callback-url={url}/v1/continue_inspection"
                );
                let script = format!("#!ipxe\nkernel {url}/kernel {parameters}\ninitrd {url}/initrd\nboot\n");
                ("200 OK", script.into())
            }
            path if path.starts_with("/v1/lookup") => {
                let node = json!({"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"});
                let config = json!({"heartbeat_timeout": 300, "agent_token": TOKEN});
                ("200 OK", json!({"node": node, "config": config}).to_string().into())
            }
            "/v1/continue_inspection" => {
                inspected.lock().unwrap().push(serde_json::from_str(&body).unwrap());
                ("202 Accepted", json!({"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}).to_string().into())
            }
            path if path.starts_with("/v1/heartbeat/") => ("202 Accepted", Vec::new()),
            _ => ("404 Not Found", Vec::new()),
        };
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
    }
}

/// Every event of the life, at a root that all nodes share and at a root of the node's own.
const LIFE: &str = "
ResourceEvent.ResourceCreated SUBSCRIPTIONS/2

ResourceEvent.ResourceChanged SYSTEM
ResourceEvent.ResourcePoweringOn SYSTEM
ResourceEvent.ResourcePoweredOn SYSTEM
ResourceEvent.ResourceChanged SYSTEM
ResourceEvent.ResourceSelfTestCompleted SYSTEM
ResourceEvent.ResourceStateChanged SYSTEM
ResourceEvent.ResourcePoweringOff SYSTEM
ResourceEvent.ResourcePoweredOff SYSTEM

ResourceEvent.ResourceChanged SYSTEM/Bios/Settings
ResourceEvent.ResourceChanged SYSTEM/VirtualMedia/Cd
ResourceEvent.ResourceChanged SYSTEM/VirtualMedia/Cd
ResourceEvent.ResourceChanged SYSTEM
ResourceEvent.ResourcePoweringOn SYSTEM
ResourceEvent.ResourceChanged SYSTEM/Bios/Settings
ResourceEvent.ResourceChanged SYSTEM/Bios
ResourceEvent.ResourcePoweredOn SYSTEM
ResourceEvent.ResourceChanged SYSTEM
ResourceEvent.ResourceSelfTestCompleted SYSTEM
ResourceEvent.ResourceStateChanged SYSTEM
ResourceEvent.ResourceChanged SYSTEM/VirtualMedia/Cd

Environmental.TemperatureAboveUpperCriticalThreshold CHASSIS/Sensors/InletTemp
ResourceEvent.ResourceStatusChangedCritical CHASSIS
Environmental.TemperatureNormal CHASSIS/Sensors/InletTemp
ResourceEvent.ResourceStatusChangedOK CHASSIS

ResourceEvent.ResourceCreated ACCOUNTS/2
ResourceEvent.ResourceChanged ACCOUNTS/2
ResourceEvent.ResourceRemoved ACCOUNTS/2

ResourceEvent.ResourcePoweringOff SYSTEM
ResourceEvent.ResourcePoweredOff SYSTEM
Lab.End
";

/// A site with a receiver and a client of the stream. What happens is awaited at both before the next change.
struct Watched {
    site: Site,
    receiver: Receiver,
    stream: Stream,
}

impl Watched {
    /// Waits until both have got this number of events of a kind.
    fn wait(&self, key: &str, count: usize) {
        let has =
            |events: Vec<Value>| events.iter().filter(|event| words(event).starts_with(key)).count() >= count;
        eventually(&format!("{count} {key} at the receiver"), || has(self.receiver.events("/")));
        eventually(&format!("{count} {key} in the stream"), || has(self.stream.events()));
    }

    /// URIs and their short names.
    fn names(&self) -> [(String, &'static str); 4] {
        let system = &self.site.system;
        let chassis = self.site.get(system)["Links"]["Chassis"][0]["@odata.id"].as_str().unwrap().to_owned();
        [
            (system.clone(), "SYSTEM"),
            (chassis, "CHASSIS"),
            (SUBSCRIPTIONS.to_owned(), "SUBSCRIPTIONS"),
            (ACCOUNTS.to_owned(), "ACCOUNTS"),
        ]
    }

    fn reset(&self, kind: &str) {
        let action = format!("{}/Actions/ComputerSystem.Reset", self.site.system);
        self.site.write("POST", &action, &json!({ "ResetType": kind }));
    }

    fn boot_from(&self, target: &str) {
        let boot = json!({"BootSourceOverrideTarget": target, "BootSourceOverrideEnabled": "Once"});
        self.site.write("PATCH", &self.site.system, &json!({ "Boot": boot }));
        self.reset("On");
    }
}

#[test]
fn the_life_of_a_machine_reaches_a_receiver_and_a_client_of_the_stream() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let ironic = Ironic::start();
        let receiver = Receiver::start();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), &receiver.ca_pem).unwrap();
        let boot = format!("{}/boot/", ironic.url);
        let site = Site::start(
            root,
            &["--boot-time", "1m", "--network-boot", &boot, "--ironic-ca", ca.path().to_str().unwrap()],
        );
        let stream = site.stream(None);
        site.subscribe(&receiver.url("/"), &json!({"VerifyCertificate": true, "Context": "life"}));
        let watched = Watched { site, receiver, stream };
        let site = &watched.site;
        let system = site.system.clone();

        // A boot into the agent, which inspects the machine.
        watched.boot_from("Pxe");
        eventually("inspection", || !ironic.inspected.lock().unwrap().is_empty());
        watched.wait("ResourceEvent.ResourceStateChanged", 1);
        watched.reset("ForceOff");
        watched.wait("ResourceEvent.ResourcePoweredOff", 1);

        // A BIOS setting, and media with a system that the next start boots.
        let settings = format!("{system}/Bios/Settings");
        site.write("PATCH", &settings, &json!({"Attributes": {"LogicalProc": "Disabled"}}));
        let media = format!("{system}/VirtualMedia/Cd");
        let image = json!({"Image": format!("{}/live.iso", ironic.url)});
        site.write("POST", &format!("{media}/Actions/VirtualMedia.InsertMedia"), &image);
        watched.wait(&format!("ResourceEvent.ResourceChanged {media}"), 2);
        watched.boot_from("Cd");
        watched.wait("ResourceEvent.ResourceStateChanged", 2);
        site.write("POST", &format!("{media}/Actions/VirtualMedia.EjectMedia"), &json!({}));

        // Hot air, and normal air again.
        site.control("heat", &json!({"inletCelsius": 60}));
        watched.wait("ResourceEvent.ResourceStatusChangedCritical", 1);
        site.control("cool", &json!({}));
        watched.wait("ResourceEvent.ResourceStatusChangedOK", 1);

        let account = json!({"UserName": "bob", "Password": "password1", "RoleId": "Operator"});
        let account = site.write("POST", ACCOUNTS, &account);
        site.write("PATCH", &account, &json!({"Enabled": false}));
        site.write("DELETE", &account, &Value::Null);
        watched.reset("GracefulShutdown");
        watched.wait("ResourceEvent.ResourcePoweredOff", 2);
        site.submit("End");
        await_at(&watched.receiver, "/", "End");
        let streamed = watched.stream.until("End");
        let pushed = watched.receiver.events("/");
        let names = watched.names();
        let named =
            |events: &[Value]| -> Vec<String> { events.iter().map(|event| name(event, &names)).collect() };
        let expected: Vec<_> = LIFE.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(named(&pushed), expected, "{root:?}");
        let numbers: Vec<_> = pushed.iter().map(number).collect();
        assert!(numbers.windows(2).all(|two| two[0] + 1 == two[1]), "{root:?}: {numbers:?}");

        // The stream was open before the subscription, and its first event is its own beginning.
        let (own, others) = streamed.split_first().unwrap();
        assert_eq!(name(own, &names), "ResourceEvent.ResourceCreated SUBSCRIPTIONS/1");
        assert_eq!(others.len(), pushed.len(), "{root:?}: {:?}", named(others));
        for (streamed, pushed) in others.iter().zip(&pushed) {
            let (mut streamed, mut pushed) = (streamed.clone(), pushed.clone());
            // `MemberId` is the place of an event in its document.
            streamed["MemberId"].take();
            pushed["MemberId"].take();
            assert_eq!(streamed, pushed, "{root:?}");
        }
        let contexts =
            watched.receiver.documents("/").into_iter().map(|mut document| document["Context"].take());
        assert!(contexts.into_iter().all(|context| context == "life"), "{root:?}");
    }
}

/// The words of an event, with a short name of the resource.
fn name(event: &Value, names: &[(String, &str)]) -> String {
    let words = words(event);
    let long = names.iter().find(|(uri, _)| words.contains(uri));
    long.map_or(words.clone(), |(uri, short)| words.replace(uri, short))
}
