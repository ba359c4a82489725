//! Images of firmware updates.

use super::*;
use crate::node::bmc::firmware::{self, Progress, Source};

async fn progress_after(settings: Settings, image: &str) -> Option<Progress> {
    let mut site = Site::new(settings);
    let credentials = Some(Box::new(("user".into(), "secret".into())));
    let source = Source { image: image.into(), credentials };
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
    for (path, why) in [("/empty", "the image is empty"), ("/gone", "the server says 404 Not Found")] {
        let progress = progress_after(Settings::default(), &server.url(path)).await;
        let Some(Progress::Failed { why: reason, .. }) = &progress else { panic!("{progress:?}") };
        assert!(reason.ends_with(why), "{reason}");
    }
}

#[tokio::test]
async fn an_image_that_is_too_long_or_forbidden_is_not_fetched() {
    let server = Server::start(|_| answer(200, "firmware")).await;
    let site = Site::new(Settings::default());
    let source = Source { image: server.url("/long").into(), credentials: None };
    assert!(site.runner.fetch(&source, 8).await.is_ok());
    let error = site.runner.fetch(&source, 7).await.unwrap_err().to_string();
    assert!(error.ends_with("the image is longer than 7 bytes"), "{error}");
    let elsewhere = Settings { egress: vec![Network::parse("192.0.2.0/24").unwrap()], ..Settings::default() };
    let progress = progress_after(elsewhere, &server.url("/long")).await;
    assert!(matches!(progress, Some(Progress::Failed { .. })), "{progress:?}");
    assert_eq!(server.requests().len(), 2, "nothing was sent to a forbidden address");
}
