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
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<Reference<'a>>,
}

/// A Secret by its name.
#[derive(Serialize)]
struct Reference<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

/// An object that only has a name.
#[derive(Serialize)]
struct Nothing {}

/// The content of a Secret with user data, in the key `userData`
/// (`metal3-io/cluster-api-provider-metal3`, `docs/api.md`, "BareMetalHost").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserDataSecret<'a> {
    r#type: &'static str,
    string_data: UserDataText<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserDataText<'a> {
    user_data: &'a str,
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
    if let Some(namespace) = &fleet.namespace
        && fleet.additions.namespace_per.is_some()
    {
        let last = namespace_of(namespace, u64::from(fleet.config.indexes()));
        if !is_dns_label(&last, 63) {
            return Err(format!(
                "--namespace: '{namespace}' is too long with a number behind it; write a shorter one"
            ));
        }
    }
    for model in fleet.config.models.iter().chain(&fleet.config.added) {
        if let Some(imported) = &model.profile.identities {
            let bad =
                imported.list.iter().find(|system| !is_dns_label(&system.name, 63 - SECRET_SUFFIX.len()));
            match bad {
                None => continue,
                Some(system) => {
                    let (name, most) = (&system.name, 63 - SECRET_SUFFIX.len());
                    return Err(format!(
                        "node '{name}': its name is not a DNS label (RFC 1123) of at most {most} characters, which the name of a \
                         BareMetalHost must be; rename it in the file that it comes from"
                    ));
                }
            }
        }
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

/// The namespace with a number, from 1.
fn namespace_of(namespace: &str, number: u64) -> String {
    format!("{namespace}-{number}")
}

pub(super) fn write(out: &mut impl Write, fleet: &ExportedFleet) -> io::Result<()> {
    let mut namespace = fleet.namespace.clone();
    for (count, node) in (0u64..).zip(fleet.nodes()) {
        let per = fleet.additions.namespace_per.map(u64::from);
        if let (Some(base), Some(per)) = (&fleet.namespace, per)
            && count % per == 0
        {
            let own = namespace_of(base, count / per + 1);
            let labels = &fleet.additions.labels;
            object(out, "v1", "Namespace", Metadata { name: &own, namespace: None, labels }, Nothing {})?;
            namespace = Some(own);
        }
        // The Secret is printed before the first host that needs it.
        let shared = fleet.additions.user_data.as_ref().is_some_and(|data| data.namespace.is_some());
        if count == 0 || !shared && per.is_some_and(|per| count % per == 0) {
            write_user_data(out, fleet, namespace.as_deref())?;
        }
        write_host(out, fleet, &node, namespace.as_deref())?;
    }
    Ok(())
}

fn write_host(
    out: &mut impl Write,
    fleet: &ExportedFleet,
    node: &ExportedNode<'_>,
    namespace: Option<&str>,
) -> io::Result<()> {
    let name = node.spec.name();
    let secret = format!("{name}{SECRET_SUFFIX}");
    let credentials = Credentials { username: &fleet.config.user, password: fleet.password() };
    let labels = &fleet.additions.labels;
    let body = Secret { r#type: "Opaque", string_data: credentials };
    object(out, "v1", "Secret", Metadata { name: &secret, namespace, labels }, body)?;
    let body = Host { spec: spec(fleet, node, &secret, namespace) };
    object(out, "metal3.io/v1alpha1", "BareMetalHost", Metadata { name: &name, namespace, labels }, body)
}

/// The Secret with the user data, if its content is given.
fn write_user_data(out: &mut impl Write, fleet: &ExportedFleet, namespace: Option<&str>) -> io::Result<()> {
    let Some(data) = &fleet.additions.user_data else { return Ok(()) };
    let Some(content) = &data.content else { return Ok(()) };
    let namespace = data.namespace.as_deref().or(namespace);
    let body = UserDataSecret { r#type: "Opaque", string_data: UserDataText { user_data: content } };
    let labels = &fleet.additions.labels;
    object(out, "v1", "Secret", Metadata { name: &data.name, namespace, labels }, body)
}

fn spec<'a>(
    fleet: &'a ExportedFleet,
    node: &ExportedNode<'_>,
    secret: &'a str,
    namespace: Option<&'a str>,
) -> Spec<'a> {
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
        user_data: fleet
            .additions
            .user_data
            .as_ref()
            .map(|data| Reference { name: &data.name, namespace: data.namespace.as_deref().or(namespace) }),
    }
}

fn object(
    out: &mut impl Write,
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'_>,
    body: impl Serialize,
) -> io::Result<()> {
    document(out, &Object { api_version, kind, metadata, body })
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
