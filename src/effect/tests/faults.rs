//! Faults of the agent as a small Ironic and a small image server see them.

use serde_json::Value;

use super::images::checksum;
use super::*;
use crate::fault::Rule;
use crate::node::ipa::IpaError;
use crate::tls::testing::names;
use crate::tls::{DevelopmentCa, MinVersion, server_config};

const HOUR: u64 = 3_600_000;

impl Site {
    fn break_it(&self, when: Value, what: Value) {
        let rule = json!({"name": "r", "who": {"names": ["generic-0"]}, "when": when, "what": what});
        let rule: Rule = serde_json::from_value(rule).unwrap();
        self.fleet.add_rule(rule, true, false).unwrap();
    }

    fn clear(&self) {
        self.fleet.clear_rule("r").unwrap();
    }

    /// Lets the time pass, and performs all effects that are due in it.
    async fn pass(&mut self, ms: u64) {
        let end = self.fleet.clock().now().after_ms(ms);
        loop {
            while let Ok((id, effect)) = self.effects.try_recv() {
                self.runner.perform(id, effect).await;
            }
            let next = self.fleet.wake_due();
            if next > end {
                break;
            }
            self.fleet.clock().set(next);
            self.fleet.wake_due();
        }
        self.fleet.clock().set(end);
        self.fleet.wake_due();
        assert!(self.effects.try_recv().is_err());
    }
}

/// An Ironic, an agent that calls it, and a rule that the node has from the beginning.
async fn boot(when: Value, what: Value) -> (Server, Site) {
    let server = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let mut site = Site::new(Settings { agent_ca_pem: Some("PEM".into()), ..Settings::default() });
    site.break_it(when, what);
    let api = server.url("");
    site.agent(Params {
        api_urls: [api.as_str().into()].into(),
        inspection_urls: [format!("{api}/v1/continue_inspection").into()].into(),
        token: Some("shared-before-the-boot".into()),
        lookup_timeout_s: 600,
        ..Params::default()
    });
    (server, site)
}

/// The bodies of all heartbeats so far.
fn heartbeats(server: &Server) -> Vec<Value> {
    let is_beat = |(line, _): &(String, Bytes)| line.starts_with("POST /v1/heartbeat/");
    let requests = server.requests().into_iter().zip(server.bodies());
    requests.filter(is_beat).map(|(_, body)| serde_json::from_slice(&body).unwrap()).collect()
}

#[tokio::test]
async fn an_agent_that_never_calls_sends_nothing_until_the_rule_is_cleared() {
    let (server, mut site) = boot(json!({}), json!("agent-never-calls")).await;
    site.pass(10 * HOUR).await;
    assert_eq!(server.requests(), <[String; 0]>::default());
    site.clear();
    site.pass(1).await;
    assert_eq!(heartbeats(&server).len(), 1);
    assert_eq!(server.requests()[0], "POST /v1/continue_inspection");
}

#[tokio::test]
async fn lost_heartbeats_do_not_arrive() {
    let (server, mut site) = boot(json!({}), json!("heartbeats-lost")).await;
    site.pass(HOUR).await;
    let requests = server.requests();
    assert!(requests.iter().any(|line| line.starts_with("GET /v1/lookup")), "{requests:?}");
    assert_eq!(heartbeats(&server), <[Value; 0]>::default());
    site.clear();
    site.pass(180_000).await;
    assert!(!heartbeats(&server).is_empty());
}

#[tokio::test]
async fn a_doubled_heartbeat_arrives_twice() {
    let (server, mut site) = boot(json!({"first": 1}), json!("heartbeats-doubled")).await;
    site.pass(60_000).await;
    let sent = heartbeats(&server);
    assert!(sent.len() == 2 && sent[0] == sent[1], "{sent:?}");
    site.perform(ipa::Effect::Heartbeat).await;
    assert_eq!(heartbeats(&server).len(), 3);
}

#[tokio::test]
async fn a_late_heartbeat_arrives_late() {
    let (server, mut site) = boot(json!({}), json!({"heartbeats-late": {"by": "20m"}})).await;
    site.pass(HOUR / 4).await;
    assert_eq!(heartbeats(&server).len(), 0);
    site.pass(HOUR / 4).await;
    assert_eq!(heartbeats(&server).len(), 1);
}

#[tokio::test]
async fn heartbeats_have_no_token_or_a_wrong_one() {
    for (what, token) in
        [(json!("token-lost"), Value::Null), (json!({"token-wrong": {"token": "x"}}), json!("x"))]
    {
        let (server, mut site) = boot(json!({}), what).await;
        site.pass(60_000).await;
        assert_eq!(heartbeats(&server)[0]["agent_token"], token);
        site.clear();
        site.pass(180_000).await;
        assert_eq!(heartbeats(&server).last().unwrap()["agent_token"], TOKEN);
    }
}

