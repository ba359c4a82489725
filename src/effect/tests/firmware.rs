//! Images of firmware updates, and licenses.

use super::*;
use crate::node::bmc::firmware::{self, Progress};
use crate::node::bmc::licenses::{self, Found, Licenses, digest};
use crate::node::bmc::source::Source;
use crate::node::bmc::tasks::End;

async fn progress_after(settings: Settings, image: &str) -> Option<Progress> {
    let mut site = Site::new(settings);
    let credentials = Some(Box::new(("user".into(), "secret".into())));
    let source = Source { uri: image.into(), credentials };
    site.apply(Command::Firmware(firmware::Command {
        components: [0].into(),
        source,
        immediate: false,
        start: Box::default(),
    }));
    let effect = site.next();
    assert_eq!(effect.kind, EffectKind::FetchFirmware { component: 0, update: 1 });
    site.runner.perform(site.id, effect).await;
    site.look(|node| node.bmc().firmware.update(0).map(|update| update.progress.clone()))
}

#[tokio::test]
async fn the_whole_image_of_an_update_is_fetched_with_its_credentials() {
    let server = Server::start(|request| match request.uri().path() {
        "/good" => answer(200, "firmware"),
        "/empty" => answer(200, ""),
        _ => answer(404, ""),
    })
    .await;
    let progress = progress_after(Settings::default(), &server.url("/good")).await;
    assert_eq!(progress, Some(Progress::Staged));
    let login = server.last().headers()["authorization"].clone();
    assert_eq!(login, "Basic dXNlcjpzZWNyZXQ=");
    for (path, why) in [("/empty", "the file is empty"), ("/gone", "the server says 404 Not Found")] {
        let progress = progress_after(Settings::default(), &server.url(path)).await;
        let Some(Progress::Failed { why: reason, .. }) = &progress else { panic!("{progress:?}") };
        assert!(reason.ends_with(why), "{reason}");
    }
}

#[tokio::test]
async fn an_image_that_is_too_long_or_forbidden_is_not_fetched() {
    let server = Server::start(|_| answer(200, "firmware")).await;
    let site = Site::new(Settings::default());
    let source = Source { uri: server.url("/long").into(), credentials: None };
    assert!(site.runner.fetch(&source, 8, |_| {}).await.is_ok());
    let error = site.runner.fetch(&source, 7, |_| {}).await.unwrap_err().to_string();
    assert!(error.ends_with("the file is longer than 7 bytes"), "{error}");
    let elsewhere = Settings { egress: vec![Network::parse("192.0.2.0/24").unwrap()], ..Settings::default() };
    let progress = progress_after(elsewhere, &server.url("/long")).await;
    assert!(matches!(progress, Some(Progress::Failed { .. })), "{progress:?}");
    assert_eq!(server.requests().len(), 2, "nothing was sent to a forbidden address");
}

/// Fetches a license, and returns how its task ends, and its digest.
async fn license_from(site: &mut Site, uri: &str) -> (Option<End>, Option<Box<str>>) {
    let credentials = Some(Box::new(("user".into(), "secret".into())));
    let source = Source { uri: uri.into(), credentials };
    site.apply(Command::License(licenses::Command::Fetch { source, start: Box::default() }));
    let effect = site.next();
    let EffectKind::FetchLicense { task } = effect.kind else { panic!("{effect:?}") };
    site.runner.perform(site.id, effect).await;
    site.look(|node| {
        let licenses = &node.bmc().licenses;
        let found = licenses.get(&format!("Installed{task}"), node.profile());
        let digest = found.and_then(|found| match found {
            Found::Installed(license) => Some(license.digest.clone()),
            Found::OfModel(_) => None,
        });
        (node.bmc().tasks.get(task).unwrap().ended.clone().map(|ended| ended.how), digest)
    })
}

#[tokio::test]
async fn a_license_is_fetched_with_its_credentials_and_only_its_digest_is_kept() {
    let longest = "x".repeat(Licenses::MAX_TEXT);
    let too_long = format!("{longest}x");
    let server = Server::start(move |request| match request.uri().path() {
        "/good" => answer(200, "license"),
        "/longest" => answer(200, longest.clone()),
        "/long" => answer(200, too_long.clone()),
        "/empty" => answer(200, ""),
        _ => answer(404, ""),
    })
    .await;
    let mut site = Site::new(Settings::default());
    let (end, kept) = license_from(&mut site, &server.url("/good")).await;
    assert_eq!((end, kept), (Some(End::Completed), Some(digest(b"license"))));
    assert_eq!(server.last().headers()["authorization"], "Basic dXNlcjpzZWNyZXQ=");
    let (end, kept) = license_from(&mut site, &server.url("/longest")).await;
    assert_eq!((end, kept), (Some(End::Completed), Some(digest(&[b'x'; Licenses::MAX_TEXT]))));
    for (path, why) in [
        ("/empty", "the file is empty"),
        ("/long", "the file is longer than 4096 bytes"),
        ("/gone", "the server says 404 Not Found"),
    ] {
        let (end, kept) = license_from(&mut site, &server.url(path)).await;
        let Some(End::Failed(reason)) = &end else { panic!("{end:?}") };
        assert!(reason.ends_with(why) && !reason.contains("secret") && kept.is_none(), "{reason}");
    }
}
