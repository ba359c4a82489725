//! The admin listener: what the control API is told about the daemon, and its socket.

use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::identities::Identities;
use super::listeners::{self, Listeners};
use crate::address::{HostNetwork, Layout, Place, Urls};
use crate::admin::{self, Admin, Control, Facts, Guard, Probes, Readiness, Source, Token, api};
use crate::config::setting::ADMIN_LISTEN;
use crate::config::{AdminConfig, AdminListen, Config, Host, Listen, Timings};
use crate::fleet::Fleet;
use crate::limit::{Limit, Limits};
use crate::node::NodeId;
use crate::profile::{self, Profile};
use crate::redfish::check;
use crate::server::{Listener, Server};

/// The running admin listener.
pub(super) struct AdminListener {
    /// The URL, or `unix:PATH`.
    pub(super) url: String,
    task: JoinHandle<()>,
    /// The file of the Unix socket, which goes with the listener.
    socket: Option<PathBuf>,
}

impl AdminListener {
    pub(super) fn stop(self) {
        self.task.abort();
        if let Some(socket) = self.socket {
            let _ = std::fs::remove_file(socket);
        }
    }
}

/// A bound admin listener, which serves nobody yet.
pub(super) struct Bound {
    url: String,
    socket: Socket,
}

enum Socket {
    Tcp(Box<Listener>),
    Unix(UnixListener, PathBuf),
}

/// Binds the admin listener, unless it is off.
pub(super) fn bind(config: &Config, identities: &Identities) -> anyhow::Result<Option<Bound>> {
    let Some(admin) = &config.admin else { return Ok(None) };
    let bound = match &admin.listen {
        AdminListen::Tcp(listen) => {
            let listener = tcp(admin, listen, identities)?;
            let url = config.url(listen, listener.address().port());
            Bound { url, socket: Socket::Tcp(Box::new(listener)) }
        }
        AdminListen::Unix(path) => {
            let listener = unix(path).with_context(|| {
                format!(
                    "{}: cannot listen on unix:{}; name another path",
                    ADMIN_LISTEN.flag(),
                    path.display()
                )
            })?;
            let url = format!("unix:{}", path.display());
            Bound { url, socket: Socket::Unix(listener, path.clone()) }
        }
    };
    Ok(Some(bound))
}

fn tcp(admin: &AdminConfig, listen: &Listen, identities: &Identities) -> anyhow::Result<Listener> {
    let shown = identities.redfish.clone().filter(|_| listen.tls);
    if admin.by_default {
        match Listener::at(listen.place(Layout::Shared), 1, shown.clone()) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.source.kind() == ErrorKind::AddrInUse => {
                let free = Listen { address: (listen.address.ip(), 0).into(), ..*listen };
                let listener = listeners::open(&ADMIN_LISTEN, &free, free.place(Layout::Shared), 1, shown)?;
                tracing::warn!(
                    "port {} is in use, so the control API is on port {}; choose one with {}",
                    listen.address.port(),
                    listener.address().port(),
                    ADMIN_LISTEN.flag()
                );
                return Ok(listener);
            }
            Err(_) => {}
        }
    }
    listeners::open(&ADMIN_LISTEN, listen, listen.place(Layout::Shared), 1, shown)
}

/// A socket that only this user can open. The file of a daemon that has ended is replaced.
fn unix(path: &Path) -> std::io::Result<UnixListener> {
    let left = std::fs::symlink_metadata(path).is_ok_and(|facts| facts.file_type().is_socket());
    if left && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    // The socket is made in a directory of its own, so that its rights are set before others can open it.
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let directory = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    if path.symlink_metadata().is_ok() {
        return Err(ErrorKind::AddrInUse.into());
    }
    std::fs::create_dir(&directory)?;
    let made = (|| {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;
        let made = directory.join("s");
        let listener = UnixListener::bind(&made)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        Ok(listener)
    })();
    let _ = std::fs::remove_dir(&directory);
    made
}

