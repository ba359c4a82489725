//! `fauxmetal export`: the nodes of a fleet in the format of a client. No daemon is needed, since the settings determine all
//! identities; a running daemon, a state directory or a snapshot can be named instead of its settings.

mod bmh;
mod fleet;
mod ironic;
mod nodes_json;
mod options;
mod source;
mod sushy;
#[cfg(test)]
mod tests;

use std::io::{BufWriter, IntoInnerError, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{ArgAction, Parser};

use super::exit_code::{ExitCode, UsageError};
use super::flags::FleetFlags;
use super::out;
use crate::config::{Config, ExportFormat as Format, addresses};
use crate::daemon::Ready;
use crate::file::{PRIVATE, Replacement};
use crate::selection::{Field as NodeField, Selection};
use fleet::{BootMethod, ExportedFleet, Verify};
use options::{Additions, Field, Image, UserData};
use source::Source;

/// Print the fleet in the format of a client
///
/// The nodes are those of a running daemon (--from), of a state directory, also while a daemon uses it (--state), of a
/// snapshot (--snapshot), or those that `fauxmetal serve` has with the same --nodes, --profile and --seed.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// Format of the output
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// File with the READY line of the daemon whose nodes to print, or - for standard input
    ///
    /// The standard output of `fauxmetal serve` has that line. It also says the values of --bmc, --addresses, --user and
    /// --verify-ca.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "snapshot"])]
    from: Option<PathBuf>,
    /// Print only the nodes of a selection, such as 'profile=hpe-*,index in (0..9)'
    ///
    /// Fields are index, name, uuid, mac and profile, with =, !=, in and notin; sample=5% selects a share. docs/selections.md
    /// explains the grammar.
    #[arg(short = 'l', long, value_name = "SELECTION")]
    selector: Option<Selection>,
    /// URL by which clients reach the BMCs, such as https://192.0.2.7:8443
    ///
    /// With --addresses ip it has the block of addresses, such as https://10.8.0.0/16:8443; with port the first node's port,
    /// such as https://192.0.2.7:10000; with host the domain, such as https://bmc.example:8443.
    #[arg(long, value_name = "URL", required_unless_present = "from")]
    bmc: Option<String>,
    /// Path of the BMCs' CA certificate on Ironic's host (ironic)
    #[arg(long, value_name = "PATH", conflicts_with = "insecure")]
    verify_ca: Option<String>,
    /// Clients do not verify the BMCs' certificates (ironic, bmh)
    #[arg(long)]
    insecure: bool,
    /// How Ironic boots its ramdisk (ironic, bmh) [default: virtual-media]
    #[arg(long, value_name = "HOW")]
    boot: Option<BootMethod>,
    /// Field of every node, such as resource_class=baremetal; can be repeated (ironic)
    ///
    /// Dots lead to nested fields, as in driver_info.deploy_kernel=URL. VALUE is read as JSON if it is JSON, else as text.
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = Field::parse)]
    fields: Vec<Field>,
    /// Kubernetes namespace (bmh) [default: the current namespace of kubectl]
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Number of hosts in a namespace: NS-1, NS-2, …, each printed as a Namespace (bmh); needs --namespace
    #[arg(long, value_name = "N", requires = "namespace", value_parser = clap::value_parser!(u32).range(1..))]
    namespace_per: Option<u32>,
    /// Label of every host and Secret; can be repeated (bmh)
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = options::label)]
    labels: Vec<(String, String)>,
    /// Image to deploy: url=URL,checksum=CHECKSUM and optionally ,format=FORMAT (bmh)
    ///
    /// CHECKSUM is the value or the URL of a file with it. FORMAT is raw, qcow2, vdi, vmdk or live-iso, which has no checksum.
    #[arg(long, value_name = "IMAGE", value_parser = Image::parse)]
    image: Option<Image>,
    /// Secret with the user data of every host: NAME, NAMESPACE/NAME, or NAME=FILE to print the Secret, too (bmh)
    ///
    /// Without a NAMESPACE it is the Secret in the namespace of the host.
    #[arg(long, value_name = "SECRET", value_parser = UserData::parse)]
    user_data: Option<UserData>,
    /// Hint for the disk to deploy to, such as deviceName=/dev/sda; can be repeated (bmh)
    #[arg(long = "root-device-hint", value_name = "NAME=VALUE", value_parser = options::hint)]
    hints: Vec<(String, serde_json::Value)>,
    /// Whether the hosts are to be switched on (bmh) [default: true]
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    online: Option<bool>,
    /// Print the password even if it is not the default one; without this flag it is left out
    #[arg(long)]
    with_password: bool,
    #[command(flatten)]
    settings: FleetFlags,
}

