//! Diagnostic data under `kill -9`: the task that collects it goes on, and the archive stays the same, byte for byte.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::{BASIC, Client, Daemon, field};

/// Looks for the end of a task, and the time between two of them.
const LOOKS: u32 = 1500;
const LOOK: Duration = Duration::from_millis(20);

/// Head and body of an answer that is no JSON.
fn download(client: &mut Client, method: &str, path: &str) -> (String, Vec<u8>) {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n", BASIC.0, BASIC.1);
    client.0.write_all(head.as_bytes()).unwrap();
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(b"\r\n\r\n") {
        client.0.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
    let head = String::from_utf8(read).unwrap();
    let length = if method == "HEAD" { 0 } else { field(&head, "content-length").unwrap().parse().unwrap() };
    let mut body = vec![0; length];
    client.0.read_exact(&mut body).unwrap();
    (head, body)
}

/// Waits for the end of the task. Returns the log entry that it has created.
fn collected(client: &mut Client, monitor: &str) -> Value {
    for _ in 0..LOOKS {
        let answer = client.ask("GET", monitor, BASIC, &Value::Null).unwrap();
        if answer.status == 201 {
            return answer.body;
        }
        assert_eq!(answer.status, 202, "{}", answer.body);
        std::thread::sleep(LOOK);
    }
    panic!("the task at {monitor} has not ended")
}

#[test]
fn a_collection_goes_on_after_a_kill_and_its_archive_stays_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let state = dir.path().join("state");
        let arguments = ["--nodes", "2", "--timing", "diagnostics=500ms", "--state", state.to_str().unwrap()];
        Daemon::start(dir.path(), &arguments)
    };
    let daemon = start();
    let mut client = daemon.client();
    let system = client.get("/redfish/v1/Systems")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let action = format!("{system}/LogServices/SEL/Actions/LogService.CollectDiagnosticData");
    let body = json!({"DiagnosticDataType": "OEM", "OEMDiagnosticDataType": "System"});
    let begun = client.ask("POST", &action, BASIC, &body).unwrap();
    assert_eq!(begun.status, 202, "{}", begun.body);
    let monitor = field(&begun.head, "location").unwrap().to_owned();
    daemon.kill();

    let daemon = start();
    let mut client = daemon.client();
    let entry = collected(&mut client, &monitor);
    let uri = entry["AdditionalDataURI"].as_str().unwrap();
    let (head, archive) = download(&mut client, "GET", uri);
    assert_eq!(field(&head, "content-type"), Some("application/gzip"));
    assert_eq!(entry["AdditionalDataSizeBytes"], archive.len());
    let (of_head, _) = download(&mut client, "HEAD", uri);
    for name in ["content-type", "content-length", "etag", "content-disposition"] {
        assert_eq!(field(&of_head, name), field(&head, name), "{name}");
        assert!(field(&head, name).is_some(), "{name}");
    }
    let reset = json!({"ResetType": "On"});
    let power = client.ask("POST", &format!("{system}/Actions/ComputerSystem.Reset"), BASIC, &reset).unwrap();
    assert_eq!(power.status, 204);
    daemon.kill();

    let daemon = start();
    let mut client = daemon.client();
    let (again, same) = download(&mut client, "GET", uri);
    assert!(same == archive, "{} bytes and {} bytes differ", same.len(), archive.len());
    assert_eq!(field(&again, "etag"), field(&head, "etag"));
    let gone = client.ask("DELETE", entry["@odata.id"].as_str().unwrap(), BASIC, &Value::Null).unwrap();
    assert_eq!(gone.status, 204);
    daemon.kill();
    let missing = start().client().ask("GET", uri, BASIC, &Value::Null).unwrap();
    assert_eq!(missing.status, 404);
}
