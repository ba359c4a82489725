//! The logs of a ramdisk, written from the state of its agent and packed as IPA packs them.
//!
//! `collect_system_logs` of `ironic_python_agent/utils.py` returns the base64 text of a gzipped tar archive. It
//! contains the file `journal` and the output of a few commands.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::documents::VERSION;
use super::{disks, inventory};
use crate::address::Reported;
use crate::node::Node;
use crate::node::ipa::{CommandEnd, CommandStatus, Ipa};
use crate::time::SimTime;

/// The archive as base64 text.
pub(super) fn archive(node: &Node, agent: &Ipa, now: SimTime, reported: &Reported) -> String {
    let files = [
        ("journal", journal(node, agent, now)),
        ("ip_addr", addresses(node, reported)),
        ("lsblk", block_devices(node)),
    ];
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(now.ms() / 1000);
        header.set_cksum();
        tar.append_data(&mut header, name, text.as_bytes()).expect("writing to a vector cannot fail");
    }
    let gzip = tar.into_inner().expect("writing to a vector cannot fail");
    STANDARD.encode(gzip.finish().expect("writing to a vector cannot fail"))
}

fn journal(node: &Node, agent: &Ipa, now: SimTime) -> String {
    let host = node.spec().name();
    let mut text = String::new();
    let mut line = |at: SimTime, unit: &str, message: &str| {
        let _ = writeln!(text, "{} {host} {unit}: {message}", stamp(at));
    };
    let started = agent.started;
    let profile = node.profile();
    line(
        started,
        "kernel",
        &format!(
            "DMI: {} {}, BIOS {} {}",
            profile.manufacturer,
            profile.model,
            node.bios_version(),
            profile.bios_date
        ),
    );
    line(started, "systemd[1]", "Started Ironic Python Agent.");
    let ipa = "ironic-python-agent[512]";
    line(started, ipa, &format!("INFO Starting ironic-python-agent version: {VERSION}"));
    if let Some(url) = agent.params.inspection_urls.first() {
        line(started, ipa, &format!("INFO Posting collected data to {url}"));
    }
    if let Some(uuid) = agent.node_uuid() {
        line(started, ipa, &format!("INFO Lookup succeeded, node UUID is {uuid}"));
    }
    for command in agent.serving().map_or(&[][..], |serving| serving.commands.records()) {
        let end = match &command.status {
            CommandStatus::Running(_) => "INFO started execution".to_owned(),
            CommandStatus::Ended(CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. }) => {
                "INFO completed".to_owned()
            }
            CommandStatus::Ended(CommandEnd::Failed(e) | CommandEnd::VersionMismatch(e)) => {
                format!("ERROR {}: {}: {}", e.kind, e.message, e.details)
            }
        };
        line(now, ipa, &format!("command {} ({}): {end}", command.name, command.id));
    }
    if let Some(serving) = agent.serving() {
        let failed = serving.failed;
        line(serving.last.max(started), ipa, &format!("INFO last heartbeat; {failed} in a row failed"));
    }
    line(now, ipa, "INFO Collecting system logs and debugging information");
    text
}

/// A time in the format of journalctl.
fn stamp(at: SimTime) -> String {
    let seconds = i64::try_from(at.ms() / 1000).unwrap_or(0);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%b %d %H:%M:%S")
        .to_string()
}

fn addresses(node: &Node, reported: &Reported) -> String {
    let mut text = String::new();
    for (port, name, _) in inventory::nics(node) {
        let state = if node.has_cable(port) { "UP" } else { "DOWN" };
        let _ =
            writeln!(text, "{}: {}: state {state}\n    link/ether {}", port + 2, name, node.spec().mac(port));
        if let Some(ip) = inventory::address(node, port, reported) {
            let _ = writeln!(text, "    {} {ip}", if ip.is_ipv4() { "inet" } else { "inet6" });
        }
    }
    text
}

fn block_devices(node: &Node) -> String {
    let mut text = String::from("KNAME MODEL SIZE ROTA TYPE\n");
    for disk in disks::list(node) {
        let name = disk.name.trim_start_matches("/dev/");
        let _ = writeln!(text, "{name} {} {} {} disk", disk.model, disk.size, u8::from(disk.rotational));
    }
    text
}

/// The archive as a JSON string.
pub(super) fn packed(node: &Node, agent: &Ipa, now: SimTime, reported: &Reported) -> Value {
    Value::String(archive(node, agent, now, reported))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::ipa::tests::Bench;

    #[test]
    fn the_archive_contains_the_journal_of_this_node() {
        let bench = Bench::serving();
        let text = bench
            .fleet
            .look(bench.id, |n, now| archive(n, n.ipa().unwrap(), now, &Reported::default()))
            .unwrap();
        let bytes = STANDARD.decode(text).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut names = Vec::new();
        let mut journal = String::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            names.push(entry.path().unwrap().display().to_string());
            if names.len() == 1 {
                entry.read_to_string(&mut journal).unwrap();
            }
        }
        assert_eq!(names, ["journal", "ip_addr", "lsblk"]);
        assert!(journal.contains("generic-0 ironic-python-agent[512]: INFO Lookup succeeded"), "{journal}");
    }
}
