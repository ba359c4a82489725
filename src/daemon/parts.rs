//! The parts of the daemon, each built from the configuration. This is the one place that hands settings and limits over.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::identities::Identities;
use super::listeners::Listeners;
use super::persistence::Stored;
use super::ssdp::{self, Ssdp};
use crate::address::{Layout, Reported, Urls};
use crate::admin::Source;
use crate::config::setting::SSDP;
use crate::config::{Config, Trust};
use crate::effect;
use crate::fault::{Reach, Rule, Side};
use crate::file;
use crate::fleet::{Effects, Fleet};
use crate::ipa;
use crate::meter::Page;
use crate::node::NodeId;
use crate::redfish::accounts::AccountLimits;
use crate::redfish::auth::Account;
use crate::redfish::{Redfish, check, check_rule};
use crate::server::{Listener, Server};
use crate::tls::MAX_FILE_BYTES;
use crate::wire::Need;

/// The fleet with its stored nodes, persisted from here on if there is a state directory.
pub(super) fn fleet(config: &Config, stored: &Stored) -> anyhow::Result<(Arc<Fleet>, Effects)> {
    let (fleet, effects) = Fleet::new(config.fleet.seed, stored.clock(config));
    let fleet = fleet.with_journal(config.limits.journal);
    for model in config.fleet.models.iter().chain(&config.fleet.added) {
        let problems = check::profile(&model.profile);
        ensure!(problems.is_empty(), "profile '{}': {}", model.profile.name, problems.join("; "));
        fleet.add(&model.profile, model.count)?;
    }
    for id in &stored.removed {
        fleet.remove(NodeId(*id));
    }
    if stored.directory.is_some() {
        fleet.persist();
    }
    stored.restore_nodes(&fleet)?;
    Ok((Arc::new(fleet), effects))
}

/// Lets the listeners decide which rules of faults are possible, and adds those of the configuration. A rule that the stored fleet has
/// keeps its memory.
pub(super) fn faults(config: &Config, fleet: &Fleet, listeners: &Listeners) -> anyhow::Result<()> {
    let side = |listener: &Listener, layout| Side {
        own_addresses: matches!(layout, Layout::Ip | Layout::Port),
        tls: listener.allows(Need::Tls),
        own_ca: listener.allows(Need::OwnCa),
    };
    let all = |listeners: &[Listener], layout| {
        let of = |what: fn(&Side) -> bool| listeners.iter().all(|listener| what(&side(listener, layout)));
        Side {
            own_addresses: of(|side| side.own_addresses),
            tls: of(|side| side.tls),
            own_ca: of(|side| side.own_ca),
        }
    };
    let reach = Reach {
        own_roots: config.layout != Layout::Shared,
        bmcs: all(&listeners.bmcs, config.layout),
        agents: listeners.agents.as_ref().map(|(listener, _)| side(listener, config.layout)),
    };
    fleet.check_rules_with(Box::new(move |rule| check_rule(rule).and_then(|()| reach.check(rule))));
    let is_kept = |rule: &&Rule| fleet.rule(rule.name.as_str()).is_some_and(|kept| kept.rule == **rule);
    let new: Vec<_> = config.faults.iter().filter(|rule| !is_kept(rule)).cloned().collect();
    fleet.add_rules(new, true, false).map(drop).context("--faults")
}

/// The one account of every BMC. Wipes the configured password.
pub(super) fn account(config: &mut Config) -> Account {
    if let Some(account) = config.fleet.htpasswd.take() {
        let user = account.user.clone();
        return Account::checked(&user, Arc::new(move |password| account.is(password)));
    }
    let account = Account::new(&config.fleet.user, config.fleet.password.reveal());
    config.fleet.password.wipe();
    account
}

