//! `--format nodes-json`: a plain list of nodes, for the user's own scripts.

use std::io::{self, Write};

use serde::Serialize;

use super::fleet::ExportedFleet;

#[derive(Serialize)]
struct Entry<'a> {
    uuid: String,
    name: String,
    nics: Vec<Nic>,
    redfish_address: &'a str,
    redfish_system_id: &'a str,
    redfish_username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redfish_password: Option<&'a str>,
}

#[derive(Serialize)]
struct Nic {
    mac: String,
}

/// Writes one node per line, so that line-based tools can split a large fleet.
pub(super) fn write(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    for (count, node) in fleet.nodes().enumerate() {
        out.write_all(if count == 0 { b"[\n" } else { b",\n" })?;
        let entry = Entry {
            uuid: node.spec.uuid().to_string(),
            name: node.spec.name(),
            nics: node.macs().map(|mac| Nic { mac: mac.to_string() }).collect(),
            redfish_address: &node.address,
            redfish_system_id: &node.system_id,
            redfish_username: &fleet.config.user,
            redfish_password: fleet.password(),
        };
        serde_json::to_writer(&mut *out, &entry)?;
    }
    out.write_all(b"\n]\n")
}
