//! The only file that knows everyone: builds the fleet, wires the faces to the listeners, says when it is ready, and
//! stops in order.

mod memory;

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::address::{Layout, Urls};
use crate::admin::{self, Admin, Source};
use crate::clock::{self, Clock};
use crate::config::{Certificates, Config, Images, Trust};
use crate::effect::{self, Outside};
use crate::fleet::Fleet;
use crate::ipa;
use crate::meter::Page;
use crate::node::NodeId;
use crate::redfish::auth::Account;
use crate::redfish::{Redfish, check};
use crate::server::{Limits, Listener, Server};
use crate::tls::{
    CertificateNames, DevelopmentCa, Identity, Leaves, Shown, TlsError, agent_identity, server_config,
};
use memory::Memory;

/// Serves a fleet until the process is told to stop (SIGTERM or SIGINT).
///
/// # Errors
/// When it cannot begin: a profile is wrong, a certificate cannot be made or read, an address is taken.
pub fn serve(mut config: Config) -> anyhow::Result<()> {
    fit_files(&mut config)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to be had")?;
    let result = runtime.block_on(run(config));
    // What still reads an image is not waited for: nobody is left to be told of it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Takes as many open files as the system lets this process have, for each connection is one, and shells give out few;
/// and makes do with those it gets.
///
/// # Errors
/// When not even the sockets that are listened on can be had.
fn fit_files(config: &mut Config) -> anyhow::Result<()> {
    let nodes = config.fleet.nodes();
    let sockets = match config.layout {
        Layout::Port => nodes as usize * (config.listen.len() + 1),
        Layout::Shared | Layout::Ip | Layout::Host => 0,
    };
    let limits = &mut config.limits;
    let wanted = (limits.server.connections + sockets) as u64 + FILES_BESIDE_CONNECTIONS;
    let files = match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files >= wanted => return Ok(()),
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be told");
            return Ok(());
        }
    };
    let least = sockets + FILES_BESIDE_CONNECTIONS as usize;
    anyhow::ensure!(
        sockets == 0 || files >= least,
        "--addresses port needs {least} open files for {nodes} nodes, and {files} are allowed (ulimit -n); ip needs one socket"
    );
    let calls = limits.server.fit(files - sockets, limits.calls.calls);
    limits.calls.calls = calls;
    limits.calls.downloads = limits.calls.downloads.min(calls);
    let connections = limits.server.connections;
    tracing::warn!(
        files,
        connections,
        calls,
        "few open files are allowed (ulimit -n), and so few connections are"
    );
    Ok(())
}

/// Files that are open beside clients' connections: calls outside, listeners, the log.
const FILES_BESIDE_CONNECTIONS: u64 = 512;

