//! Which daemon is asked, and the errors if there is none.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::{all_said, daemon, fauxmetal, said};

/// Every subcommand for a running daemon.
const ALL: &[&[&str]] = &[
    &["fleet"],
    &["fleet", "reset", "--all"],
    &["node", "list"],
    &["node", "show", "generic-0"],
    &["node", "add", "generic"],
    &["node", "remove", "generic-0"],
    &["node", "power", "on", "generic-0"],
    &["node", "restart-bmc", "generic-0"],
    &["node", "open-bmc", "generic-0"],
    &["node", "boot", "pxe", "generic-0"],
    &["node", "insert", "generic-0", "http://127.0.0.1:1/boot.iso"],
    &["node", "eject", "generic-0"],
    &["node", "label", "generic-0", "rack=r7"],
    &["node", "plug", "generic-0", "nic=ens1f0"],
    &["node", "unplug", "generic-0", "disk=sda"],
    &["node", "crash", "generic-0"],
    &["node", "wait", "--for", "power=on", "generic-0"],
    &["journal", "generic-0"],
    &["journal", "generic-0", "--follow"],
    &["events"],
    &["clock", "show"],
    &["clock", "hold"],
    &["clock", "step", "90s"],
    &["clock", "jump", "30d"],
    &["snapshot", "save", "one"],
    &["snapshot", "export", "-"],
];

/// A URL at which no server listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn without_a_daemon_every_verb_says_so() {
    insta::assert_snapshot!(all_said(&nowhere(), ALL));
}

#[test]
fn without_a_server_the_error_says_how_to_start_one() {
    let mut command = fauxmetal("", &["node", "list"]);
    if std::net::TcpStream::connect("127.0.0.1:8440").is_ok() {
        // Another program listens at the default address.
        return;
    }
    let text = said(&mut command);
    assert!(
        text.contains("no daemon answers at http://127.0.0.1:PORT") && text.contains("`fauxmetal serve`"),
        "{text}"
    );
}

#[test]
fn a_wrong_server_is_a_mistake_in_the_command_line() {
    let text = said(&mut fauxmetal("localhost:8440", &["fleet"]));
    assert!(text.contains("--server: 'localhost:8440'") && text.ends_with("[exit code 2]\n"), "{text}");
    let text = said(&mut fauxmetal("unix:/nowhere/at/all.sock", &["fleet"]));
    assert!(text.contains("no daemon answers at unix:/nowhere/at/all.sock (No such file"), "{text}");
}

#[test]
fn without_nodes_every_change_is_refused_with_the_three_ways() {
    let server = nowhere();
    let changes: Vec<Vec<&str>> = ALL
        .iter()
        .filter(|line| line.iter().any(|word| ["generic-0", "--all"].contains(word)))
        .filter(|line| line[1] != "show" && line[0] != "journal")
        .map(|line| line.iter().copied().filter(|word| !["generic-0", "--all"].contains(word)).collect())
        .collect();
    assert_eq!(changes.len(), 13);
    for change in changes {
        let text = said(&mut fauxmetal(&server, &change));
        for way in ["as arguments (generic-3)", "(-l rack=r7)", "--all"] {
            assert!(text.contains(way), "{text}");
        }
        assert!(text.ends_with("[exit code 2]\n"), "{text}");
        let two = said(fauxmetal(&server, &change).args(["generic-0", "--all"]));
        assert!(two.contains("named in two ways") && two.ends_with("[exit code 2]\n"), "{two}");
    }
}

#[test]
fn a_flag_precedes_the_variable() {
    let (_daemon, url) = daemon(&["--nodes", "1"]);
    let list = ["node", "list", "-o", "name", "--server", &url];
    assert!(said(&mut fauxmetal("http://127.0.0.1:1", &list)).contains("\ngeneric-0\n"));
}

/// A daemon that ends with the test.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A daemon with one node and this admin listener, and its READY line.
fn own(flags: &[&str]) -> (Own, serde_json::Value) {
    let any = "http://127.0.0.1:0";
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.args(["serve", "--nodes", "1", "--listen", any, "--agent-listen", any]).args(flags).env_clear();
    let mut own = Own(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(own.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (own, serde_json::from_str(line.strip_prefix("READY ").unwrap()).unwrap())
}

#[test]
fn a_daemon_on_a_unix_socket_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("admin.sock").display());
    let _daemon = own(&["--admin-listen", &socket, "--certs", folder.path().to_str().unwrap()]);
    let list = said(&mut fauxmetal(&socket, &["node", "list", "-o", "name"]));
    assert_eq!(list, "$ fauxmetal node list -o name\ngeneric-0\n");
}

#[test]
fn a_daemon_with_tls_and_a_token_is_reached_with_its_ca() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    let (certs, token) = (folder.path().to_str().unwrap(), token.to_str().unwrap());
    let flags = ["--admin-listen", "https://127.0.0.1:0", "--certs", certs, "--admin-token-file", token];
    let (_daemon, ready) = own(&flags);
    let (url, ca) = (ready["admin"].as_str().unwrap(), ready["ca"].as_str().unwrap());
    let with = |more: &[&str]| said(&mut fauxmetal(url, &[&["node", "list", "-o", "name"], more].concat()));
    assert!(with(&["--cacert", ca, "--admin-token-file", token]).ends_with("\ngeneric-0\n"));
    let without_token = with(&["--cacert", ca]);
    assert!(without_token.contains("--admin-token-file names a file"), "{without_token}");
    let without_ca = with(&[]);
    assert!(without_ca.contains("--cacert") && without_ca.ends_with("[exit code 1]\n"), "{without_ca}");
    let wrong_ca = with(&["--cacert", token]);
    assert!(wrong_ca.contains("it must be a PEM file of certificates"), "{wrong_ca}");
}
