//! Calls to Ironic: requests, endpoints, certificates, and the whole loop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use serde_json::Value;
use url::Url;

use super::*;
use crate::effect::system::Clues;
use crate::fleet::persist::Next;
use crate::node::ipa::{Closed, Phase};
use crate::tls::testing::names;
use crate::tls::{DevelopmentCa, MinVersion, server_config};

fn path(request: &Request<Bytes>) -> String {
    request.uri().to_string()
}

fn params(api: &str) -> Params {
    Params {
        api_urls: [api.into()].into(),
        inspection_urls: [format!("{api}/v1/continue_inspection").into()].into(),
        token: Some(TOKEN.into()),
        lookup_timeout_s: 600,
        ..Params::default()
    }
}

#[tokio::test]
async fn an_agent_sends_inspection_data_a_lookup_and_heartbeats() {
    let server = Server::start(|request| ironic(&path(request)).unwrap_or_else(|| answer(404, "{}"))).await;
    let mut site = Site::new(Settings { agent_ca_pem: Some("PEM".into()), ..Settings::default() });
    site.agent(params(&server.url("")));
    site.perform(ipa::Effect::Inspect).await;
    let sent: Value = serde_json::from_slice(server.last().body()).unwrap();
    assert_eq!(sent["inventory"]["memory"]["physical_mb"], 131_072);
    site.perform(ipa::Effect::LookUp).await;
    site.perform(ipa::Effect::Heartbeat).await;
    let beat = server.last();
    assert_eq!(beat.headers()["x-openstack-ironic-api-version"], "1.68");
    let body: Value = serde_json::from_slice(beat.body()).unwrap();
    let uuid = site.look(|n| n.spec().uuid());
    let expected = json!({
        "callback_url": format!("https://127.0.0.1:9999/{uuid}"), "agent_token": TOKEN, "agent_version": "13.0.0",
        "agent_verify_ca": "PEM",
    });
    assert_eq!(body, expected);
    site.perform(ipa::Effect::Heartbeat).await;
    let heartbeat = format!("POST /v1/heartbeat/{}", Uuid::from_u128(7));
    let requests = server.requests();
    assert_eq!(requests[0], "POST /v1/continue_inspection");
    assert_eq!(requests[1], "GET /", "the version is cached");
    assert!(requests[2].contains("node_uuid=00000000-0000-0000-0000-000000000007"), "{}", requests[2]);
    assert_eq!(requests[3..], [heartbeat.clone(), heartbeat]);
}

#[tokio::test]
async fn inspection_data_that_comes_too_early_is_sent_again() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |request| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => answer(404, "not in inspect wait"),
        1 => answer(409, "locked"),
        _ => ironic(&path(request)).unwrap(),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(params(&server.url("")));
    for _ in 0..3 {
        site.perform(ipa::Effect::Inspect).await;
    }
    assert_eq!(site.next_of_agent().1, ipa::Effect::LookUp);
}

#[tokio::test]
async fn the_next_endpoint_is_used_if_one_is_dead() {
    let server = Server::start(|request| ironic(&path(request)).unwrap()).await;
    let urls = [dead_server(), server.url("")];
    let endpoints = urls.each_ref().map(|u| Url::parse(u).unwrap());
    let line = |first: &Url| {
        format!("ipa-api-url={first} ipa-agent-token={TOKEN} ipa-inspection-collectors=default")
    };
    // The last one is an operator's image, recognised by its label alone.
    for (line, label) in [(line(&endpoints[0]), ""), (line(&endpoints[1]), ""), (String::new(), "ipa")] {
        let mut site = Site::new(Settings { ironic: urls.to_vec(), ..Settings::default() });
        let line = crate::media::CommandLine::new(&line);
        let clues = Clues { line, label, ..Clues::default() };
        let Bootable::Ipa(params) = clues.system(&endpoints, &site.runner.settings).bootable else {
            panic!("an agent boots")
        };
        site.agent(*params);
        site.perform(ipa::Effect::Inspect).await;
        loop {
            let effect = site.next();
            site.runner.perform(site.id, effect).await;
            if site.look(|n| n.ipa().unwrap().serves()) {
                break;
            }
        }
        site.perform(ipa::Effect::Heartbeat).await;
    }
    assert!(server.requests().iter().filter(|a| a.contains("continue_inspection")).count() == 3);
}

