//! An Ironic that is down for an hour and comes back: the requests that it receives.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::meter::Page;
use crate::node::ipa::Ipa;

const AGENTS: u32 = 1000;
const HOUR_S: u64 = 3600;

/// A fleet of agents with a clock that the test moves by seconds, and the running loop of its effects.
struct Agents {
    fleet: Arc<Fleet>,
    effects: Effects,
    runner: Arc<EffectRunner>,
    queue: mpsc::UnboundedSender<(NodeId, Effect)>,
    queued: u64,
}

impl Agents {
    fn new() -> Self {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        fleet.add(&built_in("generic").unwrap(), AGENTS).unwrap();
        let fleet = Arc::new(fleet);
        let runner = Arc::new(EffectRunner::new(Arc::clone(&fleet), settings()).unwrap());
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(Arc::clone(&runner).run(queued));
        let agents = Self { fleet, effects, runner, queue, queued: 0 };
        for id in agents.fleet.ids() {
            agents.fleet.apply(id, Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
        }
        agents
    }

    /// Moves the clock by one second and waits until all effects of that second are performed. Every boot starts an
    /// agent with these endpoints.
    async fn second(&mut self, urls: &[&str]) {
        let now = self.fleet.clock().now();
        self.fleet.clock().set(now.after_ms(1000));
        self.fleet.wake_due();
        loop {
            while let Ok((id, effect)) = self.effects.try_recv() {
                if let EffectKind::ReadBoot { start } = effect.kind {
                    let params = Params {
                        api_urls: urls.iter().map(|url| (*url).into()).collect(),
                        spread: urls.len() as u8,
                        token: Some(TOKEN.into()),
                        lookup_timeout_s: 600,
                        ..Params::default()
                    };
                    let result = Ok(Bootable::Ipa(Box::new(params)));
                    self.fleet.answer(id, Answer::BootRead { start, result });
                } else {
                    self.queued += 1;
                    self.queue.send((id, effect)).unwrap();
                }
            }
            if self.runner.meters.all_performed() == self.queued && self.effects.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn all(&self, is: impl Fn(&Ipa) -> bool) -> bool {
        self.fleet.ids().all(|id| self.fleet.look(id, |n, _| n.ipa().is_some_and(&is)).unwrap())
    }
}

#[tokio::test]
async fn an_ironic_that_is_down_gets_few_requests_and_is_not_flooded_when_it_returns() {
    let down = Arc::new(AtomicBool::new(false));
    let since_return = Arc::new(AtomicU64::new(0));
    let runner: Arc<OnceLock<Arc<EffectRunner>>> = Arc::default();
    let overrun = Arc::new(AtomicBool::new(false));
    let (is_down, answers, watched) = (Arc::clone(&down), Arc::clone(&since_return), Arc::clone(&runner));
    let over = Arc::clone(&overrun);
    let server = Server::start(move |request| {
        if is_down.load(Ordering::SeqCst) {
            return answer(503, "no free conductor");
        }
        let nth = answers.fetch_add(1, Ordering::SeqCst);
        if let Some(runner) = watched.get() {
            // Each response raises the concurrency limit by one.
            over.fetch_or(runner.meters.in_flight.get() > (nth + 2).min(64), Ordering::SeqCst);
        }
        ironic(&request.uri().to_string()).unwrap()
    })
    .await;
    let url = server.url("");
    let mut agents = Agents::new();
    while !agents.all(Ipa::serves) {
        agents.second(&[&url]).await;
    }
    // Long enough for one more heartbeat of every agent, so that their heartbeats are spread over time.
    for _ in 0..300 {
        agents.second(&[&url]).await;
    }

    down.store(true, Ordering::SeqCst);
    let before = server.requests().len();
    for _ in 0..HOUR_S {
        agents.second(&[&url]).await;
    }
    let requests = server.requests().len() - before;
    assert!((20..=100).contains(&requests), "{requests} requests while it was down for an hour");
    let mut page = Page::default();
    agents.runner.meter(&mut page);
    let text = page.text();
    assert!(text.contains("fauxmetal_servers_held 1\n"), "{text}");
    let rejected = text.lines().find_map(|l| l.strip_prefix("fauxmetal_ironic_requests_held_total "));
    assert!(
        rejected.unwrap().parse::<u64>().unwrap() > 100 * u64::from(AGENTS),
        "the agents retry as IPA does"
    );

    down.store(false, Ordering::SeqCst);
    since_return.store(0, Ordering::SeqCst);
    assert!(runner.set(Arc::clone(&agents.runner)).is_ok());
    let back = agents.fleet.clock().now();
    let recovered = |agent: &Ipa| agent.serving().is_some_and(|s| s.failed == 0 && s.last >= back);
    let mut seconds = 0;
    while !agents.all(recovered) {
        agents.second(&[&url]).await;
        seconds += 1;
    }
    assert!(!overrun.load(Ordering::SeqCst), "more requests in flight than the limit");
    // The longest time between two probes, plus the longest time between two attempts of an agent.
    assert!(seconds <= 75 + 10 + 2, "{seconds} s until every agent had sent a heartbeat");
}

#[tokio::test]
async fn a_dead_server_gets_few_requests() {
    let url = dead_server();
    let mut agents = Agents::new();
    for _ in 0..300 {
        agents.second(&[&url]).await;
    }
    let sent = agents.runner.circuits.sent();
    // Those in flight before the first one failed, and then the probes.
    assert!((5..=64 + 20).contains(&sent), "{sent} requests in five minutes");
}

#[tokio::test]
async fn of_two_endpoints_the_dead_one_gets_few_requests_and_the_other_all_heartbeats() {
    let server = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let (dead, alive) = (dead_server(), server.url(""));
    let mut agents = Agents::new();
    let mut seconds = 0;
    while !agents.all(Ipa::serves) {
        agents.second(&[&dead, &alive]).await;
        seconds += 1;
    }
    // Time to boot, to start, and for a few attempts: less than the longest time between two probes.
    assert!(seconds < 60, "{seconds} s");
    for _ in 0..600 {
        agents.second(&[&dead, &alive]).await;
    }
    assert!(agents.all(|a| a.serving().is_some_and(|s| s.failed == 0)));
    let failed = agents.runner.circuits.sent() - server.requests().len() as u64;
    assert!((5..=64 + 30).contains(&failed), "{failed} requests to the dead endpoint");
}