impl Bound {
    /// The URL, or `unix:PATH`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Serves the API. TCP has a server of its own, so that the API works while the other server is at its limits.
    pub(super) fn serve(
        self,
        config: &Config,
        control: Control,
        ready: &Readiness,
        sources: Vec<Source>,
    ) -> AdminListener {
        let admin = Arc::new(Admin::new(control, Probes::new(ready.clone(), sources), guard(config)));
        let (task, socket) = match self.socket {
            Socket::Tcp(listener) => {
                let limits = [
                    (Limit::Connections, admin::CONNECTIONS as u64),
                    (Limit::RequestTime, admin::REQUEST_TIME.as_secs()),
                ];
                let mut server = Server::new(Limits { refusals: 4, ..Limits::with(limits) });
                server.add(*listener, admin, admin::BODY_BYTES);
                let serving = server.run(std::future::pending());
                let ended = async {
                    // It ends with its task only.
                    let _ = serving.await;
                };
                (tokio::spawn(ended), None)
            }
            Socket::Unix(listener, path) => {
                let serving = async move {
                    if let Err(error) = admin.serve_unix(listener).await {
                        tracing::error!(%error, "the admin listener has failed");
                    }
                };
                (tokio::spawn(serving), Some(path))
            }
        };
        AdminListener { url: self.url, task, socket }
    }
}

fn guard(config: &Config) -> Guard {
    let Some(admin) = &config.admin else { return Guard::default() };
    let hosts = admin.hosts.iter().chain(&config.advertise).map(Host::as_str);
    Guard {
        token: admin.token.as_ref().map(|token| Token::new(token.reveal())),
        open: admin.open.clone(),
        hosts: hosts.map(str::to_ascii_lowercase).collect(),
    }
}

/// What the control API is told about the daemon.
pub(super) fn facts(config: &Config, fleet: &Arc<Fleet>, listeners: &Listeners, admin: &Bound) -> Facts {
    let room = |place: &Place| u64::from(place.capacity());
    let mut room = listeners.bmc_places().iter().map(room).min().unwrap_or(u64::MAX);
    if config.layout == Layout::Port {
        // Each node has a socket, bound at the start.
        room = u64::from(fleet.next_index());
    }
    if let Some((agents, _)) = &listeners.agents {
        room = room.min(u64::from(agents.place().capacity()));
    }
    let network = config.host_network();
    if let Some(network) = &network {
        room = room.min(network.room());
    }
    let (fleet, timings) = (Arc::clone(fleet), config.timings.clone());
    Facts {
        addresses: api::Addresses {
            layout: config.layout.as_str().to_owned(),
            redfish: listeners.bmc_urls.iter().map(Urls::pattern).collect(),
            agent: listeners.agent_urls().map(Urls::pattern),
            admin: Some(admin.url().to_owned()),
        },
        settings: config
            .shown
            .iter()
            .map(|shown| api::Setting {
                name: shown.name.to_owned(),
                values: shown.values.clone(),
                origin: shown.origin.to_owned(),
            })
            .collect(),
        limits: Limit::ALL
            .iter()
            .map(|limit| api::Limit {
                name: limit.name().to_owned(),
                value: config.limits.get(*limit).to_string(),
            })
            .collect(),
        bmcs: listeners.bmc_urls.first().cloned().unwrap_or_else(|| Urls::Same("".into())),
        agents: listeners.agent_urls().cloned(),
        state: config.state.clone(),
        models: config.fleet.models.len(),
        room: room.min(u64::from(NodeId::MAX) + 1),
        model: Box::new(move |name| model(name, &fleet, &timings, network.as_ref())),
    }
}

/// The model of a name: one that the fleet has, or a built-in one.
fn model(
    name: &str,
    fleet: &Fleet,
    timings: &Timings,
    network: Option<&HostNetwork>,
) -> Result<Arc<Profile>, String> {
    if let Some(profile) = fleet.profiles().into_iter().find(|profile| profile.name == name) {
        return Ok(profile);
    }
    let mut profile = profile::built_in(name).map_err(|error| error.to_string())?;
    let problems = check::profile(&profile);
    if !problems.is_empty() {
        return Err(format!("profile '{name}': {}", problems.join("; ")));
    }
    if let Some(network) = network
        && !network.has_room_for(profile.nics.len())
    {
        return Err(format!(
            "the model '{name}' has more interfaces than --host-network has addresses for a node; start the daemon with this model"
        ));
    }
    timings.apply_to(&mut profile);
    Ok(profile)
}