async fn run(mut config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let memory = Memory::open(&mut config)?;
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
        fleet.persist();
    }
    memory.restore(&fleet)?;
    let fleet = Arc::new(fleet);
    let identities = Identities::new(&config)?;
    let account = Account::new(&config.fleet.user, config.fleet.password.reveal());
    config.fleet.password.forget();
    let config = &config;
    let mut redfish = Redfish::new(Arc::clone(&fleet), account);
    redfish.sessions.limit = config.limits.sessions;
    redfish.own_sessions = config.limits.sessions_per_bmc;
    memory.restore_sessions(&redfish)?;

    let mut server = Server::new(config.limits.server.clone());
    redfish.domain = config.domain.as_ref().map(|domain| domain.as_str().into());
    let (nodes, mut bmc_urls, mut listeners) = (fleet.next_index(), Vec::new(), Vec::new());
    for listen in &config.listen {
        let shown = listen.tls.then(|| identities.redfish.clone());
        let listener = Listener::at(listen.place(config.layout), nodes, shown)?;
        redfish.places.push((listen.tls, listener.place()));
        bmc_urls.push(config.bmc_urls(listen, listener.address().port()));
        listeners.push(listener);
    }
    let bmcs: Vec<_> = redfish.places.iter().map(|(_, place)| *place).collect();
    let redfish = Arc::new(redfish);
    for listener in listeners {
        server.add(listener, Arc::clone(&redfish), config.limits.redfish_body_bytes);
    }
    let shown = config.agent_listen.tls.then(|| identities.agents.clone());
    let listener = Listener::at(config.agent_place(), nodes, shown)?;
    let agent_urls = config.agent_urls(listener.address().port());
    let agents = Arc::new(ipa::Api::new(Arc::clone(&fleet), agent_urls.clone(), bmcs.clone()));
    server.add(listener, Arc::clone(&agents), config.limits.agent_body_bytes);

    let kept = memory.keep(config, &fleet)?;
    let settings = effect::Settings { bmcs, ..outside_settings(config, agent_urls.clone(), &identities)? };
    let outside = Arc::new(Outside::new(Arc::clone(&fleet), settings)?);
    let sources: Vec<Source> = vec![
        Box::new(server.meter()),
        source(&redfish, Redfish::meter),
        source(&agents, ipa::Api::meter),
        source(&fleet, Fleet::meter),
        source(&outside, Outside::meter),
    ];
    let admin = start_admin(config, &identities, sources)?;
    let performing = tokio::spawn(outside.run(effects));
    let waking = tokio::spawn({
        let fleet = Arc::clone(&fleet);
        async move { fleet.keep_time().await }
    });
    let mut ready = Ready::new(config, &fleet, &bmc_urls, &agent_urls, identities.ca.clone());
    ready.admin = admin.as_ref().map(|(url, _)| url.clone());
    announce(config, &ready)?;
    let cut = server.run(stop).await;
    performing.abort();
    waking.abort();
    if let Some((_, admin)) = admin {
        admin.abort();
    }
    if cut > 0 {
        tracing::warn!(connections = cut, "stopped, with connections cut that were still busy");
    }
    kept.map_or(Ok(()), |kept| kept.keeper.stop())?;
    Ok(())
}

fn source<T: Send + Sync + 'static>(of: &Arc<T>, meter: fn(&T, &mut Page)) -> Source {
    let of = Arc::clone(of);
    Box::new(move |page| meter(&of, page))
}

/// The admin listener's URL and task, if there is to be one. It is a server of its own, so that figures are to be had
/// while the other one is full.
fn start_admin(
    config: &Config,
    identities: &Identities,
    sources: Vec<Source>,
) -> anyhow::Result<Option<(String, JoinHandle<usize>)>> {
    let Some(listen) = &config.admin_listen else { return Ok(None) };
    let shown = listen.tls.then(|| identities.redfish.clone());
    let listener = Listener::at(listen.place(Layout::Shared), 1, shown)?;
    let url = config.url(listen, listener.address().port());
    let mut server =
        Server::new(Limits { connections: admin::CONNECTIONS, refusals: 4, ..Limits::default() });
    server.add(listener, Arc::new(Admin::new(sources)), admin::BODY_BYTES);
    Ok(Some((url, tokio::spawn(server.run(std::future::pending())))))
}

/// Certificates of both kinds of listener.
struct Identities {
    redfish: Shown,
    agents: Shown,
    /// What agents tell Ironic to trust, PEM.
    agent_pem: String,
    /// Absolute path of what clients check the Redfish listeners against.
    ca: String,
}

impl Identities {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::unix_ms());
        let mut names = CertificateNames::of_this_host();
        // Addresses of a prefix have certificates of their own.
        let listens = config.listen.iter().chain([&config.agent_listen]).chain(&config.admin_listen);
        for listen in listens.filter(|l| l.prefix.is_none()) {
            names.add_listener(listen.address.ip());
        }
        if let Some(host) = &config.advertise {
            names.add_host(host.as_str())?;
        }
        if let Some(domain) = &config.domain {
            names.add_domain(domain.as_str())?;
        }
        let same = |identity: &Identity| {
            Ok::<_, TlsError>(Shown::Same(server_config(identity.resolver(), config.tls_min)?))
        };
        let own = match &config.certificates {
            Certificates::Development => None,
            Certificates::Own { certificate, key } => Some((Identity::load(certificate, key)?, certificate)),
        };
        let (redfish, agents, agent_pem, ca) = if config.layout == Layout::Ip {
            let ca = DevelopmentCa::open(&config.certs, now)?;
            let (identity, path) = (ca.redfish_identity(&names, now)?, ca.certificate_path());
            let leaves = Arc::new(Leaves::new(ca, identity, now, config.tls_min)?);
            let pem = leaves.ca_pem().to_owned();
            (Shown::ByAddress(Arc::clone(&leaves)), Shown::ByAddress(leaves), pem, path)
        } else {
            let agents = agent_identity(&config.certs, &names, now)?;
            let (redfish, path) = match &own {
                None => {
                    let ca = DevelopmentCa::open(&config.certs, now)?;
                    (same(&ca.redfish_identity(&names, now)?)?, ca.certificate_path())
                }
                Some((identity, path)) => (same(identity)?, path.to_path_buf()),
            };
            (redfish, same(&agents)?, agents.certificate_pem().to_owned(), path)
        };
        let (redfish, ca) = match own {
            Some((identity, path)) => (same(&identity)?, path.clone()),
            None => (redfish, ca),
        };
        let ca = std::path::absolute(&ca).unwrap_or(ca).display().to_string();
        Ok(Self { redfish, agents, agent_pem, ca })
    }
}

