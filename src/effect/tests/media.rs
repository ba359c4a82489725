//! Booting from images on a server, with and without range requests.

use std::io::{Cursor, Write as _};

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_RANGE, RANGE};
use parking_lot::Mutex;

use super::boot::boot_failure;
use super::*;
use crate::dmtf::{TransferMethod, TransferProtocol};
use crate::node::bmc::media::{self, Insertion, Opened};
use crate::tls::testing::names;
use crate::tls::{DevelopmentCa, MinVersion, Subject, server_config};

/// A FAT image of 4 MiB with `files`.
fn fat(label: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; 4 << 20]);
    let mut name = [b' '; 11];
    name[..label.len()].copy_from_slice(label.as_bytes());
    fatfs::format_volume(&mut disk, fatfs::FormatVolumeOptions::new().volume_label(name)).unwrap();
    {
        let system = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).unwrap();
        for (path, content) in files {
            for (at, _) in path.match_indices('/') {
                system.root_dir().create_dir(&path[..at]).unwrap();
            }
            system.root_dir().create_file(path).unwrap().write_all(content.as_bytes()).unwrap();
        }
    }
    disk.into_inner()
}

pub(super) fn ramdisk(line: &str) -> Vec<u8> {
    let grub = format!("menuentry \"x\" {{\nlinux /vmlinuz {line} --\ninitrd /initrd\n}}\n");
    fat(
        "CONFIG-2",
        &[("EFI/BOOT/BOOTX64.EFI", "MZ"), ("EFI/BOOT/grub.cfg", &grub), ("vmlinuz", "k"), ("initrd", "i")],
    )
}

/// The response of a server that supports range requests.
pub(super) fn part(request: &Request<Bytes>, image: &[u8]) -> Response<Bytes> {
    let Some(range) = request.headers().get(RANGE).map(|r| r.to_str().unwrap().trim_start_matches("bytes="))
    else {
        return answer(200, image.to_vec());
    };
    let (from, to) = range.split_once('-').unwrap();
    let (from, to) = (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap().min(image.len() - 1));
    let mut response = answer(206, image[from..=to].to_vec());
    let header = format!("bytes {from}-{to}/{}", image.len());
    response.headers_mut().insert(CONTENT_RANGE, header.parse().unwrap());
    response
}

fn insertion(image: String) -> Insertion {
    Insertion {
        image: image.into(),
        write_protected: true,
        credentials: None,
        method: TransferMethod::Stream,
        protocol: TransferProtocol::Http,
    }
}

pub(super) fn insert(slot: u8, image: String) -> Command {
    Command::Media(media::Command::Insert { slot, insertion: insertion(image) })
}

/// Boots the image in the CD slot. Returns the parameters of the agent, if one runs.
async fn boot_cd(site: &mut Site) -> Option<Params> {
    site.arm(BootTarget::Cd);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    loop {
        let effect = site.next();
        site.runner.perform(site.id, effect).await;
        if matches!(effect.kind, EffectKind::ReadBoot { .. }) {
            break;
        }
    }
    while site.look(|n| matches!(n.host(), Host::Booting(b) if !matches!(b.stage, Stage::Reading(_)))) {
        site.fleet.clock().set(site.fleet.wake_due());
        site.fleet.wake_due();
    }
    site.look(|n| n.ipa().map(|a| a.params.clone()))
}

#[tokio::test]
async fn only_the_needed_pieces_of_an_image_are_fetched() {
    let image = ramdisk(&format!("boot_method=vmedia ipa-api-url=http://api ipa-agent-token={TOKEN}"));
    let fetched = Arc::new(Mutex::new(0));
    let (count, whole) = (Arc::clone(&fetched), image.len());
    let server = Server::start(move |request| {
        let response = part(request, &image);
        *count.lock() += response.body().len();
        response
    })
    .await;
    let mut site = Site::new(Settings::default());
    let credentials = Some(Box::new(("user".into(), "pass".into())));
    let insertion = Insertion { credentials, ..insertion(server.url("/boot.iso")) };
    site.apply(Command::Media(media::Command::Insert { slot: 0, insertion }));
    let params = boot_cd(&mut site).await.expect("an agent runs");
    assert_eq!((params.token.as_deref(), params.virtual_media), (Some(TOKEN), true));
    assert!(*fetched.lock() < whole / 4, "{} of {whole} bytes were fetched", *fetched.lock());
    assert_eq!(server.last().headers()[AUTHORIZATION], "Basic dXNlcjpwYXNz");
    assert_eq!(site.look(|n| n.bmc().media.get(0).unwrap().opened.clone()), Opened::Connected);
}

