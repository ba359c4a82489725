//! The message that the daemon is ready: a guide for people, and one line for scripts.

use std::io::{self, IsTerminal as _, Write};

use super::identities::Identities;
use super::listeners::Listeners;
use crate::address::{Layout, Urls};
use crate::config::Config;
use crate::fleet::Fleet;
use crate::node::NodeId;

/// The values of the READY line.
#[derive(serde::Serialize)]
pub(super) struct Ready {
    /// The layout, as `--addresses` names it.
    addresses: &'static str,
    /// The URLs of the first node's BMC, or of the service root that all nodes share.
    redfish: Vec<String>,
    /// The URLs of the last node's BMC, if each node has its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redfish_last: Vec<String>,
    /// The URLs of all BMCs in one text, for `fauxmetal export --bmc`.
    bmc: String,
    /// The URL of the first node's agent, or the one that all agents share.
    agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
    ca: String,
    /// The directory of generated certificates.
    certs: String,
    nodes: u32,
    pid: u32,
}

impl Ready {
    pub(super) fn new(fleet: &Fleet, layout: Layout, listeners: &Listeners, identities: &Identities) -> Self {
        let nodes = fleet.len();
        let name = |node| fleet.look(NodeId(node), |n, _| n.spec().name()).unwrap_or_default();
        let bmcs = &listeners.bmc_urls;
        let of = |node: u32| bmcs.iter().map(|urls| urls.of(node, || name(node))).collect::<Vec<_>>();
        Self {
            addresses: layout.as_str(),
            redfish: of(0),
            redfish_last: match layout {
                Layout::Shared => Vec::new(),
                Layout::Ip | Layout::Port | Layout::Host => of(nodes.saturating_sub(1)),
            },
            bmc: bmcs.first().map(Urls::pattern).unwrap_or_default(),
            agent: listeners.agent_urls.of(0, || name(0)),
            admin: None,
            ca: identities.ca.clone(),
            certs: identities.certs.clone(),
            nodes,
            pid: std::process::id(),
        }
    }

    pub(super) fn with_admin(self, url: Option<String>) -> Self {
        Self { admin: url, ..self }
    }

    /// Prints the guide on a terminal, and in any case the line that starts with READY.
    pub(super) fn announce(&self, config: &Config) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            self.guide(&mut out, config)?;
        }
        writeln!(out, "READY {}", serde_json::to_string(self)?)?;
        out.flush()?;
        tracing::info!(nodes = self.nodes, redfish = self.redfish.join(" "), agent = self.agent, "ready");
        Ok(())
    }

    fn guide(&self, out: &mut impl Write, config: &Config) -> io::Result<()> {
        let models: Vec<_> =
            config.fleet.models.iter().map(|m| format!("{} {}", m.count, m.profile.name)).collect();
        let first = self.redfish.first().map_or("", String::as_str);
        let user = &config.fleet.user;
        writeln!(out, "fauxmetal serves {} nodes ({})", self.nodes, models.join(", "))?;
        writeln!(out)?;
        writeln!(out, "  Redfish      {}/redfish/v1", self.redfish.join("/redfish/v1  "))?;
        if !self.redfish_last.is_empty() {
            writeln!(out, "  to           {}/redfish/v1", self.redfish_last.join("/redfish/v1  "))?;
        }
        writeln!(out, "  log in as    {user} (password as configured; the default is \"password\")")?;
        writeln!(out, "  certificate  {}", self.ca)?;
        writeln!(out, "  agents       {}", self.agent)?;
        if let Some(admin) = &self.admin {
            writeln!(out, "  metrics      {admin}/metrics")?;
        }
        writeln!(out)?;
        writeln!(out, "Look:   curl --cacert {} -u {user} {first}/redfish/v1/Systems", self.ca)?;
        let fleet = same_fleet(config);
        let (bmc, ca) = (&self.bmc, &self.ca);
        writeln!(
            out,
            "Enrol:  fauxmetal export --format ironic {fleet} --bmc {bmc} --verify-ca {ca} > fleet.json"
        )?;
        writeln!(out, "        baremetal create fleet.json")?;
        writeln!(out, "Stop:   Ctrl-C")?;
        writeln!(out)
    }
}

/// The flags with which `fauxmetal export` prints this fleet.
fn same_fleet(config: &Config) -> String {
    let seed = config.fleet.seed.0;
    let layout = match config.layout {
        Layout::Shared => String::new(),
        layout => format!(" --addresses {}", layout.as_str()),
    };
    let models = config.fleet.models.iter().map(|m| format!("--profile {}={}", m.profile.name, m.count));
    format!("{} --seed {seed}{layout}", models.collect::<Vec<_>>().join(" "))
}
