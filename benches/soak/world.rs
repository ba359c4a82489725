//! State that the clients and the Ironic of a soak share: the nodes, which of them are on, and the errors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use fauxmetal::node::NodeId;
use fauxmetal::node::spec::Spec;
use fauxmetal::profile::built_in;
use fauxmetal::seed::Seed;
use parking_lot::Mutex;
use uuid::Uuid;

/// The number of errors that are printed. Further errors are only counted.
const SHOWN_ERRORS: u64 = 50;

/// Random numbers that are the same for the same seed. The order of threads still differs from run to run.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `sides`.
    pub(crate) fn roll(&self, sides: usize) -> usize {
        let mut x = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) % sides as u64) as usize
    }

    /// An independent generator.
    pub(crate) fn part(&self) -> Self {
        Self::new(self.roll(usize::MAX) as u64)
    }
}

/// An agent that has sent a heartbeat to Ironic.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) url: String,
    pub(crate) token: String,
    /// The number of power changes of its node at that moment.
    pub(crate) turn: u32,
}

/// The fleet as its clients expect it.
pub(crate) struct World {
    pub(crate) ironic: String,
    /// URIs of all systems in the order of their nodes.
    pub(crate) systems: Vec<String>,
    /// The nodes that are changed: few enough that each has gone through every change before the end.
    pub(crate) used: Vec<usize>,
    /// The used node of each MAC address.
    macs: HashMap<String, usize>,
    /// The number of power changes of each used node: it is off with an even number and on with an odd one.
    turns: HashMap<usize, AtomicU32>,
    roll: Mutex<HashMap<usize, Agent>>,
    pub(crate) stop: AtomicBool,
    pub(crate) requests: AtomicU64,
    pub(crate) errors: AtomicU64,
    /// Responses with status 503 and `Retry-After`.
    pub(crate) held: AtomicU64,
    /// Commands that an agent did not answer because its machine was powered off meanwhile.
    pub(crate) crossed: AtomicU64,
}

impl World {
    /// The fleet that a daemon with the same number of nodes serves. `used` of the nodes, spread over the fleet, are changed.
    pub(crate) fn new(nodes: usize, used: usize, ironic: &str) -> Self {
        let profile = built_in("generic").expect("a built-in profile");
        let spec = |index: usize| Spec { seed: Seed(1), id: NodeId(index as u32), profile: &profile };
        let used: Vec<usize> = (0..nodes).step_by((nodes / used).max(1)).collect();
        let ports = 0..u8::try_from(profile.nics.len()).expect("few of them");
        let mac = |index: usize, port| (spec(index).mac(port).to_string(), index);
        Self {
            ironic: ironic.to_owned(),
            systems: (0..nodes).map(|index| format!("/redfish/v1/Systems/{}", spec(index).uuid())).collect(),
            macs: used.iter().flat_map(|i| ports.clone().map(|port| mac(*i, port))).collect(),
            turns: used.iter().map(|i| (*i, AtomicU32::new(0))).collect(),
            used,
            roll: Mutex::default(),
            stop: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            held: AtomicU64::new(0),
            crossed: AtomicU64::new(0),
        }
    }

    pub(crate) fn uuid(&self, index: usize) -> &str {
        self.systems[index].rsplit('/').next().expect("a URI")
    }

    /// The URL of an image; each number is another image.
    pub(crate) fn image(&self, number: u32) -> String {
        format!("{}/image/{number}.iso", self.ironic)
    }

    /// The used node with that MAC address.
    pub(crate) fn of_mac(&self, mac: &str) -> Option<usize> {
        self.macs.get(&mac.to_ascii_lowercase()).copied()
    }

    /// The UUID of a node in Ironic.
    pub(crate) fn ironic_uuid(index: usize) -> Uuid {
        Uuid::from_u128(0xf00d_0000_0000_4000_8000_0000_0000_0000 | index as u128)
    }

    pub(crate) fn of_ironic_uuid(&self, text: &str) -> Option<usize> {
        let index = text.parse::<Uuid>().ok()?.as_u128() as u32 as usize;
        self.turns.contains_key(&index).then_some(index)
    }

    pub(crate) fn turn(&self, index: usize) -> u32 {
        self.turns[&index].load(Ordering::SeqCst)
    }

    pub(crate) fn is_on(&self, index: usize) -> bool {
        self.turn(index) % 2 == 1
    }

    /// Notes that a node is about to be powered on or off. Only one client does so for each node.
    pub(crate) fn tell(&self, index: usize, on: bool) {
        if self.is_on(index) != on {
            self.turns[&index].fetch_add(1, Ordering::SeqCst);
            self.roll.lock().remove(&index);
        }
    }

    /// Notes the heartbeat of an agent, if its node is on.
    pub(crate) fn heard(&self, index: usize, url: &str, token: &str) {
        let turn = self.turn(index);
        if turn % 2 == 1 {
            let agent = Agent { url: url.to_owned(), token: token.to_owned(), turn };
            self.roll.lock().insert(index, agent);
        }
    }

    /// The agent of a node that is on, after its first heartbeat.
    pub(crate) fn agent(&self, index: usize) -> Option<Agent> {
        self.roll.lock().get(&index).filter(|agent| agent.turn == self.turn(index)).cloned()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Counts and prints an unexpected event.
    #[expect(clippy::print_stdout, reason = "it is what the bench is for")]
    pub(crate) fn error(&self, what: &str) {
        if self.errors.fetch_add(1, Ordering::Relaxed) < SHOWN_ERRORS {
            let short: String = what.chars().take(2000).collect();
            println!("ERROR {short}");
        }
    }
}