#[tokio::test]
async fn another_certificate_does_not_verify_the_listener() {
    let (server, mut site) = boot(json!({}), json!("agent-certificate-mismatch")).await;
    site.pass(60_000).await;
    let reported = heartbeats(&server)[0]["agent_verify_ca"].as_str().unwrap().to_owned();
    site.clear();
    site.pass(180_000).await;
    assert_eq!(heartbeats(&server).last().unwrap()["agent_verify_ca"], "PEM");
    // A client that trusts the reported certificate, as Ironic does, cannot verify a listener with another one.
    let dir = tempfile::tempdir().unwrap();
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_millis(crate::clock::unix_ms());
    let ca = DevelopmentCa::open(dir.path(), now).unwrap();
    let subject = crate::tls::Subject::named("agent");
    let identity = ca.redfish_identity(&subject, &names(&["127.0.0.1"]), now).unwrap();
    let config = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
    let listener = Server::with_tls(config, |request| ironic(&request.uri().to_string()).unwrap()).await;
    for (trusted, good) in [(reported, false), (ca.certificate_pem().to_owned(), true)] {
        let ca = Some(trusted.into_bytes());
        let mut site = Site::new(Settings { ca, ..Settings::default() });
        let api_urls = [listener.url("").into()].into();
        site.agent(Params { api_urls, lookup_timeout_s: 600, ..Params::default() });
        site.perform(ipa::Effect::LookUp).await;
        assert_eq!(site.look(|node| node.ipa().unwrap().serves()), good);
    }
}

/// The result of a command that writes an image of 1000 bytes under a rule, and the number of requests for the image.
async fn write(images: Images, when: Value, what: Value) -> (Result<(), IpaError>, usize) {
    let bytes = vec![7; 1000];
    let sum: String = {
        use sha2::{Digest as _, Sha256};
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let server = Server::start(move |_| answer(200, bytes.clone())).await;
    let mut site = Site::new(Settings { images, image_retry_ms: 0, ..Settings::default() });
    site.break_it(when, what);
    site.writing(ImageJob { checksum: checksum(sum), ..image_job(&[&server.url("/disk.raw")]) }).await;
    site.perform(ipa::Effect::WriteImage).await;
    let result = match site.ended() {
        CommandEnd::Failed(error) => Err(*error),
        CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. } => Ok(()),
        CommandEnd::VersionMismatch(error) => panic!("{error:?}"),
    };
    assert_eq!(site.look(Node::installed), result.is_ok());
    (result, server.requests().len())
}

#[tokio::test]
async fn a_checksum_mismatch_fails_after_all_attempts() {
    for (images, requests) in [(Images::Verify, 2), (Images::Probe, 2), (Images::Skip, 0)] {
        let (result, seen) = write(images, json!({}), json!("checksum-mismatch")).await;
        let error = result.unwrap_err();
        assert_eq!((&*error.kind, error.code, seen), ("ImageChecksumError", 500, requests));
        let words: Vec<_> = error.details.split("checksum: ").collect();
        let (expected, found) = (words[1].split(';').next().unwrap(), words[2]);
        assert!(expected != found && expected.len() == found.len(), "{}", error.details);
        let (result, _) = write(images, json!({"first": 1}), json!("checksum-mismatch")).await;
        assert_eq!(result, Ok(()), "the second attempt is right");
    }
}

#[tokio::test]
async fn a_cut_download_is_repeated_and_then_fails() {
    for (images, requests, read) in [
        (Images::Verify, 2, "IncompleteRead(250 bytes read, 750 more expected)"),
        (Images::Probe, 2, "IncompleteRead(250 bytes read, 750 more expected)"),
        (Images::Skip, 0, "IncompleteRead(0 bytes read)"),
    ] {
        let what = json!({"cut-download": {"percent": 25}});
        let (result, seen) = write(images, json!({}), what.clone()).await;
        let error = result.unwrap_err();
        assert_eq!((&*error.kind, seen), ("ImageDownloadError", requests));
        let details = format!(
            "Download of image disk failed: Unable to write image to device /dev/sda. Error: ('Connection broken: {read}', {read})"
        );
        assert_eq!(&*error.details, details);
        let (result, seen) = write(images, json!({"first": 1}), what).await;
        assert_eq!((result, seen), (Ok(()), requests));
    }
}

#[tokio::test]
async fn a_disk_that_is_gone_while_its_image_is_written_is_an_error_of_ipa() {
    let what = json!({"other-hardware": {"missingDisk": "/dev/sda"}});
    let (result, seen) = write(Images::Verify, json!({}), what).await;
    assert_eq!((&*result.unwrap_err().kind, seen), ("DeviceNotFound", 0));
}
