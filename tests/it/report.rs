//! `fauxmetal report`: the committed runs as it prints them, and the documents as a search server receives them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::cli::{fauxmetal, output, refusal, run};
use super::load::serve;

const RUNS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/runs");

fn report(arguments: &[&str]) -> String {
    output(&[&["report"], arguments, &["--runs", RUNS]].concat())
}

#[test]
fn a_run_is_shown_in_each_format() {
    insta::assert_snapshot!("show", report(&["show", "before"]));
    insta::assert_snapshot!("compare", report(&["compare", "before", "after"]));
    insta::assert_snapshot!(
        "compare_markdown",
        report(&["compare", "before", "after", "--format", "markdown"])
    );
    let json: Value = serde_json::from_str(&report(&["show", "before", "--format", "json"])).unwrap();
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(Path::new(RUNS).join("before/summary.json")).unwrap())
            .unwrap();
    assert_eq!(json, file);
    assert!(
        report(&["show", "before", "--format", "markdown"]).starts_with("### ❌ Run `before` did not hold\n")
    );
    assert!(report(&["show", "before", "--format", "junit"]).contains("<testcase name=\"failed == 0\""));
    let compared: Value =
        serde_json::from_str(&report(&["compare", "before", "after", "--format", "json"])).unwrap();
    let changes: Vec<_> =
        compared["operations"].as_array().unwrap().iter().map(|one| &one["change"]).collect();
    assert_eq!(changes.iter().filter(|change| **change == "slower").count(), 1, "{changes:?}");
    let same = report(&["compare", "before", "before"]);
    assert!(same.ends_with("Nothing changed by more than chance.\n"), "{same}");
}

#[test]
fn a_run_that_was_killed_has_a_page_and_runs_are_merged() {
    let dir = tempfile::tempdir().unwrap();
    let killed = dir.path().join("killed");
    std::fs::create_dir(&killed).unwrap();
    for name in ["items.ndjson", "samples.ndjson"] {
        let text = std::fs::read(Path::new(RUNS).join("before").join(name)).unwrap();
        std::fs::write(killed.join(name), &text[..text.len() - 300]).unwrap();
    }
    let killed = killed.to_str().unwrap();
    assert_eq!(report(&["html", killed]), format!("{killed}/report.html\n"));
    let page = std::fs::read_to_string(format!("{killed}/report.html")).unwrap();
    assert!(page.contains("still runs, or was killed") && page.contains("was not written to its end"));
    assert_eq!(report(&["html", killed, "-o", "-"]), page);
    assert!(report(&["show", killed]).contains("the last line of items.ndjson was not written to its end"));

    let into = dir.path().join("all").to_str().unwrap().to_owned();
    let said = report(&["merge", "before", "after", "before", "-o", &into]);
    assert_eq!(said, format!("{into}: 144 operations of 2 runs; 72 that were given twice count once\n"));
    let text = report(&["show", &into]);
    assert!(text.starts_with("Run all did not hold: 48 items"), "{text}");
    assert!(
        std::fs::read_to_string(format!("{into}/report.html"))
            .unwrap()
            .contains("The runs that were merged.")
    );
    let again = refusal(&mut fauxmetal(&["report", "merge", &into, "-o", &into]));
    assert!(again.contains("exists already; the files of a run are not overwritten"), "{again}");
}

#[test]
fn a_mistake_is_named() {
    let said = |arguments: &[&str]| refusal(&mut fauxmetal(&[&["report"], arguments].concat()));
    assert_eq!(
        said(&["show", "nightly"]),
        "fauxmetal: runs/nightly is not the folder of a run: it has neither summary.json nor items.ndjson\n"
    );
    let of = Path::new(RUNS).join("before").to_str().unwrap().to_owned();
    let index = |more: &[&str]| said(&[&["index", &of], more].concat());
    assert!(index(&["--name", "Timings", "--dry-run"]).contains("--name: 'Timings' is no name of an index"));
    assert!(
        index(&["--name", "t", "--url", "ftp://me:secret@h"])
            .contains("--url: 'ftp://***@h' is no address of a server")
    );
    assert!(index(&["--name", "t", "--url", "http://h", "--user", "me"]).contains("needs --password-file"));
    assert!(index(&["--name", "t"]).contains("--url"));
}

