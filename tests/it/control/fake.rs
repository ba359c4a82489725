//! A server with answers that a test writes, for what a daemon does seldom.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{any, get, post};
use serde_json::json;

use super::{fauxmetal, said};

/// Serves in a thread of its own, and returns the URL.
pub(super) fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    url
}

/// Serves a path with the answer to the first request, the second one and so on. Returns the URL and the number of requests.
pub(super) fn serve_in_turn(
    of: &str,
    answer: impl Fn(usize) -> (StatusCode, &'static str) + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    let handler = move || {
        let answer = answer(counted.fetch_add(1, Ordering::Relaxed));
        async move { answer }
    };
    (serve(Router::new().route(&path(of), get(handler))), count)
}

pub(super) fn path(path: &str) -> String {
    format!("{}{path}", fauxmetal::admin::api::BASE)
}

/// A list with so many nodes, as one line each.
pub(super) fn many(count: u64) -> Router {
    let piece = move |n: u64| {
        let nodes = (n * 100..((n + 1) * 100).min(count)).map(|n| {
            format!(
                r#"{{"name":"generic-{n}","index":{n},"profile":"generic","power":"off","state":"off","agent":"none","labels":{{"rack":"r{}"}}}}"#,
                n / 40
            ) + "\n"
        });
        Ok::<_, std::io::Error>(Bytes::from(nodes.collect::<String>()))
    };
    let list = move || async move {
        Body::from_stream(futures_util::stream::iter((0..count.div_ceil(100)).map(piece)))
    };
    Router::new().route(&path("/nodes"), get(list))
}

/// The most memory of a process, KiB, and its output's length, while it prints a list.
fn measured(command: &mut Command) -> (u64, u64) {
    use std::io::Read as _;
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut peak, mut length, mut buffer) = (0, 0, vec![0; 1 << 20]);
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line =
            status.lines().find(|line| line.starts_with("VmHWM")).and_then(|l| l.split_whitespace().nth(1));
        peak = peak.max(line.and_then(|kib| kib.parse().ok()).unwrap_or(0));
        match out.read(&mut buffer).unwrap() {
            0 => break,
            read => length += read as u64,
        }
    }
    assert!(child.wait().unwrap().success());
    (peak, length)
}

#[test]
fn the_memory_of_a_list_does_not_grow_with_it() {
    let (short, long) = (serve(many(20_000)), serve(many(200_000)));
    for format in ["table", "json", "name", "yaml"] {
        let list = ["node", "list", "-o", format];
        let (few, short) = measured(&mut fauxmetal(&short, &list));
        let (many, long) = measured(&mut fauxmetal(&long, &list));
        assert!(long > 9 * short && short > 0, "{format}: {short} and {long} bytes");
        assert!(many < few + 4096, "{format}: {few} KiB for a short list, {many} KiB for a long one");
    }
}

#[test]
fn an_answer_that_ends_in_the_middle_is_an_error() {
    let half = || async {
        Body::from_stream(futures_util::stream::unfold(0, |n| async move {
            // The first piece is sent before the connection breaks.
            tokio::time::sleep(std::time::Duration::from_millis(n * 50)).await;
            let pieces = [Ok("{\"name\":\"generic-0\"}\n{\"na"), Err(std::io::Error::other("gone"))];
            Some((pieces.into_iter().nth(n as usize)?, n + 1))
        }))
    };
    let url = serve(Router::new().route(&path("/nodes"), get(half)));
    for format in ["name", "json", "table"] {
        let said = said(&mut fauxmetal(&url, &["node", "list", "-o", format]));
        assert!(said.contains("is incomplete") && said.ends_with("[exit code 1]\n"), "{said}");
    }
}

#[test]
fn a_server_that_is_no_daemon_is_named() {
    let url = serve(Router::new().fallback(any(|| async { (StatusCode::NOT_FOUND, "<html>") })));
    insta::assert_snapshot!(said(&mut fauxmetal(&url, &["node", "list"])), @r"
    $ fauxmetal node list
    fauxmetal: http://127.0.0.1:PORT answers 404 Not Found, but not as a control API of fauxmetal; check --server, and that the daemon has this version
    [exit code 1]
    ");
    let url = serve(Router::new().fallback(any(|| async { "<html>" })));
    insta::assert_snapshot!(said(&mut fauxmetal(&url, &["fleet"])), @r"
    $ fauxmetal fleet
    fauxmetal: the answer of http://127.0.0.1:PORT cannot be read: expected value at line 1 column 1; check that the daemon has the version of this program
    [exit code 1]
    ");
}

#[test]
fn a_token_is_read_from_the_first_line_of_a_file_and_sent() {
    let guarded = |headers: HeaderMap| async move {
        if headers.get("authorization").is_some_and(|value| value == "Bearer s3cret") {
            return (StatusCode::OK, "{\"name\":\"generic-0\"}\n".to_owned());
        }
        let problem = json!({
            "type": "about:blank", "title": "Unauthorized", "status": 401,
            "detail": "the header Authorization has no valid bearer credential",
        });
        (StatusCode::UNAUTHORIZED, problem.to_string())
    };
    let url = serve(Router::new().route(&path("/nodes"), get(guarded)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret\r\nmore\n").unwrap();
    let list = ["node", "list", "-o", "name"];
    let mut command = fauxmetal(&url, &list);
    let said_with = said(command.env("FAUXMETAL_ADMIN_TOKEN_FILE", &file));
    assert_eq!(said_with, "$ fauxmetal node list -o name\ngeneric-0\n");
    let without = said(&mut fauxmetal(&url, &list));
    assert!(
        without.contains("--admin-token-file names a file with the token")
            && without.ends_with("[exit code 1]\n"),
        "{without}"
    );
    std::fs::write(&file, "\n").unwrap();
    let empty = said(command.env("FAUXMETAL_ADMIN_TOKEN_FILE", &file));
    assert!(empty.contains("is no token") && empty.ends_with("[exit code 2]\n"), "{empty}");
}

#[test]
fn text_of_a_server_cannot_control_the_terminal() {
    let problem = json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "wrong \u{1b}[31m\nfauxmetal: fine",
    });
    let refuse = move || async move { (StatusCode::BAD_REQUEST, problem.to_string()) };
    let url = serve(Router::new().route(&path("/power"), post(refuse)));
    let said = said(&mut fauxmetal(&url, &["node", "power", "on", "generic-0"]));
    assert!(!said.contains('\u{1b}') && said.contains(r"wrong \u{1b}[31m\nfauxmetal: fine"), "{said}");
    let list = || async { r#"{"name":"a\u001b[2Jb","labels":{"x":"y"}}"#.to_owned() + "\n" };
    let url = serve(Router::new().route(&path("/nodes"), get(list)));
    let said = super::said(&mut fauxmetal(&url, &["node", "list", "--fields", "name"]));
    assert!(!said.contains('\u{1b}') && said.contains(r"a\u{1b}[2Jb"), "{said}");
}
