//! The only file that knows everyone: builds the fleet, wires the faces to the listeners, says when it is ready, and
//! stops in order.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Source};
use crate::agent::Agents;
use crate::clock::{self, Clock};
use crate::config::{self, Certificates, Config, Images, Listen, Trust};
use crate::effect::{self, Outside};
use crate::fleet::Fleet;
use crate::meter::Page;
use crate::redfish::auth::Account;
use crate::redfish::{Redfish, check};
use crate::server::{Limits, Listener, Server};
use crate::tls::{CertificateNames, DevelopmentCa, Identity, agent_identity, server_config};

/// Serves a fleet until the process is told to stop (SIGTERM or SIGINT).
///
/// # Errors
/// When it cannot begin: a profile is wrong, a certificate cannot be made or read, an address is taken.
pub fn serve(mut config: Config) -> anyhow::Result<()> {
    fit_files(&mut config.limits);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to be had")?;
    let result = runtime.block_on(run(config));
    // What still reads an image is not waited for: nobody is left to be told of it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Takes as many open files as the system lets this process have, for each connection is one, and shells give out few;
/// and makes do with those it gets.
fn fit_files(limits: &mut config::Limits) {
    let wanted = limits.server.connections as u64 + FILES_BESIDE_CONNECTIONS;
    let files = match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files >= wanted => return,
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => return tracing::warn!(%error, "the limit of open files cannot be told"),
    };
    let calls = limits.server.fit(files, limits.calls.calls);
    limits.calls.calls = calls;
    limits.calls.downloads = limits.calls.downloads.min(calls);
    let connections = limits.server.connections;
    tracing::warn!(
        files,
        connections,
        calls,
        "few open files are allowed (ulimit -n), and so few connections are"
    );
}

/// Files that are open beside clients' connections: calls outside, listeners, the log.
const FILES_BESIDE_CONNECTIONS: u64 = 512;

async fn run(mut config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let (fleet, effects) = Fleet::new(config.fleet.seed, Clock::wall(config.speed));
    for model in &config.fleet.models {
        let problems = check::profile(&model.profile);
        anyhow::ensure!(problems.is_empty(), "profile '{}': {}", model.profile.name, problems.join("; "));
        fleet.add(&model.profile, model.count)?;
    }
    let fleet = Arc::new(fleet);
    let identities = Identities::new(&config)?;
    let account = Account::new(&config.fleet.user, config.fleet.password.reveal());
    config.fleet.password.forget();
    let config = &config;
    let mut redfish = Redfish::new(Arc::clone(&fleet), account);
    redfish.sessions.limit = config.limits.sessions;

    let mut server = Server::new(config.limits.server.clone());
    let (mut redfish_urls, mut listeners) = (Vec::new(), Vec::new());
    for listen in &config.listen {
        let listener = bind(config, listen, &identities.redfish)?;
        let port = listener.address().port();
        let ports = &mut redfish.ports;
        let told = if listen.tls { &mut ports.https } else { &mut ports.http };
        told.get_or_insert(port);
        redfish_urls.push(config.url(listen, port));
        listeners.push(listener);
    }
    let redfish = Arc::new(redfish);
    for listener in listeners {
        server.add(listener, Arc::clone(&redfish), config.limits.redfish_body_bytes);
    }
    let listener = bind(config, &config.agent_listen, &identities.agents)?;
    let agent_url = config.url(&config.agent_listen, listener.address().port());
    let agents = Arc::new(Agents::new(Arc::clone(&fleet), &agent_url));
    server.add(listener, Arc::clone(&agents), config.limits.agent_body_bytes);

    let outside = Outside::new(Arc::clone(&fleet), outside_settings(config, &agent_url, &identities)?)?;
    let outside = Arc::new(outside);
    let sources: Vec<Source> = vec![
        Box::new(server.meter()),
        source(&redfish, Redfish::meter),
        source(&agents, Agents::meter),
        source(&fleet, Fleet::meter),
        source(&outside, Outside::meter),
    ];
    let admin = start_admin(config, &identities, sources)?;
    let performing = tokio::spawn(outside.run(effects));
    let waking = tokio::spawn({
        let fleet = Arc::clone(&fleet);
        async move { fleet.keep_time().await }
    });
    announce(
        config,
        &Ready {
            redfish: redfish_urls,
            agent: agent_url,
            admin: admin.as_ref().map(|(url, _)| url.clone()),
            ca: identities.ca.clone(),
            nodes: fleet.len(),
        },
    )?;
    let cut = server.run(stop).await;
    performing.abort();
    waking.abort();
    if let Some((_, admin)) = admin {
        admin.abort();
    }
    if cut > 0 {
        tracing::warn!(connections = cut, "stopped, with connections cut that were still busy");
    }
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
    let listener = bind(config, listen, &identities.redfish)?;
    let url = config.url(listen, listener.address().port());
    let mut server =
        Server::new(Limits { connections: admin::CONNECTIONS, refusals: 4, ..Limits::default() });
    server.add(listener, Arc::new(Admin::new(sources)), admin::BODY_BYTES);
    Ok(Some((url, tokio::spawn(server.run(std::future::pending())))))
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
        for listen in config.listen.iter().chain([&config.agent_listen]).chain(&config.admin_listen) {
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

fn bind(config: &Config, listen: &Listen, identity: &Identity) -> anyhow::Result<Listener> {
    let tls = if listen.tls { Some(server_config(identity.resolver(), config.tls_min)?) } else { None };
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
        egress: config.egress.clone(),
        limits: config.limits.calls,
        ..effect::Settings::default()
    })
}

/// What a script needs to know when the daemon is ready.
#[derive(serde::Serialize)]
struct Ready {
    redfish: Vec<String>,
    agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
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
    if let Some(admin) = &ready.admin {
        writeln!(out, "  figures      {admin}/metrics")?;
    }
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
