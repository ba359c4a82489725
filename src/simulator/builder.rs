//! The settings of a simulator, and its start.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;

use super::Simulator;
use super::error::Error;
use super::listeners::{self, Addresses, Bound, Certificates};
use super::threads::Threads;
use super::world::World;
use crate::address::{BaseUrl, HostNetwork, Place, Prefix, Reported, Urls};
use crate::clock::Clock;
use crate::effect::{self, EffectRunner, Mover};
use crate::fault::{Reach, Side};
use crate::fleet::Fleet;
use crate::ipa;
use crate::limit::Limits;
use crate::node::NodeId;
use crate::profile::{self, Profile};
use crate::redfish::auth::Account;
use crate::redfish::{Redfish, check, check_rule};
use crate::seed::Seed;
use crate::server::Server;
use crate::time::SimTime;
use crate::tls::ListenerTls;

/// The settings of a [`Simulator`].
///
/// ```
/// # fn main() -> Result<(), fauxmetal::Error> {
/// use fauxmetal::{Addresses, Simulator};
///
/// let simulator = Simulator::builder()
///     .nodes("generic", 2)
///     .nodes("hpe-dl380-gen11", 1)
///     .seed("lab-7")
///     .password("secret")
///     .addresses(Addresses::Port)
///     .speed(100.0)
///     .start()?;
/// assert_eq!(simulator.find("hpe-dl380-gen11-2")?.identity().index, 2);
/// # Ok(())
/// # }
/// ```
///
/// No method checks its value; [`start`](Builder::start) checks all of them.
#[derive(Clone)]
#[must_use = "a builder does nothing until start"]
pub struct Builder {
    models: Vec<(String, u32)>,
    seed: String,
    user: String,
    password: String,
    addresses: Addresses,
    tls: bool,
    listens: bool,
    /// `None` for a clock that is moved by hand.
    speed: Option<f64>,
    ironic: Vec<String>,
    network_boot: Option<String>,
}

