//! Events, journals and snapshots.

use super::*;

#[tokio::test]
async fn a_snapshot_is_streamed_or_saved_in_the_state_directory() {
    let bench = Bench::new(3);
    bench.post("/label", json!({"nodes": {"all": true}, "set": {"rack": "r7"}})).await;
    let (status, file) = bench.ask("GET", "/snapshot", "*/*", Body::empty()).await;
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("fleet.snapshot");
    std::fs::write(&place, file).unwrap();
    let reader = crate::store::snapshot::Reader::open(&place).unwrap();
    assert_eq!((status, reader.header().stored, reader.nodes(0).unwrap().len()), (200, 3, 3));
    let (status, problem) = bench.post("/snapshots", json!({"name": "a"})).await;
    assert!(
        status == 409 && problem["detail"].as_str().unwrap().contains("start it with --state"),
        "{problem}"
    );

    let bench = Bench::with_state(3, Some(dir.path().to_owned()));
    assert_eq!(
        bench.post("/snapshots", json!({"name": "a"})).await,
        (201, json!({"name": "a", "changed": 0}))
    );
    let (status, problem) = bench.post("/snapshots", json!({"name": "a"})).await;
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains("'a' already exists"), "{problem}");
    assert_eq!(bench.post("/snapshots", json!({"name": "a", "replace": true})).await.0, 201);
    let (status, problem) = bench.post("/snapshots", json!({"name": "../a"})).await;
    assert_eq!((status, &problem["field"]), (400, &json!("name")));
}

/// Opens a stream, and reads pieces of it.
struct Opened(axum::body::BodyDataStream);

impl Opened {
    async fn new(bench: &Bench, path: &str, last: &str) -> Self {
        let request = Request::get(format!("/fauxmetal/v1{path}")).header("host", "localhost");
        let request = request.header("last-event-id", last).body(Body::empty()).unwrap();
        let response = bench.admin.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        Self(response.into_body().into_data_stream())
    }

    async fn piece(&mut self) -> String {
        use futures_util::StreamExt as _;
        let piece = self.0.next().await.unwrap().unwrap();
        String::from_utf8(piece.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn events_are_streamed_for_a_selection_and_from_the_last_one_on() {
    let bench = Bench::new(3);
    let mut all = Opened::new(&bench, "/events", "").await;
    let mut one = Opened::new(&bench, "/events?selector=index=1", "").await;
    bench.post("/power", json!({"nodes": {"all": true}, "action": "on"})).await;
    let first = all.piece().await;
    let field = |piece: &str, name: &str| -> String {
        piece.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned()
    };
    let data: Value = serde_json::from_str(&field(&first, "data")).unwrap();
    assert_eq!(field(&first, "event"), "power-on");
    assert_eq!(
        (&data["node"], &data["event"], &data["text"]),
        (&json!("generic-0"), &json!("power-on"), &json!("power on"))
    );
    assert!(one.piece().await.contains("generic-1"));
    let second = all.piece().await;
    assert!(second.contains("generic-1"), "{second}");
    let mut again = Opened::new(&bench, "/events", &field(&first, "id")).await;
    assert_eq!(again.piece().await, second, "the reader goes on after the first event");
    let mut restarted = Opened::new(&bench, "/events", "0000000000000000-7").await;
    let missed = restarted.piece().await;
    assert!(missed.contains("event: missed") && missed.contains("has restarted"), "{missed}");
    bench.post("/nodes", json!({"profile": "generic", "count": 1})).await;
    assert!(restarted.piece().await.contains("\"added\""));
    bench.post("/label", json!({"nodes": {"names": ["generic-3"]}, "set": {"a": "b"}})).await;
    assert!(restarted.piece().await.contains("\"labelled\""));
    bench.post("/remove", json!({"nodes": {"names": ["generic-3"]}})).await;
    assert!(restarted.piece().await.contains("\"removed\""));
    let (status, body) = bench.ask("GET", "/events?selector=power=up", "*/*", Body::empty()).await;
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn the_journal_names_who_asked_and_what_the_machine_did() {
    let bench = Bench::new(1);
    let mut following = Opened::new(&bench, "/nodes/generic-0/journal/stream", "").await;
    bench.post("/power", json!({"nodes": {"all": true}, "action": "cycle"})).await;
    assert!(following.piece().await.contains("/fauxmetal/v1/power"));
    bench.post("/power", json!({"nodes": {"all": true}, "action": "on"})).await;
    let (_, journal) = bench.get("/nodes/generic-0/journal").await;
    let entries = journal["entries"].as_array().unwrap();
    let request = |entry: &Value| (entry["face"].clone(), entry["changed"].clone(), entry["status"].clone());
    assert_eq!(request(&entries[0]), (json!("control"), json!(["PowerCycle"]), json!(409)));
    assert_eq!(request(&entries[1]), (json!("control"), json!(["On"]), json!(200)));
    assert_eq!((&entries[2]["kind"], &entries[2]["event"]), (&json!("state"), &json!("power-on")));
    assert!(journal["explanation"].as_str().unwrap().starts_with("powers on"), "{journal}");
    assert_eq!(journal["chains"][0]["of"], "boot");
    let (_, shown) = bench.get("/nodes/generic-0").await;
    assert_eq!(shown["wait"]["text"], journal["explanation"]);
    assert!(shown["wait"]["until"].is_string() && shown["wait"]["since"].is_string(), "{shown}");
    assert_eq!(bench.get("/nodes/generic-9/journal").await.0, 404);
}