#[tokio::test]
async fn an_operators_image_with_a_name_that_says_nothing_is_recognised_and_logged() {
    // As `tools/iso-image-create` of ironic-python-agent-builder writes it.
    let builders = ramdisk("boot_method=vmedia");
    let other = ramdisk("coreos.liveiso=x ignition.firstboot");
    for (image, patterns, what, because) in [
        (&builders, &[][..], "an agent", "its kernel has the parameter boot_method"),
        (&other, &["coreos.*"], "an agent", "--agent-iso coreos.* matches its kernel command line"),
        (&other, &[], "a live system", "no parameter, path, label or --agent-iso names an agent"),
    ] {
        let image = image.clone();
        let server = Server::start(move |request| part(request, &image)).await;
        let ironic = server.url("");
        let agent_isos = patterns.iter().map(|p| Pattern::parse(p).unwrap()).collect();
        let mut site =
            Site::new(Settings { ironic: vec![ironic.clone()], agent_isos, ..Settings::default() });
        let url = server.url("/boot-6d85703a-565d-469a-96ce-30b6de53079d.iso");
        site.apply(insert(0, url.clone()));
        let (log, _guard) = Log::start(Level::INFO);
        let params = boot_cd(&mut site).await;
        let uuid = site.look(|n| n.spec().uuid());
        let line = format!(
            "INFO fauxmetal::node: boots {what} node=generic-0 uuid={uuid} url={url} because={because}"
        );
        assert_eq!(log.lines().iter().filter(|one| one.contains(": boots ")).collect::<Vec<_>>(), [&line]);
        assert_eq!(params.is_some(), what == "an agent");
        if let Some(params) = params {
            let inspection = format!("{}/v1/continue_inspection", ironic.trim_end_matches('/'));
            assert_eq!((&*params.inspection_urls, params.inspects_unasked), (&[inspection.into()][..], true));
        }
    }
}

#[tokio::test]
async fn a_path_in_an_image_cannot_forge_a_line_of_the_log_or_of_a_condition() {
    let grub =
        "menuentry x {\nlinux '/k\nWARN forged \u{1b}[31m' ipa-agent-token=hunter2\ninitrd /initrd\n}\n";
    let image = fat("X", &[("EFI/BOOT/BOOTX64.EFI", "MZ"), ("EFI/BOOT/grub.cfg", grub)]);
    let server = Server::start(move |request| part(request, &image)).await;
    let mut site = Site::new(Settings::default());
    let (log, _guard) = Log::start(Level::WARN);
    site.apply(insert(0, server.url("/boot.iso")));
    assert!(boot_cd(&mut site).await.is_none());
    let shown = r"/k\nWARN forged \u{1b}[31m";
    assert!(boot_failure(&site).contains(shown), "{}", boot_failure(&site));
    let lines = log.lines();
    assert!(lines.len() == 1 && lines[0].contains(shown), "{lines:?}");
}

#[tokio::test]
async fn without_range_support_an_image_is_read_as_far_as_needed() {
    let image = ramdisk("ipa-api-url=http://api");
    let server = Server::start(move |_| answer(200, image.clone())).await;
    let mut site = Site::new(Settings::default());
    site.apply(insert(0, server.url("/boot.iso")));
    assert!(boot_cd(&mut site).await.is_some(), "{}", boot_failure(&site));
    assert!(server.requests().len() <= 4, "{:?}", server.requests());
}

