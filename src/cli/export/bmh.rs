//! `--format bmh`: for each node Metal3's BareMetalHost and its Secret
//! (`metal3-io/baremetal-operator`, `config/base/crds/bases/metal3.io_baremetalhosts.yaml`).

use std::io::{self, Write};

use super::fleet::{BootMethod, ExportedFleet, Verify};
use super::yaml::Quoted;

/// The name of a Secret is the name of its BareMetalHost and this.
const SECRET_SUFFIX: &str = "-bmc-secret";

/// # Errors
/// If a name is not allowed in Kubernetes.
pub(super) fn check(fleet: &ExportedFleet) -> Result<(), String> {
    if let Some(namespace) = fleet.namespace.as_deref().filter(|n| !is_label(n, 63)) {
        return Err(format!(
            "--namespace: '{namespace}' is not a DNS label (RFC 1123); write a-z, 0-9 and -"
        ));
    }
    for model in &fleet.config.models {
        // The names of a model's nodes differ only in their number.
        let longest = format!("{}-{}", model.profile.name, crate::node::NodeId::MAX);
        if !is_label(&longest, 63 - SECRET_SUFFIX.len()) {
            let name = &model.profile.name;
            return Err(format!(
                "profile '{name}': its nodes' names are not DNS labels (RFC 1123); rename it: start with a letter or digit, and keep it short"
            ));
        }
    }
    Ok(())
}

fn is_label(text: &str, max: usize) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=max).contains(&text.len())
        && text.starts_with(end)
        && text.ends_with(end)
        && text.chars().all(|c| end(c) || c == '-')
}

pub(super) fn write(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    for node in fleet.nodes() {
        let name = node.spec.name();
        let secret = format!("{name}{SECRET_SUFFIX}");
        write_secret(out, fleet, &secret)?;
        write_head(out, fleet, "metal3.io/v1alpha1", "BareMetalHost", &name)?;
        writeln!(out, "spec:")?;
        writeln!(out, "  online: true")?;
        writeln!(out, "  architecture: {}", Quoted(node.spec.profile.cpu_arch()))?;
        writeln!(out, "  bootMode: UEFI")?;
        if let Some(mac) = node.macs().next() {
            writeln!(out, "  bootMACAddress: {}", Quoted(&mac.to_string()))?;
        }
        writeln!(out, "  bmc:")?;
        let address = format!("{}+{}{}", driver(fleet.boot), node.address, node.system_id);
        writeln!(out, "    address: {}", Quoted(&address))?;
        writeln!(out, "    credentialsName: {}", Quoted(&secret))?;
        if fleet.verify == Verify::Insecure {
            writeln!(out, "    disableCertificateVerification: true")?;
        }
    }
    Ok(())
}

fn write_secret(out: &mut impl Write, fleet: &ExportedFleet, name: &str) -> io::Result<()> {
    write_head(out, fleet, "v1", "Secret", name)?;
    writeln!(out, "type: Opaque")?;
    writeln!(out, "stringData:")?;
    writeln!(out, "  username: {}", Quoted(&fleet.config.user))?;
    match fleet.password() {
        Some(password) => writeln!(out, "  password: {}", Quoted(password)),
        None => Ok(()),
    }
}

fn write_head(
    out: &mut impl Write,
    fleet: &ExportedFleet,
    version: &str,
    kind: &str,
    name: &str,
) -> io::Result<()> {
    writeln!(out, "---\napiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {}", Quoted(name))?;
    match &fleet.namespace {
        Some(namespace) => writeln!(out, "  namespace: {}", Quoted(namespace)),
        None => Ok(()),
    }
}

/// The scheme of `spec.bmc.address`, before `+http` or `+https` (`pkg/hardwareutils/bmc/redfish*.go`).
fn driver(boot: BootMethod) -> &'static str {
    match boot {
        BootMethod::VirtualMedia => "redfish-virtualmedia",
        BootMethod::Http => "redfish-uefihttp",
        BootMethod::Network => "redfish",
    }
}
