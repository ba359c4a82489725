//! The simulator as a test uses it, with real sockets where they matter.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use http::Request;

use super::*;
use crate::dmtf::{BootOverride, PowerState, ResetType};

/// The longest wait for an expected event: long enough for a busy machine. No test measures it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The listening address of a URL with an address as its host.
fn address(url: &str) -> SocketAddr {
    url.split_once("://").unwrap().1.split('/').next().unwrap().parse().unwrap()
}

/// The status of `GET path` over plain HTTP, as the user of the simulator.
fn get(simulator: &Simulator, url: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address(url)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    write!(stream, "{head}authorization: {}\r\n\r\n", simulator.authorization()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Whether a connection is refused or cut, after a simulator has stopped some time ago.
fn is_closed(at: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(at) else { return true };
    stream.write_all(b"GET /redfish HTTP/1.1\r\nhost: x\r\n\r\n").is_err()
        || !matches!(stream.read(&mut [0; 16]), Ok(n) if n > 0)
}

/// A boot server and an Ironic in one: every interface boots a ramdisk with an agent, which finds its node there. It stops
/// with the process.
fn ironic() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = url.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer_as_ironic(&api, stream.unwrap());
        }
    });
    url
}

/// The same, in the runtime of the test: it answers only while the test awaits.
async fn ironic_in_this_runtime() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let api = url.clone();
    tokio::spawn(async move {
        loop {
            let (stream, api) = (listener.accept().await.unwrap().0.into_std().unwrap(), api.clone());
            stream.set_nonblocking(false).unwrap();
            tokio::task::spawn_blocking(move || answer_as_ironic(&api, stream));
        }
    });
    url
}

