//! The configuration: what was typed as flags, in the environment and in a file, and then what it means.
//!
//! [`setting`] is the one list of settings; [`Typed`] holds what was typed, each text with its origin; here it becomes
//! a [`Config`], whose limits are all checked. Whoever has a `Config` need check nothing again.

pub mod addresses;
mod error;
mod file;
mod fleet;
mod limit;
mod net;
pub mod setting;
#[cfg(test)]
mod tests;
mod typed;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{ConfigError, Origin};
pub use fleet::{FleetConfig, Model, Password};
pub use limit::Limits;
pub use net::{BaseUrl, Host, Listen};
pub use typed::{Flags, Typed};

use addresses::Addresses;

use crate::address::{Layout, Place, Urls};
use crate::clock::Clock;
use crate::effect::Network;
use crate::profile::timing::Timing;
use crate::store::StoredFleet;
use crate::time::Span;
use crate::tls::MinVersion;
use setting::{
    ADVERTISE, AGENT_LISTEN, BOOT_TIME, CERTS, EGRESS, IMAGES, INSECURE, IRONIC, IRONIC_CA, LIMIT, LISTEN,
    LOG, NETWORK_BOOT, SNAPSHOT, SPEED, STATE, Setting, TIMING, TLS_CERT, TLS_KEY, TLS_MIN,
};

/// What `fauxmetal serve` is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which nodes there are, and who may log in.
    pub fleet: FleetConfig,
    /// How nodes share the addresses that are listened on.
    pub layout: Layout,
    /// What follows a node's name, where nodes are told apart by it.
    pub domain: Option<Host>,
    /// Where the controllers listen: at least one place, at most [`Listen::MAX`], no two the same.
    pub listen: Vec<Listen>,
    /// Where the agents listen.
    pub agent_listen: Listen,
    /// Where figures are served, if anywhere.
    pub admin_listen: Option<Listen>,
    /// The host in URLs given to others; `None` means the one listened on. [`Config::url`] applies it.
    pub advertise: Option<Host>,
    /// Ironic's API endpoints, for agents that were not told one; may be empty.
    pub ironic: Vec<BaseUrl>,
    /// How Ironic's API and image servers are verified.
    pub trust: Trust,
    /// The HTTP server with boot configurations by MAC address.
    pub network_boot: Option<BaseUrl>,
    /// Networks that may be called; empty when nobody said.
    pub egress: Vec<Network>,
    /// What a deployment does with its image.
    pub images: Images,
    /// Where the certificates of the Redfish listeners come from.
    pub certificates: Certificates,
    /// The folder in which certificates are made and kept: the agents' in any case, for Ironic takes it from their
    /// heartbeats and no CA of anybody's is asked.
    pub certs: PathBuf,
    /// The lowest version of TLS that listeners speak.
    pub tls_min: MinVersion,
    /// What clients, servers and nodes are granted.
    pub limits: Limits,
    /// The directory in which the fleet is kept; `None` means nowhere.
    pub state: Option<PathBuf>,
    /// The snapshot that the fleet starts from.
    pub snapshot: Option<PathBuf>,
    /// Simulated seconds per second, within [`Clock::SPEED`].
    pub speed: f64,
    /// The filter of the log, as `tracing_subscriber::EnvFilter` reads it; known to be right.
    pub log: String,
    timings: Timings,
}

/// How the certificates of servers that are called are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By the system's CA certificates.
    System,
    /// By the CA certificates in a PEM file.
    Ca(PathBuf),
    /// Not at all.
    Anybody,
}

/// What a deployment does with its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// Reads it all and checks its checksum.
    Verify,
    /// Asks whether it is there.
    Probe,
    /// Believes that it is there.
    Skip,
}

/// Where the certificates of the Redfish listeners come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// From a development CA in [`Config::certs`], made when it is not there.
    Development,
    /// From the user.
    Own {
        /// The chain, PEM.
        certificate: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
}

impl Config {
    /// What the settings mean.
    ///
    /// # Errors
    /// For the first setting that is wrong, or for two that do not go together.
    pub fn new(typed: &Typed) -> Result<Self, ConfigError> {
        let mut fleet = FleetConfig::new(typed)?;
        let timings = Timings::new(typed)?;
        timings.set(&mut fleet);
        let Addresses { layout, domain, listen, agent_listen, admin_listen } =
            Addresses::new(typed, fleet.nodes())?;
        Ok(Self {
            fleet,
            layout,
            domain,
            listen,
            agent_listen,
            admin_listen,
            advertise: typed.maybe(&ADVERTISE, Host::parse)?,
            ironic: typed
                .many(&IRONIC, BaseUrl::MAX, BaseUrl::parse)?
                .into_iter()
                .map(|(url, _)| url)
                .collect(),
            trust: trust(typed)?,
            network_boot: typed.maybe(&NETWORK_BOOT, BaseUrl::parse)?,
            egress: only(typed.many(&EGRESS, MAX_NETWORKS, Network::parse)?),
            images: typed.one(&IMAGES, |text| match text {
                "verify" => Ok(Images::Verify),
                "probe" => Ok(Images::Probe),
                "skip" => Ok(Images::Skip),
                other => {
                    Err(format!("'{other}' is not a way to treat images; allowed are verify, probe and skip"))
                }
            })?,
            certificates: certificates(typed)?,
            certs: typed.one(&CERTS, path)?,
            tls_min: typed.one(&TLS_MIN, tls_min)?,
            limits: limits(typed)?,
            state: typed.maybe(&STATE, path)?,
            snapshot: typed.maybe(&SNAPSHOT, path)?,
            speed: typed.one(&SPEED, speed)?,
            log: typed.one(&LOG, log_filter)?,
            timings,
        })
    }

