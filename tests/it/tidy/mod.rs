//! Rules that the compiler does not check: which room may use which, the size of a file, where a clock is read.

mod cycles;
mod documentation;
mod public_api;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A room uses itself and the rooms of lower floors.
const FLOORS: &[&[&str]] = &[
    &[
        "address",
        "blocking",
        "dmtf",
        "time",
        "seed",
        "file",
        "limit",
        "media",
        "meter",
        "note",
        "schema",
        "selection",
        "wire",
    ],
    &["clock", "face", "fault", "profile", "tls"],
    &["node", "import", "plan"],
    &["journal", "report"],
    &["fleet"],
    &["redfish", "ipa", "store"],
    &["server", "effect"],
    &["config", "admin"],
    &["daemon", "simulator"],
    &["run"],
    &["cli", "main", "lib", "build"],
];

/// Words that rooms may not use: the rooms, then the words.
const BANNED: &[(&[&str], &[&str])] = &[
    // The model and the rooms below it are pure: no I/O, no clock, no threads, no randomness of their own.
    (
        &["dmtf", "time", "profile", "node", "note", "media", "address"],
        &["tokio", "hyper", "reqwest", "dashmap", "getrandom", "async fn", "crate::clock"],
    ),
    // The same but for `seed::secret`, from which the rooms above get the randomness of session tokens.
    (&["seed"], &["tokio", "hyper", "reqwest", "dashmap", "async fn", "crate::clock"]),
    // The two HTTP APIs are functions from request to response.
    (&["redfish", "ipa"], &["hyper::", "reqwest", "TcpStream", "TcpListener"]),
    // Only the room `effect` calls out.
    (&["fleet", "server", "media", "config"], &["reqwest"]),
];

/// The most lines of a file, its tests included.
const MAX_LINES: usize = 500;

/// The most doc comments of three words or fewer in `src/`. The number may only shrink.
const MAX_SHORT_DOC_COMMENTS: usize = 40;

/// A Rust file.
pub(crate) struct Source {
    /// The folder or file directly below `src/` that it belongs to.
    room: String,
    /// Below the folder that was searched.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// A file of tests only.
    fn is_test(&self) -> bool {
        let is_test =
            |part: &str| ["tests", "tests.rs", "testing.rs"].contains(&part) || part.ends_with("_tests.rs");
        self.path.iter().any(|part| is_test(part.to_str().unwrap()))
    }

    /// Numbered lines of code: without tests and without comments.
    pub(crate) fn code(&self) -> Vec<(usize, String)> {
        let text = if self.is_test() { String::new() } else { without_tests(&self.text) };
        let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.to_owned()));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
    }
}

