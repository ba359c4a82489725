//! Servers that answer slowly, without an end, or with content that takes much work to read.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::boot::{boot, boot_failure};
use super::images::checksum;
use super::media::insert;
use super::*;
use crate::effect::readers::Readers;
use crate::limit::Limits;
use crate::node::bmc::media::{self, Opened};

/// Accepts connections on loopback and hands them to the test. Returns the URL.
async fn listen() -> (String, mpsc::UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (accepted, streams) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await
            && accepted.send(stream).is_ok()
        {}
    });
    (url, streams)
}

/// Reads the head of a request.
async fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Responds with a body without an end: `part` once a second. Returns the number of responses.
fn endless(
    mut streams: mpsc::UnboundedReceiver<TcpStream>,
    part: usize,
) -> Arc<std::sync::atomic::AtomicUsize> {
    let responses = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&responses);
    tokio::spawn(async move {
        while let Some(mut stream) = streams.recv().await {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::spawn(async move {
                request(&mut stream).await;
                let mut text = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
                while stream.write_all(&text).await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    text = vec![7; part];
                }
            });
        }
    });
    responses
}

/// Whether the other side closes the connection.
async fn is_closed(mut stream: TcpStream) -> bool {
    stream.read(&mut [0; 100]).await.is_ok_and(|bytes| bytes == 0)
}

fn power_off(site: &Site) {
    site.apply(Command::Host(host::Command::Reset(ResetType::ForceOff)));
}

#[tokio::test]
async fn a_configuration_that_takes_much_work_fails_the_boot_with_the_reason() {
    let script = format!("#!ipxe\n:go\ngoto x\n{}:x\ngoto go\n", "echo ${mac} ${mac}\n".repeat(10_000));
    let chain = "isset ${v}${v}${v}${v} || true && ".repeat(2000);
    let work = format!("#!ipxe\nset v {}\n:go\n{chain} true\ngoto go\n", "x".repeat(4000));
    for (text, reason) in
        [(script, "more than 10000 commands"), (work, "takes more work than the 16777216 steps")]
    {
        let server = Server::start(move |_| answer(200, text.clone())).await;
        let mut site =
            Site::new(Settings { network_boot: Some(server.url("/boot/")), ..Settings::default() });
        boot(&mut site).await;
        assert!(boot_failure(&site).contains(reason), "{}", boot_failure(&site));
    }
}