#[tokio::test]
async fn an_image_is_read_again_at_every_boot() {
    let boots = Arc::new(Mutex::new(0));
    let count = Arc::clone(&boots);
    let server = Server::start(move |request| {
        let image = ramdisk(&format!("ipa-api-url=http://api ipa-agent-token=token-{}", *count.lock()));
        part(request, &image)
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.apply(insert(0, server.url("/boot.iso")));
    for n in 0..2 {
        *boots.lock() = n;
        let params = boot_cd(&mut site).await.unwrap();
        assert_eq!(params.token.as_deref(), Some(&*format!("token-{n}")));
        site.apply(Command::Host(host::Command::Reset(ResetType::ForceOff)));
        site.fleet.clock().set(site.fleet.wake_due());
        site.fleet.wake_due();
    }
}

#[tokio::test]
async fn after_a_virtual_media_boot_parameters_of_a_removable_medium_have_precedence() {
    for (line, token) in [("boot_method=vmedia ipa-agent-token=old", "new"), ("ipa-agent-token=old", "old")] {
        let image = ramdisk(&format!("{line} ipa-api-url=http://api"));
        let floppy =
            fat("IR-VFD-DEV", &[("parameters.txt", "ipa-agent-token=new\nipa-api-url=http://other\n")]);
        let server = Server::start(move |request| match request.uri().path() {
            "/boot.iso" => part(request, &image),
            _ => part(request, &floppy),
        })
        .await;
        let mut site = Site::new(Settings::default());
        site.apply(insert(0, server.url("/boot.iso")));
        site.apply(insert(1, server.url("/floppy.img")));
        let params = boot_cd(&mut site).await.unwrap();
        assert_eq!(params.token.as_deref(), Some(token), "{line}");
    }
}

#[tokio::test]
async fn an_image_without_parameters_is_recognised_by_its_label() {
    let image = fat("IPA", &[("EFI/BOOT/BOOTX64.EFI", "MZ")]);
    let server = Server::start(move |request| part(request, &image)).await;
    for (ironic, agent) in [(vec!["http://api:6385".to_owned()], true), (vec![], false)] {
        let mut site = Site::new(Settings { ironic, ..Settings::default() });
        site.apply(insert(0, server.url("/x.iso")));
        let params = boot_cd(&mut site).await;
        assert_eq!(params.map(|p| p.api_urls.to_vec()), agent.then(|| vec!["http://api:6385".into()]));
    }
}

#[tokio::test]
async fn media_that_cannot_be_read_give_the_reason() {
    let server = Server::start(|request| match request.uri().path() {
        "/gone" => answer(404, ""),
        "/empty" => answer(416, ""),
        "/lies" => {
            let mut response = answer(206, "x");
            response.headers_mut().insert(CONTENT_RANGE, "bytes 5-5/9".parse().unwrap());
            response
        }
        _ => answer(200, "no image at all"),
    })
    .await;
    for (url, opens, text) in [
        (server.url("/gone"), false, "404"),
        (server.url("/empty"), false, ""),
        (server.url("/lies"), true, "answers from byte 5"),
        (server.url("/text"), true, "neither an ISO 9660 nor a FAT"),
        (dead_server(), false, "onnect"),
        ("nfs://host/boot.iso".to_owned(), false, "only http and https"),
    ] {
        let mut site = Site::new(Settings::default());
        site.apply(insert(0, url.clone()));
        let effect = site.next();
        assert_eq!(effect.kind, EffectKind::OpenMedia { slot: 0, insertion: 1 });
        site.runner.perform(site.id, effect).await;
        let opened = site.look(|n| n.bmc().media.get(0).unwrap().opened.clone());
        assert_eq!(opened == Opened::Connected, opens, "{url} {opened:?}");
        assert!(boot_cd(&mut site).await.is_none());
        let failure = boot_failure(&site);
        assert!(failure.starts_with("Cd: ") && failure.contains(text), "{url}: {failure}");
    }
}

#[tokio::test]
async fn an_http_boot_uri_is_booted_like_a_medium() {
    let image = ramdisk("ipa-api-url=http://api");
    let server = Server::start(move |request| part(request, &image)).await;
    let mut site = Site::new(Settings::default());
    let boot = BootChange {
        target: Some(BootTarget::UefiHttp.into()),
        enabled: Some(BootOverride::Once),
        http_uri: Some(Some(server.url("/boot.iso").into())),
        ..BootChange::default()
    };
    site.apply(Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() })));
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    site.perform_boot().await;
    assert!(site.look(|n| matches!(n.host(), Host::Booting(b) if matches!(b.stage, Stage::Loading { .. }))));
}

#[tokio::test]
async fn the_certificates_of_a_slot_decide_alone_once_they_count() {
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_millis(crate::clock::unix_ms());
    let dir = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::open(dir.path(), now).unwrap();
    let identity = ca.redfish_identity(&Subject::named("images"), &names(&["127.0.0.1"]), now).unwrap();
    // The first certificate of the chain.
    let end = "-----END CERTIFICATE-----";
    let leaf = [identity.certificate_pem().split(end).next().unwrap(), end, "\n"].concat();
    let config = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
    let server = Server::with_tls(config, |_| answer(200, "an image")).await;
    let other = crate::tls::factory_certificate(&Subject::named("other"), "seed", true).unwrap();
    for (certificates, verify, opens) in [
        (vec![], false, true),
        (vec![], true, false),
        (vec![other.clone()], true, false),
        (vec![ca.certificate_pem().to_owned()], true, true),
        (vec![other.clone(), leaf], true, true),
        (vec![other], false, true),
    ] {
        let mut site = Site::new(Settings { insecure: true, ..Settings::default() });
        for pem in certificates {
            site.apply(Command::Media(media::Command::AddCertificate { slot: 0, pem: pem.into() }));
        }
        site.apply(Command::Media(media::Command::Change { slot: 0, verify: Some(verify), then: None }));
        site.apply(insert(0, server.url("/x.iso")));
        let effect = site.next();
        site.runner.perform(site.id, effect).await;
        match site.look(|node| node.bmc().media.get(0).unwrap().opened.clone()) {
            Opened::Connected => assert!(opens),
            Opened::Failed(why) => assert!(!opens && why.contains("certificate"), "{why}"),
            Opened::Trying(_) => panic!("it was not opened"),
        }
    }
}
