//! Diagnostic data and POST codes as clients see them.

use std::collections::BTreeMap;
use std::io::Read as _;

use http::Response;

use super::*;

const COLLECT: &str = "Actions/LogService.CollectDiagnosticData";

fn uuid(bench: &Bench) -> &str {
    bench.system.rsplit('/').next().unwrap()
}

fn sel(bench: &Bench) -> String {
    format!("{}/LogServices/SEL", bench.system)
}

fn manager_log(bench: &Bench) -> String {
    format!("/redfish/v1/Managers/{}/LogServices/Log", uuid(bench))
}

fn collect(bench: &Bench, log: &str, body: &Value) -> Answer {
    bench.write("POST", &format!("{log}/{COLLECT}"), body)
}

/// Collects data, and waits for it. Returns the answer of the task monitor.
fn collected(bench: &mut Bench, log: &str, body: &Value) -> Answer {
    let begun = collect(bench, log, body);
    assert_eq!(begun.status, 202, "{}", begun.json);
    bench.wait(5_000);
    bench.get(begun.header("Location"))
}

fn raw(bench: &Bench, method: &str, uri: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(uri).header("Authorization", BASIC);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    bench.redfish.call(&request.body(Bytes::new()).unwrap())
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// The files of an archive.
fn unpacked(archive: &[u8]) -> BTreeMap<String, Value> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut files = BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        assert_eq!(entry.header().as_bytes()[156], b'0', "{path} is a regular file");
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let before = files.insert(path, serde_json::from_str(&text).unwrap());
        assert!(before.is_none(), "{:?} is there twice", entry.path());
    }
    files
}

#[test]
fn diagnostic_data_is_collected_by_a_task_and_downloaded() {
    let mut bench = Bench::new();
    let log = sel(&bench);
    bench.reset("On");
    let begun = collect(&bench, &log, &json!({"DiagnosticDataType": "PreOS"}));
    assert_eq!(
        (begun.status, begun.header("Allow"), &begun.json["TaskState"]),
        (202, "DELETE", &json!("Running"))
    );
    assert_eq!(begun.json["Name"], "Collection of diagnostic data");
    bench.wait(1_000);
    let monitor = begun.header("Location").to_owned();
    let percent = bench.get(&monitor).json["PercentComplete"].as_u64().unwrap();
    assert!((20..=50).contains(&percent), "{percent}");
    bench.wait(4_000);
    let done = bench.get(&monitor);
    assert_eq!(done.status, 201);
    let uri = done.header("Location").to_owned();
    assert!(uri.starts_with(&format!("{log}/Entries/")), "{uri}");
    let entry = bench.get(&uri).json;
    assert_eq!(done.json, entry, "the monitor shows what was created");
    assert_eq!(entry["MessageId"], "LogService.1.1.DiagnosticDataCollected");
    assert_eq!(entry["Message"], "'PreOS' diagnostic data collected.");
    assert_eq!((&entry["EntryType"], &entry["DiagnosticDataType"]), (&json!("SEL"), &json!("PreOS")));
    let data = entry["AdditionalDataURI"].as_str().unwrap();
    assert_eq!(data, format!("{uri}/attachment"));
    let task = bench.get(&monitor.replace("TaskMonitors", "Tasks")).json;
    assert_eq!(task["Links"]["CreatedResources"], json!([{"@odata.id": uri}]));

    let archive = raw(&bench, "GET", data, &[("Accept", "application/json"), ("Accept-Encoding", "gzip")]);
    assert_eq!((archive.status().as_u16(), header(&archive, "content-type")), (200, "application/gzip"));
    assert!(archive.headers().get("content-encoding").is_none());
    assert_eq!(entry["AdditionalDataSizeBytes"], archive.body().len());
    let files = unpacked(archive.body());
    let system = &files[&format!("{}/index.json", bench.system.trim_start_matches('/'))];
    assert_eq!((&system["@odata.id"], &system["PowerState"]), (&json!(bench.system), &json!("On")));
    let sensors = files.keys().filter(|path| path.contains("/Sensors/")).count();
    assert!(sensors > 5 && files.keys().all(|path| !path.contains("/Managers/")), "{:?}", files.keys());
    let entries = &files[&format!("{}/Entries/index.json", log.trim_start_matches('/'))];
    assert!(
        entries["Members"]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["Message"] == "A self-test has completed.")
    );

    // Later the machine is another one, and the data is the same.
    bench.reset("ForceOff");
    bench.write("PATCH", &bench.system, &json!({"AssetTag": "another"}));
    bench.wait(3_600_000);
    let again = raw(&bench, "GET", data, &[]);
    assert_eq!((again.body(), &again.headers()["etag"]), (archive.body(), &archive.headers()["etag"]));
    assert_eq!(bench.get(&uri).json["AdditionalDataSizeBytes"], archive.body().len());
    let rest = raw(&bench, "GET", data, &[("Range", "bytes=100-")]);
    assert_eq!((rest.status().as_u16(), &rest.body()[..]), (206, &archive.body()[100..]));
    for method in ["POST", "PATCH", "DELETE"] {
        let refused = raw(&bench, method, data, &[]);
        assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, "GET, HEAD"), "{method}");
    }
    assert_eq!(bench.write("DELETE", &uri, &json!({})).status, 204);
    assert_eq!((bench.get(data).status, bench.get(&uri).status), (404, 404));
    assert!(bench.get(&monitor.replace("TaskMonitors", "Tasks")).json.get("Links").is_none());
}

