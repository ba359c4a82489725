//! Tests of the room with a small server on loopback, whose answers the test chooses.

mod boot;
mod deliver;
mod egress;
mod faults;
mod firmware;
mod hostile;
mod images;
mod ironic;
mod media;
mod outage;
mod server;
mod stuck;

use std::cell::RefCell;
use std::sync::{Arc, Once};

use bytes::Bytes;
use http::{Response, StatusCode};
use parking_lot::Mutex;
use serde_json::json;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;
use uuid::Uuid;

use super::*;
use crate::address::Urls;
use crate::clock::Clock;
use crate::dmtf::{BootOverride, BootTarget, ResetType};
use crate::fleet::{Effects, Fleet};
use crate::node::bmc::plugs::Plug;
use crate::node::boot::BootChange;
use crate::node::command::Command;
use crate::node::effect::{Answer, Bootable, Effect, EffectKind};
use crate::node::host::{self, Host, Stage, SystemChange};
use crate::node::ipa::{self, Beat, CommandEnd, CommandStatus, ImageJob, IpaCommand, LookedUp, Params, Work};
use crate::node::{Node, NodeId, lab};
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::SimTime;
use server::Server;

/// As long as a token of Ironic.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The default settings, with agents.
fn settings() -> Settings {
    Settings { agent_urls: Some(Urls::Same("https://127.0.0.1:9999".into())), ..Settings::default() }
}

/// A fleet with a clock that the test moves, and the runner of its effects. Tests use the first node.
struct Site {
    fleet: Arc<Fleet>,
    effects: Effects,
    runner: EffectRunner,
    id: NodeId,
}

impl Site {
    fn new(settings: Settings) -> Self {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        fleet.add(&built_in("generic").unwrap(), 3).unwrap();
        let fleet = Arc::new(fleet);
        let agent_urls = self::settings().agent_urls;
        let settings = Settings { image_retries: 1, agent_urls, ..settings };
        let runner = EffectRunner::new(Arc::clone(&fleet), settings).unwrap();
        Self { fleet, effects, runner, id: NodeId(0) }
    }

    fn apply(&self, command: Command) {
        self.fleet.apply(self.id, command).unwrap().unwrap();
    }

    /// Boots from `target` at the next start.
    fn arm(&self, target: BootTarget) {
        let boot = BootChange {
            target: Some(target.into()),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        };
        self.apply(Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() })));
    }

    /// The next effect, whenever it is due.
    fn next(&mut self) -> Effect {
        loop {
            match self.effects.try_recv() {
                Ok((id, effect)) => {
                    assert_eq!(id, self.id);
                    return effect;
                }
                Err(_) => {
                    let next = self.fleet.wake_due();
                    assert_ne!(next, SimTime::NEVER, "nothing is left to wait for");
                    self.fleet.clock().set(next);
                    self.fleet.wake_due();
                }
            }
        }
    }

    /// The next effect, which must belong to the agent of the current start.
    fn next_of_agent(&mut self) -> (Effect, ipa::Effect) {
        let next = self.next();
        match next.kind {
            EffectKind::Ipa { start, effect } if start == self.look(Node::starts) => (next, effect),
            other => panic!("{other:?} is not an effect of the agent"),
        }
    }

    /// Performs the next effect, which must be `expected` of the agent.
    async fn perform(&mut self, expected: ipa::Effect) {
        let (next, effect) = self.next_of_agent();
        assert_eq!(effect, expected);
        self.runner.perform(self.id, next).await;
    }

    /// Performs the next effect, which must read a boot source.
    async fn perform_boot(&mut self) {
        let next = self.next();
        assert_eq!(next.kind, EffectKind::ReadBoot { start: self.look(Node::starts) });
        self.runner.perform(self.id, next).await;
    }

    /// Answers an effect of the agent of the current start.
    fn answer_agent(&self, answer: ipa::Answer) {
        self.fleet.answer(self.id, Answer::Ipa { start: self.look(Node::starts), answer });
    }

    fn look<R>(&self, see: impl FnOnce(&Node) -> R) -> R {
        self.fleet.look(self.id, |node, _| see(node)).unwrap()
    }

    /// Powers on and answers the boot effect, so that an agent with these parameters starts.
    fn agent(&mut self, params: Params) {
        self.arm(BootTarget::Pxe);
        self.apply(Command::Host(host::Command::Reset(ResetType::On)));
        let start = self.look(Node::starts) + 1;
        assert_eq!(self.next().kind, EffectKind::ReadBoot { start });
        let result = Ok(Bootable::Ipa(Box::new(params)));
        self.fleet.answer(self.id, Answer::BootRead { start, result });
    }

    /// Starts an agent, answers its lookup and heartbeat, and gives it an image to write.
    async fn writing(&mut self, job: ImageJob) {
        let params = Params {
            api_urls: ["http://ironic".into()].into(),
            token: Some(TOKEN.into()),
            lookup_timeout_s: 600,
            ..Params::default()
        };
        self.agent(params);
        self.next_of_agent();
        let found =
            LookedUp::Found { uuid: Uuid::nil(), token: None, heartbeat_timeout_s: 300, md5_enabled: false };
        self.answer_agent(ipa::Answer::LookedUp(found));
        self.next_of_agent();
        self.answer_agent(ipa::Answer::Beat(Beat::Accepted));
        let work = Work::Image(Box::new(job));
        self.apply(Command::Ipa(IpaCommand::new("prepare_image", work)));
    }

    /// The end of the agent's last command, after the least time that writing an image takes.
    fn ended(&self) -> CommandEnd {
        let clock = self.fleet.clock();
        clock.set(clock.after_real(clock.now(), self.runner.settings.write_time));
        self.fleet.wake_due();
        self.look(|node| {
            let serving = node.ipa().unwrap().serving().unwrap();
            match &serving.commands.records().last().unwrap().status {
                CommandStatus::Ended(end) => end.clone(),
                CommandStatus::Running(job) => panic!("{job:?} is running"),
            }
        })
    }
}

