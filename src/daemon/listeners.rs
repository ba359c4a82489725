//! The bound listeners of the BMCs and of the agents.

use crate::address::{Place, Urls};
use crate::config::Config;
use crate::server::{ListenError, Listener};

use super::identities::Identities;

/// Clients can connect to bound listeners, and get a response once the server runs.
pub(super) struct Listeners {
    pub(super) bmcs: Vec<Listener>,
    /// The URLs of each listener in `bmcs`.
    pub(super) bmc_urls: Vec<Urls>,
    pub(super) agents: Listener,
    pub(super) agent_urls: Urls,
}

impl Listeners {
    pub(super) fn bind(config: &Config, identities: &Identities, nodes: u32) -> Result<Self, ListenError> {
        let (mut bmcs, mut bmc_urls) = (Vec::new(), Vec::new());
        for listen in &config.listen {
            let shown = identities.redfish.clone().filter(|_| listen.tls);
            let listener = Listener::at(listen.place(config.layout), nodes, shown)?;
            bmc_urls.push(config.bmc_urls(listen, listener.address().port()));
            bmcs.push(listener);
        }
        let shown = identities.agents.clone().filter(|_| config.agent_listen.tls);
        let agents = Listener::at(config.agent_place(), nodes, shown)?;
        let agent_urls = config.agent_urls(agents.address().port());
        Ok(Self { bmcs, bmc_urls, agents, agent_urls })
    }

    pub(super) fn bmc_places(&self) -> Vec<Place> {
        self.bmcs.iter().map(Listener::place).collect()
    }
}
