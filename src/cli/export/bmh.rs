//! `--format bmh`: for each node Metal3's BareMetalHost and its Secret
//! (`metal3-io/baremetal-operator`, `config/base/crds/bases/metal3.io_baremetalhosts.yaml`).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};
use serde_saphyr::SerializerOptions;

use super::fleet::{BootMethod, ExportedFleet, ExportedNode, Verify};
use super::options::Image;
use crate::selection::label::is_dns_label;

/// The name of a Secret is the name of its BareMetalHost and this.
const SECRET_SUFFIX: &str = "-bmc-secret";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a, B: Serialize> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "no_labels")]
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'a> {
    r#type: &'static str,
    string_data: Credentials<'a>,
}

#[derive(Serialize)]
struct Credentials<'a> {
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

#[derive(Serialize)]
struct Host<'a> {
    spec: Spec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    online: bool,
    architecture: &'static str,
    boot_mode: &'static str,
    #[serde(rename = "bootMACAddress", skip_serializing_if = "Option::is_none")]
    boot_mac_address: Option<String>,
    bmc: Bmc<'a>,
    #[serde(skip_serializing_if = "no_hints")]
    root_device_hints: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a Image>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bmc<'a> {
    address: String,
    credentials_name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_certificate_verification: bool,
}

fn no_labels(labels: &&BTreeMap<String, String>) -> bool {
    labels.is_empty()
}

fn no_hints(hints: &&Map<String, Value>) -> bool {
    hints.is_empty()
}

/// # Errors
/// If a name is not allowed in Kubernetes.
pub(super) fn check(fleet: &ExportedFleet) -> Result<(), String> {
    if let Some(namespace) = fleet.namespace.as_deref().filter(|n| !is_dns_label(n, 63)) {
        return Err(format!(
            "--namespace: '{namespace}' is not a DNS label (RFC 1123); write a-z, 0-9 and -"
        ));
    }
    for model in fleet.config.models.iter().chain(&fleet.config.added) {
        // The names of a model's nodes differ only in their number.
        let longest = format!("{}-{}", model.profile.name, crate::node::NodeId::MAX);
        if !is_dns_label(&longest, 63 - SECRET_SUFFIX.len()) {
            let name = &model.profile.name;
            return Err(format!(
                "profile '{name}': its nodes' names are not DNS labels (RFC 1123); rename it: start with a letter or digit, and keep it short"
            ));
        }
    }
    Ok(())
}

pub(super) fn write(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    for node in fleet.nodes() {
        let name = node.spec.name();
        let secret = format!("{name}{SECRET_SUFFIX}");
        let credentials = Credentials { username: &fleet.config.user, password: fleet.password() };
        let metadata =
            |name| Metadata { name, namespace: fleet.namespace.as_deref(), labels: &fleet.additions.labels };
        document(
            out,
            &Object {
                api_version: "v1",
                kind: "Secret",
                metadata: metadata(&secret),
                body: Secret { r#type: "Opaque", string_data: credentials },
            },
        )?;
        let spec = spec(fleet, &node, &secret);
        document(
            out,
            &Object {
                api_version: "metal3.io/v1alpha1",
                kind: "BareMetalHost",
                metadata: metadata(&name),
                body: Host { spec },
            },
        )?;
    }
    Ok(())
}

fn spec<'a>(fleet: &'a ExportedFleet, node: &ExportedNode<'_>, secret: &'a str) -> Spec<'a> {
    Spec {
        online: fleet.additions.online,
        architecture: node.spec.profile.cpu_arch(),
        boot_mode: "UEFI",
        boot_mac_address: node.macs().next().map(|mac| mac.to_string()),
        bmc: Bmc {
            address: format!("{}+{}{}", driver(fleet.boot), node.address, node.system_id),
            credentials_name: secret,
            disable_certificate_verification: fleet.verify == Verify::Insecure,
        },
        root_device_hints: &fleet.additions.root_device_hints,
        image: fleet.additions.image.as_ref(),
    }
}

/// Writes a YAML document. All texts are in quotes, so that a reader of YAML 1.1 takes none of them for another type.
fn document(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    let mut options = SerializerOptions::default();
    options.quote_all = true;
    out.write_all(b"---\n")?;
    serde_saphyr::to_io_writer_with_options(out, object, options).map_err(io::Error::other)
}

/// The scheme of `spec.bmc.address`, before `+http` or `+https` (`pkg/hardwareutils/bmc/redfish*.go`).
fn driver(boot: BootMethod) -> &'static str {
    match boot {
        BootMethod::VirtualMedia => "redfish-virtualmedia",
        BootMethod::Http => "redfish-uefihttp",
        BootMethod::Network => "redfish",
    }
}