/// The most calls of [`Builder::nodes`].
const MAX_MODELS: usize = 1024;
/// The most nodes with a port each. Each needs a socket for its BMC and one for its agent.
const MAX_PORTS: u32 = 10_000;
/// The network of the machines' interfaces in inventories, as `serve` has it by default.
const HOST_NETWORK: ([u8; 4], u8) = ([10, 0, 0, 0], 8);
/// The date of a new clock that is moved by hand, so that every run has the same dates: 2026-01-01T00:00:00Z.
const BY_HAND_FROM: SimTime = SimTime::from_ms(1_767_225_600_000);
/// Stands for the agents where nothing listens. Names below `invalid` never exist (RFC 6761, section 6.4).
const NOWHERE: &str = "http://agents.invalid";

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            models: Vec::new(),
            seed: "1".to_owned(),
            user: "admin".to_owned(),
            password: "password".to_owned(),
            addresses: Addresses::Shared,
            tls: true,
            listens: true,
            speed: Some(1.0),
            ironic: Vec::new(),
            network_boot: None,
        }
    }

    /// Adds `count` nodes of a model: a built-in one such as `generic`, or a folder of your own, as a path with a `/` in it.
    /// Without a call there is one node of `generic`. All nodes together are at most 16,777,216.
    pub fn nodes(mut self, profile: &str, count: u32) -> Self {
        self.models.push((profile.to_owned(), count));
        self
    }

    /// The number or word that determines every UUID, MAC address and serial number, and every random time; `1` by default.
    pub fn seed(self, seed: impl fmt::Display) -> Self {
        Self { seed: seed.to_string(), ..self }
    }

    /// The user of every BMC, 1 to 256 bytes without `:`; `admin` by default.
    pub fn user(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    /// The password of every BMC, 1 to 256 bytes; `password` by default.
    pub fn password(self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self }
    }

    /// How the nodes share addresses; [`Addresses::Shared`] by default.
    pub fn addresses(self, addresses: Addresses) -> Self {
        Self { addresses, ..self }
    }

    /// Serves plain HTTP instead of HTTPS, for BMCs and agents.
    pub fn http(self) -> Self {
        Self { tls: false, ..self }
    }

    /// Opens no port. [`Simulator::call_bmc`], [`Node::call_bmc`](crate::Node::call_bmc) and
    /// [`Node::call_agent`](crate::Node::call_agent) answer requests. Outgoing calls are made all the same: nodes read boot
    /// media, and agents call Ironic.
    pub fn without_listeners(self) -> Self {
        Self { listens: false, ..self }
    }

    /// Simulated seconds per real second, from 0.001 to 10,000; 1 by default.
    pub fn speed(self, speed: f64) -> Self {
        Self { speed: Some(speed), ..self }
    }

    /// A clock that stands still until [`Simulator::advance`]. It begins at 2026-01-01T00:00:00Z.
    pub fn clock_by_hand(self) -> Self {
        Self { speed: None, ..self }
    }

    /// Adds a URL of Ironic's API, such as `http://127.0.0.1:6385`, at most 64. Agents use it if their ramdisk names no API.
    pub fn ironic(mut self, url: &str) -> Self {
        self.ironic.push(url.to_owned());
        self
    }

    /// The URL of the HTTP server with Ironic's boot configuration of each MAC address, for nodes that boot from the network.
    pub fn network_boot(self, url: &str) -> Self {
        Self { network_boot: Some(url.to_owned()), ..self }
    }

    /// Starts the simulator. Clients can connect when this returns.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not allowed; otherwise if this host refuses a thread, a socket or randomness.
    pub fn start(self) -> Result<Simulator, Error> {
        let threads = Threads::start()?;
        let world = self.build(&threads)?;
        Ok(Simulator::new(world, threads))
    }

    fn build(&self, threads: &Threads) -> Result<World, Error> {
        let hands = threads.hands();
        // Sockets and clients belong to the runtime in which they are made.
        let _inside = hands.0.enter();
        let account = self.account()?;
        let (fleet, effects) = Fleet::new(self.parsed_seed()?, self.clock()?);
        let each = self.populate(&fleet)?;
        let nodes = fleet.len();
        let (fleet, ironic) = (Arc::new(fleet), self.ironic_urls()?);
        let network_boot =
            self.network_boot.as_deref().map(|url| base_url("network_boot", url)).transpose()?;

        let certificates = (self.listens && self.tls).then(Certificates::new).transpose()?;
        let bind = |tls: fn(&Certificates) -> &ListenerTls| {
            let bind = || listeners::bind(self.addresses, nodes, certificates.as_ref().map(tls));
            self.listens.then(bind).transpose()
        };
        let (bmcs, agents) = (bind(|made| &made.bmcs)?, bind(|made| &made.agents)?);
        let urls_of = |bound: &Option<Bound>| bound.as_ref().map(|bound| bound.urls.clone());
        let (bmc_urls, agent_urls) = (urls_of(&bmcs), urls_of(&agents));
        let places: Vec<(bool, Place)> =
            bmcs.iter().map(|Bound { listener, .. }| (listener.is_tls(), listener.place())).collect();
        let hosts = HostNetwork::new(
            Prefix::new(HOST_NETWORK.0.into(), HOST_NETWORK.1).expect("it is a block"),
            each,
        );
        // A fleet beyond the network has no addresses of hosts, as `serve --host-network off`.
        let hosts = Some(hosts).filter(|hosts| hosts.check(nodes).is_ok());
        let reported = Reported { bmcs: places.iter().map(|(_, place)| *place).collect(), hosts };

        let own_roots = self.addresses == Addresses::Port;
        let side =
            Side { own_addresses: own_roots, tls: certificates.is_some(), own_ca: certificates.is_some() };
        let reach = Reach { own_roots, bmcs: side, agents: Some(side) };
        fleet.check_rules_with(Box::new(move |rule| check_rule(rule).and_then(|()| reach.check(rule))));
        let mut redfish = Redfish::new(Arc::clone(&fleet), account);
        (redfish.facts.places, redfish.facts.hosts) = (places, hosts);
        redfish.facts.https = certificates.as_ref().filter(|_| bmcs.is_some()).map(|made| made.bmcs.clone());
        let redfish = Arc::new(redfish);
        let shown_urls = agent_urls.clone().unwrap_or_else(|| Urls::Same(NOWHERE.into()));
        let agent_api = Arc::new(ipa::Api::new(Arc::clone(&fleet), shown_urls.clone(), reported.clone()));
        let outgoing = effect::Settings {
            ironic,
            network_boot,
            agent_urls: Some(shown_urls),
            reported,
            agent_ca_pem: certificates.as_ref().map(|made| made.agent_pem.clone()),
            ..effect::Settings::default()
        };
        let outside = EffectRunner::new(Arc::clone(&fleet), outgoing);
        let outside = Arc::new(outside.map_err(|error| Error::Tls(error.to_string()))?);

        let limits = Limits::default();
        let mut server = Server::new(limits);
        if let Some(bmcs) = bmcs {
            server.add(bmcs.listener, Arc::clone(&redfish), limits.body_bytes);
        }
        if let Some(agents) = agents {
            server.add(agents.listener, Arc::clone(&agent_api), limits.agent_body_bytes);
        }
        hands.0.spawn(server.run(std::future::pending()));
        hands.0.spawn(Arc::clone(&outside).run(effects));
        hands.0.spawn(Arc::clone(&outside).deliver_shared(Arc::clone(&redfish)));
        if !fleet.clock().is_by_hand() {
            let fleet = Arc::clone(&fleet);
            hands.0.spawn(async move { fleet.keep_time().await });
        }
        let mover = Mover::new(Arc::clone(&fleet), Arc::clone(&redfish), Arc::clone(&outside));
        Ok(World {
            fleet,
            redfish,
            agents: agent_api,
            bmc_urls,
            agent_urls,
            own_roots,
            ca_pem: certificates.map(|made| made.ca_pem),
            authorization: basic(&self.user, &self.password),
            threads: hands,
            mover,
        })
    }

    fn account(&self) -> Result<Account, Error> {
        Account::check_user(&self.user).map_err(|allowed| setting("user", &self.user, allowed))?;
        Account::check_password(&self.password).map_err(|allowed| setting("password", HIDDEN, allowed))?;
        Ok(Account::new(&self.user, &self.password))
    }

    fn parsed_seed(&self) -> Result<Seed, Error> {
        match self.seed.as_str() {
            "" => Err(setting("seed", "", "it is empty; give a number or a word".to_owned())),
            text => text.parse().map_err(|never| match never {}),
        }
    }

    fn clock(&self) -> Result<Clock, Error> {
        match self.speed {
            None => Ok(Clock::by_hand(BY_HAND_FROM)),
            Some(speed) if Clock::SPEED.contains(&speed) => Ok(Clock::wall(speed)),
            Some(speed) => {
                let (low, high) = (Clock::SPEED.start(), Clock::SPEED.end());
                let allowed = format!("allowed are {low} to {high} simulated seconds per real second");
                Err(setting("speed", &speed.to_string(), allowed))
            }
        }
    }

    /// Adds the nodes. Returns the largest number of network interfaces that a model has.
    fn populate(&self, fleet: &Fleet) -> Result<u32, Error> {
        let only = [("generic".to_owned(), 1)];
        let models = if self.models.is_empty() { &only[..] } else { &self.models };
        if models.len() > MAX_MODELS {
            let allowed = format!("it can be called {MAX_MODELS} times at most");
            return Err(setting("nodes", &models.len().to_string(), allowed));
        }
        let most = match self.addresses {
            Addresses::Shared => u64::from(NodeId::MAX) + 1,
            Addresses::Port => MAX_PORTS.into(),
        };
        let total: u64 = models.iter().map(|(_, count)| u64::from(*count)).sum();
        if models.iter().any(|(_, count)| *count == 0) || total > most {
            let given: Vec<_> = models.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let allowed = format!("each model needs at least 1 node, and all together have at most {most}");
            return Err(setting("nodes", &given.join(", "), allowed));
        }
        let mut each = 0;
        for (name, count) in models {
            let profile = load(name)?;
            each = each.max(u32::try_from(profile.nics.len()).unwrap_or(u32::MAX));
            fleet.add(&profile, *count).map_err(|full| setting("nodes", name, full.to_string()))?;
        }
        Ok(each)
    }

    fn ironic_urls(&self) -> Result<Vec<String>, Error> {
        if self.ironic.len() > BaseUrl::MAX {
            let allowed = format!("at most {} URLs are allowed", BaseUrl::MAX);
            return Err(setting("ironic", &self.ironic.len().to_string(), allowed));
        }
        self.ironic.iter().map(|url| base_url("ironic", url)).collect()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("nodes", &self.models)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Stands for a secret in an error.
const HIDDEN: &str = "***";

pub(super) fn setting(field: &'static str, value: &str, allowed: String) -> Error {
    Error::Setting { field, value: value.to_owned(), allowed }
}

/// A profile that is right in itself, and whose documents are.
fn load(name: &str) -> Result<Arc<Profile>, Error> {
    let profile = profile::named(name).map_err(|error| setting("nodes", name, error.to_string()))?;
    // A test checks the documents of the built-in models.
    if name.contains('/') {
        let problems = check::profile(&profile);
        if !problems.is_empty() {
            return Err(setting("nodes", name, problems.join("; ")));
        }
    }
    Ok(profile)
}

fn base_url(field: &'static str, url: &str) -> Result<String, Error> {
    let shown = if url.contains('@') { HIDDEN } else { url };
    BaseUrl::parse(url).map(|url| url.as_str().to_owned()).map_err(|allowed| setting(field, shown, allowed))
}

/// The value of the header `Authorization` (RFC 7617).
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