fn answer_as_ironic(api: &str, mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/" => (200, r#"{"default_version": {"id": "v1", "version": "1.115"}}"#.to_owned()),
        path if path.starts_with("/boot/") => {
            (200, format!("#!ipxe\nkernel http://x/k ipa-api-url={api}\ninitrd http://x/i\nboot\n"))
        }
        path if path.starts_with("/v1/lookup") => {
            let token = "0123456789abcdef0123456789abcdef";
            let config = format!(r#"{{"heartbeat_timeout": 300, "agent_token": "{token}"}}"#);
            (200, format!(r#"{{"node": {{"uuid": "{}"}}, "config": {config}}}"#, uuid::Uuid::from_u128(7)))
        }
        path if path.starts_with("/v1/heartbeat/") => (202, String::new()),
        _ => (404, "{}".to_owned()),
    };
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // The client may have gone, because its simulator has stopped.
    let _ = stream.write_all((head + &body).as_bytes());
}

#[test]
fn a_stopped_simulator_has_closed_its_ports_and_its_nodes_say_so() {
    let simulator = Simulator::builder().nodes("generic", 2).http().start().unwrap();
    let (url, node) = (simulator.bmc_url().unwrap(), simulator.node(1).unwrap());
    assert_eq!(node.bmc_url().as_ref(), Some(&url));
    assert_eq!(get(&simulator, &url, &node.system_path()), 200);
    let agent = node.agent_url().unwrap();
    assert!(TcpStream::connect(address(&agent)).is_ok());
    simulator.stop();
    assert!(TcpStream::connect(address(&url)).is_err() && TcpStream::connect(address(&agent)).is_err());
    let waited = node.blocking_wait_until(PATIENCE, |_| false);
    assert!(matches!(waited, Err(Error::Stopped)), "{waited:?}");
}

#[test]
fn two_simulators_share_a_process_and_nothing_else() {
    let [one, other] = [1, 2].map(|seed| Simulator::builder().seed(seed).http().start().unwrap());
    let path = one.node(0).unwrap().system_path();
    assert_eq!(get(&one, &one.bmc_url().unwrap(), &path), 200);
    assert_eq!(get(&other, &other.bmc_url().unwrap(), &path), 404, "another seed gives other UUIDs");
    one.node(0).unwrap().reset(ResetType::On).unwrap();
    assert_eq!(other.node(0).unwrap().state().power, PowerState::Off);
    drop(one);
    let path = other.node(0).unwrap().system_path();
    assert_eq!(get(&other, &other.bmc_url().unwrap(), &path), 200);
}

#[test]
fn each_node_can_have_a_port_and_a_service_root_of_its_own() {
    let simulator =
        Simulator::builder().nodes("generic", 3).addresses(Addresses::Port).http().start().unwrap();
    assert_eq!(simulator.bmc_url(), None);
    let ports: Vec<u16> = simulator.nodes().map(|node| address(&node.bmc_url().unwrap()).port()).collect();
    assert_eq!(ports, [ports[0], ports[0] + 1, ports[0] + 2]);
    let node = simulator.node(2).unwrap();
    assert_eq!(node.system_path(), "/redfish/v1/Systems/1");
    assert_eq!(get(&simulator, &node.bmc_url().unwrap(), "/redfish/v1/Systems/1"), 200);
    let request = Request::get("/redfish/v1/Systems/1").header("authorization", simulator.authorization());
    let document = node.call_bmc(request.body("").unwrap());
    let document = String::from_utf8(document.into_body().to_vec()).unwrap();
    assert!(document.contains(&node.identity().serial), "{document}");
}

#[test]
fn an_agent_serves_its_api_at_its_url() {
    let boot = format!("{}/boot/", ironic());
    for addresses in [Addresses::Shared, Addresses::Port] {
        let new = Simulator::builder().nodes("generic", 2).addresses(addresses).http().speed(1000.0);
        let simulator = new.network_boot(&boot).start().unwrap();
        let node = simulator.node(1).unwrap();
        node.set_boot_source("Pxe", BootOverride::Once).unwrap();
        node.reset(ResetType::On).unwrap();
        node.blocking_wait_until(PATIENCE, |state| state.agent == Some(AgentPhase::Serving)).unwrap();
        let url = node.agent_url().unwrap();
        let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        assert_eq!(get(&simulator, &url, &format!("{path}/v1/status")), 200, "{url}");
    }
}

#[test]
fn a_client_that_trusts_the_ca_verifies_the_bmcs() {
    let simulator = Simulator::start(1).unwrap();
    let ca = ureq::tls::Certificate::from_pem(simulator.ca_pem().unwrap().as_bytes()).unwrap();
    let url = format!("{}/redfish/v1/", simulator.bmc_url().unwrap());
    let get = |roots| {
        let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
        let client: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
        client.get(&url).call().map(|answer| answer.status().as_u16())
    };
    assert_eq!(get(ureq::tls::RootCerts::new_with_certs(&[ca])).unwrap(), 200);
    let other = Simulator::start(1).unwrap();
    let other = ureq::tls::Certificate::from_pem(other.ca_pem().unwrap().as_bytes()).unwrap();
    assert!(get(ureq::tls::RootCerts::new_with_certs(&[other])).is_err(), "each simulator has its own CA");
}

#[tokio::test]
async fn time_by_hand_boots_an_agent_without_waiting_and_always_at_the_same_time() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let ironic = ironic_in_this_runtime().await;
        let simulator = Simulator::builder()
            .without_listeners()
            .clock_by_hand()
            .network_boot(&format!("{ironic}/boot/"))
            .start()
            .unwrap();
        let node = simulator.node(0).unwrap();
        assert_eq!((simulator.speed(), simulator.ca_pem()), (None, None));
        node.set_boot_source("Pxe", BootOverride::Once).unwrap();
        node.reset(ResetType::On).unwrap();
        let start = simulator.now();
        let mut states = vec![node.state()];
        while node.state().agent != Some(AgentPhase::Serving) {
            assert!(simulator.advance(Duration::from_secs(1)).await.unwrap() <= start + PATIENCE * 60);
            if states.last() != Some(&node.state()) {
                states.push(node.state());
            }
        }
        let answer = node.call_agent(Request::get("/v1/status").body("").unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        seen.push((states, simulator.now()));
    }
    assert!(seen[0].0.len() > 4, "{:?}", seen[0].0);
    assert_eq!(seen[0], seen[1]);
}

/// A boot whose calls are answered while the clock stands still takes the time of its phases, also in one large step.
#[test]
fn one_large_step_passes_every_deadline() {
    let ironic = ironic();
    let simulator = Simulator::builder()
        .nodes("generic", 3)
        .without_listeners()
        .clock_by_hand()
        .network_boot(&format!("{ironic}/boot/"))
        .start()
        .unwrap();
    for node in simulator.nodes() {
        node.set_boot_source("Pxe", BootOverride::Once).unwrap();
        node.reset(ResetType::On).unwrap();
    }
    let before = simulator.now();
    let after = simulator.blocking_advance(Duration::from_secs(900)).unwrap();
    assert_eq!(after, before + Duration::from_secs(900));
    for node in simulator.nodes() {
        assert_eq!(node.state().agent, Some(AgentPhase::Serving), "{:?}", node.state());
    }
}

#[test]
fn the_deadlines_of_a_boot_come_one_by_one() {
    let simulator =
        || Simulator::builder().nodes("generic", 2).without_listeners().clock_by_hand().start().unwrap();
    let (whole, steps) = (simulator(), simulator());
    let start = steps.now();
    assert_eq!(steps.blocking_advance_to_next().unwrap(), None);
    assert_eq!(steps.now(), start, "nothing will happen");
    for simulator in [&whole, &steps] {
        simulator.node(1).unwrap().reset(ResetType::On).unwrap();
    }
    let mut moments = vec![start];
    while let Some(at) = steps.blocking_advance_to_next().unwrap() {
        assert_eq!(at, steps.now());
        moments.push(at);
    }
    assert!(moments.len() >= 3 && moments.is_sorted(), "{moments:?}");
    let last = *moments.last().unwrap();
    whole.blocking_advance(last.duration_since(start).unwrap()).unwrap();
    assert_eq!((whole.now(), whole.node(1).unwrap().state()), (last, steps.node(1).unwrap().state()));
    assert_eq!(steps.node(1).unwrap().state().system, System::NothingToBoot);
}

#[tokio::test]
async fn a_simulator_can_be_used_and_dropped_inside_of_a_runtime() {
    let simulator = Simulator::builder().speed(1000.0).http().start().unwrap();
    let (node, at) = (simulator.node(0).unwrap(), address(&simulator.bmc_url().unwrap()));
    node.reset(ResetType::On).unwrap();
    let state = node.wait_until(PATIENCE, |state| state.system == System::NothingToBoot).await.unwrap();
    assert_eq!(state.power, PowerState::On);
    node.reset(ResetType::ForceOff).unwrap();
    // Neither form panics here, as the methods of a runtime would.
    node.blocking_wait_until(PATIENCE, |state| state.power == PowerState::Off).unwrap();
    drop(simulator);
    while !is_closed(at) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(node.wait_until(PATIENCE, |_| false).await, Err(Error::Stopped)));
    // A start that fails drops its threads here as well.
    assert!(Simulator::builder().speed(0.0).start().is_err());
    Simulator::start(1).unwrap().stop();
}