fn outside_settings(
    config: &Config,
    agent_urls: Urls,
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
        agent_urls,
        agent_ca_pem: config.agent_listen.tls.then(|| identities.agent_pem.clone()),
        images: match config.images {
            Images::Verify => effect::Images::Verify,
            Images::Probe => effect::Images::Probe,
            Images::Skip => effect::Images::Skip,
        },
        egress: config.egress.clone(),
        limits: config.limits.calls,
        ..effect::Settings::default()
    })
}

/// What a script needs to know when the daemon is ready.
#[derive(serde::Serialize)]
struct Ready {
    /// How nodes share addresses.
    addresses: &'static str,
    /// The first node's URLs, which are those of all where they share them.
    redfish: Vec<String>,
    /// The last node's, where each has its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redfish_last: Vec<String>,
    /// All of the first kind in one text, as `export` takes it.
    bmc: String,
    /// The first node's agent, or that of all.
    agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
    ca: String,
    nodes: u32,
}

impl Ready {
    fn new(config: &Config, fleet: &Fleet, bmcs: &[Urls], agents: &Urls, ca: String) -> Self {
        let nodes = fleet.len();
        let name = |node| fleet.look(NodeId(node), |n, _| n.spec().name()).unwrap_or_default();
        let of = |node: u32| bmcs.iter().map(|urls| urls.of(node, || name(node))).collect::<Vec<_>>();
        Self {
            addresses: config.layout.as_str(),
            redfish: of(0),
            redfish_last: if config.layout == Layout::Shared {
                Vec::new()
            } else {
                of(nodes.saturating_sub(1))
            },
            bmc: bmcs.first().map(Urls::pattern).unwrap_or_default(),
            agent: agents.of(0, || name(0)),
            admin: None,
            ca,
            nodes,
        }
    }
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
    if !ready.redfish_last.is_empty() {
        writeln!(out, "  to           {}/redfish/v1", ready.redfish_last.join("/redfish/v1  "))?;
    }
    writeln!(out, "  log in as    {user} (password as configured; the default is \"password\")")?;
    writeln!(out, "  certificate  {}", ready.ca)?;
    writeln!(out, "  agents       {}", ready.agent)?;
    if let Some(admin) = &ready.admin {
        writeln!(out, "  figures      {admin}/metrics")?;
    }
    writeln!(out)?;
    writeln!(out, "Look:   curl --cacert {} -u {user} {first}/redfish/v1/Systems", ready.ca)?;
    let fleet = same_fleet(config);
    writeln!(
        out,
        "Enrol:  fauxmetal export --format ironic {fleet} --bmc {} --verify-ca {} > fleet.json",
        ready.bmc, ready.ca
    )?;
    writeln!(out, "        baremetal create fleet.json")?;
    writeln!(out, "Stop:   Ctrl-C")?;
    writeln!(out)
}

/// The flags with which `export` prints this very fleet.
fn same_fleet(config: &Config) -> String {
    let seed = config.fleet.seed.0;
    let layout = match config.layout {
        Layout::Shared => String::new(),
        layout => format!(" --addresses {}", layout.as_str()),
    };
    let models = config.fleet.models.iter().map(|m| format!("--profile {}={}", m.profile.name, m.count));
    format!("{} --seed {seed}{layout}", models.collect::<Vec<_>>().join(" "))
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