const HELP: &str = "\
Examples:
  The nodes of a running daemon:
    fauxmetal serve --nodes 20 > ready.txt &
    fauxmetal export --format nodes-json --from ready.txt > nodes.json

  fauxmetal export --format ironic --nodes 20 --bmc https://192.0.2.7:8443 \\
      --verify-ca /etc/ironic/fauxmetal-ca.pem --set resource_class=baremetal > fleet.json
  baremetal create fleet.json

  fauxmetal export --format bmh --nodes 20 --bmc https://192.0.2.7:8443 --insecure \\
      --namespace metal3 --label rack=r1 | kubectl apply -f -

  A thousand hosts in namespaces of ten, with an image and user data:
    fauxmetal export --format bmh --nodes 1000 --bmc https://192.0.2.7:8443 --insecure \\
        --namespace test --namespace-per 10 --user-data metal3/worker-user-data \\
        --image url=http://192.0.2.5/image.qcow2,checksum=http://192.0.2.5/image.qcow2.sha256sum

  With an IP address for each BMC:
    fauxmetal export --nodes 20 --addresses ip --bmc https://127.16.0.0/12:8443 --format nodes-json";

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.format;
    let fleet = fleet(args)?;
    if fleet.password().is_none() && fleet.config.htpasswd.is_some() {
        out::message("the password is left out because --htpasswd has only its hash");
    } else if fleet.password().is_none() {
        out::message("the password is left out because it is not the default one; --with-password prints it");
    }
    let mut out = out::stdout();
    write(&mut out, format, &fleet)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn write(out: &mut impl Write, format: Format, fleet: &ExportedFleet) -> std::io::Result<()> {
    match format {
        Format::NodesJson => nodes_json::write(out, fleet),
        Format::Ironic => ironic::write(out, fleet),
        Format::Bmh => bmh::write(out, fleet),
        Format::SushyNodes => sushy::write_nodes(out, fleet),
        Format::SushyConf => sushy::write_conf(out, fleet),
    }
}

/// Writes the files of `--write-export`. `public_password`: the password is the default one. It has been wiped by then.
///
/// # Errors
/// If a file cannot be written, or a name is not allowed in Kubernetes.
pub(super) fn write_files(config: &Config, ready: &Ready, public_password: bool) -> anyhow::Result<()> {
    for export in &config.exports {
        let bmc =
            addresses::urls(&ready.bmc, config.layout, config.fleet.indexes()).map_err(anyhow::Error::msg)?;
        let verify = match ready.bmc.starts_with("https://") {
            true => Verify::Ca(ready.ca.clone()),
            false => Verify::Default,
        };
        let mut fleet = ExportedFleet {
            config: config.fleet.clone(),
            bmc,
            // Metal3 has no place for a CA certificate in a BareMetalHost.
            verify: if export.format == Format::Bmh { Verify::Insecure } else { verify },
            boot: BootMethod::VirtualMedia,
            namespace: None,
            with_password: false,
            additions: Additions::default(),
            selection: None,
        };
        if public_password {
            fleet.config.password = crate::config::Password::public();
        }
        check(export.format, &fleet).map_err(anyhow::Error::msg)?;
        write_file(&export.file, export.format, &fleet)
            .with_context(|| format!("--write-export: {}", export.file.display()))?;
        tracing::info!(file = %export.file.display(), format = export.format.name(), "export written");
    }
    Ok(())
}

/// Replaces a file atomically, so that a script that waits for it finds all of it.
fn write_file(file: &Path, format: Format, fleet: &ExportedFleet) -> anyhow::Result<()> {
    let (new, out) = Replacement::create(file, PRIVATE)?;
    let mut out = BufWriter::new(out);
    write(&mut out, format, fleet)?;
    out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()?;
    Ok(new.put_in_place()?)
}

