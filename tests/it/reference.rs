//! The pages of `docs/reference/` that are rendered from the code: settings, limits and metrics. The page of resources is
//! rendered beside their table, in `src/redfish/tests/reference.rs`, and that of the API in `reference_api.rs`.
//!
//! Each page is compared with the code, so a new setting, limit or metric fails a test. `INSTA_UPDATE=always` writes the
//! pages again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use fauxmetal::config::setting::{ALL, Completes, Kind, Setting};
use fauxmetal::limit::{Limit, Limits};
use fauxmetal::node::bmc::diagnostics::Diagnostics;
use fauxmetal::profile::logs::LogService;
use fauxmetal::profile::post_codes::PostCode;

use super::load::{Daemon, ask, connect};
use super::tidy::sources;

/// Compares a page with the text that the code gives.
pub(crate) fn is_page(name: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines().chain([""])).find(|(wanted, found)| wanted != found);
    assert!(
        found == wanted,
        "docs/reference/{name} is not that of the code, first at {differs:?}: write it with INSTA_UPDATE=always cargo test reference"
    );
}

/// A text of the help as Markdown: flags and variables as code, and no character that Markdown would interpret.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    // Every second part is code already.
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            write!(out, "`{part}`").unwrap();
            continue;
        }
        for word in part.split_inclusive(' ') {
            let start = word.find(|c: char| c != '(' && c != '"').unwrap_or(0);
            let is_end = |c: char| !c.is_alphanumeric() && !"/-_*".contains(c);
            let end = start + word[start..].trim_end_matches(is_end).len();
            let (before, code, after) = (&word[..start], &word[start..end], &word[end..]);
            let is_code =
                ["--", "-v", "-q", "FAUXMETAL_", "NO_COLOR", "$XDG", "http://", "https://", "fauxmetal_"]
                    .iter()
                    .any(|sign| code.starts_with(sign))
                    || code.contains('*')
                    || code.contains("::")
                    || code.contains('=');
            match is_code {
                true => write!(out, "{before}`{code}`{after}").unwrap(),
                false => out.push_str(&word.replace('<', "\\<").replace('*', "\\*")),
            }
        }
    }
    out
}

/// Words as code, with commas between them.
pub(crate) fn code_list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

const SETTINGS_HEAD: &str = "\
# Settings

Every setting of `fauxmetal serve`: a flag, an environment variable, and a key of the configuration file. A flag takes precedence over
the environment, and the environment over the file. [Configure the daemon](../settings.md) has examples.

Beside them, `-v`, `-vv`, `-q` and `-qq` are short forms of `--log`.
";

/// The sentences about a setting: how it is written, its default, its other names.
fn facts(setting: &Setting) -> String {
    let mut facts = Vec::new();
    let name = setting.name;
    facts.push(match setting.default {
        Some(default) => format!("Default: `{default}`"),
        None => "No default".to_owned(),
    });
    facts.push(format!("environment: `{}`", setting.variable()));
    facts.push(match (setting.in_file, setting.kind) {
        (false, _) => "not in the file".to_owned(),
        (true, Kind::One) => format!("file: `{name} = …`"),
        (true, Kind::Switch) => format!("file: `{name} = true`"),
        (true, Kind::Many) => format!("file: `{name} = […]`"),
        (true, Kind::Pairs) => format!("file: `{name} = […]` or `{name} = {{…}}`"),
    });
    if setting.of_fleet {
        facts.push("also of `fauxmetal export`".to_owned());
    }
    let mut text = format!("{}.", facts.join("; "));
    if let (Completes::Words(words), true) = (setting.completes, setting.kind != Kind::Switch) {
        match name {
            "limit" => text.push_str(" [Limits](limits.md) lists the names."),
            _ => write!(text, " Words: {}.", code_list(words())).unwrap(),
        }
    }
    text
}

#[test]
fn the_page_of_settings_is_that_of_the_code() {
    let mut page = SETTINGS_HEAD.to_owned();
    let mut heading = "";
    for setting in ALL {
        if setting.heading != heading {
            heading = setting.heading;
            write!(page, "\n## {heading}\n").unwrap();
        }
        let (first, rest) = setting.long_help().split_once("\n\n").map_or_else(
            || (setting.long_help(), String::new()),
            |(first, rest)| (first.to_owned(), rest.to_owned()),
        );
        // The default and the variable are among the facts.
        let end = first.find(" [default: ").or_else(|| first.find(" [env: ")).unwrap();
        let value = if setting.kind == Kind::Switch { String::new() } else { format!(" {}", setting.value) };
        write!(page, "\n### `--{}{value}`\n\n{}.\n", setting.name, markdown(&first[..end])).unwrap();
        for paragraph in rest.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
            write!(page, "\n{}\n", markdown(paragraph)).unwrap();
        }
        write!(page, "\n{}\n", facts(setting)).unwrap();
    }
    is_page("settings.md", &page);
}

const LIMITS_HEAD: &str = "\
# Limits

Every limit that `--limit NAME=VALUE` sets. Times are seconds, sizes are bytes. [Load](../load.md) explains what happens at a limit, and the
metric `fauxmetal_limit_hits_total` counts how often each one is hit.

| Name | Default | Allowed | What is limited, the reason, and what happens |
| --- | --- | --- | --- |
";

/// The comment above the row of each limit in its table.
fn reasons() -> BTreeMap<String, String> {
    let source = sources("src").into_iter().find(|source| source.path == Path::new("limit.rs")).unwrap();
    let (mut reasons, mut comment) = (BTreeMap::new(), Vec::new());
    let table = source.text.lines().skip_while(|line| *line != "    settable {").skip(1);
    for line in table.take_while(|line| *line != "    }").map(str::trim) {
        match line.strip_prefix("///") {
            Some(text) => comment.push(text.trim()),
            None if line.ends_with('}') || line.contains(" { ") => {
                let name = line.rsplit('"').nth(1).unwrap();
                reasons.insert(name.to_owned(), std::mem::take(&mut comment).join(" "));
            }
            None => {}
        }
    }
    reasons
}

