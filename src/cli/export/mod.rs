//! `fauxmetal export`: the fleet of a daemon with the same settings, in the format of a client. No daemon is needed, since
//! the settings determine all identities.

mod bmh;
mod fleet;
mod ironic;
mod nodes_json;
#[cfg(test)]
mod tests;
mod yaml;

use std::io::Write;

use clap::{Parser, ValueEnum};

use super::exit_code::{ExitCode, UsageError};
use super::flags::FleetFlags;
use super::out;
use crate::config::{FleetConfig, addresses};
use fleet::{BootMethod, ExportedFleet, Verify};

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
    boot: Option<BootMethod>,
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

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.format;
    let fleet = fleet(args)?;
    if fleet.password().is_none() {
        out::message("the password is left out because it is not the default one; --with-password prints it");
    }
    let mut out = out::stdout();
    match format {
        Format::NodesJson => nodes_json::write(&mut out, &fleet)?,
        Format::Ironic => ironic::write(&mut out, &fleet)?,
        Format::Bmh => bmh::write(&mut out, &fleet)?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn fleet(args: Args) -> anyhow::Result<ExportedFleet> {
    refuse_unused_flags(&args)?;
    let verify = match (args.verify_ca, args.insecure) {
        (Some(path), _) => Verify::Ca(path),
        (None, true) => Verify::Insecure,
        (None, false) => Verify::Default,
    };
    let boot = args.boot.unwrap_or(BootMethod::VirtualMedia);
    let raw = args.settings.gather()?;
    raw.warnings.iter().for_each(|warning| out::message(warning));
    let config = FleetConfig::new(&raw)?;
    let layout = addresses::layout(&raw)?;
    let bmc = addresses::urls(&args.bmc, layout, config.nodes());
    let bmc = bmc.map_err(|e| UsageError(format!("--bmc: {e}")))?;
    let (namespace, with_password) = (args.namespace, args.with_password);
    let fleet = ExportedFleet { config, bmc, verify, boot, namespace, with_password };
    if args.format == Format::Bmh {
        bmh::check(&fleet).map_err(UsageError)?;
    }
    Ok(fleet)
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