#[test]
fn a_wrong_setting_is_refused_by_name_with_what_is_allowed() {
    let new = Simulator::builder;
    for (builder, expected) in [
        (new().nodes("generic", 0), "nodes: 'generic 0' is not allowed: each model needs at least 1 node"),
        (new().nodes("generic", 20_000_000), "all together have at most 16777216"),
        (new().nodes("generic", 10_001).addresses(Addresses::Port), "all together have at most 10000"),
        (
            new().nodes("generik", 1),
            "nodes: 'generik' is not allowed: there is no profile 'generik'; built in are",
        ),
        (new().seed(""), "seed: '' is not allowed: it is empty; give a number or a word"),
        (new().user("a:b"), "user: 'a:b' is not allowed: 'a:b' contains ':'"),
        (
            new().password("hunter2\n"),
            "password: '***' is not allowed: the value contains a control character",
        ),
        (new().speed(f64::NAN), "speed: 'NaN' is not allowed: allowed are 0.001 to 10000 simulated seconds"),
        (
            new().ironic("ftp://x"),
            "ironic: 'ftp://x' is not allowed: 'ftp://x' is not a URL; write http://HOST",
        ),
        (new().network_boot("http://a:hunter2@x"), "network_boot: '***' is not allowed: the URL has a user"),
    ] {
        let error = builder.start().unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Setting { .. }) && text.contains(expected), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_wrong_change_is_refused_and_changes_nothing() {
    let simulator = Simulator::builder().without_listeners().clock_by_hand().start().unwrap();
    let node = simulator.find("generic-0").unwrap();
    assert_eq!(simulator.find(&node.identity().uuid).unwrap().identity(), node.identity());
    let before = node.state();
    let long = format!("http://x/{}", "y".repeat(2048));
    for (result, expected) in [
        (node.reset(ResetType::Nmi), "generic-0 refuses ResetType 'Nmi': the machine is off"),
        (
            node.set_boot_source("Tape", BootOverride::Once),
            "BootSourceOverrideTarget 'Tape': allowed are None, Pxe",
        ),
        (node.set_http_boot_uri("tftp://x/y"), "HttpBootUri 'tftp://x/y': allowed are HTTP and HTTPS URLs"),
        (
            node.insert("Tape", "http://x/y.iso"),
            "Image 'http://x/y.iso': there is no slot 'Tape'; allowed are Cd",
        ),
        (node.insert("Cd", &long), "allowed are HTTP and HTTPS URLs of at most 2048 bytes"),
        (node.eject("Tape"), "VirtualMedia 'Tape': there is no slot 'Tape'; allowed are Cd"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }) && error.to_string().contains(expected), "{error}");
    }
    assert_eq!(node.state(), before);
    let error = simulator.find("generic-7").unwrap_err().to_string();
    assert_eq!(error, "there is no node 'generic-7'; the nodes are 0 to 0 (generic-0)");
    assert!(matches!(simulator.node(1), Err(Error::NoSuchNode { .. })));
    let error = node.blocking_wait_until(Duration::ZERO, |_| false).unwrap_err().to_string();
    assert!(
        error.starts_with("generic-0 did not reach the condition within 0ns; its state is NodeState"),
        "{error}"
    );
    let running = Simulator::builder().without_listeners().speed(2.0).start().unwrap();
    let error = running.blocking_advance(PATIENCE).unwrap_err();
    assert!(matches!(error, Error::ClockRuns { speed } if speed.to_bits() == 2f64.to_bits()), "{error}");
    assert!(matches!(running.blocking_advance_to_next(), Err(Error::ClockRuns { .. })));
}