    /// Makes the fleet the one that is held in `place`, a state file or a snapshot; timings stay as configured.
    ///
    /// # Errors
    /// When the settings ask for another fleet or another beginning, or one of its models cannot be had any more.
    pub fn adopt(&mut self, held: &StoredFleet, place: &Path) -> Result<(), ConfigError> {
        if let Some(snapshot) = self.snapshot.as_deref().filter(|snapshot| *snapshot != place) {
            let said = format!(
                "{} is to begin a fleet, and {} holds one; leave it out to go on with that one, or name an empty directory",
                snapshot.display(),
                place.display()
            );
            return Err(ConfigError::new(SNAPSHOT.flag(), said));
        }
        self.fleet.adopt(held, place)?;
        self.timings.set(&mut self.fleet);
        // Room was looked for when the fleet was another one.
        let nodes = self.fleet.numbered();
        let agents = addresses::of_agents(self.layout);
        let listens = self.listen.iter().map(|listen| (&LISTEN, listen, self.layout));
        for (setting, listen, layout) in listens.chain([(&AGENT_LISTEN, &self.agent_listen, agents)]) {
            listen.check(layout, nodes, &[]).map_err(|said| ConfigError::new(setting.flag(), said))?;
        }
        Ok(())
    }

    /// The URL by which others reach a listener that is bound to `port`, without a path.
    pub fn url(&self, listen: &Listen, port: u16) -> String {
        let near = listen.near_host();
        format!("{}://{}:{port}", listen.scheme(), self.advertise.as_ref().unwrap_or(&near))
    }

    /// The URLs of the controllers behind a listener that is bound to `port`.
    pub fn bmc_urls(&self, listen: &Listen, port: u16) -> Urls {
        self.urls(self.layout, listen, port)
    }

    /// The URLs of the agents, whose listener is bound to `port`. Where controllers are told apart by name, the agents
    /// share one.
    pub fn agent_urls(&self, port: u16) -> Urls {
        self.urls(addresses::of_agents(self.layout), &self.agent_listen, port)
    }

    /// Where the agents listen.
    pub fn agent_place(&self) -> Place {
        self.agent_listen.place(addresses::of_agents(self.layout))
    }

    fn urls(&self, layout: Layout, listen: &Listen, port: u16) -> Urls {
        let scheme = listen.scheme();
        match (layout, listen.prefix, &self.domain) {
            (Layout::Ip, Some(prefix), _) => Urls::Ips { scheme, prefix, port },
            (Layout::Port, ..) => {
                let near = listen.near_host();
                let host = self.advertise.as_ref().unwrap_or(&near).to_string().into();
                Urls::Ports { scheme, host, first: port }
            }
            (Layout::Host, _, Some(domain)) => Urls::Names { scheme, domain: domain.as_str().into(), port },
            _ => Urls::Same(self.url(listen, port).into()),
        }
    }

    /// What somebody should know although it is allowed, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.advertise.is_none() {
            let named = self.layout == Layout::Host;
            let controllers = self.listen.iter().filter(|_| !named);
            for listen in controllers.chain([&self.agent_listen]).filter(|l| l.is_wildcard()) {
                warnings.push(format!(
                    "{listen} listens on every address, and URLs say {}; give {} for clients on other hosts",
                    listen.near_host(),
                    ADVERTISE.flag()
                ));
            }
        }
        if let Some(admin) = self.admin_listen.as_ref().filter(|l| !l.address.ip().is_loopback()) {
            warnings.push(format!("{admin} shows figures to whoever reaches it; nobody has to log in there"));
        }
        if !self.agent_listen.tls {
            warnings.push(format!(
                "agents listen without TLS on {}; Ironic refuses that unless its [agent]require_tls is false",
                self.agent_listen
            ));
        }
        warnings
    }
}

/// Networks in one list, at most: each connection is compared with all.
const MAX_NETWORKS: usize = 256;

fn only<T>(given: Vec<(T, Origin)>) -> Vec<T> {
    given.into_iter().map(|(value, _)| value).collect()
}

fn limits(typed: &Typed) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    for given in only(typed.many(&LIMIT, Limits::count(), Limits::parse)?) {
        limits.set(given);
    }
    Ok(limits)
}

