//! Files with rules of faults: YAML, of which JSON is a part.

use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;
use utoipa::ToSchema;

use crate::fault::Rule;
use crate::file;
use crate::plan::schema_of;

/// The contents of a file with rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct File {
    #[schema(value_type = Vec<Rule>)]
    faults: Vec<Spanned<Rule>>,
}

/// The JSON Schema of a file with rules.
///
/// # Errors
/// If a part cannot be written as JSON.
pub fn faults_schema() -> serde_json::Result<serde_json::Value> {
    schema_of::<File>("fauxmetal rules of faults")
}

/// The largest file, bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the rules of a file.
///
/// # Errors
/// The file, the line, and what is wrong there.
pub fn read_faults(path: &Path) -> Result<Vec<Rule>, String> {
    faults_of(file::read_text(path, MAX_BYTES), &path.display().to_string())
}

/// As [`read_faults`], from standard input.
///
/// # Errors
/// As [`read_faults`].
pub fn read_faults_from_stdin() -> Result<Vec<Rule>, String> {
    faults_of(file::read_all(io::stdin().lock(), MAX_BYTES).and_then(file::text), "standard input")
}

fn faults_of(text: io::Result<String>, place: &str) -> Result<Vec<Rule>, String> {
    parse(&text.map_err(|error| format!("cannot read {place}: {error}"))?, place)
}

fn parse(text: &str, place: &str) -> Result<Vec<Rule>, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        format!("{place}:{line}: {}", first_line(&error.without_snippet().to_string()))
    })?;
    let mut rules = Vec::with_capacity(file.faults.len());
    for Spanned { value: rule, defined, .. } in file.faults {
        rule.check().map_err(|error| format!("{place}:{}: {error}", defined.line()))?;
        if rules.iter().any(|other: &Rule| other.name == rule.name) {
            let name = &rule.name;
            return Err(format!(
                "{place}:{}: a rule '{name}' comes before; each rule needs a name of its own",
                defined.line()
            ));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
faults:
  - name: flaky
    who: {selector: rack=r7, mode: {percent: 5}}
    when:
      requests: {methods: [GET]}
      first: 2
    what:
      status: {code: 503, retryAfter: 1s}
  - name: dead
    who: {all: true}
    what: power-lost
";

    #[test]
    fn a_file_has_rules() {
        let rules = parse(GOOD, "f.yaml").unwrap();
        assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["flaky", "dead"]);
        let json = serde_json::json!({"faults": rules}).to_string();
        assert_eq!(parse(&json, "f.json").unwrap(), rules, "JSON is YAML");
    }

    #[test]
    fn an_error_names_its_line() {
        let said = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            parse(&GOOD.replacen(from, to, 1), "f.yaml").unwrap_err()
        };
        let errors = [
            said("first: 2", "frist: 2"),
            said("first: 2", "first: 0"),
            said("code: 503", "code: 200"),
            said("status:", "statsu:"),
            said("name: dead", "name: flaky"),
            said("name: dead", "name: Dead Rack"),
            said("retryAfter: 1s", "retryAfter: soon"),
            said("power-lost", "power-gone"),
            said("power-lost", "{timing: {post: 25h}}"),
            said("power-lost", "{timing: {post: 5}}"),
            said("power-lost", "{timing: {post: 5m, post: 6m}}"),
            said("power-lost", "{timing: {lunch: 5m}}"),
            said("who: {all: true}", "who: {all: maybe}"),
            said("faults:", "rules:"),
            said("  - name: dead", " - name: dead"),
        ];
        insta::assert_snapshot!(errors.join("\n"));
    }
}
