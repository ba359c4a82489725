//! Every limit of `--limit`, set in the built binary and driven to its effect.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use fauxmetal::limit::{CountedBy, Limit};

use super::load::{
    Daemon, LOGIN, TOKEN, answer, ask, boot_system, connect, eventually, ironic, prepare_image, systems,
    within,
};

/// Longer than the second to which each time is set, and shorter than its default.
const SOON: Duration = Duration::from_secs(8);

/// Starts a daemon with `value` for the limit.
fn serve(limit: Limit, value: u64, more: &[&str]) -> Daemon {
    assert!(limit.allowed().contains(&value), "{value}");
    let limit = format!("{}={value}", limit.name());
    Daemon::start(":", &[&["--password", "hunter2", "--limit", &limit], more].concat())
}

/// Sends a part of a request, or a whole one, whose response is not read yet.
fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
}

/// The status of the next response.
fn status(stream: &mut TcpStream) -> u16 {
    stream.set_read_timeout(Some(SOON)).unwrap();
    let (head, _) = answer(stream).expect("no response came within the time: the limit does not act");
    head[9..12].parse().unwrap()
}

fn is_closed(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(stream.read(&mut [0]).expect("the connection is still open"), 0);
}

/// The head of a request whose body of `length` bytes is still to come.
fn login_head(host: &str, length: usize) -> String {
    format!(
        "POST /redfish/v1/SessionService/Sessions HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Logs in twice: the second session is one too many.
fn log_in_twice(daemon: &Daemon, host: &str) {
    let body = r#"{"UserName": "admin", "Password": "hunter2"}"#;
    // With a host name for each BMC, only the port of the URL is of use here.
    let url = daemon.ready["redfish"][0].as_str().unwrap();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let mut stream = connect(([127, 0, 0, 1], port).into());
    for expected in [201, 503] {
        send(&mut stream, &format!("{}{body}", login_head(host, body.len())));
        assert_eq!(status(&mut stream), expected, "the second session is one too many");
    }
}

/// Subscribes to events at the root of that host name. The second subscription is one too many.
fn subscribe_twice(daemon: &Daemon, host: &str) {
    let url = daemon.ready["redfish"][0].as_str().unwrap();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let mut stream = connect(([127, 0, 0, 1], port).into());
    let body = r#"{"Destination": "http://127.0.0.1:9/", "Protocol": "Redfish"}"#;
    let length = body.len();
    for expected in [201, 400] {
        let head = "POST /redfish/v1/EventService/Subscriptions HTTP/1.1";
        send(
            &mut stream,
            &format!("{head}\r\nhost: {host}\r\n{LOGIN}content-length: {length}\r\n\r\n{body}"),
        );
        assert_eq!(status(&mut stream), expected, "the second subscription is one too many");
    }
}

/// Sends a POST to a collection of the account service.
fn create(daemon: &Daemon, collection: &str, body: &str, expected: u16) {
    let mut stream = connect(daemon.redfish());
    let length = body.len();
    send(
        &mut stream,
        &format!(
            "POST /redfish/v1/AccountService/{collection} HTTP/1.1\r\nhost: x\r\n{LOGIN}content-length: {length}\r\n\r\n{body}"
        ),
    );
    assert_eq!(status(&mut stream), expected, "{body}");
}

/// Powers on every system with the network as boot source, and returns the systems' UUIDs.
fn boot_all(daemon: &Daemon) -> Vec<String> {
    let mut stream = connect(daemon.redfish());
    let systems = systems(&mut stream);
    systems.iter().for_each(|system| boot_system(&mut stream, system));
    systems.iter().map(|system| system.rsplit('/').next().unwrap().to_owned()).collect()
}

/// Starts a daemon whose nodes have all booted into an agent. Returns the agents' UUIDs.
fn serve_agents(limit: Limit, value: u64, nodes: &str, more: &[&str]) -> (Daemon, Vec<String>) {
    let (url, _) = ironic();
    let network_boot = format!("{url}/boot/");
    let flags = ["--nodes", nodes, "--boot-time", "0s", "--network-boot", &network_boot];
    let daemon = serve(limit, value, &[&flags, more].concat());
    let agents = boot_all(&daemon);
    let serving = "fauxmetal_nodes{state=\"agent_serving\"}";
    eventually("all agents are ready", || daemon.metric(serving) == nodes.parse::<f64>().unwrap());
    (daemon, agents)
}

/// Sends a command to an agent, without waiting for the response.
fn command(daemon: &Daemon, agent: &str, query: &str, body: &str) -> TcpStream {
    let mut stream = connect(daemon.address(&daemon.ready["agent"]));
    let length = body.len();
    let path = format!("/{agent}/v1/commands/?agent_token={TOKEN}{query}");
    send(&mut stream, &format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"));
    stream
}

/// Tells an agent to write an image from a server.
fn write_image(daemon: &Daemon, agent: &str, url: &str) {
    let body = prepare_image(&format!("{url}/i"));
    assert_eq!(status(&mut command(daemon, agent, "", &body)), 200);
}

/// A server that accepts connections and never responds.
fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Sets the limit, shows its effect, and shows that it is counted.
fn drive(limit: Limit) {
    let counted = match limit.counted_by() {
        CountedBy::Server | CountedBy::Redfish | CountedBy::Agent | CountedBy::Effect | CountedBy::Fleet => {
            limit
        }
        CountedBy::BodyBytes => Limit::BodyBytes,
    };
    let hits = format!("fauxmetal_limit_hits_total{{limit=\"{}\"}}", counted.name());
    let daemon = match limit {
        Limit::Connections | Limit::ConnectionsPerBmc | Limit::ConnectionsPerClient => {
            // Half of the connections would be the share of one client.
            let share = if limit == Limit::Connections { "connections-per-client=2" } else { "sessions=9" };
            let daemon = serve(limit, 2, &["--limit", share]);
            let mut streams: Vec<_> = (0..3).map(|_| connect(daemon.redfish())).collect();
            let statuses = streams.iter_mut().map(|s| ask(s, "GET", "/redfish/v1/", "", "").0);
            assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 503]);
            daemon
        }
        Limit::Requests => {
            let daemon = serve(limit, 1, &[]);
            let (mut first, mut second) = (connect(daemon.redfish()), connect(daemon.redfish()));
            send(&mut first, &login_head("localhost", 10));
            eventually("one request waits", || daemon.metric("fauxmetal_requests_in_flight") == 1.0);
            send(&mut second, &login_head("localhost", 10));
            assert_eq!(status(&mut second), 503);
            daemon
        }
        Limit::HeaderBytes => {
            let daemon = serve(limit, 8192, &[]);
            let mut stream = connect(daemon.redfish());
            send(
                &mut stream,
                &format!("GET /redfish/v1/ HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(16_000)),
            );
            assert_eq!(status(&mut stream), 431);
            daemon
        }
        Limit::UriBytes => {
            let daemon = serve(limit, 256, &[]);
            let path = format!("/redfish/v1/?{}", "x".repeat(300));
            assert_eq!(ask(&mut connect(daemon.redfish()), "GET", &path, "", "").0, 414);
            daemon
        }
        Limit::BodyBytes => {
            let daemon = serve(limit, 1024, &[]);
            let mut stream = connect(daemon.redfish());
            send(&mut stream, &login_head("localhost", 1025));
            assert_eq!(status(&mut stream), 413);
            daemon
        }
        Limit::AgentBodyBytes => {
            let daemon = serve(limit, 1024, &[]);
            let mut stream = command(&daemon, "any", "", &" ".repeat(1025));
            assert_eq!(status(&mut stream), 413);
            daemon
        }
        Limit::BodiesBytes => {
            let daemon = serve(limit, 1024, &[]);
            let mut stream = connect(daemon.redfish());
            let head =
                format!("POST /redfish/v1/Systems HTTP/1.1\r\n{LOGIN}host: x\r\ncontent-length: 200000");
            send(&mut stream, &format!("{head}\r\n\r\n{}", " ".repeat(100_000)));
            assert_eq!(status(&mut stream), 503);
            daemon
        }
        Limit::HandshakeTime => {
            let daemon = serve(limit, 1, &["--listen", "https://127.0.0.1:0"]);
            let url = daemon.ready["redfish"][1].as_str().unwrap();
            let address = url.strip_prefix("https://").unwrap().parse().unwrap();
            is_closed(&mut connect(address));
            daemon
        }
        Limit::HeaderTime => {
            let daemon = serve(limit, 1, &[]);
            let mut stream = connect(daemon.redfish());
            send(&mut stream, "GET /redfish");
            is_closed(&mut stream);
            daemon
        }
        Limit::BodyTime => {
            let daemon = serve(limit, 1, &[]);
            let mut stream = connect(daemon.redfish());
            send(&mut stream, &login_head("localhost", 10));
            assert_eq!(status(&mut stream), 408);
            daemon
        }
        Limit::IdleTime => {
            let daemon = serve(limit, 1, &[]);
            is_closed(&mut connect(daemon.redfish()));
            daemon
        }
        Limit::WriteTime => {
            let daemon = serve(limit, 1, &["--nodes", "1000"]);
            let mut stream = connect(daemon.redfish());
            // More responses than the buffers of both sockets can hold.
            send(
                &mut stream,
                &format!("GET /redfish/v1/Systems HTTP/1.1\r\nhost: x\r\n{LOGIN}\r\n").repeat(300),
            );
            within(SOON, "the client is cut off", || daemon.metric(&hits) >= 1.0);
            daemon
        }
        Limit::RequestTime => {
            let (daemon, agents) = serve_agents(limit, 1, "1", &["--timing", "command=1h"]);
            let body = r#"{"name": "image.install_bootloader", "params": {"root_uuid": null}}"#;
            assert_eq!(status(&mut command(&daemon, &agents[0], "&wait=true", body)), 503);
            daemon
        }
        Limit::Sessions => {
            let daemon = serve(limit, 1, &[]);
            log_in_twice(&daemon, "localhost");
            daemon
        }
        Limit::Accounts => {
            let daemon = serve(limit, 1, &[]);
            let body = r#"{"UserName": "ada", "Password": "lovelace1", "RoleId": "ReadOnly"}"#;
            create(&daemon, "Accounts", body, 400);
            daemon
        }
        Limit::Roles => {
            let daemon = serve(limit, 1, &[]);
            for (id, expected) in [("One", 201), ("Two", 400)] {
                let body = format!(r#"{{"RoleId": "{id}", "AssignedPrivileges": ["Login"]}}"#);
                create(&daemon, "Roles", &body, expected);
            }
            daemon
        }
        Limit::ReportsPerBmc => {
            let daemon = serve(limit, 1, &[]);
            let mut stream = connect(daemon.redfish());
            let system = systems(&mut stream).remove(0);
            let uuid = system.rsplit('/').next().unwrap();
            for (id, expected) in [("one", 201), ("two", 400)] {
                let metrics = r#"[{"MetricId": "Temperature"}]"#;
                let body = format!(
                    r#"{{"Id": "{uuid}-{id}", "MetricReportDefinitionType": "OnRequest", "Metrics": {metrics}}}"#
                );
                let definitions = "/redfish/v1/TelemetryService/MetricReportDefinitions";
                assert_eq!(ask(&mut stream, "POST", definitions, LOGIN, &body).0, expected);
            }
            daemon
        }
        Limit::SessionsPerBmc => {
            let daemon = serve(limit, 1, &["--addresses", "host", "--domain", "bmc.example"]);
            log_in_twice(&daemon, "generic-0.bmc.example");
            daemon
        }
        Limit::Subscriptions => {
            let daemon = serve(limit, 1, &[]);
            subscribe_twice(&daemon, "x");
            daemon
        }
        Limit::SubscriptionsPerBmc => {
            let daemon = serve(limit, 1, &["--addresses", "host", "--domain", "bmc.example"]);
            subscribe_twice(&daemon, "generic-0.bmc.example");
            daemon
        }
        Limit::TasksPerBmc => {
            let daemon = serve(limit, 1, &[]);
            let mut stream = connect(daemon.redfish());
            let system = systems(&mut stream).remove(0);
            let uuid = system.rsplit('/').next().unwrap();
            let (_silent, url) = silent_server();
            for (component, expected) in [("BIOS", 202), ("BMC", 503)] {
                let target = format!("/redfish/v1/UpdateService/FirmwareInventory/{uuid}-{component}");
                let body = format!(r#"{{"ImageURI": "{url}/fw-9.9.bin", "Targets": ["{target}"]}}"#);
                let action = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";
                assert_eq!(ask(&mut stream, "POST", action, LOGIN, &body).0, expected);
            }
            daemon
        }
        Limit::Calls | Limit::CallsPerServer => {
            let (_silent, url) = silent_server();
            let daemon = serve(limit, 1, &["--nodes", "3", "--boot-time", "0s", "--network-boot", &url]);
            boot_all(&daemon);
            eventually("two nodes wait", || daemon.metric("fauxmetal_calls_waiting") == 2.0);
            assert_eq!(daemon.metric("fauxmetal_calls_in_flight"), 1.0);
            daemon
        }
        Limit::BootReadTime => {
            let (_silent, url) = silent_server();
            let daemon = serve(limit, 1, &["--boot-time", "0s", "--network-boot", &url]);
            boot_all(&daemon);
            eventually("the boot is given up", || daemon.metric(&hits) >= 1.0);
            daemon
        }
        Limit::Journal => {
            let daemon = serve(limit, 4096, &["--nodes", "40"]);
            boot_all(&daemon);
            let bytes = daemon.metric("fauxmetal_journal_bytes");
            assert!((1024.0..=4096.0).contains(&bytes), "{bytes}");
            daemon
        }
        Limit::DownloadTime => {
            let (_silent, url) = silent_server();
            let (daemon, agents) = serve_agents(limit, 1, "1", &[]);
            write_image(&daemon, &agents[0], &url);
            eventually("the download is given up", || daemon.metric(&hits) >= 1.0);
            daemon
        }
        Limit::DownloadPartTime => {
            let (silent, url) = silent_server();
            let (daemon, agents) = serve_agents(limit, 1, "1", &[]);
            write_image(&daemon, &agents[0], &url);
            let (mut stalled, _) = silent.accept().unwrap();
            // A response before the request would be an error.
            assert!(stalled.read(&mut [0; 4096]).unwrap() > 0);
            send(&mut stalled, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
            eventually("the download is stopped", || daemon.metric(&hits) >= 1.0);
            daemon
        }
        Limit::AgentResultsBytes | Limit::ResultsBytes => {
            let (daemon, agents) = serve_agents(limit, 5000, "1", &[]);
            let step = |bytes| {
                let padding = "x".repeat(bytes);
                format!(
                    r#"{{"name": "clean.execute_clean_step", "params": {{"ports": [], "node": {{"uuid": "n"}},
                    "step": {{"step": "erase_pstore", "args": {{}}, "x": "{padding}"}}}}}}"#
                )
            };
            assert_eq!(status(&mut command(&daemon, &agents[0], "&wait=true", &step(4500))), 200);
            let refused = if limit == Limit::ResultsBytes { 503 } else { 413 };
            assert_eq!(status(&mut command(&daemon, &agents[0], "", &step(5000))), refused);
            daemon
        }
        Limit::Downloads => {
            let (silent, url) = silent_server();
            let (daemon, agents) = serve_agents(limit, 1, "3", &[]);
            for agent in &agents {
                write_image(&daemon, agent, &url);
            }
            eventually("two downloads wait", || daemon.metric(&hits) == 2.0);
            let _download = silent.accept().unwrap();
            silent.set_nonblocking(true).unwrap();
            assert!(silent.accept().is_err(), "only one image is being downloaded");
            daemon
        }
    };
    eventually("the limit is counted", || daemon.metric(&hits) >= 1.0);
}

#[test]
fn every_limit_reaches_the_place_where_it_acts() {
    for limits in Limit::ALL.chunks(5) {
        std::thread::scope(|scope| {
            for limit in limits {
                // The name of the thread is in the message of its panic.
                let named = std::thread::Builder::new().name(limit.name().to_owned());
                named.spawn_scoped(scope, || drive(*limit)).unwrap();
            }
        });
    }
}