fn tls_min(text: &str) -> Result<MinVersion, String> {
    match text {
        "1.2" => Ok(MinVersion::Tls12),
        "1.3" => Ok(MinVersion::Tls13),
        other => Err(format!("'{other}' is not a version of TLS that is spoken; allowed are 1.2 and 1.3")),
    }
}

fn trust(typed: &Typed) -> Result<Trust, ConfigError> {
    let ca = typed.maybe(&IRONIC_CA, path)?;
    let insecure = typed.maybe(&INSECURE, switch)?.unwrap_or(false);
    match (ca, insecure) {
        (None, false) => Ok(Trust::System),
        (Some(ca), false) => Ok(Trust::Ca(ca)),
        (None, true) => Ok(Trust::Anybody),
        (Some(ca), true) => {
            Ok(if stronger(typed, &IRONIC_CA, &INSECURE)? { Trust::Ca(ca) } else { Trust::Anybody })
        }
    }
}

fn certificates(typed: &Typed) -> Result<Certificates, ConfigError> {
    let (certificate, key) = (typed.maybe(&TLS_CERT, path)?, typed.maybe(&TLS_KEY, path)?);
    let lone = |setting: &Setting, other: &Setting| {
        let origin = typed.first(setting).map_or(Origin::Default, |given| given.origin.clone());
        Err(ConfigError::at(setting, &origin, format!("needs {} beside it", other.flag())))
    };
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(Certificates::Development),
        (Some(_), None) => return lone(&TLS_CERT, &TLS_KEY),
        (None, Some(_)) => return lone(&TLS_KEY, &TLS_CERT),
        (Some(certificate), Some(key)) => (certificate, key),
    };
    Ok(Certificates::Own { certificate, key })
}

/// Of two settings that exclude each other: whether the first comes from a stronger place than the second.
fn stronger(typed: &Typed, one: &Setting, other: &Setting) -> Result<bool, ConfigError> {
    match (typed.rank(one), typed.rank(other), typed.first(one)) {
        (a, b, Some(given)) if a == b => Err(ConfigError::at(
            one,
            &given.origin,
            format!("does not go with {}; give one of them", other.flag()),
        )),
        (a, b, _) => Ok(a > b),
    }
}

/// Times that were set in place of the profiles' own.
#[derive(Clone, Debug)]
struct Timings {
    whole: Option<Span>,
    each: Vec<(String, Span)>,
}

impl Timings {
    fn new(typed: &Typed) -> Result<Self, ConfigError> {
        let whole = typed.maybe(&BOOT_TIME, |text| text.parse::<Span>().map_err(|e| e.to_string()))?;
        let each = typed.many(&TIMING, Timing::default().list().len(), |text| {
            let (name, range) = text
                .split_once('=')
                .ok_or_else(|| format!("'{text}' is not NAME=RANGE, as post=30s..60s"))?;
            let span: Span = range.parse().map_err(|e| format!("{name}: {e}"))?;
            Timing::default().set(name, span).map_err(|e| e.to_string())?;
            Ok((name.to_owned(), span))
        })?;
        Ok(Self { whole, each: each.into_iter().map(|(timing, _)| timing).collect() })
    }

    fn set(&self, fleet: &mut FleetConfig) {
        if self.whole.is_none() && self.each.is_empty() {
            return;
        }
        for model in fleet.models.iter_mut().chain(&mut fleet.added) {
            let timing = &mut Arc::make_mut(&mut model.profile).timing;
            if let Some(whole) = self.whole {
                split_boot_time(timing, whole);
            }
            for (name, span) in &self.each {
                timing.set(name, *span).expect("the name was tried above");
            }
        }
    }
}

/// Half for the firmware, half for what it starts, so that both together stay within the range.
fn split_boot_time(timing: &mut Timing, whole: Span) {
    let post = Span::ms(whole.min_ms / 2, whole.max_ms / 2);
    let boot = Span::ms(whole.min_ms - post.min_ms, whole.max_ms - post.max_ms);
    timing.power_on = Span::exactly_ms(0);
    timing.post = post;
    timing.boot_ramdisk = boot;
    timing.boot_os = boot;
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("a path is wanted, and this is empty".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(format!("'{other}' is neither true nor false")),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let (slowest, fastest) = (Clock::SPEED.start(), Clock::SPEED.end());
    let speed = text.parse().ok().filter(|speed| Clock::SPEED.contains(speed));
    speed.ok_or_else(|| {
        format!("'{text}' is not a speed; allowed are {slowest} to {fastest} simulated seconds per second")
    })
}

fn log_filter(text: &str) -> Result<String, String> {
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let wrong =
        || format!("'{text}' is not a filter; write {}, or target=level between commas", levels.join(", "));
    // A lone word that is no level would be taken for a target, and the log would be silent.
    if !text.contains(['=', ',']) && !levels.contains(&text.to_ascii_lowercase().as_str()) {
        return Err(wrong());
    }
    let parsed = tracing_subscriber::EnvFilter::builder().parse(text);
    parsed.map(|_| text.to_owned()).map_err(|_| wrong())
}
