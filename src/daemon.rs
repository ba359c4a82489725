//! The only file that knows everyone: builds the fleet, wires the faces to the listeners, says when it is ready, and
//! stops in order.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::agent::Agents;
use crate::clock::{self, Clock};
use crate::config::{Certificates, Config, Images, Listen, Trust};
use crate::effect::{self, Outside};
use crate::fleet::Fleet;
use crate::node::{NodeId, State};
use crate::redfish::auth::Account;
use crate::redfish::session::Sessions;
use crate::redfish::{Redfish, check};
use crate::server::{AGENT_BODY_BYTES, Limits, Listener, REDFISH_BODY_BYTES, Server};
use crate::state::{Directory, Held, Keeper, Store, snapshot};
use crate::time::SimTime;
use crate::tls::{CertificateNames, DevelopmentCa, Identity, agent_identity, server_config};

/// Serves a fleet until the process is told to stop (SIGTERM or SIGINT).
///
/// # Errors
/// When it cannot begin: a profile is wrong, a certificate cannot be made or read, an address is taken.
pub fn serve(config: Config) -> anyhow::Result<()> {
    raise_file_limit();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to be had")?;
    let result = runtime.block_on(run(config));
    // What still reads an image is not waited for: nobody is left to be told of it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Takes as many open files as the system lets this process have: each connection is one, and shells give out few.
fn raise_file_limit() {
    let wanted = Limits::CONNECTIONS as u64 + FILES_BESIDE_CONNECTIONS;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files >= wanted => {}
        Ok(files) => tracing::warn!(
            files,
            wanted,
            "few open files are allowed (ulimit -n): connections beyond them wait"
        ),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be told"),
    }
}

/// Files that are open beside clients' connections: calls outside, listeners, the log.
const FILES_BESIDE_CONNECTIONS: u64 = 512;

async fn run(mut config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let memory = Memory::open(&mut config)?;
    let config = &config;
    let clock = Clock::wall_after(config.speed, memory.time);
    let (fleet, effects) = Fleet::new(config.fleet.seed, clock);
    for model in config.fleet.models.iter().chain(&config.fleet.added) {
        let problems = check::profile(&model.profile);
        anyhow::ensure!(problems.is_empty(), "profile '{}': {}", model.profile.name, problems.join("; "));
        fleet.add(&model.profile, model.count)?;
    }
    for id in &memory.removed {
        fleet.remove(NodeId(*id));
    }
    if memory.directory.is_some() {
        fleet.keep();
    }
    memory.restore(&fleet)?;
    let fleet = Arc::new(fleet);
    let identities = Identities::new(config)?;
    let account = Account::new(&config.fleet.user, config.fleet.password.reveal());
    let mut redfish = Redfish::new(Arc::clone(&fleet), account);
    memory.restore_sessions(&redfish)?;

    let mut server = Server::new(Limits::default());
    let (mut redfish_urls, mut listeners) = (Vec::new(), Vec::new());
    for listen in &config.listen {
        let listener = bind(listen, &identities.redfish)?;
        let port = listener.address().port();
        let ports = &mut redfish.ports;
        let told = if listen.tls { &mut ports.https } else { &mut ports.http };
        told.get_or_insert(port);
        redfish_urls.push(config.url(listen, port));
        listeners.push(listener);
    }
    let redfish = Arc::new(redfish);
    for listener in listeners {
        server.add(listener, Arc::clone(&redfish), REDFISH_BODY_BYTES);
    }
    let listener = bind(&config.agent_listen, &identities.agents)?;
    let agent_url = config.url(&config.agent_listen, listener.address().port());
    server.add(listener, Arc::new(Agents::new(Arc::clone(&fleet), &agent_url)), AGENT_BODY_BYTES);

    let kept = memory.keep(config, &fleet)?;
    let outside = Outside::new(Arc::clone(&fleet), outside_settings(config, &agent_url, &identities)?)?;
    let performing = tokio::spawn(outside.run(effects));
    let waking = tokio::spawn({
        let fleet = Arc::clone(&fleet);
        async move { fleet.keep_time().await }
    });
    announce(
        config,
        &Ready { redfish: redfish_urls, agent: agent_url, ca: identities.ca.clone(), nodes: fleet.len() },
    )?;
    let cut = server.run(stop).await;
    performing.abort();
    waking.abort();
    if cut > 0 {
        tracing::warn!(connections = cut, "stopped, with connections cut that were still busy");
    }
    kept.map_or(Ok(()), |kept| kept.keeper.stop())?;
    Ok(())
}