#[tokio::test]
async fn a_heartbeat_is_repeated_after_an_error_response_and_after_no_response() {
    let server = Server::start(|request| match request.uri().path() {
        "/" | "/v1/lookup" => ironic(&path(request)).unwrap(),
        _ => answer(503, "busy"),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(Params { inspection_urls: [].into(), ..params(&server.url("")) });
    site.perform(ipa::Effect::LookUp).await;
    site.perform(ipa::Effect::Heartbeat).await;
    let failed = site.look(|n| n.ipa().unwrap().serving().unwrap().failed);
    assert_eq!(failed, 1);
    drop(server);
    site.perform(ipa::Effect::Heartbeat).await;
    assert_eq!(site.next_of_agent().1, ipa::Effect::Heartbeat);
}

#[tokio::test]
async fn an_error_of_ironic_cannot_forge_a_line_of_the_log_or_show_the_token() {
    let body =
        format!("no\nWARN forged \u{1b}[31m {TOKEN} \"password\": \"hunter2\" {}", "x".repeat(100_000));
    for failing in ["/v1/continue_inspection", "/v1/lookup", "/v1/heartbeat"] {
        let body = body.clone();
        let server = Server::start(move |request| match request.uri().path() {
            path if path.starts_with(failing) => answer(400, body.clone()),
            _ => ironic(&path(request)).unwrap(),
        })
        .await;
        let mut site = Site::new(Settings::default());
        let (log, _guard) = Log::start(Level::DEBUG);
        site.agent(params(&server.url("")));
        for _ in 0..3 {
            let (effect, _) = site.next_of_agent();
            site.runner.perform(site.id, effect).await;
        }
        let lines = log.lines();
        let line = lines.iter().find(|line| line.contains("fauxmetal::effect: ")).unwrap();
        let shown = r#"400 Bad Request no\nWARN forged \u{1b}[31m *** "password": "***" xxx"#;
        assert!(line.contains(shown) && line.len() < 600, "{line}");
        assert!(
            !lines.iter().any(|line| line.starts_with("WARN forged") || line.contains(TOKEN)),
            "{lines:?}"
        );
    }
}

#[tokio::test]
async fn an_overloaded_api_does_not_count_as_the_oldest_version() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |request| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => answer(503, "busy"),
        _ => ironic(&path(request)).unwrap(),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(Params { inspection_urls: [].into(), ..params(&server.url("")) });
    site.perform(ipa::Effect::LookUp).await;
    assert_eq!(server.requests(), ["GET /"]);
    site.perform(ipa::Effect::LookUp).await;
    assert_eq!(server.last().headers()["x-openstack-ironic-api-version"], "1.62");
}

#[tokio::test]
async fn the_agent_of_an_unknown_node_gives_up_after_the_lookup_timeout() {
    let server = Server::start(|request| match request.uri().path() {
        "/" => answer(200, "<html>"),
        _ => answer(404, "{}"),
    })
    .await;
    let mut site = Site::new(Settings::default());
    site.agent(Params { inspection_urls: [].into(), lookup_timeout_s: 3, ..params(&server.url("")) });
    site.perform(ipa::Effect::LookUp).await;
    assert_eq!(
        server.last().headers()["x-openstack-ironic-api-version"],
        "1.31",
        "a root without a version counts as the oldest"
    );
    while site.look(|n| !matches!(n.ipa().unwrap().phase, Phase::Closed(_))) {
        if let Ok((id, effect)) = site.effects.try_recv() {
            site.runner.perform(id, effect).await;
        }
        site.fleet.clock().set(site.fleet.wake_due());
        site.fleet.wake_due();
    }
    assert_eq!(site.look(|n| n.ipa().unwrap().phase.clone()), Phase::Closed(Closed::GaveUp));
}

#[tokio::test]
async fn certificates_are_checked_unless_settings_or_ramdisk_say_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    // TLS clients check certificates against the real date.
    let now = std::time::UNIX_EPOCH + Duration::from_millis(crate::clock::unix_ms());
    let ca = DevelopmentCa::open(dir.path(), now).unwrap();
    let identity =
        ca.redfish_identity(&crate::tls::Subject::named("bmc"), &names(&["127.0.0.1"]), now).unwrap();
    let config = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
    let server = Server::with_tls(config, |request| ironic(&path(request)).unwrap()).await;
    let trusted = Some(ca.certificate_pem().as_bytes().to_vec());
    for (ca, insecure, lax_ramdisk, good) in [
        (None, false, false, false),
        (trusted.clone(), false, false, true),
        (None, true, false, true),
        (None, false, true, true),
    ] {
        let mut site = Site::new(Settings { ca, insecure, ..Settings::default() });
        let params = params(&server.url(""));
        site.agent(Params { inspection_urls: [].into(), insecure: lax_ramdisk, ..params });
        site.perform(ipa::Effect::LookUp).await;
        assert_eq!(site.look(|n| n.ipa().unwrap().serves()), good);
    }
}