/// A search server: the documents that it took by their ids, with how often, and what it was asked.
#[derive(Default)]
struct Index {
    documents: BTreeMap<String, (u32, Value)>,
    requests: u32,
    heads: Vec<String>,
}

/// Answers 503 twice, then has no room for one document, and refuses another for good.
fn search_server(index: Arc<Mutex<Index>>) -> String {
    serve(move |_, head, body| {
        let mut index = index.lock().unwrap();
        index.requests += 1;
        index.heads.push(head.to_owned());
        if index.requests <= 2 {
            return ("503 Service Unavailable\r\nretry-after: 0", "busy".to_owned());
        }
        let is_first = index.requests == 3;
        let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut results = Vec::new();
        for (number, pair) in lines.chunks(2).enumerate() {
            let id = pair[0]["index"]["_id"].as_str().unwrap().to_owned();
            let status = match number {
                5 if is_first => 429,
                7 if is_first => 400,
                _ => 201,
            };
            if status == 201 {
                let (times, document) = index.documents.entry(id.clone()).or_default();
                (*times, *document) = (*times + 1, pair[1].clone());
            }
            let error = json!({"type": "mapper_parsing_exception", "reason": "failed to parse"});
            results.push(json!({"index": {"_id": id, "status": status, "error": error}}));
        }
        ("200 OK", json!({"errors": is_first, "items": results}).to_string())
    })
}

#[test]
fn every_document_is_indexed_once_although_the_server_is_busy() {
    let index = Arc::new(Mutex::new(Index::default()));
    let url = search_server(Arc::clone(&index));
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "c2VjcmV0\n").unwrap();
    let run_of = |retry: &str| {
        let arguments = [
            "report", "index", "before", "--runs", RUNS, "--name", "timings", "--delay", "1ms", "--retry",
            retry,
        ];
        let mut command = fauxmetal(&arguments);
        command.args([
            "--url",
            &format!("{url}/search/"),
            "--ignore",
            "node",
            "--api-key-file",
            key.to_str().unwrap(),
        ]);
        run(&mut command)
    };
    let (code, out, err) = run_of("1");
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("the server says 503 Service Unavailable; 2 requests were sent"), "{err}");

    index.lock().unwrap().requests = 0;
    let (code, out, err) = run_of("5");
    assert_eq!((code, out.as_str()), (1, "71 documents are in the index timings\n"), "{err}");
    assert!(
        err.contains("documents that the server refuses: 1; the first is before-")
            && err.contains("with status 400: mapper_parsing_exception"),
        "{err}"
    );
    assert!(err.contains("documents to send again: 1; the next request"), "{err}");
    let found = index.lock().unwrap();
    assert_eq!((found.documents.len(), found.requests), (71, 4));
    assert!(found.documents.values().all(|(times, _)| *times == 1));
    let (_, document) = &found.documents["before-0001-1"];
    assert_eq!((&document["operation"], &document["workers"]), (&json!("inspect"), &json!(25)));
    assert_eq!((document.get("node"), &document["machine"]), (None, &Value::Null));
    let head = found.heads[0].to_ascii_lowercase();
    assert!(head.starts_with("post /search/_bulk http/1.1\r\n"), "{head}");
    assert!(
        head.contains("authorization: apikey c2vjcmv0")
            && head.contains("content-type: application/x-ndjson")
    );
    drop(found);

    // Sending all again replaces the documents. Without fractions they are those of hosted-wrapper, and --exact keeps them.
    let printed =
        |more: &[&str]| report(&[&["index", "before", "--name", "timings", "--dry-run"], more].concat());
    let second = |text: String| -> Value { serde_json::from_str(text.lines().nth(1).unwrap()).unwrap() };
    assert_eq!(second(printed(&[]))["duration"], json!(0));
    assert!(second(printed(&["--exact"]))["duration"].as_f64().unwrap() > 0.2);
    assert_eq!(printed(&[]).lines().count(), 144);
}
