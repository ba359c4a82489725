//! Ways to be stuck: the sentence about the node names the cause, what the node waits for, and what helps.

use std::time::Duration;

use super::boot::boot;
use super::egress::restricted;
use super::media::{insert, part, ramdisk};
use super::*;
use crate::tls::testing::names;
use crate::tls::{DevelopmentCa, MinVersion, server_config};

/// The sentence about the node.
fn sentence(site: &Site) -> String {
    site.fleet.explain(site.id).unwrap().sentence
}

/// Checks that the sentence has all parts, and that a new machine's does not.
fn says(site: &Site, parts: &[&str]) {
    let sentence = sentence(site);
    for part in parts {
        assert!(sentence.contains(part), "'{part}' is not in: {sentence}");
    }
}

fn params(api: &str) -> Params {
    Params {
        api_urls: [api.into()].into(),
        token: Some(TOKEN.into()),
        lookup_timeout_s: 600,
        ..Params::default()
    }
}

/// Boots the image from the first media slot, up to the end of the boot.
async fn boot_cd(site: &mut Site, image: String) {
    site.apply(insert(0, image));
    site.arm(BootTarget::Cd);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    while !site.look(|node| matches!(node.host(), Host::Running { .. })) {
        match site.effects.try_recv() {
            Ok((id, effect)) => site.runner.perform(id, effect).await,
            Err(_) => {
                site.fleet.clock().set(site.fleet.wake_due());
                site.fleet.wake_due();
            }
        }
    }
}

async fn look_up(site: &mut Site, count: usize) {
    for _ in 0..count {
        site.perform(ipa::Effect::LookUp).await;
    }
}

#[tokio::test]
async fn a_dead_image_server() {
    let dead = dead_server();
    let mut site = Site::new(Settings::default());
    boot_cd(&mut site, format!("{dead}/boot.iso?sig=secret")).await;
    says(&site, &["found nothing to boot", &dead, "connection refused", "start a server there", "restart"]);
    assert!(!sentence(&site).contains("secret"));
}

#[tokio::test]
async fn an_unreadable_image() {
    let server = Server::start(|request| part(request, &vec![7; 1 << 20])).await;
    let mut site = Site::new(Settings::default());
    boot_cd(&mut site, server.url("/boot.iso")).await;
    says(&site, &["found nothing to boot", "/boot.iso", "use an image that this firmware can boot"]);
    let missing = Server::start(|_| answer(404, "")).await;
    let mut site = Site::new(Settings::default());
    boot_cd(&mut site, missing.url("/boot.iso")).await;
    says(&site, &["found nothing to boot", "the server says 404", "correct the URL"]);
}

#[tokio::test]
async fn no_boot_source() {
    let mut site = Site::new(Settings::default());
    boot(&mut site).await;
    site.perform_boot().await;
    says(
        &site,
        &["found nothing to boot", "no network boot is configured", "--network-boot", "insert a medium"],
    );
}

#[tokio::test]
async fn a_certificate_of_another_ca() {
    let dir = tempfile::tempdir().unwrap();
    let now = std::time::UNIX_EPOCH + Duration::from_millis(crate::clock::unix_ms());
    let ca = DevelopmentCa::open(dir.path(), now).unwrap();
    let identity =
        ca.redfish_identity(&crate::tls::Subject::named("bmc"), &names(&["127.0.0.1"]), now).unwrap();
    let config = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
    let server = Server::with_tls(config, |request| ironic(&request.uri().to_string()).unwrap()).await;
    let mut site = Site::new(Settings::default());
    site.agent(params(&server.url("")));
    look_up(&mut site, 1).await;
    says(&site, &["to answer a lookup", "1 try failed", "certificate", "--ironic-ca", &server.url("")]);
}

#[tokio::test]
async fn no_ironic() {
    let dead = dead_server();
    let mut site = Site::new(Settings::default());
    site.agent(params(&dead));
    look_up(&mut site, 4).await;
    let waits = format!("waits for {dead} to answer a lookup, since ");
    says(
        &site,
        &[&waits, "; 4 tries failed: connection refused; the next one in ", " s; start a server there"],
    );
    // The circuit breaker opens after some more tries, and its probes fail.
    look_up(&mut site, 3).await;
    says(&site, &[&waits, "7 tries failed: connection refused"]);
}

#[tokio::test]
async fn an_open_circuit_is_named_beside_the_cause() {
    let dead = dead_server();
    let mut site = Site::new(Settings::default());
    site.agent(params(&dead));
    look_up(&mut site, 1).await;
    // Calls of other agents open the circuit at the moment of the next try.
    let (next, _) = site.next_of_agent();
    let now = site.fleet.clock().real_ms();
    while let Ok(permit) = site.runner.circuits.permit(&dead, now) {
        permit.record(crate::effect::circuit::CallResult::Failed { retry_after_ms: None }, now);
    }
    site.runner.perform(site.id, next).await;
    says(&site, &["2 tries failed: connection refused", "the circuit breaker of the server is open"]);
}