#[test]
fn each_type_of_diagnostic_data_has_its_documents() {
    let mut bench = Bench::new();
    let (sel, manager) = (sel(&bench), manager_log(&bench));
    let mut files = |log: &str, body: Value| {
        let uri = collected(&mut bench, log, &body).json["AdditionalDataURI"].as_str().unwrap().to_owned();
        let files = unpacked(raw(&bench, "GET", &uri, &[]).body());
        for (path, document) in &files {
            let uri = document["@odata.id"].as_str().unwrap();
            assert_eq!(format!("{}/index.json", &uri[1..]), *path);
        }
        ["Systems", "Chassis", "Managers", "UpdateService", "TaskService"].map(|below| {
            let below = format!("redfish/v1/{below}/");
            files.keys().filter(|path| path.starts_with(&below)).count() > 0
        })
    };
    assert_eq!(files(&sel, json!({"DiagnosticDataType": "PreOS"})), [true, true, false, false, false]);
    assert_eq!(files(&manager, json!({"DiagnosticDataType": "Manager"})), [false, false, true, true, true]);
    let system = json!({"DiagnosticDataType": "OEM", "OEMDiagnosticDataType": "System"});
    assert_eq!(files(&sel, system), [true; 5]);
}

/// Every document of the machine is part of the data, as a client would have read it at that moment.
#[test]
fn the_data_is_what_a_client_reads_at_that_moment() {
    let mut bench = Bench::new();
    bench.reset("On");
    bench.wait(60_000);
    let begun = collect(
        &bench,
        &sel(&bench),
        &json!({"DiagnosticDataType": "OEM", "OEMDiagnosticDataType": "System"}),
    );
    let ms = begun.json["EstimatedDuration"].as_str().unwrap();
    let ms: f64 = ms.trim_start_matches("PT").trim_end_matches('S').parse().unwrap();
    bench.wait((ms * 1000.0).round() as u64);
    let done = bench.get(begun.header("Location"));
    let files = unpacked(raw(&bench, "GET", done.json["AdditionalDataURI"].as_str().unwrap(), &[]).body());
    let read = |uri: &str| bench.get(uri).json;
    let (pages, _) = check::crawl(&bench.redfish);
    let of_node = pages.into_iter().filter(|(uri, document)| {
        let is_collection = document["@odata.type"].as_str().unwrap().contains("Collection.");
        uri.contains(uuid(&bench)) && !is_collection && !uri.ends_with("ActionInfo")
    });
    let mut same = 0;
    for (uri, document) in of_node {
        let kept = files.get(&format!("{}/index.json", &uri[1..]));
        let is_left_out = ["/NetworkProtocol", "/MetricReports/"].iter().any(|part| uri.contains(part))
            || (uri.contains("/Managers/") && uri.contains("/EthernetInterfaces"));
        // Entries are in the file of their collection. The task had not ended yet.
        if uri.contains("/Entries/") || uri.contains("/Tasks/") || uri.contains("/Jobs/") || is_left_out {
            assert!(!is_left_out || kept.is_none(), "{uri}");
            continue;
        }
        assert_eq!(kept, Some(&document), "{uri}");
        assert_eq!(read(&uri), document);
        same += 1;
    }
    assert!(same > 60, "{same}");
}

