//! An Ironic that goes away for an hour and comes back, seen from the wire.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::meter::Page;
use crate::node::ipa::Ipa;

const AGENTS: u32 = 1000;
const HOUR_S: u64 = 3600;

/// A fleet of agents, its clock moved by hand a second at a time, and the loop that performs their effects.
struct Agents {
    fleet: Arc<Fleet>,
    effects: Effects,
    outside: Arc<Outside>,
    queue: mpsc::UnboundedSender<(NodeId, Effect)>,
    queued: u64,
}

impl Agents {
    fn new() -> Self {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        fleet.add(&built_in("generic").unwrap(), AGENTS).unwrap();
        let fleet = Arc::new(fleet);
        let settings =
            Settings { agent_urls: Urls::Same("https://127.0.0.1:9999".into()), ..Settings::default() };
        let outside = Arc::new(Outside::new(Arc::clone(&fleet), settings).unwrap());
        let (queue, queued) = mpsc::unbounded_channel();
        tokio::spawn(Arc::clone(&outside).run(queued));
        let agents = Self { fleet, effects, outside, queue, queued: 0 };
        for id in agents.fleet.ids() {
            agents.fleet.apply(id, Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
        }
        agents
    }

    /// Lets a second pass, and all that is to be done in it be done. Whatever is booted, an agent of these
    /// endpoints comes of it.
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
            if self.outside.meters.all_done() == self.queued && self.effects.is_empty() {
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
async fn an_ironic_that_is_down_for_an_hour_is_hardly_asked_and_not_run_over_when_it_returns() {
    let down = Arc::new(AtomicBool::new(false));
    let since_return = Arc::new(AtomicU64::new(0));
    let outside: Arc<OnceLock<Arc<Outside>>> = Arc::default();
    let overrun = Arc::new(AtomicBool::new(false));
    let (is_down, answers, watched) = (Arc::clone(&down), Arc::clone(&since_return), Arc::clone(&outside));
    let over = Arc::clone(&overrun);
    let server = Server::start(move |request| {
        if is_down.load(Ordering::SeqCst) {
            return answer(503, "no free conductor");
        }
        let nth = answers.fetch_add(1, Ordering::SeqCst);
        if let Some(outside) = watched.get() {
            // The n-th answer makes room for one more than the one before it did.
            over.fetch_or(outside.meters.in_flight.get() > (nth + 2).min(64), Ordering::SeqCst);
        }
        ironic(&request.uri().to_string()).unwrap()
    })
    .await;
    let url = server.url("");
    let mut agents = Agents::new();
    while !agents.all(Ipa::serves) {
        agents.second(&[&url]).await;
    }
    // Until every agent has beaten once more, so that they are spread over time.
    for _ in 0..300 {
        agents.second(&[&url]).await;
    }

    down.store(true, Ordering::SeqCst);
    let before = server.asked().len();
    for _ in 0..HOUR_S {
        agents.second(&[&url]).await;
    }
    let asked = server.asked().len() - before;
    assert!((20..=100).contains(&asked), "{asked} requests in an hour of outage");
    let mut page = Page::default();
    agents.outside.meter(&mut page);
    let text = page.text();
    assert!(text.contains("fauxmetal_servers_held 1\n"), "{text}");
    let held = text.lines().find_map(|l| l.strip_prefix("fauxmetal_ironic_requests_held_total "));
    assert!(
        held.unwrap().parse::<u64>().unwrap() > 100 * u64::from(AGENTS),
        "the agents went on as IPA does"
    );

    down.store(false, Ordering::SeqCst);
    since_return.store(0, Ordering::SeqCst);
    assert!(outside.set(Arc::clone(&agents.outside)).is_ok());
    let back = agents.fleet.clock().now();
    let beaten = |agent: &Ipa| agent.serving().is_some_and(|s| s.failed == 0 && s.last >= back);
    let mut seconds = 0;
    while !agents.all(beaten) {
        agents.second(&[&url]).await;
        seconds += 1;
    }
    assert!(!overrun.load(Ordering::SeqCst), "too many came at once");
    // The longest hold, and the longest time between two tries of an agent.
    assert!(seconds <= 75 + 10 + 2, "{seconds} s until every agent was heard");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_left_alone_too() {
    let url = nobody();
    let mut agents = Agents::new();
    for _ in 0..300 {
        agents.second(&[&url]).await;
    }
    let sent = agents.outside.circuits.sent();
    // As many as were under way before the first failed, and then one for each hold.
    assert!((5..=64 + 20).contains(&sent), "{sent} requests in five minutes");
}

#[tokio::test]
async fn of_two_endpoints_the_dead_one_is_left_alone_and_the_other_hears_everybody() {
    let server = Server::start(|request| ironic(&request.uri().to_string()).unwrap()).await;
    let (dead, alive) = (nobody(), server.url(""));
    let mut agents = Agents::new();
    let mut seconds = 0;
    while !agents.all(Ipa::serves) {
        agents.second(&[&dead, &alive]).await;
        seconds += 1;
    }
    // Boot, start and a few tries: nobody waits for the longest hold.
    assert!(seconds < 60, "{seconds} s");
    for _ in 0..600 {
        agents.second(&[&dead, &alive]).await;
    }
    assert!(agents.all(|a| a.serving().is_some_and(|s| s.failed == 0)));
    let in_vain = agents.outside.circuits.sent() - server.asked().len() as u64;
    assert!((5..=64 + 30).contains(&in_vain), "{in_vain} requests to the dead one");
}
