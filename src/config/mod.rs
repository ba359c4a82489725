//! The configuration: the settings from flags, environment and a file, checked and typed.
//!
//! [`setting`] is the one list of settings. [`RawSettings`] holds the texts with their origins. [`Config::new`] parses and
//! checks them, so that the owner of a [`Config`] need not check anything again.

pub mod addresses;
mod admin;
mod certificates;
mod error;
mod export;
mod faults;
mod file;
mod fleet;
mod imported;
#[cfg(test)]
mod imported_tests;
mod layer;
mod limit;
mod log;
mod net;
mod password;
mod raw;
pub mod setting;
mod shown;
#[cfg(test)]
mod tests;
mod timings;
mod urls;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use admin::{AdminConfig, AdminListen};
pub use certificates::{Certificates, Trust};
pub use error::{ConfigError, Origin};
pub use export::{ExportFormat, WrittenExport};
pub use faults::{faults_schema, read_faults, read_faults_from_stdin};
pub use fleet::{FleetConfig, Model, unusable_profile};
pub use imported::is_setting;
pub use log::{LogFilter, LogFormat};
pub use net::{Host, Listen};
pub use password::Password;
pub use raw::{CLIENT_VARIABLES, Flags, RawSettings};
pub use shown::Shown;
pub use timings::Timings;

use addresses::Addresses;
use setting::{
    ADVERTISE, AGENT_ISO, AGENT_LISTEN, CERTS, EGRESS, FAULTS, HOST_NETWORK, IMAGES, IRONIC, LIMIT, LISTEN,
    LOG, LOG_FORMAT, NETWORK_BOOT, SNAPSHOT, SPEED, SSDP, STATE, TLS_MIN, WRITE_EXPORT, WRITE_TIME,
};
use value::path;

use crate::address::{BaseUrl, HostNetwork, Layout, Prefix};
use crate::effect::{Images, Network, Pattern};
use crate::fault::Rule;
use crate::limit::{Limit, Limits};
use crate::store::StoredFleet;
use crate::tls::MinVersion;

/// The checked settings of `fauxmetal serve`.
#[derive(Clone, Debug)]
pub struct Config {
    pub fleet: FleetConfig,
    pub layout: Layout,
    /// The domain of the nodes' host names; `Some` exactly for [`Layout::Host`].
    pub domain: Option<Host>,
    /// The addresses of the BMCs: 1 to [`Listen::MAX`], all different.
    pub listen: Vec<Listen>,
    /// The address of the agents. Without one, no agent starts.
    pub agent_listen: Option<Listen>,
    /// The listener of the control API and of the metrics.
    pub admin: Option<AdminConfig>,
    /// The host in URLs for clients; `None` means the listening address. [`Config::url`] applies it.
    pub advertise: Option<Host>,
    /// SSDP is answered, on the IPv4 addresses of [`Config::listen`]; there is at least one.
    pub ssdp: bool,
    /// Ironic's API endpoints, for agents whose ramdisk names none; may be empty.
    pub ironic: Vec<BaseUrl>,
    /// How the certificates of Ironic's API and of image servers are verified.
    pub trust: Trust,
    /// The HTTP server with the boot configuration of each MAC address.
    pub network_boot: Option<BaseUrl>,
    /// The network of the machines' interfaces. [`Config::host_network`] divides it.
    host_network: Option<Prefix>,
    /// The networks that may be called; if empty, all addresses except those that are never a real server.
    pub egress: Vec<Network>,
    pub images: Images,
    /// Marks of images with an agent.
    pub agent_isos: Vec<Pattern>,
    /// Least real time that an agent takes to write an image.
    pub write_time: Duration,
    pub certificates: Certificates,
    /// The directory of generated certificates. The agents' certificate is always generated: Ironic takes it from their
    /// heartbeats, so that no CA is needed.
    pub certs: PathBuf,
    /// Nobody has chosen [`Config::certs`], so another directory can be used if that one cannot be written.
    pub certs_by_default: bool,
    pub tls_min: MinVersion,
    pub limits: Limits,
    /// The directory in which the fleet is persisted.
    pub state: Option<PathBuf>,
    /// The snapshot from which the fleet starts.
    pub snapshot: Option<PathBuf>,
    /// Rules of faults that are added at the start.
    pub faults: Vec<Rule>,
    /// Files for clients, written when the daemon is ready.
    pub exports: Vec<WrittenExport>,
    /// Simulated seconds per real second, within [`Clock::SPEED`](crate::clock::Clock::SPEED).
    pub speed: f64,
    /// [`Config::speed`] is not the default.
    pub speed_is_given: bool,
    pub log: LogFilter,
    pub log_format: LogFormat,
    /// All settings in force, without secrets.
    pub shown: Vec<Shown>,
    pub timings: Timings,
}

/// The largest number of networks in one list: each connection is compared with all of them.
const MAX_NETWORKS: usize = 256;
/// The largest number of patterns: each boot is compared with all of them.
const MAX_PATTERNS: usize = 32;

