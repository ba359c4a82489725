//! Which daemon is asked, and the errors if there is none.

use std::net::TcpListener;

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
    &["node", "boot", "pxe", "generic-0"],
    &["node", "insert", "generic-0", "http://127.0.0.1:1/boot.iso"],
    &["node", "eject", "generic-0"],
    &["node", "label", "generic-0", "rack=r7"],
    &["node", "crash", "generic-0"],
    &["node", "wait", "--for", "power=on", "generic-0"],
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
        .filter(|line| line.iter().any(|word| ["generic-0", "--all"].contains(word)) && line[1] != "show")
        .map(|line| line.iter().copied().filter(|word| !["generic-0", "--all"].contains(word)).collect())
        .collect();
    assert_eq!(changes.len(), 10);
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
