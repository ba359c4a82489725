//! `--format ironic`: the input of `baremetal create`. The file name must end in `.json`
//! (`ironicclient/v1/create_resources.py`).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::fleet::{BootMethod, ExportedFleet, ExportedNode, Verify};

#[derive(Serialize)]
struct Node<'a> {
    uuid: String,
    name: String,
    driver: &'static str,
    boot_interface: &'static str,
    driver_info: DriverInfo<'a>,
    properties: Properties,
    ports: Vec<Port>,
}

#[derive(Serialize)]
struct DriverInfo<'a> {
    redfish_address: &'a str,
    redfish_system_id: &'a str,
    redfish_username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redfish_password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redfish_verify_ca: Option<VerifyCa<'a>>,
}

/// `redfish_verify_ca` is a path or a Boolean (`ironic/drivers/modules/redfish/utils.py`); without it Ironic takes `true`.
#[derive(Serialize)]
#[serde(untagged)]
enum VerifyCa<'a> {
    Path(&'a str),
    Bool(bool),
}

#[derive(Serialize)]
struct Properties {
    cpu_arch: &'static str,
    capabilities: &'static str,
}

#[derive(Serialize)]
struct Port {
    address: String,
}

/// # Errors
/// If a field that is set lies below a value.
pub(super) fn check(fleet: &ExportedFleet) -> Result<(), String> {
    let Some(node) = fleet.nodes().next() else { return Ok(()) };
    // All nodes have the same fields.
    with_fields(fleet, &entry(fleet, &node)).map(drop)
}

pub(super) fn write(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    out.write_all(b"{\"nodes\": [")?;
    for (count, node) in fleet.nodes().enumerate() {
        out.write_all(if count == 0 { b"\n" } else { b",\n" })?;
        let entry = entry(fleet, &node);
        match fleet.additions.fields.is_empty() {
            true => serde_json::to_writer(&mut *out, &entry)?,
            false => {
                serde_json::to_writer(&mut *out, &with_fields(fleet, &entry).map_err(io::Error::other)?)?;
            }
        }
    }
    out.write_all(b"\n]}\n")
}

fn with_fields(fleet: &ExportedFleet, entry: &Node<'_>) -> Result<Value, String> {
    let mut node = serde_json::to_value(entry).map_err(|error| error.to_string())?;
    fleet.additions.fields.iter().try_for_each(|field| field.put(&mut node))?;
    Ok(node)
}

fn entry<'a>(fleet: &'a ExportedFleet, node: &'a ExportedNode<'_>) -> Node<'a> {
    Node {
        uuid: node.spec.uuid().to_string(),
        name: node.spec.name(),
        driver: "redfish",
        boot_interface: boot_interface(fleet.boot),
        driver_info: DriverInfo {
            redfish_address: &node.address,
            redfish_system_id: &node.system_id,
            redfish_username: &fleet.config.user,
            redfish_password: fleet.password(),
            redfish_verify_ca: match &fleet.verify {
                Verify::Default => None,
                Verify::Ca(path) => Some(VerifyCa::Path(path)),
                Verify::Insecure => Some(VerifyCa::Bool(false)),
            },
        },
        properties: Properties { cpu_arch: node.spec.profile.cpu_arch(), capabilities: "boot_mode:uefi" },
        ports: node.macs().map(|mac| Port { address: mac.to_string() }).collect(),
    }
}

/// The names of Ironic's boot interfaces.
fn boot_interface(boot: BootMethod) -> &'static str {
    match boot {
        BootMethod::VirtualMedia => "redfish-virtual-media",
        BootMethod::Http => "redfish-https",
        BootMethod::Network => "ipxe",
    }
}