/// The Rust files below a folder of the package, in order.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_owned();
                let room = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                files.push(Source { room, path, text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(files.len() > 5, "{folder}: the sources are not there");
    files
}

/// A source with every item below `#[cfg(test)]` made empty. Lines keep their numbers.
fn without_tests(text: &str) -> String {
    let (mut kept, mut skipped_indent) = (String::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        match skipped_indent {
            None if line.trim() == "#[cfg(test)]" => skipped_indent = Some(indent),
            None => kept.push_str(line),
            // The item ends with its closing brace, or is a declaration of one line.
            Some(skipped) if indent == skipped && (line.ends_with(';') || line.trim() == "}") => {
                skipped_indent = None;
            }
            Some(_) => {}
        }
        kept.push('\n');
    }
    kept
}

#[test]
fn only_tests_are_left_out_of_a_source() {
    let text = "a\n#[cfg(test)]\nmod tests;\nb\n    #[cfg(test)]\n    fn c() {\n        d;\n    }\ne\n";
    assert_eq!(without_tests(text), "a\n\n\nb\n\n\n\n\ne\n");
}

#[test]
fn rooms_use_lower_floors_only() {
    let floor: BTreeMap<&str, usize> =
        FLOORS.iter().enumerate().flat_map(|(n, rooms)| rooms.iter().map(move |r| (*r, n))).collect();
    let mut wrong = Vec::new();
    for source in sources("src") {
        let (room, name) = (&source.room, source.name());
        let Some(mine) = floor.get(room.as_str()) else {
            wrong.push(format!("{name}: the room '{room}' has no floor in FLOORS"));
            continue;
        };
        for (n, line) in source.code() {
            for used in line.split("crate::").skip(1).filter(|_| !line.contains("$crate")) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                let Some(theirs) = floor.get(used) else { continue };
                if used != room && theirs >= mine {
                    wrong.push(format!("{name}:{n}: '{room}' may not use '{used}'"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_do_not_use_banned_words() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        let of_room = BANNED.iter().filter(|(rooms, _)| rooms.contains(&source.room.as_str()));
        for word in of_room.flat_map(|(_, words)| *words) {
            let lines = source.code().into_iter().filter(|(_, line)| line.contains(word));
            wrong.extend(
                lines.map(|(n, _)| format!("{}:{n}: '{}' may not use '{word}'", source.name(), source.room)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_field_of_a_node_is_stored() {
    for source in sources("src").into_iter().filter(|source| source.room == "node") {
        for (n, line) in source.code() {
            let is_skipped = line.contains("serde(") && line.contains("skip");
            assert!(
                !is_skipped,
                "{}:{n}: a restart would lose a field that is not stored: {line}",
                source.name()
            );
        }
    }
}

#[test]
fn the_clock_is_read_in_one_place() {
    let reads = ["Instant::now", "SystemTime::now", "Utc::now", "Timestamp::now"];
    for source in sources("src") {
        // The watchdog measures how slow a client is on the wire, which is no matter of simulated time.
        // A load run measures other programs.
        let may = source.room == "clock"
            || source.path.ends_with("server/watchdog.rs")
            || source.path.ends_with("run/epoch.rs");
        let line = source.code().into_iter().find(|(_, line)| reads.iter().any(|read| line.contains(read)));
        assert!(line.is_none() || may, "{} reads a clock; take a SimTime instead: {line:?}", source.name());
    }
}

/// A rule can give each phase another time.
#[test]
fn the_times_of_phases_are_read_in_one_place() {
    for source in sources("src") {
        let may =
            ["config", "cli"].contains(&source.room.as_str()) || source.path.ends_with("node/faults.rs");
        let is_read = |line: &str| line.contains("profile.timing") || line.contains("profile().timing");
        let line = source.code().into_iter().find(|(_, line)| is_read(line));
        assert!(line.is_none() || may, "{}: take the time from Node::timing: {line:?}", source.name());
    }
}

#[test]
fn files_are_small_and_begin_with_their_purpose() {
    for folder in ["src", "tests/it", "benches"] {
        for source in sources(folder) {
            let (name, lines) = (source.name(), source.text.lines().count());
            assert!(
                lines <= MAX_LINES,
                "{folder}/{name} has {lines} lines, and {MAX_LINES} are allowed: split it"
            );
            assert!(
                source.text.starts_with("//!"),
                "{folder}/{name} does not begin with a module comment (//!)"
            );
        }
    }
}

#[test]
fn few_doc_comments_are_of_three_words_or_fewer() {
    let mut short = 0;
    for source in sources("src") {
        let mut words = None;
        for line in source.text.lines().chain([""]) {
            match line.trim().strip_prefix("///") {
                Some(more) => *words.get_or_insert(0) += more.split_whitespace().count(),
                None => short += usize::from(words.take().is_some_and(|words| words <= 3)),
            }
        }
    }
    assert!(
        short <= MAX_SHORT_DOC_COMMENTS,
        "{short} doc comments have three words or fewer, and {MAX_SHORT_DOC_COMMENTS} are allowed: delete those that add \
         nothing to the name"
    );
}

#[test]
fn redfish_has_no_unreachable_code() {
    for source in sources("src").into_iter().filter(|source| source.room == "redfish") {
        let found = source.code().into_iter().find(|(_, line)| line.contains("unreachable!"));
        assert!(
            found.is_none(),
            "{} has an unreachable!: make the state impossible: {found:?}",
            source.name()
        );
    }
}

#[test]
fn no_maker_is_named_in_code() {
    let makers = [
        "AMD",
        "Broadcom",
        "Cisco",
        "Dell",
        "HPE",
        "Intel",
        "Lenovo",
        "Marvell",
        "Mellanox",
        "NVIDIA",
        "Supermicro",
        "iDRAC",
        "iLO",
    ];
    for source in sources("src") {
        if !["redfish", "ipa", "node", "fleet"].contains(&source.room.as_str()) {
            continue;
        }
        for (n, line) in source.code() {
            // A word such as `IntelligentController` names no maker.
            let names =
                |maker: &str| line.split(maker).skip(1).any(|rest| !rest.starts_with(char::is_lowercase));
            let named = makers.iter().find(|maker| names(maker));
            assert!(
                named.is_none(),
                "{}:{n} names a maker, which belongs into nodes/: {line}",
                source.name()
            );
        }
    }
}

#[test]
fn the_top_level_holds_what_it_should() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "docs",
        "nodes",
        "certs",
        "benches",
        "examples",
        "tests",
        "examples",
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
        // Written by a property test that fails; git ignores it.
        "proptest-regressions",
    ];
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "'{name}' has no place at the top level"
        );
    }
}
