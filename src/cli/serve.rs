//! `fauxmetal serve`: the settings become a configuration, and the daemon runs with it.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use super::ExitCode;
use super::flags::ServeFlags;
use crate::config::{Config, Limits};

/// Serve a fleet of simulated servers
///
/// Each has a Redfish controller. Powered on, it boots what it is told to; an Ironic ramdisk becomes an agent that
/// takes Ironic's commands. Stop it with Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(after_long_help = help())]
pub(super) struct Args {
    #[command(flatten)]
    settings: ServeFlags,
}

/// Limits by name, where settings come from, and examples.
fn help() -> String {
    let limits = Limits::list()
        .into_iter()
        .map(|(name, default, help)| format!("  {name:<23} {default:>9}  {help}\n"));
    let limits: String = limits.collect();
    format!(
        "Limits, by the name that --limit takes (times in seconds, sizes in bytes), with their defaults:\n{limits}\n{HELP}"
    )
}

const HELP: &str = "\
Where settings come from:
  Each flag is an environment variable and a key of the file, too: --boot-time is
  FAUXMETAL_BOOT_TIME and boot-time. A flag wins over the environment, the environment over the
  file. A list is comma separated in the environment and an array in the file, where --profile,
  --timing and --limit may be tables:

    # fleet.toml
    seed = \"ci\"
    listen = [\"https://0.0.0.0:8443\", \"http://127.0.0.1:8000\"]
    profile = { generic = 80, hpe-dl380-gen11 = 20 }
    [timing]
    post = \"30s..60s\"

Examples:
  A hundred servers on loopback, looked at with curl:
    fauxmetal serve
    curl --cacert certs/ca.pem -u admin:password https://127.0.0.1:8443/redfish/v1/Systems

  Twenty for an Ironic on another host, where 192.0.2.7 is this one:
    fauxmetal serve --nodes 20 --advertise 192.0.2.7 --ironic http://192.0.2.5:6385 \\
        --listen https://0.0.0.0:8443 --agent-listen https://0.0.0.0:9999
    fauxmetal export --nodes 20 --format ironic --bmc https://192.0.2.7:8443 \\
        --verify-ca /etc/ironic/fauxmetal-ca.pem > fleet.json
    baremetal create fleet.json

  Fifty for Metal3:
    fauxmetal serve --nodes 50 --advertise 192.0.2.7 \\
        --listen https://0.0.0.0:8443 --agent-listen https://0.0.0.0:9999
    fauxmetal export --nodes 50 --format bmh --bmc https://192.0.2.7:8443 --insecure \\
        | kubectl apply -f -";

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let config = Config::new(&args.settings.gather()?)?;
    start_log(&config.log)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    run(config)?;
    Ok(ExitCode::Ok)
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When it cannot start, or fails.
pub(super) fn run(config: Config) -> anyhow::Result<()> {
    crate::daemon::serve(config)
}

/// The log goes to standard error, which leaves standard output to the ready line.
fn start_log(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(filter).context("the filter of the log")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal())
        .try_init()
        .map_err(|e| anyhow::anyhow!("cannot start the log: {e}"))
}