/// What the fleet remembers of an earlier run, or of a snapshot.
struct Memory {
    /// Where it is kept from here on.
    directory: Option<Directory>,
    /// What was found there.
    store: Option<Store>,
    /// What the snapshot holds.
    nodes: Vec<(NodeId, State)>,
    /// Nodes that are gone.
    removed: Vec<u32>,
    /// Simulated time goes on from there at least.
    time: SimTime,
}

impl Memory {
    /// Reads what is to be remembered, and makes the configured fleet the one that it is of.
    fn open(config: &mut Config) -> anyhow::Result<Self> {
        let directory = config.state.as_deref().map(|dir| Directory::hold(dir, true)).transpose()?;
        let store = directory.as_ref().map(Store::open).transpose()?.flatten();
        let (mut nodes, mut removed, mut time) = (Vec::new(), Vec::new(), SimTime::from_ms(0));
        if let Some(store) = &store {
            config.adopt(store.held(), store.file())?;
            time = store.time();
            removed.clone_from(&store.held().removed);
        } else if let Some(file) = config.snapshot.clone() {
            let snapshot = snapshot::Reader::open(&file)?;
            let then = SimTime::from_ms(snapshot.header().time_ms);
            config.adopt(&snapshot.header().held, &file)?;
            removed.clone_from(&snapshot.header().held.removed);
            time = then.max(SimTime::from_ms(clock::unix_ms()));
            nodes = snapshot.nodes(time.since_ms(then))?;
        }
        Ok(Self { directory, store, nodes, removed, time })
    }

    fn restore(&self, fleet: &Fleet) -> anyhow::Result<()> {
        let mut restored = self.store.as_ref().map_or(Ok(0), |store| store.restore(fleet))?;
        for (id, state) in &self.nodes {
            restored += u32::from(fleet.restore(*id, state.clone()));
        }
        if restored > 0 {
            tracing::info!(nodes = restored, "remembered; all others are new");
        }
        Ok(())
    }

    fn restore_sessions(&self, redfish: &Redfish) -> anyhow::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let now = redfish.fleet.clock().now();
        let restored = redfish.sessions.restore(&store.records(Sessions::RECORDS)?, now);
        restored.map_err(|why| anyhow::anyhow!("{}: {why}", store.file().display()))
    }

    /// Begins to keep the fleet, if it is to be kept. A new one is written only now that nothing else can go wrong.
    fn keep(self, config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Option<Kept>> {
        let (Some(directory), Some(ledger)) = (self.directory, fleet.ledger()) else { return Ok(None) };
        let store = match self.store {
            Some(store) => store,
            None => {
                let now = fleet.clock().now();
                let held = Held { removed: self.removed, ..config.fleet.held() };
                Store::create(&directory, &held, now, self.nodes.into_iter().map(Ok))?
            }
        };
        let keeper =
            Keeper::start(store, Arc::clone(fleet), Arc::clone(ledger)).context("no thread to be had")?;
        Ok(Some(Kept { keeper, _directory: directory }))
    }
}

/// A fleet that is kept, in a directory that is held meanwhile.
struct Kept {
    keeper: Keeper,
    _directory: Directory,
}

/// Certificates of both kinds of listener.
struct Identities {
    redfish: Identity,
    agents: Identity,
    /// Absolute path of what clients check the Redfish listeners against.
    ca: String,
}

impl Identities {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::unix_ms());
        let mut names = CertificateNames::of_this_host();
        for listen in config.listen.iter().chain([&config.agent_listen]) {
            names.add_listener(listen.address.ip());
        }
        if let Some(host) = &config.advertise {
            names.add_host(host.as_str())?;
        }
        let agents = agent_identity(&config.certs, &names, now)?;
        let (redfish, ca) = match &config.certificates {
            Certificates::Development => {
                let ca = DevelopmentCa::open(&config.certs, now)?;
                (ca.redfish_identity(&names, now)?, ca.certificate_path())
            }
            Certificates::Own { certificate, key } => {
                (Identity::load(certificate, key)?, certificate.clone())
            }
        };
        let ca = std::path::absolute(&ca).unwrap_or(ca).display().to_string();
        Ok(Self { redfish, agents, ca })
    }
}

