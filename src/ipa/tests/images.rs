//! Writing images: parameters, errors, and results.

use serde_json::{Value, json};

use super::*;

fn image_info() -> Value {
    json!({
        "id": "disk.raw", "urls": ["http://images/disk.raw"], "disk_format": "raw", "stream_raw_images": true,
        "os_hash_algo": "sha256", "os_hash_value": "ab".repeat(32), "node_uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123",
    })
}

#[tokio::test]
async fn write_image_downloads_the_image_and_returns_a_result() {
    let mut bench = Bench::serving();
    let step = json!({"step": "write_image", "interface": "deploy", "args": {"image_info": image_info(), "configdrive": null}});
    let params = json!({"step": step, "node": node(), "ports": []});
    let (_, record) = bench.post("deploy.execute_deploy_step", params).await;
    assert_eq!(record["command_status"], "RUNNING");
    let image = bench.image();
    assert_eq!((&*image.device, &*image.format, image.stream), ("/dev/sda", "raw", true));
    let checksum = image.checksum.clone().unwrap();
    assert_eq!((checksum.algorithm.as_deref(), &*checksum.value), (Some("sha256"), &*"ab".repeat(32)));
    let none =
        bench.get(&format!("/v1/commands/{}?agent_token={TOKEN}", record["id"].as_str().unwrap())).await.1;
    assert_eq!(none["command_status"], "RUNNING");
    bench.answer(
        ipa::Effect::WriteImage,
        ipa::Answer::ImageWritten(Ok(written(&image, 0xdead_beef, SimTime::from_ms(0)))),
    );
    let last = bench.commands().await[0].clone();
    let text = "prepare_image: image (disk.raw) written to device /dev/sda root_uuid=0xdeadbeef";
    assert_eq!(last["command_result"], json!({"deploy_result": {"result": text}, "deploy_step": step}));
    let (_, uuids) = bench.post("standby.get_partition_uuids", json!({})).await;
    assert_eq!(uuids["command_result"], json!({"root uuid": "0xdeadbeef"}));
    let bootloader = bench
        .finish("image.install_bootloader", json!({"root_uuid": null, "target_boot_mode": "uefi"}))
        .await;
    assert_eq!(
        (&bootloader["command_status"], &bootloader["command_result"]),
        (&json!("SUCCEEDED"), &Value::Null)
    );
    assert_eq!(bench.commands().await.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_partition_image_gets_its_partitions() {
    let mut bench = Bench::serving();
    let mut info = image_info();
    let more = json!({"image_type": "partition", "root_mb": 10240, "swap_mb": 512, "ephemeral_mb": 0, "ephemeral_format": null});
    info.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.post("standby.prepare_image", json!({"image_info": info})).await;
    let image = bench.image();
    let devices: Vec<_> =
        image.partitions.as_ref().unwrap().devices.iter().map(|(n, d)| format!("{n} {d}")).collect();
    assert_eq!(devices, ["efi system partition /dev/sda1", "swap /dev/sda2", "root /dev/sda3"]);
    bench.answer(
        ipa::Effect::WriteImage,
        ipa::Answer::ImageWritten(Ok(written(&image, 0, SimTime::from_ms(0)))),
    );
    let (_, uuids) = bench.post("standby.get_partition_uuids", json!({})).await;
    let uuids = &uuids["command_result"];
    let (root, efi) =
        (uuids["root uuid"].as_str().unwrap(), uuids["efi system partition uuid"].as_str().unwrap());
    assert!(root != efi && Uuid::parse_str(root).is_ok() && Uuid::parse_str(efi).is_ok());
    let result = bench.commands().await[0]["command_result"]["result"].clone();
    assert!(result.as_str().unwrap().ends_with(&format!("root_uuid={root} efi_system_partition_uuid={efi}")));
}

#[tokio::test]
async fn images_without_a_usable_checksum_are_refused() {
    for (md5_enabled, change, error) in [
        (false, json!({"id": null}), None),
        (false, json!({"urls": []}), Some("Image 'urls' must be a list")),
        (
            false,
            json!({"os_hash_algo": null, "os_hash_value": null}),
            Some("Image checksum is not available"),
        ),
        (false, json!({"os_hash_value": ""}), Some("Image 'os_hash_value' must be a non-empty string")),
        (false, json!({"checksum": ""}), Some("Image 'checksum' must be a non-empty string")),
        (
            false,
            json!({"os_hash_algo": null, "os_hash_value": null, "checksum": "a".repeat(32)}),
            Some("not available"),
        ),
        (true, json!({"os_hash_algo": null, "os_hash_value": null, "checksum": "a".repeat(32)}), None),
        (false, json!({"os_hash_algo": null, "os_hash_value": null, "checksum": "http://images/SUMS"}), None),
    ] {
        let bench = Bench::serving_with(md5_enabled);
        let mut info = image_info();
        info.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, answer) = bench.post("standby.prepare_image", json!({"image_info": info})).await;
        match error {
            Some(text) => {
                assert_eq!(status, 400, "{change}");
                assert!(answer["faultstring"].as_str().unwrap().contains(text), "{answer}");
            }
            None => assert_eq!(answer["command_status"], "RUNNING", "{change} {answer}"),
        }
    }
}

#[tokio::test]
async fn mistakes_in_an_image_or_its_config_drive_fail_the_step() {
    let bench = Bench::serving();
    for (info, drive, kind, text) in [
        (
            json!({"os_hash_algo": "crc", "os_hash_value": "1"}),
            Value::Null,
            "RESTError",
            "(currently crc) is supported",
        ),
        (
            json!({"os_hash_algo": null, "os_hash_value": null, "checksum": "a".repeat(50)}),
            Value::Null,
            "RESTError",
            "could not be identified",
        ),
        (
            json!({"image_server_auth_strategy": "http_basic", "image_server_user": "u"}),
            Value::Null,
            "ImageDownloadError",
            "Missing ['password'] fields",
        ),
        (json!({}), json!("not base64!"), "DeploymentError", "Config drive for node"),
        (json!({"urls": []}), Value::Null, "InvalidCommandParamsError", "'urls' must be"),
    ] {
        let mut all = image_info();
        all.as_object_mut().unwrap().extend(info.as_object().unwrap().clone());
        let record = bench
            .step("deploy", json!({"step": "write_image", "args": {"image_info": all, "configdrive": drive}}))
            .await;
        assert_eq!(
            (&record["command_status"], &record["command_error"]["type"]),
            (&json!("FAILED"), &json!(kind)),
            "{record}"
        );
        assert!(record["command_error"]["details"].as_str().unwrap().contains(text), "{record}");
    }
}

#[tokio::test]
async fn a_large_command_is_read_away_from_the_threads_that_answer_requests() {
    let bench = Bench::serving();
    let drive = "not gzip".repeat(1000);
    let step = json!({"step": "write_image", "args": {"image_info": image_info(), "configdrive": drive}});
    let mut asked = std::pin::pin!(bench.step("deploy", step));
    // The command waits for a reader, so it is not read before these are released.
    let held = bench.agents.readers.hold().await;
    let once = std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_pending()));
    assert!(once.await, "this thread has read it");
    assert_eq!(bench.get("/v1/status").await.0, 200);
    drop(held);
    assert_eq!(asked.await["command_error"]["type"], "DeploymentError");
}

#[tokio::test]
async fn a_container_image_makes_the_disk_bootable() {
    let bench = Bench::serving();
    let args = json!({"image_source": "oci://registry/os:1", "configdrive": null, "oci_pull_secret": null});
    let record = bench.step("deploy", json!({"step": "execute_bootc_install", "args": args})).await;
    let text = "execute_bootc_install: Container image (oci://registry/os:1) written to device /dev/sda";
    assert_eq!(record["command_result"]["deploy_result"], json!({"result": text}));
    assert!(bench.fleet.look(bench.id, |n, _| n.installed()).unwrap());
}