#[test]
fn wrong_parameters_of_a_collection_are_refused() {
    let bench = Bench::new();
    let (sel, manager) = (sel(&bench), manager_log(&bench));
    let oem = |kind: &str, oem: &str| json!({"DiagnosticDataType": kind, "OEMDiagnosticDataType": oem});
    for (log, body, refused) in [
        (&sel, json!({}), vec!["ActionParameterMissing"]),
        (&sel, json!({"DiagnosticDataType": 7}), vec!["ActionParameterValueTypeError"]),
        (&sel, json!({"DiagnosticDataType": "Manager"}), vec!["ActionParameterValueNotInList"]),
        (&manager, json!({"DiagnosticDataType": "PreOS"}), vec!["ActionParameterValueNotInList"]),
        (&manager, json!({"DiagnosticDataType": "OS"}), vec!["ActionParameterValueNotInList"]),
        (&sel, json!({"DiagnosticDataType": "OEM"}), vec!["ActionParameterMissing"]),
        (&sel, oem("OEM", "Other"), vec!["ActionParameterValueNotInList"]),
        (&sel, oem("PreOS", "System"), vec!["ActionParameterValueConflict"]),
        (&manager, oem("Manager", "System"), vec!["ActionParameterNotSupported"]),
        (
            &sel,
            json!({"DiagnosticDataType": "PreOS", "TargetURI": "https://x/", "Nope": 1}),
            vec!["ActionParameterNotSupported", "ActionParameterUnknown"],
        ),
    ] {
        let answer = collect(&bench, log, &body);
        assert_eq!((answer.status, answer.message_ids()), (400, refused), "{body}");
    }
    assert_eq!(bench.get("/redfish/v1/TaskService/Tasks").json["Members@odata.count"], 0);
}

#[test]
fn a_log_service_has_the_action_only_if_its_model_says_so() {
    let mut bench = Bench::new();
    let audit = manager_log(&bench).replace("/Log", "/AuditLog").replace("/AuditLogServices", "/LogServices");
    let action = |bench: &Bench, log: &str| {
        bench.get(log).json["Actions"]["#LogService.CollectDiagnosticData"].clone()
    };
    let offered = action(&bench, &sel(&bench));
    assert_eq!(offered["DiagnosticDataType@Redfish.AllowableValues"], json!(["PreOS", "OEM"]));
    assert_eq!(offered["OEMDiagnosticDataType@Redfish.AllowableValues"], json!(["System"]));
    let of_manager = action(&bench, &manager_log(&bench));
    assert!(of_manager.get("OEMDiagnosticDataType@Redfish.AllowableValues").is_none(), "{of_manager}");
    let refused = |bench: &Bench, log: &str| {
        assert_eq!(action(bench, log), Value::Null, "{log}");
        assert_eq!(bench.get(&format!("{log}/CollectDiagnosticDataActionInfo")).status, 404, "{log}");
        collect(bench, log, &json!({"DiagnosticDataType": "Manager"})).status
    };
    assert_eq!(refused(&bench, &audit), 404);
    assert_eq!(refused(&bench, &format!("{}/LogServices/PostCodes", bench.system)), 404);
    // iLO has its own way, the Active Health System.
    bench.add_first("hpe-dl380-gen11");
    assert_eq!(refused(&bench, &format!("{}/LogServices/IML", bench.system)), 404);
}

#[test]
fn a_collection_can_be_cancelled() {
    let mut bench = Bench::new();
    let log = manager_log(&bench);
    let monitor =
        collect(&bench, &log, &json!({"DiagnosticDataType": "Manager"})).header("Location").to_owned();
    assert_eq!(bench.write("DELETE", &monitor, &json!({})).status, 204);
    bench.wait(10_000);
    assert_eq!(bench.get(&monitor.replace("TaskMonitors", "Tasks")).json["TaskState"], "Cancelled");
    let entries = bench.get(&format!("{log}/Entries")).json;
    let entries = entries["Members"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry.get("DiagnosticDataType").is_none()), "{entries:?}");
}