#[tokio::test]
async fn a_wrong_token() {
    // Ironic hides a token that it has given to an agent before.
    let hidden = |request: &http::Request<Bytes>| {
        let known = ironic(&request.uri().to_string()).unwrap();
        let body = String::from_utf8(known.body().to_vec()).unwrap();
        answer(known.status().as_u16(), body.replace(TOKEN, ipa::Ipa::HIDDEN_TOKEN))
    };
    let server = Server::start(hidden).await;
    let mut site = Site::new(Settings::default());
    site.agent(Params { token: None, ..params(&server.url("")) });
    look_up(&mut site, 1).await;
    says(&site, &["an agent that stopped", "the token", "boot its ramdisk again"]);
    // Ironic does not accept the token of the kernel command line.
    let server = Server::start(|request| match request.uri().path() {
        path if path.starts_with("/v1/heartbeat/") => {
            answer(401, r#"{"error_message": "Agent token is invalid"}"#)
        }
        _ => ironic(&request.uri().to_string()).unwrap(),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(params(&server.url("")));
    look_up(&mut site, 1).await;
    site.perform(ipa::Effect::Heartbeat).await;
    says(&site, &["to accept a heartbeat", "the answer is 401", "the same token", &server.url("")]);
    assert!(!sentence(&site).contains(TOKEN));
}

#[tokio::test]
async fn refused_egress() {
    let server = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let mut site = Site::new(restricted());
    site.agent(params(&server.url("")));
    look_up(&mut site, 2).await;
    says(
        &site,
        &[
            "to answer a lookup",
            "2 tries failed: 127.0.0.1 may not be called",
            "allow the address with --egress",
        ],
    );
    let mut site = Site::new(restricted());
    boot_cd(&mut site, server.url("/boot.iso")).await;
    says(&site, &["found nothing to boot", "may not be called", "allow the address with --egress"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn ironic_does_not_know_the_node() {
    let server = Server::start(|request| match request.uri().path() {
        "/v1/lookup" => answer(404, r#"{"error_message": "Node not found"}"#),
        _ => ironic(&request.uri().to_string()).unwrap(),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(params(&server.url("")));
    look_up(&mut site, 3).await;
    says(
        &site,
        &[
            "to answer a lookup",
            "3 tries failed: the answer is 404",
            "Node not found",
            "MAC addresses",
            "Ironic",
        ],
    );
}

#[tokio::test]
async fn a_bmc_that_restarts() {
    let site = Site::new(Settings::default());
    site.apply(Command::Bmc(crate::node::bmc::Command::Reset));
    says(&site, &["waits for its BMC to begin the restart"]);
    site.fleet.clock().set(site.fleet.wake_due());
    site.fleet.wake_due();
    says(&site, &["waits for its BMC, which restarts and answers no request, since ", "the BMC is back in "]);
}

#[tokio::test(start_paused = true)]
async fn media_on_a_slow_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = crate::limit::Limits { boot_read_time: Duration::from_secs(30), ..Default::default() };
    let mut site = Site::new(Settings { limits, ..Settings::default() });
    site.apply(insert(0, format!("{url}/boot.iso")));
    let _opening = site.next();
    site.arm(BootTarget::Cd);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    let reading = site.next();
    assert!(matches!(reading.kind, EffectKind::ReadBoot { .. }));
    let waits = format!("waits for {url}/boot.iso to be read, to boot from Cd, since ");
    says(&site, &[&waits, "a server that is too slow", "boot-read-time"]);
    // The server never answers: the limit ends the boot.
    site.runner.perform(site.id, reading).await;
    while !site.look(|node| matches!(node.host(), Host::Running { .. })) {
        let next = site.next();
        site.runner.perform(site.id, next).await;
    }
    says(&site, &["found nothing to boot", &url, "the server is too slow", "--limit boot-read-time"]);
}

#[tokio::test]
async fn the_calls_of_a_life_are_in_the_journal_without_secrets() {
    let image = ramdisk("ipa-api-url=http://x");
    let server = Server::start(move |request| match request.uri().path() {
        "/boot.iso" => part(request, &image),
        "/gone.img" => answer(500, "no such disk"),
        path => ironic(&request.uri().to_string()).unwrap_or_else(|| answer(404, path.to_owned())),
    })
    .await;
    let url = server.url("");
    let mut site = Site::new(Settings::default());
    site.apply(insert(0, format!("{url}/boot.iso?sig=secret")));
    let opening = site.next();
    site.runner.perform(site.id, opening).await;
    let gone = format!("{url}/gone.img?sig=secret");
    let before = site.fleet.journal().since(site.id, 0).revision;
    let job = ImageJob { checksum: super::images::checksum("0".repeat(64)), ..image_job(&[&gone]) };
    site.writing(job).await;
    site.perform(ipa::Effect::WriteImage).await;
    let text = |entries: Vec<crate::journal::Entry>| {
        let lines = entries.iter().map(|entry| entry.what.to_string());
        lines.collect::<Vec<_>>()
    };
    let opened = text(site.fleet.journal().entries(site.id)).remove(0);
    assert_eq!(opened, format!("media {url}/boot.iso?... → ok"));
    let since = text(site.fleet.journal().since(site.id, before).entries);
    let image: Vec<_> = since.iter().filter(|line| line.starts_with("image ")).collect();
    assert_eq!(image.len(), 2, "a retry and the end: {since:?}");
    assert!(image[0].starts_with(&format!("image {url}/gone.img?... → failed: ")), "{image:?}");
    assert!(!since.iter().any(|line| line.contains("secret") || line.contains(TOKEN)), "{since:?}");
    let mut site = Site::new(Settings::default());
    site.agent(params(&url));
    look_up(&mut site, 1).await;
    for _ in 0..3 {
        site.perform(ipa::Effect::Heartbeat).await;
    }
    let lines = text(site.fleet.journal().entries(site.id));
    let calls: Vec<_> = lines.iter().filter(|line| line.contains(&url)).collect();
    let heartbeat = format!("heartbeat {url}/v1/heartbeat/{} → 202", Uuid::from_u128(7));
    assert_eq!(calls.len(), 3, "lookup, the first heartbeat, and two folded: {lines:?}");
    assert!(calls[0].starts_with(&format!("lookup {url}/v1/lookup?... → 200")), "{calls:?}");
    assert_eq!([&**calls[1], &**calls[2]], [&*heartbeat, &*heartbeat]);
    let last = site.fleet.journal().entries(site.id).pop().unwrap();
    assert_eq!(last.count, 2);
}