#[tokio::test]
async fn the_loop_serves_a_whole_fleet_within_the_limit_per_server() {
    let now = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let seen = Arc::clone(&now);
    let server = Server::start(move |request| {
        seen.1.fetch_max(seen.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        seen.0.fetch_sub(1, Ordering::SeqCst);
        if request.uri().path().ends_with(".conf") {
            return answer(404, "");
        }
        let host = request.headers()["host"].to_str().unwrap();
        let script = format!(
            "#!ipxe\nkernel http://{host}/k ipa-api-url=http://{host} ipa-agent-token={TOKEN}\nboot\n"
        );
        ironic(&request.uri().to_string()).unwrap_or_else(|| answer(200, script))
    })
    .await;
    let (fleet, effects) = Fleet::new(Seed(5), Clock::wall(100.0));
    fleet.add(&built_in("generic").unwrap(), 100).unwrap();
    let fleet = Arc::new(fleet);
    let network_boot = Some(server.url(""));
    let runner = EffectRunner::new(Arc::clone(&fleet), Settings { network_boot, ..settings() }).unwrap();
    let runner = Arc::new(runner);
    let all_serve = async {
        for id in fleet.ids() {
            fleet.apply(id, Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
        }
        for id in fleet.ids() {
            let changed = fleet.changed(id);
            loop {
                let mut next = std::pin::pin!(changed.next());
                next.as_mut().enable();
                if fleet.look(id, |n, _| n.ipa().is_some_and(crate::node::ipa::Ipa::serves)).unwrap() {
                    break;
                }
                next.await;
            }
        }
    };
    tokio::select! {
        () = all_serve => {}
        () = runner.run(effects) => panic!("the loop ended"),
        () = fleet.keep_time() => panic!("keep_time ended"),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("not all agents came up"),
    }
    assert!(now.1.load(Ordering::SeqCst) <= crate::limit::Limits::DEFAULT.calls_per_server);
}

#[tokio::test(start_paused = true)]
async fn no_call_is_made_before_the_state_is_durable() {
    let mut site = Site::new(Settings::default());
    let ledger = site.fleet.persist();
    site.agent(Params {
        api_urls: [dead_server().into()].into(),
        lookup_timeout_s: 600,
        ..Params::default()
    });
    let (effect, of_agent) = site.next_of_agent();
    assert_eq!(of_agent, ipa::Effect::LookUp);
    let failed =
        || site.look(|n| matches!(&n.ipa().unwrap().phase, Phase::LookingUp(look_up) if look_up.failed > 0));
    let performed = site.runner.perform(site.id, effect);
    tokio::select! {
        () = performed => panic!("a call was made"),
        () = tokio::time::sleep(Duration::from_secs(60)) => {}
    }
    assert!(!failed());
    while let Next::Write(batch) = ledger.take(Some(Duration::ZERO)) {
        ledger.persisted(batch.number);
    }
    site.runner.perform(site.id, effect).await;
    assert!(failed(), "the call was made, and failed because no server runs");
}

#[tokio::test]
async fn an_agent_without_a_cable_calls_nothing_until_it_has_one() {
    let server = Server::start(|request| ironic(&path(request)).unwrap()).await;
    let mut site = Site::new(Settings::default());
    site.agent(params(&server.url("")));
    let both = |site: &Site, command: fn(Plug) -> lab::Command| {
        (0..2).for_each(|nic| site.apply(Command::Lab(command(Plug::Cable(nic)))));
    };
    for effect in [ipa::Effect::Inspect, ipa::Effect::LookUp, ipa::Effect::Heartbeat] {
        let sent = server.requests().len();
        both(&site, lab::Command::Unplug);
        site.perform(effect).await;
        assert_eq!(server.requests().len(), sent, "{effect:?}");
        both(&site, lab::Command::Plug);
        site.perform(effect).await;
        assert!(server.requests().len() > sent, "{effect:?} is repeated");
    }
}