#[test]
#[should_panic(expected = "an assertion of the test")]
fn a_panic_in_a_condition_is_a_panic_of_the_test() {
    let simulator = Simulator::builder().without_listeners().start().unwrap();
    let condition = |_: &NodeState| panic!("an assertion of the test");
    let _ = simulator.node(0).unwrap().blocking_wait_until(PATIENCE, condition);
}

#[test]
fn an_image_that_cannot_be_opened_says_why() {
    let simulator = Simulator::builder().without_listeners().start().unwrap();
    let node = simulator.node(0).unwrap();
    let image = format!("{}/missing.iso", ironic());
    node.insert("Cd", &image).unwrap();
    let failed =
        |state: &NodeState| matches!(state.media.as_slice(), [Media { status: MediaStatus::Failed(_), .. }]);
    let state = node.blocking_wait_until(PATIENCE, failed).unwrap();
    assert_eq!((&*state.media[0].slot, &state.media[0].image), ("Cd", &image));
    let again = node.insert("Cd", &image).unwrap_err().to_string();
    assert!(again.ends_with("the slot already holds an image"), "{again}");
    node.eject("Cd").unwrap();
    assert_eq!(node.state().media, []);
}

/// A receiver of events that is slow: each request takes a while. Returns its URL and the messages that it has got.
fn receiver() -> (String, std::sync::Arc<parking_lot::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let got = std::sync::Arc::<parking_lot::Mutex<Vec<String>>>::default();
    let into = std::sync::Arc::clone(&got);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
            for event in document["Events"].as_array().unwrap() {
                let id = event["MessageId"].as_str().unwrap();
                into.lock().push(format!("{} {id}", event["EventTimestamp"].as_str().unwrap()));
            }
            stream.write_all(b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    (url, got)
}

#[test]
fn a_clock_by_hand_waits_for_the_deliveries_of_the_shared_root() {
    let simulator =
        Simulator::builder().nodes("generic", 1).without_listeners().clock_by_hand().start().unwrap();
    let (url, got) = receiver();
    let send = |uri: &str, body: String| {
        let request = Request::post(uri).header("authorization", simulator.authorization());
        simulator.call_bmc(request.body(body).unwrap()).status().as_u16()
    };
    let subscription = format!(r#"{{"Destination": "{url}"}}"#);
    assert_eq!(send("/redfish/v1/EventService/Subscriptions", subscription), 201);
    let login = r#"{"UserName": "admin", "Password": "password"}"#;
    assert_eq!(send("/redfish/v1/SessionService/Sessions", login.into()), 201);
    simulator.node(0).unwrap().reset(ResetType::On).unwrap();
    let began = simulator.now();
    simulator.blocking_advance(Duration::from_secs(600)).unwrap();
    let count = got.lock().len();
    assert!(got.lock()[count - 1].contains("ErrorsDetected"), "{:?}", got.lock());
    simulator.blocking_advance(Duration::from_secs(1200)).unwrap();
    let last = got.lock().last().unwrap().clone();
    let end = began + Duration::from_secs(1800);
    let end =
        crate::time::SimTime::from_ms(end.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64);
    assert_eq!(last, format!("{} ResourceEvent.1.4.ResourceRemoved", end.redfish(0)), "the session ends");
    assert_eq!(got.lock().len(), count + 1);
}