#[test]
fn the_page_of_limits_is_that_of_the_code() {
    let mut page = LIMITS_HEAD.to_owned();
    let reasons = reasons();
    assert_eq!(reasons.len(), Limit::ALL.len());
    for limit in Limit::ALL {
        let (name, allowed) = (limit.name(), limit.allowed());
        let (default, help, reason) = (Limits::DEFAULT.text(*limit), limit.help(), &reasons[name]);
        let (least, most) = (allowed.start(), allowed.end());
        let (first, rest) = help.split_at(1);
        let help = format!("{}{rest}. {reason}", first.to_uppercase());
        writeln!(page, "| `{name}` | {default} | {least} to {most} | {} |", help.trim_end()).unwrap();
    }
    let (archives, entries, codes) = (Diagnostics::MOST, LogService::MOST, PostCode::MOST);
    write!(
        page,
        "
## Limits without an option

These follow from what a node stores.

| What | Limit | What happens |
| --- | --- | --- |
| Archives of diagnostic data that a BMC keeps | {archives} | The oldest makes room for a new one, and its log entry is removed. |
| Entries of a log | `MaxNumberOfRecords` of the model, at most {entries} | The oldest makes room, or the new one is lost (`OverWritePolicy`). |
| POST codes of one start | {codes} | A profile with more is refused. |
| POST codes in their log | as many whole starts as fit into `MaxNumberOfRecords` | The codes of the oldest start make room. |
"
    )
    .unwrap();
    is_page("limits.md", &page);
}

const METRICS_HEAD: &str = "\
# Metrics

Every metric of `/metrics`, which `--admin-listen` serves. [Watch a fleet with Prometheus](../prometheus.md) says how to scrape them and which
to watch. No metric has a label per node.

| Name | Type | Labels | Meaning |
| --- | --- | --- | --- |
";

const LABELS_HEAD: &str = "
## Labels

| Label | Values |
| --- | --- |
";

/// The values of a label of which a daemon without load shows a part only.
fn values_of(label: &str) -> Option<&'static str> {
    match label {
        "limit" => Some("the name of [a limit](limits.md)"),
        "part" => Some("`document`, `collection`, `action`"),
        "resource" => Some(
            "the type of a Redfish resource, or `service`; of an agent: `root`, `status`, `commands`; `none` for a path without a resource",
        ),
        "status" => Some("`1xx`, `2xx`, `3xx`, `4xx`, `5xx`"),
        "version" => Some("the version of the daemon"),
        _ => None,
    }
}

/// A family of the page: its type, its help, and the values of each label.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeMap<String, Vec<String>>,
}

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some((of, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            of.clone_into(&mut name);
            families.insert(name.clone(), Family { help: help.to_owned(), ..Family::default() });
        } else if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut families.get_mut(&name).unwrap().kind);
        } else if let Some((_, labels)) = line.rsplit_once(' ').unwrap().0.split_once('{') {
            for label in labels.trim_end_matches('}').split("\",") {
                let (label, value) = label.split_once("=\"").unwrap();
                let values = families.get_mut(&name).unwrap().labels.entry(label.to_owned()).or_default();
                let value = value.trim_end_matches('"').to_owned();
                if label != "le" && !values.contains(&value) {
                    values.push(value);
                }
            }
        }
    }
    families
}

#[test]
fn the_page_of_metrics_is_that_of_a_daemon() {
    let daemon = Daemon::start(":", &["--nodes", "1"]);
    // The histogram of requests is there only after a request.
    let (status, _) = ask(&mut connect(daemon.redfish()), "GET", "/redfish/v1/", "", "");
    assert_eq!(status, 200);
    let families = families(&daemon.metrics());

    let mut named = BTreeSet::new();
    for source in sources("src") {
        for (_, line) in source.code() {
            let literals = line.split('"').skip(1).step_by(2).filter(|text| text.starts_with("fauxmetal_"));
            named.extend(literals.map(str::to_owned));
        }
    }
    let served = families.keys().filter(|name| name.starts_with("fauxmetal_")).cloned().collect();
    assert_eq!(named, served, "left: the metrics in src/; right: those that the daemon serves");

    // A family need not have a sample with each value of a label that others have, too.
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (label, of_family) in families.values().flat_map(|family| &family.labels) {
        values.entry(label).or_default().extend(of_family.iter().map(String::as_str));
    }
    let mut page = METRICS_HEAD.to_owned();
    for (name, Family { kind, help, labels }) in &families {
        let labels = code_list(labels.keys().map(String::as_str).filter(|label| *label != "le"));
        writeln!(page, "| `{name}` | {kind} | {labels} | {} |", markdown(help)).unwrap();
    }
    page.push_str(LABELS_HEAD);
    for (label, values) in values.iter().filter(|(label, _)| **label != "le") {
        let list = || code_list(values.iter().copied());
        writeln!(page, "| `{label}` | {} |", values_of(label).map_or_else(list, str::to_owned)).unwrap();
    }
    is_page("metrics.md", &page);
}

#[test]
fn help_becomes_markdown() {
    let text = "Like --limit (see FAUXMETAL_LIMIT), 1 < 2; `a*b` and fedora-coreos-*; * stands for any";
    let wanted =
        "Like `--limit` (see `FAUXMETAL_LIMIT`), 1 \\< 2; `a*b` and `fedora-coreos-*`; `*` stands for any";
    assert_eq!(markdown(text), wanted);
}