#[tokio::test]
async fn reading_a_boot_source_leaves_the_workers_free() {
    let readers = Arc::new(Readers::new());
    let (began, mut begun) = mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut release = Vec::new();
    for _ in 0..2 * cores {
        let (readers, began) = (Arc::clone(&readers), began.clone());
        let (sender, blocked) = std::sync::mpsc::channel::<()>();
        release.push(sender);
        // Each call ends only after this task, on the only worker, has released it.
        tasks.spawn(async move { readers.run(move || began.send(()).map(|()| blocked.recv())).await });
    }
    for _ in 0..(cores / 2).max(1) {
        begun.recv().await.unwrap();
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(begun.try_recv().is_err(), "half of the cores stay free");
    drop(release);
    tasks.join_all().await;
}

#[tokio::test]
async fn a_power_off_ends_a_download_at_once() {
    let (url, mut streams) = listen().await;
    let mut site = Site::new(Settings::default());
    site.writing(ImageJob { checksum: checksum("a".repeat(64)), ..image_job(&[&url]) }).await;
    let effect = site.next();
    let off = async {
        let mut stream = streams.recv().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nsome bytes").await.unwrap();
        power_off(&site);
        stream
    };
    let ((), stream) = tokio::join!(site.runner.perform(site.id, effect), off);
    assert!(is_closed(stream).await);
    assert_eq!(site.runner.downloads.available_permits(), Limits::DEFAULT.downloads);
}

#[tokio::test]
async fn a_power_off_ends_the_reading_of_a_boot_source_at_once() {
    let (url, mut streams) = listen().await;
    let mut site = Site::new(Settings { network_boot: Some(url), ..Settings::default() });
    site.arm(BootTarget::Pxe);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    let effect = site.next();
    let off = async {
        let mut stream = streams.recv().await.unwrap();
        request(&mut stream).await;
        power_off(&site);
        stream
    };
    let ((), stream) = tokio::join!(site.runner.perform(site.id, effect), off);
    assert!(is_closed(stream).await);
}

#[tokio::test]
async fn an_ejected_image_is_not_opened_any_more() {
    let (url, mut streams) = listen().await;
    let mut site = Site::new(Settings::default());
    site.apply(insert(0, url));
    let effect = site.next();
    let eject = async {
        let mut stream = streams.recv().await.unwrap();
        request(&mut stream).await;
        site.apply(Command::Media(media::Command::Eject { slot: 0 }));
        stream
    };
    let ((), stream) = tokio::join!(site.runner.perform(site.id, effect), eject);
    assert!(is_closed(stream).await);
}

/// Writes an image of which `part` bytes arrive each second. Returns the error and the number of requests.
async fn write_endless(images: Images, part: usize) -> (String, usize) {
    let (url, streams) = listen().await;
    let requests = endless(streams, part);
    let mut site = Site::new(Settings { images, ..Settings::default() });
    site.writing(ImageJob { checksum: checksum("a".repeat(64)), ..image_job(&[&url]) }).await;
    site.perform(ipa::Effect::WriteImage).await;
    let CommandEnd::Failed(error) = site.ended() else { panic!("{:?}", site.ended()) };
    (error.details.to_string(), requests.load(std::sync::atomic::Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_download_that_is_too_slow_is_repeated_and_then_fails() {
    for images in [Images::Verify, Images::Probe] {
        let (error, requests) = write_endless(images, 100).await;
        assert!(error.contains("less than 512 KiB within 30 s (limit download-part-time)"), "{error}");
        assert_eq!(requests, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_has_a_total_time() {
    let (error, requests) = write_endless(Images::Verify, 20 << 10).await;
    assert!(error.contains("not complete within 3600 s (limit download-time)"), "{error}");
    assert_eq!(requests, 1, "it is not repeated");
}

#[tokio::test(start_paused = true)]
async fn all_requests_of_a_boot_have_one_time() {
    let (url, mut streams) = listen().await;
    let (requests, mut count) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(mut stream) = streams.recv().await {
            let requests = requests.clone();
            tokio::spawn(async move {
                requests.send(request(&mut stream).await).unwrap();
                // Each response alone is in time.
                tokio::time::sleep(Duration::from_secs(50)).await;
                let script = "#!ipxe\nchain again\n";
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", script.len());
                let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{script}").as_bytes()).await;
            });
        }
    });
    let mut site = Site::new(Settings { network_boot: Some(url), ..Settings::default() });
    boot(&mut site).await;
    let failure = boot_failure(&site);
    assert!(failure.ends_with("not read within 180 s (limit boot-read-time)"), "{failure}");
    let mut requests = 0;
    while count.try_recv().is_ok() {
        requests += 1;
    }
    assert_eq!(requests, 4);
}

#[tokio::test]
async fn slow_servers_delay_neither_ironic_nor_a_good_server() {
    const SLOW: u32 = 330;
    let (fleet, mut effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
    fleet.add(&built_in("generic").unwrap(), SLOW + 2).unwrap();
    let fleet = Arc::new(fleet);
    let api = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let runner = Arc::new(EffectRunner::new(Arc::clone(&fleet), settings()).unwrap());
    let (queue, queued) = mpsc::unbounded_channel();
    tokio::spawn(Arc::clone(&runner).run(queued));

    // Five servers that never respond. Nobody takes their connections.
    let listeners: Vec<_> = (0..5).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for n in 0..SLOW {
        let url = format!("http://{}/x.iso", listeners[n as usize % 5].local_addr().unwrap());
        fleet.apply(NodeId(n), insert(0, url)).unwrap().unwrap();
    }
    let (good, agent) = (NodeId(SLOW), NodeId(SLOW + 1));
    fleet.apply(good, insert(0, api.url("/"))).unwrap().unwrap();
    fleet.apply(agent, Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
    let is_done = || {
        let opened = fleet.look(good, |n, _| n.bmc().media.get(0).unwrap().opened == Opened::Connected);
        let found = fleet.look(agent, |n, _| n.ipa().is_some_and(|ipa| ipa.serves()));
        opened.unwrap() && found.unwrap()
    };
    let mut called = false;
    while !is_done() {
        // Until the agent calls Ironic; then the time of its lookup must not pass.
        if !called {
            fleet.clock().set(fleet.wake_due());
            fleet.wake_due();
        }
        while let Ok((id, effect)) = effects.try_recv() {
            match effect.kind {
                EffectKind::ReadBoot { start } => {
                    let (api_urls, token) = ([api.url("").into()].into(), Some(TOKEN.into()));
                    let params = Params { api_urls, token, lookup_timeout_s: 600, ..Params::default() };
                    let result = Ok(Bootable::Ipa(Box::new(params)));
                    fleet.answer(id, Answer::BootRead { start, result });
                }
                EffectKind::OpenMedia { .. }
                | EffectKind::FetchFirmware { .. }
                | EffectKind::FetchLicense { .. }
                | EffectKind::Deliver { .. }
                | EffectKind::Ipa { .. } => {
                    called |= id == agent;
                    queue.send((id, effect)).unwrap();
                }
            }
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(
        fleet.ids().filter(|id| fleet.look(*id, |n, _| is_unopened(n)).unwrap()).count(),
        SLOW as usize
    );
}

fn is_unopened(node: &Node) -> bool {
    node.bmc().media.get(0).is_some_and(|media| matches!(media.opened, Opened::Trying(_)))
}
