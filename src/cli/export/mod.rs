//! `fauxmetal export`: the fleet that a daemon with the same settings serves, in the words of its clients. Nothing is
//! asked of a daemon: identities follow from the settings alone.

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

/// Print the fleet for a client, without a server
///
/// The same --nodes, --profile and --seed (or the same environment and file) give the same fleet as `fauxmetal serve`.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// For whom
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Where clients reach the controllers, as https://192.0.2.7:8443
    ///
    /// For --addresses ip their block of addresses, as https://10.8.0.0/16:8443; for port the first one's, as
    /// https://192.0.2.7:10000; for host their domain, as https://bmc.example:8443.
    #[arg(long, value_name = "URL")]
    bmc: String,
    /// CA certificate for the controllers, a path on Ironic's host (ironic)
    #[arg(long, value_name = "PATH", conflicts_with = "insecure")]
    verify_ca: Option<String>,
    /// Clients do not verify the controllers' certificate (ironic, bmh)
    #[arg(long)]
    insecure: bool,
    /// How Ironic boots its ramdisk (ironic, bmh) [default: virtual-media]
    #[arg(long, value_name = "HOW")]
    boot: Option<Boot>,
    /// Kubernetes namespace (bmh) [default: the one that kubectl is set to]
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Print a password that is not the default one; otherwise it is left out
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

  A controller on an address of its own for each node:
    fauxmetal export --addresses ip --bmc https://127.16.0.0/12:8443 --format nodes-json";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A JSON list of nodes with UUID, name, MAC addresses and login
    NodesJson,
    /// What `baremetal create` takes, JSON: nodes with their ports
    Ironic,
    /// Metal3's BareMetalHost and Secret, YAML
    Bmh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Boot {
    /// From a virtual CD; needs no DHCP
    VirtualMedia,
    /// From a URI that the controller is given; needs no DHCP
    Http,
    /// From the network, by PXE or iPXE
    Network,
}

/// How clients verify the controllers' certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verify {
    /// As they do by default: by their system's CA certificates.
    Default,
    /// By a CA certificate on their host.
    Ca(String),
    /// Not at all.
    Not,
}

/// What a format is to print.
struct Plan {
    fleet: FleetConfig,
    bmc: Urls,
    verify: Verify,
    boot: Boot,
    namespace: Option<String>,
    with_password: bool,
}

/// One node as its clients know it.
struct Node<'a> {
    spec: Spec<'a>,
    /// Where its controller is reached.
    address: String,
    /// The path of its system below that.
    system_id: String,
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.format;
    let plan = plan(args)?;
    if plan.password().is_none() {
        out::note("the password is left out, as it is not the default one; --with-password prints it");
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
    refuse_what_does_nothing(&args)?;
    let verify = match (args.verify_ca, args.insecure) {
        (Some(path), _) => Verify::Ca(path),
        (None, true) => Verify::Not,
        (None, false) => Verify::Default,
    };
    let boot = args.boot.unwrap_or(Boot::VirtualMedia);
    let typed = args.settings.gather()?;
    let fleet = FleetConfig::new(&typed)?;
    let layout = addresses::layout(&typed)?;
    let bmc = addresses::urls(&args.bmc, layout, fleet.nodes());
    let bmc = bmc.map_err(|e| UsageError(format!("--bmc: {e}")))?;
    let with_password = args.with_password;
    let plan = Plan { fleet, bmc, verify, boot, namespace: args.namespace, with_password };
    if args.format == Format::Bmh {
        bmh::check(&plan).map_err(UsageError)?;
    }
    Ok(plan)
}

/// A flag that a format has no place for would be believed and forgotten.
fn refuse_what_does_nothing(args: &Args) -> Result<(), UsageError> {
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
            let takes = if takes.is_empty() { "none of these" } else { &takes.join(", ") };
            Err(UsageError(format!("{flag}: --format {format} has no place for it; it takes {takes}")))
        }
    }
}

impl Plan {
    /// The password, if it may be printed: the default one is in the help anyway.
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

    /// The addresses of interfaces with a cable: the others are of no use to Ironic.
    fn macs(&self) -> impl Iterator<Item = Mac> {
        let ports = (0u8..).zip(&self.spec.profile.nics);
        ports.filter(|(_, nic)| nic.link).map(|(port, _)| self.spec.mac(port))
    }
}
