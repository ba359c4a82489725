//! `fauxmetal export`: the fleet of a daemon with the same settings, in the format of a client. No daemon is needed, since
//! the settings determine all identities.

mod bmh;
mod ironic;
mod nodes_json;
#[cfg(test)]
mod tests;
mod yaml;

use std::io::Write;

use clap::{Parser, ValueEnum};

use super::flags::FleetFlags;
use super::{ExitCode, UsageError, out};
use crate::address::Urls;
use crate::config::{FleetConfig, addresses};
use crate::node::spec::{Mac, Spec};

/// Print the fleet in the format of a client
///
/// No running daemon is needed: with the same --nodes, --profile and --seed (or the same environment and configuration
/// file) the nodes are those of `fauxmetal serve`.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Format of the output
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// URL by which clients reach the BMCs, such as https://192.0.2.7:8443
    ///
    /// With --addresses ip it has the block of addresses, such as https://10.8.0.0/16:8443; with port the first node's port,
    /// such as https://192.0.2.7:10000; with host the domain, such as https://bmc.example:8443.
    #[arg(long, value_name = "URL")]
    bmc: String,
    /// Path of the BMCs' CA certificate on Ironic's host (ironic)
    #[arg(long, value_name = "PATH", conflicts_with = "insecure")]
    verify_ca: Option<String>,
    /// Clients do not verify the BMCs' certificates (ironic, bmh)
    #[arg(long)]
    insecure: bool,
    /// How Ironic boots its ramdisk (ironic, bmh) [default: virtual-media]
    #[arg(long, value_name = "HOW")]
    boot: Option<Boot>,
    /// Kubernetes namespace (bmh) [default: the current namespace of kubectl]
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Print the password even if it is not the default one; without this flag it is left out
    #[arg(long)]
    with_password: bool,
    #[command(flatten)]
    settings: FleetFlags,
}

const HELP: &str = "\
Examples:
  fauxmetal export --format nodes-json --bmc https://127.0.0.1:8443 > nodes.json

  fauxmetal export --format ironic --bmc https://192.0.2.7:8443 \\
      --verify-ca /etc/ironic/fauxmetal-ca.pem > fleet.json
  baremetal create fleet.json

  fauxmetal export --format bmh --bmc https://192.0.2.7:8443 --insecure --namespace metal3 \\
      | kubectl apply -f -

  With an IP address for each BMC:
    fauxmetal export --addresses ip --bmc https://127.16.0.0/12:8443 --format nodes-json";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON list of nodes with UUID, name, MAC addresses and credentials
    NodesJson,
    /// JSON for `baremetal create`: nodes with their ports
    Ironic,
    /// YAML for Metal3: BareMetalHost and Secret
    Bmh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Boot {
    /// From a virtual CD; needs no DHCP
    VirtualMedia,
    /// From a URI that Ironic sets in the BMC; needs no DHCP
    Http,
    /// From the network, by PXE or iPXE
    Network,
}

/// How clients verify the BMCs' certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verify {
    /// With the CA certificates of their system, as by default.
    Default,
    /// With the CA certificate at this path on their host.
    Ca(String),
    /// Not verified.
    Not,
}

/// The input of every format.
struct Plan {
    fleet: FleetConfig,
    bmc: Urls,
    verify: Verify,
    boot: Boot,
    namespace: Option<String>,
    with_password: bool,
}

/// A node as clients see it.
struct Node<'a> {
    spec: Spec<'a>,
    /// The URL of its BMC.
    address: String,
    /// The path of its system.
    system_id: String,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.format;
    let plan = plan(args)?;
    if plan.password().is_none() {
        out::message("the password is left out because it is not the default one; --with-password prints it");
    }
    let mut out = out::stdout();
    match format {
        Format::NodesJson => nodes_json::write(&mut out, &plan)?,
        Format::Ironic => ironic::write(&mut out, &plan)?,
        Format::Bmh => bmh::write(&mut out, &plan)?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn plan(args: Args) -> anyhow::Result<Plan> {
    refuse_unused_flags(&args)?;
    let verify = match (args.verify_ca, args.insecure) {
        (Some(path), _) => Verify::Ca(path),
        (None, true) => Verify::Not,
        (None, false) => Verify::Default,
    };
    let boot = args.boot.unwrap_or(Boot::VirtualMedia);
    let raw = args.settings.gather()?;
    let fleet = FleetConfig::new(&raw)?;
    let layout = addresses::layout(&raw)?;
    let bmc = addresses::urls(&args.bmc, layout, fleet.nodes());
    let bmc = bmc.map_err(|e| UsageError(format!("--bmc: {e}")))?;
    let with_password = args.with_password;
    let plan = Plan { fleet, bmc, verify, boot, namespace: args.namespace, with_password };
    if args.format == Format::Bmh {
        bmh::check(&plan).map_err(UsageError)?;
    }
    Ok(plan)
}

/// # Errors
/// For a flag that the format does not use. It would be ignored without a message otherwise.
fn refuse_unused_flags(args: &Args) -> Result<(), UsageError> {
    let takes: &[&str] = match args.format {
        Format::NodesJson => &[],
        Format::Ironic => &["--verify-ca", "--insecure", "--boot"],
        Format::Bmh => &["--insecure", "--boot", "--namespace"],
    };
    let given = [
        ("--verify-ca", args.verify_ca.is_some()),
        ("--insecure", args.insecure),
        ("--boot", args.boot.is_some()),
        ("--namespace", args.namespace.is_some()),
    ];
    match given.into_iter().find(|(flag, given)| *given && !takes.contains(flag)) {
        None => Ok(()),
        Some((flag, _)) => {
            let format =
                args.format.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned());
            let takes = if takes.is_empty() { "none of these flags" } else { &takes.join(", ") };
            Err(UsageError(format!(
                "{flag}: not used by --format {format}, which uses {takes}; leave it out"
            )))
        }
    }
}

impl Plan {
    /// The password, if it may be printed. The default password is public.
    fn password(&self) -> Option<&str> {
        let password = &self.fleet.password;
        (self.with_password || password.is_public()).then(|| password.reveal())
    }

    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.fleet
            .iter()
            .map(|(id, profile)| Node::new(Spec { seed: self.fleet.seed, id, profile }, &self.bmc))
    }
}

impl<'a> Node<'a> {
    fn new(spec: Spec<'a>, bmc: &Urls) -> Self {
        let id = if bmc.are_own() { spec.profile.ids.system.clone() } else { spec.uuid().to_string() };
        let system_id = format!("/redfish/v1/Systems/{id}");
        Self { spec, address: bmc.of(spec.id.0, || spec.name()), system_id }
    }

    /// The MAC addresses of interfaces with a cable. Ironic cannot use the others.
    fn macs(&self) -> impl Iterator<Item = Mac> {
        let ports = (0u8..).zip(&self.spec.profile.nics);
        ports.filter(|(_, nic)| nic.link).map(|(port, _)| self.spec.mac(port))
    }
}
