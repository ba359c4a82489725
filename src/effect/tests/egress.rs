//! Egress rules for addresses, names, redirects and proxies.

use super::media::insert;
use super::*;
use crate::node::ipa::Checksum;

/// Only the network for documentation, in which no server is.
pub(super) fn restricted() -> Settings {
    Settings { egress: vec![Network::parse("192.0.2.0/24").unwrap()], ..Settings::default() }
}

/// The result of opening an image of virtual media.
async fn open(settings: Settings, image: &str) -> (Result<(), String>, Site) {
    let site = Site::new(settings);
    site.apply(insert(0, image.to_owned()));
    let done = site.runner.open_media(site.id, 0, 1).await.unwrap();
    let Answer::MediaOpened { result, .. } = done.answer else { panic!("another answer") };
    (result.map_err(|note| note.to_string()), site)
}

fn refused(site: &Site) -> u64 {
    site.runner.clients.egress.refused.get()
}

#[tokio::test]
async fn no_spelling_of_an_address_and_no_name_bypasses_the_rules() {
    let server = Server::start(|_| answer(200, "image")).await;
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "localhost"] {
        let (result, site) = open(restricted(), &format!("http://{host}:{port}/x.iso")).await;
        let why = result.unwrap_err();
        assert!(why.contains("may not be called (--egress)"), "{host}: {why}");
        assert_eq!(refused(&site), 1, "{host}");
    }
    assert!(server.requests().is_empty(), "no request was sent");
    // Without the rules, the same URLs reach this server.
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(
            open(Settings::default(), &format!("http://{host}:{port}/x.iso")).await.0,
            Ok(()),
            "{host}"
        );
    }
}

#[tokio::test]
async fn the_target_of_a_redirect_is_checked() {
    for to in ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[::ffff:a9fe:a9fe]/"] {
        let server = Server::start(move |_| {
            let mut response = answer(302, "");
            response.headers_mut().insert("location", to.parse().unwrap());
            response
        })
        .await;
        let (result, site) = open(Settings::default(), &server.url("/x.iso")).await;
        let why = result.unwrap_err();
        assert!(why.contains("may not be called (--egress)"), "{to}: {why}");
        assert_eq!((server.requests().len(), refused(&site)), (1, 1));
    }
}

#[tokio::test]
async fn the_address_of_a_proxy_is_checked() {
    let proxy = Server::start(|_| answer(200, "image")).await;
    for (settings, reached) in [(restricted(), 0), (Settings::default(), 1)] {
        let mut site = Site::new(Settings { images: Images::Probe, ..settings });
        let mut job = image_job(&["http://192.0.2.1/disk.raw"]);
        job.checksum = Some(Checksum { algorithm: None, value: "0".repeat(64).into() });
        job.proxies = [("http".into(), proxy.url("").into())].into();
        site.writing(job).await;
        site.perform(ipa::Effect::WriteImage).await;
        assert_eq!(proxy.requests().len(), reached);
        if let CommandEnd::Failed(error) = site.ended() {
            assert!(error.details.contains("may not be called (--egress)"), "{error:?}");
            assert_eq!(reached, 0);
        }
    }
}

#[tokio::test]
async fn the_urls_of_checksum_files_and_config_drives_are_checked() {
    let server = Server::start(|_| answer(200, "image")).await;
    let metadata = "http://169.254.169.254/latest";
    let sha256 = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";
    for what in ["checksum", "configdrive"] {
        let mut site = Site::new(Settings { image_retries: 0, ..Settings::default() });
        let mut job = image_job(&[&server.url("/disk.raw")]);
        let value = if what == "checksum" { metadata } else { sha256 };
        job.checksum = Some(Checksum { algorithm: None, value: value.into() });
        job.configdrive_url = (what == "configdrive").then(|| metadata.into());
        site.writing(job).await;
        site.perform(ipa::Effect::WriteImage).await;
        let CommandEnd::Failed(error) = site.ended() else { panic!("{what}") };
        assert!(error.details.contains("169.254.169.254 may not be called (--egress)"), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn urls_in_the_settings_are_checked() {
    let (fleet, _effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(0)));
    let fleet = Arc::new(fleet);
    for (ironic, boot) in
        [(vec!["http://10.0.0.1:6385".to_owned()], None), (vec![], Some("http://10.0.0.1/".into()))]
    {
        let error =
            EffectRunner::new(Arc::clone(&fleet), Settings { ironic, network_boot: boot, ..restricted() })
                .err();
        assert_eq!(error.unwrap().to_string(), "10.0.0.1 may not be called (--egress)");
    }
}

#[tokio::test]
async fn a_refused_call_does_not_open_the_circuit() {
    let server = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let mut site = Site::new(restricted());
    let api = server.url("").replace("127.0.0.1", "localhost");
    site.agent(Params {
        api_urls: [api.into()].into(),
        token: Some(TOKEN.into()),
        lookup_timeout_s: 600,
        ..Params::default()
    });
    for _ in 0..10 {
        site.perform(ipa::Effect::LookUp).await;
    }
    assert!(server.requests().is_empty());
    assert_eq!(refused(&site), 10, "every call was refused by the rules, none by the circuit breaker");
}
