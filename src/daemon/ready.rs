//! The message that the daemon is ready: a guide for people, and one line for scripts.

use std::io::{self, IsTerminal as _, Write};

use super::identities::Identities;
use super::listeners::Listeners;
use crate::address::{Layout, Urls};
use crate::config::{Config, LogFormat, Model, setting};
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::store::StoredFleet;

/// The values of the READY line.
#[derive(serde::Serialize)]
pub struct Ready {
    /// The layout, as `--addresses` names it.
    addresses: &'static str,
    /// The URLs of the first node's BMC, or of the service root that all nodes share.
    redfish: Vec<String>,
    /// The URLs of the last node's BMC, if each node has its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redfish_last: Vec<String>,
    /// The URLs of all BMCs in one text, for `fauxmetal export --bmc`.
    pub bmc: String,
    /// The URL of the first node's agent, or the one that all agents share. `None` without agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
    /// The certificate with which clients verify the BMCs.
    pub ca: String,
    user: String,
    /// The directory of generated certificates.
    certs: String,
    nodes: u32,
    pid: u32,
    /// The description of the nodes, for `fauxmetal export --from`.
    fleet: StoredFleet,
}

impl Ready {
    pub(super) fn new(
        fleet: &Fleet,
        config: &Config,
        listeners: &Listeners,
        identities: &Identities,
    ) -> Self {
        let layout = config.layout;
        let nodes = fleet.len();
        let name = |node| fleet.identify(NodeId(node), |n, _| n.spec().name()).unwrap_or_default();
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
            agent: listeners.agent_urls().map(|urls| urls.of(0, || name(0))),
            admin: None,
            ca: identities.ca.clone(),
            certs: identities.certs.clone(),
            user: config.fleet.user.clone(),
            nodes,
            pid: std::process::id(),
            fleet: config.fleet.stored(),
        }
    }

    pub(super) fn with_admin(self, url: Option<String>) -> Self {
        Self { admin: url, ..self }
    }

    /// Prints the guide, and the line that starts with READY. The guide goes to standard error if standard output is read by
    /// a program, unless the log there is for programs or for errors only.
    pub(super) fn announce(&self, config: &Config) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            self.guide(&mut out, config)?;
        } else if config.log_format == LogFormat::Text && config.log.shows_events() {
            // The daemon runs without a standard error as well.
            let _ = self.guide(&mut io::stderr().lock(), config);
        }
        writeln!(out, "READY {}", serde_json::to_string(self)?)?;
        out.flush()?;
        tracing::info!(nodes = self.nodes, redfish = self.redfish.join(" "), agent = self.agent(), "ready");
        Ok(())
    }

    fn agent(&self) -> &str {
        self.agent.as_deref().unwrap_or("off")
    }

    fn guide(&self, out: &mut impl Write, config: &Config) -> io::Result<()> {
        let model = |model: &Model| {
            let imported = if model.profile.identities.is_some() { "imported " } else { "" };
            format!("{} {imported}{}", model.count, model.profile.name)
        };
        let models: Vec<_> = config.fleet.models.iter().map(model).collect();
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
        writeln!(out, "  agents       {}", self.agent())?;
        if let Some(admin) = &self.admin {
            writeln!(out, "  control      {admin} (fauxmetal node list, /fauxmetal/v1, /metrics)")?;
        }
        writeln!(out)?;
        let (program, ca) = (program(), quoted(&self.ca));
        // Without TLS there is no certificate to verify.
        let is_tls = self.bmc.starts_with("https://");
        let cacert = if is_tls { format!("--cacert {ca} ") } else { String::new() };
        writeln!(out, "Look:   curl {cacert}-u {} {first}/redfish/v1/Systems", quoted(user))?;
        let verify = if is_tls { format!(" --verify-ca {ca}") } else { String::new() };
        let (fleet, bmc) = (same_fleet(config), quoted(&self.bmc));
        writeln!(out, "Enrol:  {program} export --format ironic {fleet} --bmc {bmc}{verify} > fleet.json")?;
        writeln!(out, "        baremetal create fleet.json")?;
        writeln!(
            out,
            "Stop:   {}",
            if io::stdin().is_terminal() { "Ctrl-C".to_owned() } else { format!("kill {}", self.pid) }
        )?;
        writeln!(out)
    }
}

/// The flags with which `fauxmetal export` prints this fleet.
fn same_fleet(config: &Config) -> String {
    let mut flags = Vec::new();
    let mut add =
        |setting: &setting::Setting, value: &str| flags.push(format!("{} {}", setting.flag(), quoted(value)));
    if let Some(dir) = &config.state {
        add(&setting::STATE, &dir.display().to_string());
    } else if let Some(file) = &config.snapshot {
        add(&setting::SNAPSHOT, &file.display().to_string());
    } else {
        for model in config.fleet.models.iter().filter(|model| model.profile.identities.is_none()) {
            add(&setting::PROFILE, &format!("{}={}", model.profile.source, model.count));
        }
        for file in &config.fleet.imported_from {
            add(&setting::IMPORT, &file.display().to_string());
        }
        let imported = config.fleet.models.iter().find(|model| model.profile.identities.is_some());
        if let Some(model) =
            imported.filter(|m| setting::IMPORT_PROFILE.default != Some(m.profile.source.as_str()))
        {
            add(&setting::IMPORT_PROFILE, &model.profile.source);
        }
        add(&setting::SEED, &config.fleet.seed.0.to_string());
    }
    if config.layout != Layout::Shared {
        add(&setting::ADDRESSES, config.layout.as_str());
    }
    if setting::USER.default != Some(config.fleet.user.as_str()) {
        add(&setting::USER, &config.fleet.user);
    }
    flags.join(" ")
}

/// The program as the user started it.
fn program() -> String {
    let program = std::env::args().next();
    quoted(&program.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned()))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        assert_eq!(quoted("https://[fd00::]/64:1"), "'https://[fd00::]/64:1'");
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
        assert_eq!(quoted("certs/ca.pem"), "certs/ca.pem");
        assert_eq!(quoted(""), "''");
    }
}