fn fleet(args: Args) -> anyhow::Result<ExportedFleet> {
    refuse_unused_flags(&args)?;
    let boot = args.boot.unwrap_or(BootMethod::VirtualMedia);
    let raw = args.settings.gather()?;
    for warning in raw.warnings() {
        out::message(warning);
    }
    let Source { config, layout, bmc, ca, is_default } = Source::new(&raw, args.from.as_deref())?;
    if is_default {
        out::message(&format!(
            "no setting names the nodes, so these are the default {}; use the --nodes, --profile and --seed of the daemon, or \
             --from, --state or --snapshot",
            config.nodes()
        ));
    }
    let ca = ca.filter(|_| args.format == Format::Ironic);
    let verify = match (args.verify_ca.or(ca), args.insecure) {
        (_, true) => Verify::Insecure,
        (Some(path), false) => Verify::Ca(path),
        (None, false) => Verify::Default,
    };
    let bmc = args.bmc.or(bmc).unwrap_or_default();
    let bmc = addresses::urls(&bmc, layout, config.indexes());
    let bmc = bmc.map_err(|e| UsageError(format!("--bmc: {e}")))?;
    let (namespace, with_password) = (args.namespace, args.with_password);
    let additions = Additions {
        fields: args.fields,
        labels: args.labels.into_iter().collect(),
        image: args.image,
        user_data: args.user_data,
        namespace_per: args.namespace_per,
        root_device_hints: args.hints.into_iter().collect(),
        online: args.online.unwrap_or(true),
    };
    let selection = args.selector;
    let fleet = ExportedFleet { config, bmc, verify, boot, namespace, with_password, additions, selection };
    check(args.format, &fleet).and_then(|()| check_selection(&fleet)).map_err(UsageError)?;
    Ok(fleet)
}

fn check(format: Format, fleet: &ExportedFleet) -> Result<(), String> {
    match format {
        Format::NodesJson | Format::SushyNodes => Ok(()),
        Format::Ironic => ironic::check(fleet),
        Format::Bmh => bmh::check(fleet),
        Format::SushyConf => sushy::check_conf(fleet),
    }
}

/// The refusal of a selection by what only a running fleet has.
fn not_running(what: &str) -> String {
    let fields = NodeField::ALL.into_iter().filter(|field| field.words().is_none());
    let fields = fields.map(NodeField::as_str).collect::<Vec<_>>().join(", ");
    format!("--selector: nodes that do not run have no {what}; allowed are sample and the fields {fields}")
}

/// # Errors
/// If the selection needs a running fleet, or no node matches it.
fn check_selection(fleet: &ExportedFleet) -> Result<(), String> {
    let Some(selection) = &fleet.selection else { return Ok(()) };
    if let Some(label) = selection.label() {
        return Err(not_running(&format!("label '{label}'")));
    }
    if let Some(field) = selection.live_field() {
        return Err(not_running(field.as_str()));
    }
    match fleet.nodes().next() {
        Some(_) => Ok(()),
        None => Err(format!("--selector: none of the {} nodes matches '{selection}'", fleet.config.nodes())),
    }
}

/// # Errors
/// For a flag that the format does not use. It would be ignored without a message otherwise.
fn refuse_unused_flags(args: &Args) -> Result<(), UsageError> {
    let takes: &[&str] = match args.format {
        Format::NodesJson | Format::SushyNodes | Format::SushyConf => &[],
        Format::Ironic => &["--verify-ca", "--insecure", "--boot", "--set"],
        Format::Bmh => &[
            "--insecure",
            "--boot",
            "--namespace",
            "--namespace-per",
            "--label",
            "--image",
            "--user-data",
            "--root-device-hint",
            "--online",
        ],
    };
    let given = [
        ("--verify-ca", args.verify_ca.is_some()),
        ("--insecure", args.insecure),
        ("--boot", args.boot.is_some()),
        ("--set", !args.fields.is_empty()),
        ("--namespace", args.namespace.is_some()),
        ("--namespace-per", args.namespace_per.is_some()),
        ("--user-data", args.user_data.is_some()),
        ("--label", !args.labels.is_empty()),
        ("--image", args.image.is_some()),
        ("--root-device-hint", !args.hints.is_empty()),
        ("--online", args.online.is_some()),
    ];
    match given.into_iter().find(|(flag, given)| *given && !takes.contains(flag)) {
        None => Ok(()),
        Some((flag, _)) => {
            let format = args.format.name();
            let takes = if takes.is_empty() { "none of these flags" } else { &takes.join(", ") };
            Err(UsageError(format!(
                "{flag}: not used by --format {format}, which uses {takes}; leave it out"
            )))
        }
    }
}
