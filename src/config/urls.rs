//! The URLs by which clients reach the nodes, and warnings about settings that clients may not expect.

use super::addresses::of_agents;
use super::net::Listen;
use super::setting::ADVERTISE;
use super::{AdminConfig, Config};
use crate::address::{Layout, Place, Urls};

impl Config {
    /// The URL by which clients reach a listener that is bound to `port`, without a path.
    pub fn url(&self, listen: &Listen, port: u16) -> String {
        let near = listen.near_host();
        format!("{}://{}:{port}", listen.scheme(), self.advertise.as_ref().unwrap_or(&near))
    }

    /// The URLs of the BMCs behind a listener that is bound to `port`.
    pub fn bmc_urls(&self, listen: &Listen, port: u16) -> Urls {
        self.urls(self.layout, listen, port)
    }

    /// The URLs of the agents behind their listener, which is bound to `port`.
    pub fn agent_urls(&self, listen: &Listen, port: u16) -> Urls {
        self.urls(of_agents(self.layout), listen, port)
    }

    pub fn agent_place(&self, listen: &Listen) -> Place {
        listen.place(of_agents(self.layout))
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
            (Layout::Shared, ..) | (Layout::Ip, None, _) | (Layout::Host, _, None) => {
                Urls::Same(self.url(listen, port).into())
            }
        }
    }

    /// Settings that are allowed but may surprise, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.advertise.is_none() {
            // With host names, DNS decides how clients reach the BMCs.
            let bmcs = self.listen.iter().filter(|_| self.layout != Layout::Host);
            for listen in bmcs.chain(&self.agent_listen).filter(|listen| listen.is_wildcard()) {
                warnings.push(format!(
                    "{listen} listens on every address, but its URLs have {}, which other hosts cannot reach; set {}",
                    listen.near_host(),
                    ADVERTISE.flag()
                ));
            }
        }
        warnings.extend(self.admin.as_ref().and_then(AdminConfig::warning));
        if let Some(agents) = self.agent_listen.as_ref().filter(|listen| !listen.tls) {
            warnings.push(format!(
                "the agents listen without TLS on {agents}; Ironic refuses that unless its [agent]require_tls is false"
            ));
        }
        warnings
    }
}
