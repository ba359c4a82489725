//! `fauxmetal serve`: reads the settings and runs the daemon.

use clap::{ArgAction, Parser};

use super::exit_code::{ExitCode, UsageError};
use super::flags::ServeFlags;
use super::{export, log};
use crate::config::{Config, LogFilter};
use crate::daemon;
use crate::limit::{Limit, Limits};

/// Serve a fleet of simulated servers
///
/// Each server has a Redfish BMC. When it is powered on, it boots from its boot device; if that is an Ironic ramdisk, an
/// agent starts and runs Ironic's commands. Stop the daemon with Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(after_long_help = help())]
pub(super) struct Args {
    /// More lines in the log: -v for level debug, -vv for trace
    #[arg(short, long, action = ArgAction::Count, conflicts_with_all = ["quiet", "log"])]
    verbose: u8,
    /// Fewer lines in the log: -q for level warn, -qq for error
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "log")]
    quiet: u8,
    #[command(flatten)]
    settings: ServeFlags,
}

/// The part after the flags: limits, sources of settings, examples.
fn help() -> String {
    let row = |limit: &Limit| {
        format!("  {:<23} {:>9}  {}\n", limit.name(), Limits::DEFAULT.text(*limit), limit.help())
    };
    let limits: String = Limit::ALL.iter().map(row).collect();
    format!("Names of --limit with their defaults (times in seconds, sizes in bytes):\n{limits}\n{HELP}")
}

const HELP: &str = "\
Sources of settings:
  Each flag is also an environment variable and a key of the configuration file: --boot-time is
  FAUXMETAL_BOOT_TIME and boot-time. A flag takes precedence over the environment, and the
  environment over the file. A list is comma-separated in the environment and an array in the file.
  In the file, --profile, --timing and --limit can also be tables:

    # fleet.toml
    seed = \"ci\"
    listen = [\"https://0.0.0.0:8443\", \"http://127.0.0.1:8000\"]
    profile = { generic = 80, hpe-dl380-gen11 = 20 }
    [timing]
    post = \"30s..60s\"

Examples:
  Serve a hundred servers on loopback, and list them with curl:
    fauxmetal serve
    curl --cacert certs/ca.pem -u admin:password https://127.0.0.1:8443/redfish/v1/Systems

  Serve twenty for an Ironic on another host; 192.0.2.7 is this host:
    fauxmetal serve --nodes 20 --advertise 192.0.2.7 --ironic http://192.0.2.5:6385 \\
        --listen https://0.0.0.0:8443 --agent-listen https://0.0.0.0:9999
    fauxmetal export --nodes 20 --format ironic --bmc https://192.0.2.7:8443 \\
        --verify-ca /etc/ironic/fauxmetal-ca.pem > fleet.json
    baremetal create fleet.json

  Serve fifty for Metal3:
    fauxmetal serve --nodes 50 --advertise 192.0.2.7 \\
        --listen https://0.0.0.0:8443 --agent-listen https://0.0.0.0:9999
    fauxmetal export --nodes 50 --format bmh --bmc https://192.0.2.7:8443 --insecure \\
        | kubectl apply -f -";

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let raw = args.settings.gather()?;
    let mut config = Config::new(&raw)?;
    if let Some(level) = level(args.verbose, args.quiet) {
        config.log = LogFilter::parse(level).map_err(UsageError)?;
    }
    let _summary = log::start(&config.log, config.log_format)?;
    for warning in raw.warnings().iter().cloned().chain(config.warnings()) {
        tracing::warn!("{warning}");
    }
    let is_public = config.fleet.password.is_public();
    daemon::serve(config, |config, ready| export::write_files(config, ready, is_public))?;
    Ok(ExitCode::Ok)
}

/// The level that -v and -q ask for.
fn level(verbose: u8, quiet: u8) -> Option<&'static str> {
    match (verbose, quiet) {
        (0, 0) => None,
        (1, _) => Some("debug"),
        (2.., _) => Some("trace"),
        (0, 1) => Some("warn"),
        (0, 2..) => Some("error"),
    }
}