/// The log of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Takes the log of this thread from `level` on, for as long as the guard lives.
    ///
    /// All tests share one subscriber. With one for each test, `tracing` can decide in the thread of another test that an
    /// event is of no interest, and remembers that for all threads.
    fn start(level: Level) -> (Self, LogGuard) {
        static SHARED: Once = Once::new();
        SHARED.call_once(|| {
            let log = tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_ansi(false).without_time();
            log.with_writer(OfThread).init();
        });
        let log = Self::default();
        LOG.set(Some((level, log.clone())));
        (log, LogGuard)
    }

    fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().clone()).unwrap().lines().map(|line| line.trim().to_owned()).collect()
    }
}

thread_local! {
    /// The log that the test of this thread reads, and its level.
    static LOG: RefCell<Option<(Level, Log)>> = const { RefCell::new(None) };
}

/// Ends the log of this thread.
struct LogGuard;

impl Drop for LogGuard {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

/// Writes an event to the log of the thread in which it happens.
struct OfThread;

impl<'a> MakeWriter<'a> for OfThread {
    type Writer = OptionalWriter<Log>;

    fn make_writer(&'a self) -> Self::Writer {
        OptionalWriter::none()
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Self::Writer {
        LOG.with_borrow(|log| match log {
            Some((level, log)) if event.level() <= level => OptionalWriter::some(log.clone()),
            Some(_) | None => OptionalWriter::none(),
        })
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn answer(status: u16, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// The responses of Ironic's API to an agent; `None` for a path that agents do not use.
fn ironic(path: &str) -> Option<Response<Bytes>> {
    let body = match path {
        "/" => json!({"default_version": {"id": "v1", "version": "1.115"}}),
        path if path.starts_with("/v1/lookup?") => json!({
            "node": {"uuid": Uuid::from_u128(7)},
            "config": {"heartbeat_timeout": 300, "agent_token": TOKEN},
        }),
        "/v1/continue_inspection" => {
            return Some(answer(202, json!({"uuid": Uuid::from_u128(7)}).to_string()));
        }
        path if path.starts_with("/v1/heartbeat/") => return Some(answer(202, "")),
        _ => return None,
    };
    Some(answer(200, body.to_string()))
}

/// The URL of a server that does not run. The bound socket keeps its port from other tests until the process ends.
fn dead_server() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    format!("http://{address}")
}

pub(super) fn image_job(urls: &[&str]) -> ImageJob {
    ImageJob {
        id: "disk".into(),
        urls: urls.iter().map(|u| (*u).into()).collect(),
        ..crate::node::tests::image()
    }
}