#[test]
fn only_a_client_that_may_read_the_entry_gets_its_data() {
    let mut bench = Bench::new();
    let log = sel(&bench);
    let done = collected(&mut bench, &log, &json!({"DiagnosticDataType": "PreOS"}));
    let data = done.json["AdditionalDataURI"].as_str().unwrap();
    assert_eq!(bench.send("GET", data, &[], b"").status, 401);
    assert_eq!(bench.get(&format!("{data}/more")).status, 404);
    let first =
        bench.get(&format!("{log}/Entries")).json["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    assert_ne!(done.header("Location"), first);
    assert_eq!(bench.get(&format!("{first}/attachment")).status, 404, "another entry has no data");
    let uri = format!("{log}/Actions/LogService.ClearLog");
    assert_eq!(bench.write("POST", &uri, &json!({})).status, 204);
    assert_eq!(bench.get(data).status, 404);
}

#[test]
fn a_post_is_followed_by_its_codes() {
    let mut bench = Bench::new();
    let log = format!("{}/LogServices/PostCodes", bench.system);
    let entries =
        |bench: &Bench| bench.get(&format!("{log}/Entries")).json["Members"].as_array().unwrap().clone();
    assert!(entries(&bench).is_empty(), "the machine was never on");
    bench.reset("On");
    bench.wait(60_000);
    let all = entries(&bench);
    let ids: Vec<_> = all.iter().map(|entry| entry["Id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[13]), (14, "B1-1", "B1-14"));
    let last = bench.get(&format!("{log}/Entries/B1-14")).json;
    assert_eq!(last, all[13]);
    let offset = last["MessageArgs"][1].as_str().unwrap();
    assert_eq!(last["MessageArgs"], json!(["1", offset, "0xad"]));
    assert_eq!(last["Message"], format!("Boot Count: 1: TS Offset: {offset}; POST Code: 0xad"));
    assert_eq!(
        (&last["MessageId"], &last["Description"]),
        (&json!("OpenBMC.0.2.BIOSPOSTCode"), &json!("Ready to boot"))
    );
    let registry = bench.get("/redfish/v1/Registries/OpenBMC.0.2/Messages").json;
    assert_eq!((&registry["Id"], &registry["OwningEntity"]), (&json!("OpenBMC.0.2.0"), &json!("OpenBMC")));
    assert!(registry["Messages"].get("BIOSPOSTCode").is_some(), "{registry}");
    assert_eq!((&last["EntryType"], &last["Severity"]), (&json!("Event"), &json!("OK")));
    let created: Vec<_> = all.iter().map(|entry| entry["Created"].as_str().unwrap()).collect();
    assert!(created.is_sorted());
    assert_eq!(bench.get(&format!("{log}/Entries/B1-15")).status, 404);
    assert_eq!(bench.get(&format!("{log}/Entries/B1-1/attachment")).status, 404);
    assert_eq!(bench.write("DELETE", &format!("{log}/Entries/B1-2"), &json!({})).status, 204);
    assert_eq!((entries(&bench).len(), bench.get(&format!("{log}/Entries/B1-2")).status), (13, 404));
    bench.reset("ForceRestart");
    bench.wait(60_000);
    assert_eq!(entries(&bench).len(), 27);
    assert_eq!(bench.write("POST", &format!("{log}/Actions/LogService.ClearLog"), &json!({})).status, 204);
    assert!(entries(&bench).is_empty());
}

#[test]
fn the_same_life_gives_the_same_archive() {
    let archive = |power: &str| {
        let mut bench = Bench::new();
        bench.reset(power);
        let log = sel(&bench);
        let done = collected(&mut bench, &log, &json!({"DiagnosticDataType": "PreOS"}));
        raw(&bench, "GET", done.json["AdditionalDataURI"].as_str().unwrap(), &[]).into_body()
    };
    assert!(archive("On") == archive("On"));
    assert!(archive("On") != archive("ForceOff"));
}
