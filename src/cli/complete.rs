//! What shells complete: names of nodes and models from the running fleet, and words of the API.
//!
//! Whatever goes wrong, there are fewer completions, and no shell waits longer than [`PATIENCE`].

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;

use super::client::{Client, Connection, Query, run};
use crate::admin::api::{Fleet, Listed};
use crate::dmtf::BootTarget;
use crate::profile;

/// The longest wait for the daemon.
const PATIENCE: Duration = Duration::from_millis(500);
/// Names that a shell is offered.
const MOST: &str = "200";

/// Names of nodes that begin with the word.
pub(super) fn nodes(word: &OsStr) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    // Only these characters are in names. Others would change the selection.
    if !word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c)) {
        return Vec::new();
    }
    let selector = format!("name={word}*");
    let query = [("selector", selector.as_str()), ("fields", "name"), ("limit", MOST)];
    let listed: Option<Listed> = ask(&["nodes"], &query);
    let names = listed.into_iter().flat_map(|listed| listed.items).filter_map(|node| node.name);
    names.map(CompletionCandidate::new).collect()
}

/// Names of nodes, and the beginnings of words that name a part to plug.
pub(super) fn nodes_and_parts(word: &OsStr) -> Vec<CompletionCandidate> {
    nodes_and(&["nic=", "disk=", "psu="], word)
}

/// Names of nodes, and the beginnings of words that name a part that can fail.
pub(super) fn nodes_and_failing(word: &OsStr) -> Vec<CompletionCandidate> {
    nodes_and(&["fan=", "disk=", "dimm=", "psu="], word)
}

fn nodes_and(parts: &[&str], word: &OsStr) -> Vec<CompletionCandidate> {
    let parts = parts.iter().filter(|part| part.starts_with(&*word.to_string_lossy()));
    nodes(word).into_iter().chain(parts.copied().map(CompletionCandidate::new)).collect()
}

/// Built-in models and those of the fleet that begin with the word.
pub(super) fn profiles(word: &OsStr) -> Vec<CompletionCandidate> {
    let fleet: Option<Fleet> = ask(&["fleet"], &[]);
    let mut names: Vec<String> = profile::built_in_names().into_iter().map(Into::into).collect();
    names.extend(fleet.into_iter().flat_map(|fleet| fleet.profiles).map(|count| count.profile));
    names.sort_unstable();
    names.dedup();
    let word = word.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*word)).map(CompletionCandidate::new).collect()
}

pub(super) fn boot_sources() -> Vec<CompletionCandidate> {
    BootTarget::ALL.iter().map(|target| CompletionCandidate::new(target.as_str())).collect()
}

/// Conditions that `node wait` is used for most.
pub(super) fn conditions() -> Vec<CompletionCandidate> {
    let words = [
        "power=on",
        "power=off",
        "state=off",
        "state=agent-running",
        "state=live-running",
        "state=os-running",
        "state=no-boot-device",
        "agent=serving",
    ];
    words.map(CompletionCandidate::new).into()
}

/// The answer of the daemon, if it comes in time.
pub(super) fn ask<T: serde::de::DeserializeOwned>(path: &[&str], query: &Query<'_>) -> Option<T> {
    let client = Client::new(&Connection::written(std::env::args())).ok()?;
    let answer = run(async { Ok(tokio::time::timeout(PATIENCE, client.get(path, query)).await??) });
    answer.ok()
}