pub(super) fn redfish(
    config: &Config,
    fleet: &Arc<Fleet>,
    account: Account,
    listeners: &Listeners,
) -> Redfish {
    let mut redfish = Redfish::new(Arc::clone(fleet), account);
    redfish.sessions.limit = config.limits.sessions;
    redfish.own_sessions = config.limits.sessions_per_bmc;
    redfish.account_limits = AccountLimits::new(config.limits.accounts, config.limits.roles);
    redfish.tasks_per_bmc = config.limits.tasks_per_bmc;
    redfish.shared_subscriptions = config.limits.subscriptions;
    redfish.reports_per_bmc = config.limits.reports_per_bmc;
    redfish.own_subscriptions = config.limits.subscriptions_per_bmc;
    redfish.facts.domain = config.domain.as_ref().map(|domain| domain.as_str().into());
    redfish.facts.hosts = config.host_network();
    redfish.facts.ssdp = config.ssdp;
    redfish.facts.places =
        listeners.bmcs.iter().map(|listener| (listener.is_tls(), listener.place())).collect();
    redfish.facts.https = listeners.bmcs.iter().find_map(|listener| listener.tls().cloned());
    redfish
}

/// SSDP with what stops it, if the settings have it.
pub(super) fn ssdp(
    config: &Config,
    fleet: &Arc<Fleet>,
    redfish: &Redfish,
    listeners: &Listeners,
) -> anyhow::Result<Option<(watch::Sender<bool>, JoinHandle<()>)>> {
    if !config.ssdp {
        return Ok(None);
    }
    // Clients shall log in over TLS, if there is a listener with it.
    let urls = listeners.bmc_urls.iter().find(|urls| urls.is_tls()).or(listeners.bmc_urls.first());
    let urls = urls.cloned().unwrap_or_else(|| Urls::Same("".into()));
    let ssdp = Ssdp::join(&listeners.bmc_places(), ssdp::PORT, urls, redfish.facts.uuid)
        .map_err(|(address, error)| anyhow::anyhow!("{}: cannot join on {address}: {error}", SSDP.flag()))?;
    let (stopper, stop) = watch::channel(false);
    let running = tokio::spawn(ssdp.run(Arc::clone(fleet), stop));
    Ok(Some((stopper, running)))
}

/// The API of the agents, if they have a listener.
pub(super) fn agents(config: &Config, fleet: &Arc<Fleet>, listeners: &Listeners) -> Option<Arc<ipa::Api>> {
    let urls = listeners.agent_urls()?.clone();
    let api = ipa::Api::new(Arc::clone(fleet), urls, reported(config, listeners));
    Some(Arc::new(api.with_limits(config.limits)))
}

/// The addresses that agents report in their inventories.
fn reported(config: &Config, listeners: &Listeners) -> Reported {
    Reported { bmcs: listeners.bmc_places(), hosts: config.host_network() }
}

pub(super) fn server(
    config: &Config,
    listeners: Listeners,
    redfish: &Arc<Redfish>,
    agents: Option<&Arc<ipa::Api>>,
) -> Server {
    let mut server = Server::new(config.limits);
    for listener in listeners.bmcs {
        server.add(listener, Arc::clone(redfish), config.limits.body_bytes);
    }
    if let (Some((listener, _)), Some(agents)) = (listeners.agents, agents) {
        server.add(listener, Arc::clone(agents), config.limits.agent_body_bytes);
    }
    server
}

pub(super) fn outgoing(
    config: &Config,
    identities: &Identities,
    listeners: &Listeners,
) -> anyhow::Result<effect::Settings> {
    let ca = match &config.trust {
        Trust::Ca(path) => {
            let read = file::read(path, MAX_FILE_BYTES);
            Some(read.with_context(|| format!("--ironic-ca: cannot read {}", path.display()))?)
        }
        Trust::System | Trust::Insecure => None,
    };
    Ok(effect::Settings {
        ironic: config.ironic.iter().map(|url| url.as_str().to_owned()).collect(),
        ca,
        insecure: config.trust == Trust::Insecure,
        network_boot: config.network_boot.as_ref().map(|url| url.as_str().to_owned()),
        agent_urls: listeners.agent_urls().cloned(),
        reported: reported(config, listeners),
        agent_ca_pem: identities
            .agent_pem
            .clone()
            .filter(|_| config.agent_listen.as_ref().is_some_and(|listen| listen.tls)),
        images: config.images,
        agent_isos: config.agent_isos.clone(),
        write_time: config.write_time,
        egress: config.egress.clone(),
        limits: config.limits,
        ..effect::Settings::default()
    })
}

/// The metrics of one part.
pub(super) fn metrics<T: Send + Sync + 'static>(of: &Arc<T>, meter: fn(&T, &mut Page)) -> Source {
    let of = Arc::clone(of);
    Box::new(move |page| meter(&of, page))
}
