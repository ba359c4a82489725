//! The signals that stop the daemon.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the process gets SIGTERM, SIGINT or SIGHUP. All drain: a terminal or an SSH connection that closes sends
/// SIGHUP. A process that was started to ignore SIGHUP, as `nohup` does, goes on ignoring it.
pub(super) fn stop() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut hangup = if ignores_hangup(&status) { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hung_up => {}
        }
        tracing::info!("stopping: no new connections are accepted, requests in flight are answered");
    })
}

/// Whether the signal mask `SigIgn` of `/proc/self/status` contains SIGHUP, which is signal 1. Without such a file, as on other
/// systems, it does not.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hangup_is_found() {
        assert!(ignores_hangup("Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("Name:\tx\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
