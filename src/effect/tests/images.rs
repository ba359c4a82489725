//! Writing images: downloads, checksums, and failures.

use http::header::{AUTHORIZATION, RANGE};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::node::ipa::{Checksum, IpaError, Partitions};

/// An image of that many bytes, with a disk identifier.
fn image(bytes: usize) -> Vec<u8> {
    let mut image = vec![7; bytes];
    image[440..444].copy_from_slice(&0xdead_beef_u32.to_le_bytes());
    image
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn checksum(value: impl Into<Box<str>>) -> Option<Checksum> {
    Some(Checksum { algorithm: None, value: value.into() })
}

async fn write(settings: Settings, job: ImageJob) -> (Site, CommandEnd) {
    let mut site = Site::new(settings);
    site.writing(job).await;
    site.perform(ipa::Effect::WriteImage).await;
    let status = site.ended();
    (site, status)
}

fn error(status: CommandEnd) -> IpaError {
    match status {
        CommandEnd::Failed(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_image_is_streamed_and_verified() {
    let bytes = image(3 << 20);
    let sum = sha256(&bytes);
    let server = Server::start(move |_| answer(200, bytes.clone())).await;
    let job = ImageJob {
        checksum: checksum(sum),
        credentials: Some(("user".into(), "pass".into())),
        step: Some(("deploy".into(), r#"{"step":"write_image"}"#.into())),
        ..image_job(&[&server.url("/disk.raw")])
    };
    let (site, status) = write(Settings::default(), job).await;
    let text = "prepare_image: image (disk) written to device /dev/sda root_uuid=0xdeadbeef";
    let (result, step) = (format!(r#"{{"result":"{text}"}}"#).into(), r#"{"step":"write_image"}"#.into());
    assert_eq!(status, CommandEnd::StepSucceeded { word: "deploy".into(), result, step });
    assert!(site.look(Node::installed));
    assert_eq!(server.requests(), ["GET /disk.raw"]);
    assert_eq!(server.last().headers()[AUTHORIZATION], "Basic dXNlcjpwYXNz");
}

#[tokio::test]
async fn a_wrong_checksum_is_retried_and_then_fails() {
    let bytes = image(1000);
    let server = Server::start(move |_| answer(200, bytes.clone())).await;
    let wrong = "a".repeat(64);
    let job = ImageJob { checksum: checksum(&*wrong), ..image_job(&[&server.url("/disk.raw")]) };
    let (site, status) = write(Settings::default(), job).await;
    let error = error(status);
    assert_eq!(&*error.kind, "ImageChecksumError");
    let details = format!("image checksum: {wrong}; verification checksum: {}", sha256(&image(1000)));
    assert!(error.details.contains(&details), "{}", error.details);
    assert_eq!(server.requests().len(), 2);
    assert!(!site.look(Node::installed));
}

#[tokio::test]
async fn a_checksum_can_be_in_a_file() {
    let bytes = image(1000);
    let sums = format!("{}  other.raw\n{}  disk.raw\n", "b".repeat(64), sha256(&bytes));
    let server = Server::start(move |request| match request.uri().path() {
        "/SHA256SUMS" => answer(200, sums.clone()),
        _ => answer(200, bytes.clone()),
    })
    .await;
    let job =
        ImageJob { checksum: checksum(server.url("/SHA256SUMS")), ..image_job(&[&server.url("/disk.raw")]) };
    let (_, status) = write(Settings::default(), job).await;
    assert!(matches!(status, CommandEnd::Succeeded(_)), "{status:?}");
    assert_eq!(server.requests(), ["GET /SHA256SUMS", "GET /disk.raw"]);
}

#[tokio::test]
async fn errors_have_the_classes_of_ipa() {
    let server = Server::start(|request| match request.uri().path() {
        "/gone" => answer(404, "no such image"),
        "/broken" => answer(500, "oh"),
        "/qcow2" => answer(200, image(1000)),
        _ => answer(200, "disk"),
    })
    .await;
    let sum = || checksum("a".repeat(64));
    let at = |path: &str| ImageJob { checksum: sum(), ..image_job(&[&server.url(path)]) };
    for (job, kind, text, requests) in [
        (at("/gone"), "ImageDownloadFatalError", "Received status code 404", 1),
        (at("/broken"), "ImageDownloadError", "Received status code 500", 2),
        (ImageJob { checksum: sum(), ..image_job(&[&dead_server()]) }, "CommandExecutionError", "onnect", 0),
        (
            ImageJob { checksum: sum(), ..image_job(&["file:///etc/passwd"]) },
            "CommandExecutionError",
            "not 'file:'",
            0,
        ),
        (
            ImageJob { checksum: checksum(server.url("/sums")), ..at("/qcow2") },
            "ImageDownloadError",
            "No valid checksum",
            2,
        ),
        (
            ImageJob {
                checksum: checksum(sha256(&image(1000))),
                format: "qcow2".into(),
                stream: false,
                ..at("/qcow2")
            },
            "InvalidImage",
            "Expected format was qcow2, but image was actually raw",
            1,
        ),
        (
            ImageJob {
                checksum: checksum(sha256(&image(1000))),
                configdrive_url: Some(server.url("/gone").into()),
                ..at("/qcow2")
            },
            "DeploymentError",
            "Got status code 404",
            2,
        ),
    ] {
        let before = server.requests().len();
        let (_, status) = write(Settings::default(), job).await;
        let error = error(status);
        assert_eq!(&*error.kind, kind, "{}", error.details);
        assert!(error.details.contains(text), "{}", error.details);
        assert_eq!(server.requests().len() - before, requests, "{kind}");
    }
}

#[tokio::test]
async fn after_a_server_error_the_next_url_is_tried() {
    let bytes = image(1000);
    let sum = sha256(&bytes);
    let good = Server::start(move |_| answer(200, bytes.clone())).await;
    let bad = Server::start(|_| answer(503, "")).await;
    let job = ImageJob { checksum: checksum(sum), ..image_job(&[&bad.url("/a"), &good.url("/a")]) };
    let (_, status) = write(Settings::default(), job).await;
    assert!(matches!(status, CommandEnd::Succeeded(_)), "{status:?}");
}

#[tokio::test]
async fn an_image_must_fit_its_partition() {
    let server = Server::start(|_| answer(200, image(3 << 20))).await;
    let partitions = |root_mib| {
        let devices = [("root".into(), "/dev/sda1".into())].into();
        Some(Box::new(Partitions { devices, root_uuid: "r".into(), efi_uuid: None, root_mib }))
    };
    let job = |root_mib, stream| ImageJob {
        checksum: checksum(sha256(&image(3 << 20))),
        partitions: partitions(root_mib),
        stream,
        ..image_job(&[&server.url("/root.img")])
    };
    let (_, status) = write(Settings::default(), job(3, true)).await;
    assert!(matches!(&status, CommandEnd::Succeeded(r) if r.contains("root_uuid=r")), "{status:?}");
    let (_, status) = write(Settings::default(), job(2, true)).await;
    assert!(error(status).details.contains("No space left on device"));
    let (_, status) = write(Settings::default(), job(2, false)).await;
    assert_eq!(&*error(status).kind, "InvalidCommandParamsError");
}

#[tokio::test]
async fn images_can_be_probed_or_skipped() {
    let server = Server::start(|_| answer(200, image(8 << 20))).await;
    let job = || ImageJob { checksum: checksum("a".repeat(64)), ..image_job(&[&server.url("/disk.raw")]) };
    let (_, status) = write(Settings { images: Images::Probe, ..Settings::default() }, job()).await;
    assert!(matches!(&status, CommandEnd::Succeeded(r) if r.contains("0xdeadbeef")), "{status:?}");
    let (site, status) = write(Settings { images: Images::Skip, ..Settings::default() }, job()).await;
    assert!(matches!(status, CommandEnd::Succeeded(_)) && site.look(Node::installed));
    assert_eq!(server.requests().len(), 1);
    let gone = Server::start(|_| answer(404, "")).await;
    let job = ImageJob { urls: [gone.url("/x").into()].into(), ..job() };
    let (_, status) = write(Settings { images: Images::Probe, ..Settings::default() }, job).await;
    assert_eq!(&*error(status).kind, "ImageDownloadFatalError");
    assert!(server.last().headers().get(RANGE).is_none());
}

#[tokio::test]
async fn writing_an_image_takes_the_least_time_and_a_failure_does_not() {
    for (bytes, least_ms) in [(image(1000), 9_999), (image(1001), 0)] {
        let server = Server::start(move |_| answer(200, bytes.clone())).await;
        let mut site = Site::new(Settings::default());
        let sum = sha256(&image(1000));
        site.writing(ImageJob { checksum: checksum(sum), ..image_job(&[&server.url("/x")]) }).await;
        let begin = site.fleet.clock().now();
        site.perform(ipa::Effect::WriteImage).await;
        let runs = || site.look(|node| node.ipa().unwrap().job().is_some());
        if least_ms > 0 {
            site.fleet.clock().set(begin.after_ms(least_ms));
            site.fleet.wake_due();
            assert!(runs());
            site.fleet.clock().set(begin.after_ms(least_ms + 1));
            site.fleet.wake_due();
        }
        assert!(!runs());
    }
}

#[tokio::test]
async fn nothing_is_downloaded_for_a_machine_that_was_turned_off() {
    let server = Server::start(|_| answer(200, image(1000))).await;
    let mut site = Site::new(Settings::default());
    site.writing(ImageJob { checksum: checksum("a".repeat(64)), ..image_job(&[&server.url("/x")]) }).await;
    let effect = site.next();
    site.apply(Command::Host(host::Command::Reset(ResetType::ForceOff)));
    site.runner.perform(site.id, effect).await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_image_is_not_written_without_its_disk_or_without_a_cable() {
    let server = Server::start(|_| answer(200, image(512))).await;
    for (parts, kind, details) in [
        (&[Plug::Drive(0)][..], "DeviceNotFound", "No such device: /dev/sda"),
        (&[Plug::Cable(0), Plug::Cable(1)], "ImageDownloadError", "Network is unreachable"),
    ] {
        let mut site = Site::new(Settings::default());
        let job = ImageJob { checksum: checksum("a".repeat(64)), ..image_job(&[&server.url("/disk.raw")]) };
        site.writing(job).await;
        for part in parts {
            site.apply(Command::Lab(lab::Command::Unplug(*part)));
        }
        site.perform(ipa::Effect::WriteImage).await;
        let error = error(site.ended());
        assert!(&*error.kind == kind && error.details.contains(details), "{error:?}");
        assert!(!site.look(Node::installed));
    }
    assert!(server.requests().is_empty());
}
