//! The bounds of the results that agents keep.

use super::*;
use crate::face::Body;
use crate::limit::Limits;
use crate::node::ipa::Commands;

const LIMITS: Limits = Limits { agent_results_bytes: 100_000, results_bytes: 150_000, ..Limits::DEFAULT };

impl Bench {
    /// Agents with small limits. Both nodes have one.
    fn limited() -> Self {
        let mut bench = Self::serving();
        bench.agents =
            Api::new(Arc::clone(&bench.fleet), Urls::Same("https://127.0.0.1:9999/".into()), Vec::new())
                .with_limits(LIMITS);
        bench
    }

    fn results_bytes(&self) -> u64 {
        self.fleet.results().bytes()
    }

    /// The result of posting a step of about `bytes` bytes.
    async fn post_step(&self, bytes: usize) -> (StatusCode, Value) {
        self.post("clean.execute_clean_step", params(bytes)).await
    }
}

fn big(bytes: usize) -> Value {
    json!({"step": "erase_pstore", "interface": "deploy", "padding": "x".repeat(bytes)})
}

fn params(bytes: usize) -> Value {
    json!({"step": big(bytes), "node": node(), "ports": []})
}

#[tokio::test]
async fn an_agent_forgets_its_oldest_long_results_and_refuses_one_that_is_too_large() {
    let bench = Bench::limited();
    let mut kept = Vec::new();
    for n in 0..Commands::MAX + 3 {
        let record = bench.step("clean", big(40_000 + n)).await;
        kept.push(record);
        assert!(bench.results_bytes() <= 100_000, "{}", bench.results_bytes());
    }
    let all = bench.commands().await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), Commands::MAX);
    assert_eq!(
        all[Commands::MAX - 2..],
        kept[kept.len() - 2..],
        "the last ones are whole, and Ironic reads those"
    );
    let first = &all[0];
    assert_eq!((&first["command_status"], &first["id"]), (&json!("SUCCEEDED"), &kept[3]["id"]));
    assert_eq!(first["command_result"].as_object().unwrap().len(), 1);
    assert!(
        first["command_result"]["result"].as_str().unwrap().ends_with("bytes of the result were forgotten"),
        "{first}"
    );
    let before = bench.commands().await;
    let (status, fault) = bench.post_step(100_000).await;
    let text = fault["faultstring"].as_str().unwrap();
    assert_eq!(status, 413);
    assert!(text.contains("at most 100000 (--limit agent-results-bytes)"), "{text}");
    assert_eq!(bench.commands().await, before, "a refusal changes nothing");
    assert_eq!(bench.step("clean", big(10)).await["command_status"], "SUCCEEDED");
}

#[tokio::test]
async fn all_agents_together_keep_a_limited_number_of_bytes_until_they_end() {
    let bench = Bench::limited();
    // What other agents keep.
    let others = crate::node::ipa::Text::from("x".repeat(100_000));
    others.hold(bench.fleet.results(), u64::MAX).unwrap();
    let before = bench.commands().await;
    let (status, fault) = bench.post_step(60_000).await;
    let text = fault["faultstring"].as_str().unwrap();
    assert_eq!(status, 503);
    assert!(text.contains("at most 150000 (--limit results-bytes)"), "{text}");
    assert_eq!((bench.commands().await, bench.results_bytes()), (before, 100_000));
    drop(others);
    bench.step("clean", big(60_000)).await;
    assert!(bench.results_bytes() > 60_000);
    bench.fleet.apply(bench.id, Command::Host(host::Command::Reset(ResetType::ForceOff))).unwrap().unwrap();
    while bench.fleet.look(bench.id, |n, _| n.ipa().is_some()).unwrap() {
        bench.jump();
    }
    assert_eq!(bench.results_bytes(), 0, "the agent ends with its machine");
}

#[tokio::test]
async fn long_results_are_sent_without_a_copy_and_with_their_length() {
    let bench = Bench::limited();
    for _ in 0..2 {
        bench.step("clean", big(40_000)).await;
    }
    let at = bench.results_bytes();
    let uri = format!("/{}/v1/commands/?agent_token={TOKEN}", bench.uuid);
    let request = Request::get(uri).body(Bytes::new()).unwrap();
    let peer = "127.0.0.1:1".parse().unwrap();
    let peer = crate::face::Peer { local: peer, remote: peer, tls: false, node: None, sni: None };
    let agents = Arc::new(bench.agents);
    let body = crate::face::Face::call(&agents, &peer, &request).await.into_body();
    let Body::Pieces(pieces) = &body else { panic!("the list is not in pieces") };
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let copied: usize = pieces.iter().map(Bytes::len).filter(|bytes| *bytes < 40_000).sum();
    assert!(copied < 1_000, "{copied} bytes beside the steps");
    assert_eq!(hyper::body::Body::size_hint(&body).exact(), Some(length as u64));
    bench.fleet.remove(bench.id);
    assert_eq!(bench.fleet.results().bytes(), at, "a response under way counts, too");
    let list: Value = serde_json::from_slice(&body.whole()).unwrap();
    assert_eq!(list["commands"][1]["command_result"]["clean_step"], big(40_000));
    assert_eq!(bench.fleet.results().bytes(), 0);
}

#[tokio::test]
async fn errors_and_images_are_bounded_too() {
    let bench = Bench::limited();
    let patterns = json!({"step": "clean_uefi_nvram", "args": {"match_patterns": [0, "€".repeat(20_000)]}});
    let failed = bench.step("clean", patterns).await;
    let details = failed["command_error"]["details"].as_str().unwrap();
    assert!(details.len() < 2_200 && details.ends_with("bytes)"), "{details}");
    let mut info =
        json!({"id": "i", "urls": ["http://a/i"], "checksum": "ab".repeat(32), "disk_format": "raw"});
    for (field, value, expected) in [
        ("id", json!("i".repeat(1025)), "Image 'id' must have at most 1024 bytes, and has 1025."),
        ("no_proxy", json!("x".repeat(70_000)), "at most 65536 bytes together, and have 70"),
    ] {
        let before = std::mem::replace(&mut info[field], value);
        let failed = bench.step("deploy", json!({"step": "write_image", "args": {"image_info": info}})).await;
        let details = failed["command_error"]["details"].as_str().unwrap();
        assert!(details.contains(expected), "{details}");
        info[field] = before;
    }
}