fn bind(listen: &Listen, identity: &Identity) -> anyhow::Result<Listener> {
    let tls = if listen.tls { Some(server_config(identity.resolver())?) } else { None };
    Ok(Listener::bind(listen.address, tls)?)
}

fn outside_settings(
    config: &Config,
    agent_url: &str,
    identities: &Identities,
) -> anyhow::Result<effect::Settings> {
    let ca = match &config.trust {
        Trust::Ca(file) => Some(std::fs::read(file).with_context(|| format!("{}", file.display()))?),
        Trust::System | Trust::Anybody => None,
    };
    Ok(effect::Settings {
        ironic: config.ironic.iter().map(|url| url.as_str().to_owned()).collect(),
        ca,
        insecure: config.trust == Trust::Anybody,
        network_boot: config.network_boot.as_ref().map(|url| url.as_str().to_owned()),
        agent_url: agent_url.to_owned(),
        agent_ca_pem: config.agent_listen.tls.then(|| identities.agents.certificate_pem().to_owned()),
        images: match config.images {
            Images::Verify => effect::Images::Verify,
            Images::Probe => effect::Images::Probe,
            Images::Skip => effect::Images::Skip,
        },
        ..effect::Settings::default()
    })
}

/// What a script needs to know when the daemon is ready.
#[derive(serde::Serialize)]
struct Ready {
    redfish: Vec<String>,
    agent: String,
    ca: String,
    nodes: u32,
}

/// Says that it is ready: for people on a terminal what they need next, and for scripts one line that begins with READY.
fn announce(config: &Config, ready: &Ready) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        guide(&mut out, config, ready)?;
    }
    #[derive(serde::Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        ready: &'a Ready,
        pid: u32,
    }
    writeln!(out, "READY {}", serde_json::to_string(&Line { ready, pid: std::process::id() })?)?;
    out.flush()?;
    tracing::info!(nodes = ready.nodes, redfish = ready.redfish.join(" "), agent = ready.agent, "ready");
    Ok(())
}

fn guide(out: &mut impl std::io::Write, config: &Config, ready: &Ready) -> std::io::Result<()> {
    let models: Vec<_> =
        config.fleet.models.iter().map(|m| format!("{} {}", m.count, m.profile.name)).collect();
    let first = ready.redfish.first().map_or("", String::as_str);
    let user = &config.fleet.user;
    writeln!(out, "fauxmetal serves {} nodes ({})", ready.nodes, models.join(", "))?;
    writeln!(out)?;
    writeln!(out, "  Redfish      {}/redfish/v1", ready.redfish.join("/redfish/v1  "))?;
    writeln!(out, "  log in as    {user} (password as configured; the default is \"password\")")?;
    writeln!(out, "  certificate  {}", ready.ca)?;
    writeln!(out, "  agents       {}", ready.agent)?;
    writeln!(out)?;
    writeln!(out, "Look:   curl --cacert {} -u {user} {first}/redfish/v1/Systems", ready.ca)?;
    let fleet = same_fleet(config);
    writeln!(
        out,
        "Enrol:  fauxmetal export --format ironic {fleet} --bmc {first} --verify-ca {} > fleet.json",
        ready.ca
    )?;
    writeln!(out, "        baremetal create fleet.json")?;
    writeln!(out, "Stop:   Ctrl-C")?;
    writeln!(out)
}

/// The flags with which `export` prints this very fleet.
fn same_fleet(config: &Config) -> String {
    let seed = config.fleet.seed.0;
    let models = config.fleet.models.iter().map(|m| format!("--profile {}={}", m.profile.name, m.count));
    format!("{} --seed {seed}", models.collect::<Vec<_>>().join(" "))
}

/// Ready when the process is told to stop.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, requests in flight are answered");
    })
}
