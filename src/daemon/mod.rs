//! The daemon: builds all parts of a fleet, serves it until the process must stop, and stops in order.

mod admin;
mod identities;
mod listeners;
mod open_files;
mod parts;
mod persistence;
mod ready;
mod signals;
mod ssdp;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{Control, Readiness, Source};
use crate::config::Config;
use crate::effect::{EffectRunner, Mover};
use crate::fleet::Fleet;
use crate::ipa;
use crate::redfish::Redfish;
use crate::server::Server;
use identities::Identities;
use listeners::Listeners;
use parts::metrics;
use persistence::{Persistence, Stored};
pub use ready::Ready;

/// A fleet that is served.
pub struct Daemon {
    config: Config,
    fleet: Arc<Fleet>,
    outside: Arc<EffectRunner>,
    server: Server,
    admin: Option<admin::AdminListener>,
    persistence: Option<Persistence>,
    readiness: Readiness,
    ready: Ready,
    tasks: [JoinHandle<()>; 3],
    /// SSDP, with what stops it.
    ssdp: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

/// Serves a fleet until SIGTERM, SIGINT or SIGHUP. `before_ready` runs when clients can connect, before the READY line.
///
/// # Errors
/// If it cannot start, for example because a profile is wrong or an address is in use; or if the fleet cannot be stored at
/// the end.
pub fn serve(
    config: Config,
    before_ready: impl FnOnce(&Config, &Ready) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(async {
        let stop = signals::stop()?;
        let daemon = Daemon::start(config).await?;
        before_ready(&daemon.config, &daemon.ready)?;
        daemon.readiness.set(true);
        daemon.ready.announce(&daemon.config)?;
        daemon.run(stop).await
    });
    // Do not wait for images that are still being read: no node waits for them any more.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

impl Daemon {
    /// Builds all parts, and binds the listeners. Clients are served by [`run`](Self::run).
    ///
    /// # Errors
    /// If it cannot start, for example because a profile is wrong or an address is in use.
    #[expect(clippy::unused_async, reason = "sockets and timers need the runtime of the caller")]
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        open_files::fit(&mut config)?;
        let stored = Stored::open(&mut config)?;
        let (fleet, effects) = parts::fleet(&config, &stored)?;
        let identities = Identities::new(&config, &fleet)?;
        let account = parts::account(&mut config);

        let listeners = Listeners::bind(&config, &identities, fleet.next_index())?;
        parts::faults(&config, &fleet, &listeners)?;
        let redfish = Arc::new(parts::redfish(&config, &fleet, account, &listeners));
        stored.restore_sessions(&redfish)?;
        let agents = parts::agents(&config, &fleet, &listeners);
        let admin = admin::bind(&config, &identities)?;
        let facts = admin.as_ref().map(|admin| admin::facts(&config, &fleet, &listeners, admin));
        let outgoing = parts::outgoing(&config, &identities, &listeners)?;
        let outside = Arc::new(EffectRunner::new(Arc::clone(&fleet), outgoing)?);
        let ready = Ready::new(&fleet, &config, &listeners, &identities);
        let ssdp = parts::ssdp(&config, &fleet, &redfish, &listeners)?;
        let server = parts::server(&config, listeners, &redfish, agents.as_ref());
        let mut sources: Vec<Source> = vec![
            Box::new(server.meter()),
            metrics(&redfish, Redfish::meter),
            metrics(&fleet, Fleet::meter),
            metrics(&outside, EffectRunner::meter),
        ];
        sources.extend(agents.map(|agents| metrics(&agents, ipa::Api::meter)));
        let readiness = Readiness::default();
        let mover = Mover::new(Arc::clone(&fleet), Arc::clone(&redfish), Arc::clone(&outside));
        let admin = admin.zip(facts).map(|(admin, facts)| {
            admin.serve(&config, Control::new(Arc::clone(&fleet), facts, mover), &readiness, sources)
        });
        // A new fleet is stored last, so that a failed start leaves nothing behind.
        let persistence = stored.persist(&config, &fleet)?;

        let events = tokio::spawn(Arc::clone(&outside).deliver_shared(Arc::clone(&redfish)));
        let effects = tokio::spawn(Arc::clone(&outside).run(effects));
        let timed = Arc::clone(&fleet);
        let timers = tokio::spawn(async move { timed.keep_time().await });
        let ready = ready.with_admin(admin.as_ref().map(|admin| admin.url.clone()));
        Ok(Self {
            config,
            fleet,
            outside,
            server,
            admin,
            persistence,
            readiness,
            ready,
            tasks: [effects, events, timers],
            ssdp,
        })
    }

    /// The nodes that the daemon serves.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// What makes the outgoing calls of the nodes.
    pub fn outside(&self) -> &Arc<EffectRunner> {
        &self.outside
    }

    /// The addresses of the fleet.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Serves clients until `stop`, and ends in order.
    ///
    /// # Errors
    /// If the fleet cannot be stored at the end.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
        let readiness = self.readiness;
        let stop = async move {
            stop.await;
            readiness.set(false);
        };
        let cut = self.server.run(stop).await;
        if let Some((stopper, running)) = self.ssdp {
            let _ = stopper.send(true);
            if let Err(error) = running.await {
                tracing::error!(%error, "SSDP has ended with a panic, which is a bug in fauxmetal");
            }
        }

        self.tasks.iter().for_each(JoinHandle::abort);
        if let Some(admin) = self.admin {
            admin.stop();
        }
        if cut > 0 {
            tracing::warn!(connections = cut, "stopped; connections that were still busy are closed");
        }
        self.persistence.map_or(Ok(()), |persistence| persistence.stop())?;
        Ok(())
    }
}
