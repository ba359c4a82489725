//! Metrics of this process, read from `/proc` (proc(5)). A metric that cannot be read is left out.

use std::fs;

use crate::meter::Page;

/// The unit of times in `/proc/self/stat` (`USER_HZ`, which is 100 for user space on every Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes the metrics, with the names that all client libraries of Prometheus use.
pub(super) fn meter(page: &mut Page) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.gauge("fauxmetal_build_info", "Which version this is", &version, 1);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of_status = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    if let Some(kib) = of_status("VmRSS") {
        page.gauge("process_resident_memory_bytes", "Memory in use", &[], kib * 1024);
    }
    if let Some(threads) = of_status("Threads") {
        page.gauge("process_threads", "Threads", &[], threads);
    }
    if let Some(seconds) = cpu_seconds() {
        page.seconds("process_cpu_seconds_total", "CPU used, seconds", seconds);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // One of them is the open directory itself.
        page.gauge("process_open_fds", "Open files", &[], entries.count().saturating_sub(1) as u64);
    }
    if let Some(soft) = max_fds() {
        page.gauge("process_max_fds", "Open files allowed", &[], soft);
    }
}

/// The soft limit of open files, from a line such as `Max open files  1024  524288  files`.
fn max_fds() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The process name before the bracket can contain spaces and brackets.
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
