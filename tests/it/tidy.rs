//! Rules of the house that a compiler does not hold: who may know whom, how large a file is, where the clock is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of the house, from the ground up. A room uses rooms of lower floors and of none other (itself aside).
const FLOORS: &[&[&str]] = &[
    &["address", "dmtf", "time", "seed", "face", "tls", "media", "meter"],
    &["clock", "profile"],
    &["node"],
    &["fleet"],
    &["redfish", "ipa", "store"],
    &["server", "effect"],
    &["config", "admin"],
    &["daemon"],
    &["cli", "main", "lib"],
];

/// What rooms may not name, and why.
const BANNED: &[(&[&str], &[&str])] = &[
    // The model and the leaves below it are pure: no I/O, no clock, no threads, no randomness of their own.
    (
        &["dmtf", "time", "profile", "node"],
        &["tokio", "hyper", "reqwest", "dashmap", "getrandom", "async fn", "crate::clock"],
    ),
    // The faces are functions from request to response.
    (&["redfish", "ipa"], &["hyper::", "reqwest", "TcpStream", "TcpListener"]),
    // Nobody but the outside room calls out.
    (&["fleet", "server", "media", "config"], &["reqwest"]),
];

/// Lines of a file at most, its tests included; those above this are named below with the reason.
const MAX_LINES: usize = 500;

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let below = path.strip_prefix(&root).unwrap();
                let room = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                files.push((room, below.to_owned(), text));
            }
        }
    }
    files.sort();
    assert!(files.len() > 20, "the sources are found");
    files
}

/// A source without its tests, which may reach anywhere.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn rooms_use_lower_floors_only() {
    let floor: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(n, rooms)| rooms.iter().map(move |r| (*r, n))).collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let Some(mine) = floor.get(room.as_str()) else {
            wrong.push(format!("{}: the room '{room}' has no floor in FLOORS", path.display()));
            continue;
        };
        if path.file_name().is_some_and(|n| n == "tests.rs") {
            continue;
        }
        for (n, line) in
            without_tests(&text).lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//"))
        {
            for used in line.split("crate::").skip(1).filter(|_| !line.contains("$crate")) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let Some(theirs) = floor.get(used) else { continue };
                if used != room && theirs >= mine {
                    wrong.push(format!("{}:{}: '{room}' may not use '{used}'", path.display(), n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_name_nothing_they_should_not_know() {
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if path.file_name().is_some_and(|n| n == "tests.rs") {
            continue;
        }
        for (rooms, words) in BANNED.iter().filter(|(rooms, _)| rooms.contains(&room.as_str())) {
            assert!(!rooms.is_empty());
            for (n, line) in
                without_tests(&text).lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//"))
            {
                for word in words.iter().filter(|w| line.contains(**w)) {
                    wrong.push(format!("{}:{}: '{room}' may not name '{word}'", path.display(), n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_that_a_node_remembers_is_left_out_when_it_is_kept() {
    for (room, path, text) in sources().into_iter().filter(|(room, ..)| room == "node") {
        for line in without_tests(&text).lines() {
            let left_out = line.contains("serde(") && line.contains("skip");
            assert!(
                !left_out,
                "{room}: {}: what is not written is lost by a restart: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn the_clock_is_asked_in_one_place() {
    let asks = ["Instant::now", "SystemTime::now", "Utc::now", "Timestamp::now"];
    for (room, path, text) in sources() {
        let asked = asks.iter().any(|a| without_tests(&text).contains(a));
        // How slow a client is on the wire is no matter of simulated time.
        let may = room == "clock" || path.ends_with("server/watchdog.rs");
        assert!(!asked || may, "{} asks a clock; take a SimTime", path.display());
    }
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines; one noun fits in {MAX_LINES}", path.display());
        assert!(text.starts_with("//!"), "{} does not open with what it is for", path.display());
    }
}

#[test]
fn no_maker_is_named_in_code() {
    let makers = [
        "Dell",
        "HPE",
        "iLO",
        "iDRAC",
        "Lenovo",
        "Supermicro",
        "Cisco",
        "Intel",
        "Broadcom",
        "NVIDIA",
        "Mellanox",
        "Marvell",
        "AMD",
    ];
    for (room, path, text) in sources() {
        if !["redfish", "ipa", "node", "fleet"].contains(&room.as_str()) {
            continue;
        }
        let code = without_tests(&text).lines().filter(|l| !l.trim_start().starts_with("//"));
        for line in code {
            let named = makers.iter().find(|m| line.contains(**m));
            assert!(named.is_none(), "{}: a maker is data, and this line names one: {line}", path.display());
        }
    }
}

#[test]
fn the_top_level_is_what_it_should_be() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "nodes",
        "certs",
        "benches",
        "tests",
        "Containerfile",
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "LICENSE",
        "rust-toolchain.toml",
        "clippy.toml",
        "deny.toml",
        "rustfmt.toml",
        "target",
    ];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "'{name}' has no place at the top level"
        );
    }
}
