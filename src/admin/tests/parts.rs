//! Parts that fail and are repaired through the control API.

use super::*;

#[tokio::test]
async fn parts_fail_and_are_repaired_by_either_name() {
    let bench = Bench::new(2);
    let nodes = json!({"names": ["generic-0"]});
    let shown = async |key: &str| bench.get("/nodes/generic-0").await.1["environment"][key].clone();
    for (field, key, id, names) in [
        ("disk", "failedDisks", "Disk1", &["Disk1", "sdb", "/dev/sdb"][..]),
        ("dimm", "failedDimms", "DIMM-B1", &["DIMM-B1", "dimm-b1"]),
        ("psu", "failedPsus", "PSU2", &["PSU2", "Power Supply 2"]),
        ("fan", "failedFans", "Fan1", &["Fan1", "Fan 1"]),
    ] {
        for name in names {
            for (path, expected) in [("/fail", json!([id])), ("/fail", json!([id])), ("/repair", json!([]))] {
                let (status, done) = bench.post(path, json!({"nodes": nodes, field: name})).await;
                assert_eq!((status, counts(&done)), (200, [1, 1, 0]), "{path} {name}");
                assert_eq!(shown(key).await, expected, "{path} {name}");
            }
        }
    }
    for (field, last, others, reason) in [
        ("psu", "PSU2", &["PSU1"][..], "no other power supply feeds the machine; it keeps one"),
        ("dimm", "DIMM-D1", &["DIMM-A1", "DIMM-B1", "DIMM-C1"], "no other memory module works"),
    ] {
        for other in others {
            bench.post("/fail", json!({"nodes": nodes, field: other})).await;
        }
        let (status, problem) = bench.post("/fail", json!({"nodes": nodes, field: last})).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 409 && detail.contains(reason), "{detail}");
    }
}
