//! The table of faults: each fault has a row, and each row has a test that exists.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use fauxmetal::fault::What;
use serde_json::Value;

#[test]
fn every_fault_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for row in What::ROWS {
        let (file, test) = row.test.split_once(", ").unwrap_or_else(|| panic!("{}: {}", row.name, row.test));
        let text = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{}: {file}: {error}", row.name));
        assert!(text.contains(&format!("fn {test}()")), "{}: {file} has no test {test}", row.name);
        assert!(!row.seen.is_empty() && !row.ends.is_empty() && !row.stays.is_empty(), "{}", row.name);
    }
    assert_eq!(What::ROWS.len(), What::NAMES.len());
}

const HEAD: &str = "\
# Faults

Each fault of a [rule](../faults.md), by the seam at which it enters. `fauxmetal fault schema` has the types of the parameters.
";

/// The page of the faults, from their constants and from the schema of their parameters.
#[test]
fn the_page_of_the_faults_is_that_of_the_code() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_fauxmetal")).args(["fault", "schema"]).env_clear().output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let named = |reference: &Value| {
        let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        schema["$defs"][name].clone()
    };
    let what = schema["$defs"]["RuleFault"]["oneOf"].as_array().unwrap();
    let mut page = HEAD.to_owned();
    let mut seam = None;
    let mut rows = What::ROWS.to_vec();
    rows.sort_by_key(|row| row.seam);
    for row in rows {
        if seam.replace(row.seam) != Some(row.seam) {
            writeln!(page, "\n## {}", row.seam.as_str()).unwrap();
        }
        writeln!(page, "\n### {}\n", row.name).unwrap();
        let variant = what.iter().find_map(|variant| variant["properties"].get(row.name)).unwrap();
        let parameters = named(variant);
        assert_eq!(parameters["type"], "object", "{}: two schemas have one name", row.name);
        if let Some(text) = parameters["description"].as_str() {
            writeln!(page, "{}\n", sentence(text)).unwrap();
        }
        for (name, parameter) in parameters["properties"].as_object().into_iter().flatten() {
            writeln!(page, "- `{name}`: {}", about(parameter, &named)).unwrap();
        }
        for (title, text) in [
            ("A client sees", row.seen),
            ("Ends with the rule", row.ends),
            ("Stays", row.stays),
            ("Test", row.test),
        ] {
            let text =
                if title == "Test" { format!("`{}`", text.replace(", ", "`, `")) } else { text.to_owned() };
            writeln!(page, "- {title}: {text}").unwrap();
        }
    }
    super::super::reference::is_page("faults.md", &page);
}

/// What a parameter is, its values, and its default.
fn about(parameter: &Value, named: &dyn Fn(&Value) -> Value) -> String {
    let parts = parameter["oneOf"].as_array();
    let given = parts.into_iter().flatten().find(|part| part["type"] != "null").unwrap_or(parameter);
    let kind = if given["$ref"].is_null() { given.clone() } else { named(given) };
    let text = [parameter, given, &kind].iter().find_map(|one| one["description"].as_str());
    let mut about = sentence(text.unwrap_or_else(|| panic!("no description: {parameter}")));
    if let Some(values) = kind["enum"].as_array() {
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect();
        write!(about, " One of {}.", values.join(", ")).unwrap();
    }
    match &parameter["default"] {
        Value::Null => {}
        default => {
            let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            write!(about, " Default: `{text}`.").unwrap();
        }
    }
    about
}

/// A text on one line.
fn sentence(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
