//! The limit of open files: each connection needs one, and shells allow few by default.

use anyhow::ensure;

use crate::address::Layout;
use crate::config::Config;

/// Open files besides those of clients' connections: outgoing calls, listeners, the log.
const FILES_BESIDE_CONNECTIONS: u64 = 512;

/// Raises the limit of open files as far as needed and possible. If it stays too low, lowers the limits of connections and
/// calls to it.
///
/// # Errors
/// If there are not enough files even for the listening sockets.
pub(super) fn fit(config: &mut Config) -> anyhow::Result<()> {
    let nodes = config.fleet.nodes();
    let sockets = match config.layout {
        Layout::Port => nodes as usize * (config.listen.len() + 1),
        Layout::Shared | Layout::Ip | Layout::Host => 0,
    };
    let limits = &mut config.limits;
    let wanted = (limits.connections + sockets) as u64 + FILES_BESIDE_CONNECTIONS;
    let files = match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files >= wanted => return Ok(()),
        Ok(files) => usize::try_from(files).unwrap_or(usize::MAX),
        Err(error) => {
            tracing::warn!(%error, "cannot read the limit of open files");
            return Ok(());
        }
    };
    let least = sockets + FILES_BESIDE_CONNECTIONS as usize;
    ensure!(
        sockets == 0 || files >= least,
        "--addresses port needs {least} open files for {nodes} nodes, and {files} are allowed; raise the limit (ulimit -n) or use --addresses ip, which needs one socket"
    );
    limits.fit(files - sockets);
    let (connections, calls) = (limits.connections, limits.calls);
    tracing::warn!(
        files,
        connections,
        calls,
        "the limit of open files (ulimit -n) reduces connections and calls"
    );
    Ok(())
}