impl Config {
    /// # Errors
    /// For the first setting that is wrong, or for two that cannot be combined.
    pub fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let mut fleet = FleetConfig::new(raw)?;
        let timings = Timings::new(raw)?;
        timings.apply(&mut fleet);
        let Addresses { layout, domain, listen, agent_listen, admin } = Addresses::new(raw, fleet.nodes())?;
        imported::check_names(raw, layout)?;
        let ssdp = raw.optional(&SSDP, value::switch)?.unwrap_or(false);
        if ssdp && !listen.iter().any(|listen| listen.address.is_ipv4()) {
            let problem = "SSDP needs an IPv4 address, and --listen has none; add one, or leave --ssdp out";
            return Err(ConfigError::at(&SSDP, &raw.origin(&SSDP), problem.to_owned()));
        }
        let host_network =
            raw.required(&HOST_NETWORK, |text| value::unless_off(text, value::host_network))?;
        if let Some(prefix) = host_network {
            fleet
                .check_host_network(prefix)
                .map_err(|problem| ConfigError::at(&HOST_NETWORK, &raw.origin(&HOST_NETWORK), problem))?;
        }
        Ok(Self {
            host_network,
            fleet,
            layout,
            domain,
            listen,
            agent_listen,
            admin,
            advertise: raw.optional(&ADVERTISE, Host::parse)?,
            ssdp,
            ironic: values(raw.list(&IRONIC, BaseUrl::MAX, BaseUrl::parse)?),
            trust: Trust::new(raw)?,
            network_boot: raw.optional(&NETWORK_BOOT, BaseUrl::parse)?,
            egress: values(raw.list(&EGRESS, MAX_NETWORKS, Network::parse)?),
            images: raw.required(&IMAGES, value::images)?,
            agent_isos: values(raw.list(&AGENT_ISO, MAX_PATTERNS, Pattern::parse)?),
            write_time: raw.required(&WRITE_TIME, value::duration)?,
            certificates: Certificates::new(raw)?,
            certs: raw.required(&CERTS, path)?,
            certs_by_default: !raw.is_given(&CERTS),
            tls_min: raw.required(&TLS_MIN, value::tls_min)?,
            limits: limits(raw)?,
            state: raw.optional(&STATE, path)?,
            snapshot: raw.optional(&SNAPSHOT, path)?,
            faults: faults(raw)?,
            exports: values(raw.list(&WRITE_EXPORT, WrittenExport::MAX, WrittenExport::parse)?),
            speed: raw.required(&SPEED, value::speed)?,
            speed_is_given: raw.is_given(&SPEED),
            log: raw.required(&LOG, LogFilter::parse)?,
            log_format: raw.required(&LOG_FORMAT, LogFormat::parse)?,
            shown: shown::settings(raw),
            timings,
        })
    }

    /// Replaces the nodes by the ones of the fleet that `place`, a state file or a snapshot, holds. Timings stay as
    /// configured.
    ///
    /// # Errors
    /// If the settings request another fleet or another snapshot, or a model is missing or wrong.
    pub fn adopt(&mut self, held: &StoredFleet, place: &Path) -> Result<(), ConfigError> {
        if let Some(snapshot) = self.snapshot.as_deref().filter(|snapshot| *snapshot != place) {
            let problem = format!(
                "{} starts a new fleet, and {} already holds one; leave {} out to continue that fleet, or name an empty directory",
                snapshot.display(),
                place.display(),
                SNAPSHOT.flag()
            );
            return Err(ConfigError::new(SNAPSHOT.flag(), problem));
        }
        self.fleet.adopt(held, place)?;
        self.timings.apply(&mut self.fleet);
        if let Some(prefix) = self.host_network {
            let too_small = |problem| ConfigError::new(HOST_NETWORK.flag(), problem);
            self.fleet.check_host_network(prefix).map_err(too_small)?;
        }
        // `Addresses::new` has checked the room for the configured number of nodes only.
        let nodes = self.fleet.indexes();
        let agents = addresses::of_agents(self.layout);
        let listens = self.listen.iter().map(|listen| (&LISTEN, listen, self.layout));
        let of_agents = self.agent_listen.iter().map(|listen| (&AGENT_LISTEN, listen, agents));
        for (setting, listen, layout) in listens.chain(of_agents) {
            listen.check(layout, nodes, &[]).map_err(|problem| ConfigError::new(setting.flag(), problem))?;
        }
        Ok(())
    }

    /// Every listener with TCP: of the BMCs, of the agents, and of the control API.
    pub fn listens(&self) -> impl Iterator<Item = &Listen> {
        let admin = self.admin.as_ref().and_then(AdminConfig::tcp);
        self.listen.iter().chain(&self.agent_listen).chain(admin)
    }

    /// The network of the machines' interfaces, with as many addresses for each node as the largest model needs.
    pub fn host_network(&self) -> Option<HostNetwork> {
        self.host_network.map(|prefix| self.fleet.host_network(prefix))
    }
}

fn values<T>(list: Vec<(T, Origin)>) -> Vec<T> {
    list.into_iter().map(|(value, _)| value).collect()
}

fn faults(raw: &RawSettings) -> Result<Vec<Rule>, ConfigError> {
    let read = |text: &str| read_faults(&path(text)?);
    Ok(raw.optional(&FAULTS, read)?.unwrap_or_default())
}

fn limits(raw: &RawSettings) -> Result<Limits, ConfigError> {
    Ok(Limits::with(values(raw.list(&LIMIT, Limit::ALL.len(), limit::parse)?)))
}
