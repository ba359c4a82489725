//! `fauxmetal serve`: reads the settings and runs the daemon.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use super::exit_code::ExitCode;
use super::flags::ServeFlags;
use crate::config::Config;
use crate::daemon;
use crate::limit::{Limit, Limits};

/// Serve a fleet of simulated servers
///
/// Each server has a Redfish BMC. When it is powered on, it boots from its boot device; if that is an Ironic ramdisk, an
/// agent starts and runs Ironic's commands. Stop the daemon with Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(after_long_help = help())]
pub(super) struct Args {
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
    let config = Config::new(&raw)?;
    start_log(&config.log)?;
    for warning in raw.warnings().iter().cloned().chain(config.warnings()) {
        tracing::warn!("{warning}");
    }
    daemon::serve(config)?;
    Ok(ExitCode::Ok)
}

/// Logs to standard error, since standard output has the READY line.
fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(filter).context("cannot read the log filter")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal())
        .try_init()
        .map_err(|e| anyhow::anyhow!("cannot start the log: {e}"))
}
