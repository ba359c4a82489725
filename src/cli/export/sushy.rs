//! `--format sushy-nodes` and `--format sushy-conf`: the systems of sushy-tools' fake driver, as a list in JSON and as a configuration
//! (`emulator/resources/systems/fakedriver.py`). fake-ipa reads the same systems.

use std::io::{self, Write};

use serde::Serialize;

use super::fleet::{ExportedFleet, ExportedNode};
use crate::address::Urls;

/// A system without `external_notifier`, whose value JSON and Python spell differently.
#[derive(Serialize)]
struct System {
    uuid: String,
    name: String,
    power_state: &'static str,
    nics: Vec<Nic>,
}

#[derive(Serialize)]
struct Nic {
    mac: String,
}

impl System {
    /// All interfaces in the order of the model, so that an import gives each port its own address.
    fn of(node: &ExportedNode<'_>) -> Self {
        let on = node.spec.imported().is_some_and(|imported| imported.on);
        let ports = (0u8..).zip(&node.spec.profile.nics);
        Self {
            uuid: node.spec.uuid().to_string(),
            name: node.spec.name(),
            power_state: if on { "On" } else { "Off" },
            nics: ports.map(|(port, _)| Nic { mac: node.spec.mac(port).to_string() }).collect(),
        }
    }

    /// The object in JSON or in Python, with the literal that tells fake-ipa about power changes.
    fn write(&self, out: &mut impl Write, truth: &str) -> io::Result<()> {
        let object = serde_json::to_string(self)?;
        let members = object.strip_suffix('}').unwrap_or(&object);
        write!(out, "{members},\"external_notifier\":{truth}}}")
    }
}

/// Writes one system per line.
pub(super) fn write_nodes(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    for (count, node) in fleet.nodes().enumerate() {
        out.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
        System::of(&node).write(out, "true")?;
    }
    out.write_all(b"\n]\n")
}

/// # Errors
/// If the BMCs do not share one service root, as those of sushy-tools do.
pub(super) fn check_conf(fleet: &ExportedFleet) -> Result<(), String> {
    match &fleet.bmc {
        Urls::Same(_) => Ok(()),
        Urls::Ips { .. } | Urls::Ports { .. } | Urls::Names { .. } => {
            Err("--format sushy-conf: sushy-tools has one address for all systems; use --addresses shared"
                .to_owned())
        }
    }
}

/// Writes a configuration for `sushy-emulator --config`, with the port of the BMCs.
pub(super) fn write_conf(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    let url = fleet.bmc.of(0, String::new);
    let url = url::Url::parse(&url).map_err(io::Error::other)?;
    writeln!(out, "SUSHY_EMULATOR_FAKE_DRIVER = True")?;
    writeln!(out, "SUSHY_EMULATOR_LISTEN_PORT = {}", url.port_or_known_default().unwrap_or_default())?;
    if url.scheme() == "https" {
        writeln!(out, "# The BMCs have TLS. Write the paths of a certificate and its key:")?;
        writeln!(out, "# SUSHY_EMULATOR_SSL_CERT = \"cert.pem\"")?;
        writeln!(out, "# SUSHY_EMULATOR_SSL_KEY = \"key.pem\"")?;
    }
    writeln!(out, "# Without a file of users (htpasswd -B) sushy-tools asks for no password:")?;
    writeln!(out, "# SUSHY_EMULATOR_AUTH_FILE = \"htpasswd\"")?;
    writeln!(out, "SUSHY_EMULATOR_FAKE_SYSTEMS = [")?;
    for node in fleet.nodes() {
        out.write_all(b"    ")?;
        System::of(&node).write(out, "True")?;
        out.write_all(b",\n")?;
    }
    writeln!(out, "]")
}
