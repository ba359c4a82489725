//! `extends = "NAME"` in a profile: it has everything of another profile that it does not change.
//!
//! A key replaces the key of the other profile, and a table is merged key by key. A list, such as `[[nic]]`, replaces the
//! whole list: its entries have no names by which they could be merged. Overlays of one DMTF type are merged as JSON merge
//! patches (RFC 7396), so that `null` still removes a property.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::files::{Files, ProfileError};
use super::overlay::{Overlay, OverlayError};

/// The key in `profile.toml`.
const KEY: &str = "extends";
/// The most profiles in a chain, with the first one.
const MAX_CHAIN: usize = 8;

/// The content of a profile with that of the profiles that it extends.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) table: toml::Table,
    /// The file of each profile that it extends, and the table up to there.
    pub(super) others: Vec<(String, toml::Table)>,
    /// By DMTF type: the file that the profile itself or the nearest other one has, and the patch.
    pub(super) overlays: BTreeMap<String, (String, Value)>,
}

/// Whether the profile extends another one. A file that is no TOML does not; its error is found where it is read.
pub(super) fn extends(files: &Files) -> bool {
    toml::from_str::<toml::Table>(&files.toml).is_ok_and(|table| table.contains_key(KEY))
}

/// Merges a profile with the profiles that it extends. `chain` are the sources of the profiles that lead to it.
///
/// # Errors
/// If another profile cannot be read, or the chain has no end.
pub(super) fn merge(files: &Files, chain: &mut Vec<String>) -> Result<Merged, ProfileError> {
    let wrong = |problem: String| ProfileError::Extends { file: files.file.clone(), problem };
    let place = normalized(Path::new(&files.source));
    if chain.contains(&place) {
        return Err(wrong(format!("'{}' extends itself: {}", files.name, chain.join(" extends "))));
    }
    chain.push(place);
    if chain.len() > MAX_CHAIN {
        return Err(wrong(format!(
            "at most {MAX_CHAIN} profiles can extend one another: {}",
            chain.join(", ")
        )));
    }
    let mut own: toml::Table = toml::from_str(&files.toml)
        .map_err(|error| ProfileError::Toml { file: files.file.clone(), error: Box::new(error) })?;
    let mut merged = match own.remove(KEY) {
        None => Merged::default(),
        Some(toml::Value::String(name)) => {
            let other = Files::named(&name, files.folder.as_deref());
            let other = other.map_err(|error| wrong(error.to_string()))?;
            let mut merged = merge(&other, chain)?;
            merged.others.push((other.file, merged.table.clone()));
            merged
        }
        Some(other) => {
            let kind = other.type_str();
            return Err(wrong(format!(
                "it is {kind}, and must be a text: a built-in profile, or a path with a '/' in it"
            )));
        }
    };
    put_tables(&mut merged.table, own);
    for (file, kind, text) in &files.overlays {
        let patch = Overlay::parse(text)
            .and_then(|_| serde_json::from_str(text).map_err(|error| OverlayError::Json(error.to_string())));
        let patch = patch.map_err(|error| ProfileError::Overlay { file: file.clone(), error })?;
        let (last, all) = merged.overlays.entry(kind.clone()).or_insert_with(|| (String::new(), Value::Null));
        last.clone_from(file);
        put_patch(all, patch);
    }
    Ok(merged)
}

/// A path without `x/..`, so that one folder has one name in a chain of profiles. Links are not followed.
fn normalized(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain.display().to_string()
}

fn put_tables(into: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(before)), toml::Value::Table(value)) => put_tables(before, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// Makes `into` the patch that changes a document as `into` and then `own` do.
fn put_patch(into: &mut Value, own: Value) {
    match (into, own) {
        (Value::Object(into), Value::Object(own)) => {
            for (key, value) in own {
                put_patch(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, own) => *into = own,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::profile::{Profile, built_in, from_directory};
    use crate::time::Span;

    fn write(dir: &Path, name: &str, toml: &str) {
        fs::create_dir_all(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("profile.toml"), toml).unwrap();
    }

    fn error(dir: &Path, name: &str) -> String {
        from_directory(&dir.join(name)).unwrap_err().to_string()
    }

    #[test]
    fn a_profile_has_everything_of_the_other_that_it_does_not_change() {
        let dir = tempfile::tempdir().unwrap();
        let mine = "extends = \"generic\"\nmodel = \"Mine\"\n[timing]\npost = \"7s\"\n[[fan]]\nid = \"One\"\nname = \"Fan\"\nidle_rpm = 1000\nmax_rpm = 2000\n";
        write(dir.path(), "mine", mine);
        fs::write(dir.path().join("mine/Chassis.json"), r#"{"Oem": {"Mine": 1}, "SKU": null}"#).unwrap();
        write(
            dir.path(),
            "yours",
            "extends = \"../mine\"\ndescription = \"Yours\"\n[timing]\nboot_os = \"9s\"\n",
        );
        fs::write(dir.path().join("yours/Chassis.json"), r#"{"Oem": {"Yours": 2}}"#).unwrap();
        let (generic, yours) =
            (built_in("generic").unwrap(), from_directory(&dir.path().join("yours")).unwrap());
        assert_eq!(
            (yours.name.as_str(), yours.model.as_str(), yours.description.as_str()),
            ("yours", "Mine", "Yours")
        );
        assert_eq!(yours.manufacturer, generic.manufacturer);
        assert_eq!(yours.timing.post, Span::exactly_ms(7000), "a table is merged");
        assert_eq!(
            (yours.timing.boot_os, yours.timing.shutdown),
            (Span::exactly_ms(9000), generic.timing.shutdown)
        );
        let fans = |profile: &Profile| profile.fans.len();
        assert!(fans(&generic) > 1 && fans(&yours) == 1, "a list is replaced");
        assert!(yours.source.ends_with("/yours"));
        let keys =
            |overlay: &Overlay| overlay.keys.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
        assert_eq!(keys(&yours.overlays["Chassis"]), ["Oem", "SKU"]);
    }

    #[test]
    fn patches_are_merged_so_that_null_still_removes() {
        let mut patch = json!({"A": 1, "B": {"C": 1, "D": null}, "E": {"F": 1}});
        put_patch(&mut patch, json!({"A": null, "B": {"C": {"G": 2}}, "E": 7, "H": {"I": null}}));
        assert_eq!(patch, json!({"A": null, "B": {"C": {"G": 2}, "D": null}, "E": 7, "H": {"I": null}}));
    }

    #[test]
    fn a_chain_without_an_end_or_a_beginning_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        write(path, "a", "extends = \"../b\"");
        write(path, "b", "extends = \"../a\"");
        let said = error(path, "a");
        assert!(
            said.contains("/a/profile.toml: extends: 'a' extends itself: ") && said.contains("/b"),
            "{said}"
        );
        for n in 0..9 {
            write(path, &format!("c{n}"), &format!("extends = \"../c{}\"", n + 1));
        }
        write(path, "c9", "extends = \"generic\"");
        assert!(
            error(path, "c0").contains("at most 8 profiles can extend one another: "),
            "{}",
            error(path, "c0")
        );
        assert!(from_directory(&path.join("c3")).is_ok());
        for (toml, expected) in [
            ("extends = \"../none\"", "d/profile.toml: extends: "),
            ("extends = \"genric\"", "extends: there is no profile 'genric'; built in are "),
            ("extends = 7", "extends: it is integer, and must be a text"),
            ("extends = \"generic\"\nmodle = \"x\"", "unknown field `modle`"),
            ("extends = \"generic\"\nmodel = 7", "d/profile.toml: "),
            ("extends = \"generic\"\n7", "d/profile.toml: TOML parse error at line 2"),
        ] {
            write(path, "d", toml);
            let said = error(path, "d");
            assert!(said.contains(expected), "{toml}: {said}");
        }
        write(path, "wrong", "extends = \"generic\"\nmodle = \"x\"");
        write(path, "d", "extends = \"../wrong\"\nmodel = \"y\"");
        let said = error(path, "d");
        assert!(said.contains("wrong/profile.toml: ") && said.contains("modle"), "{said}");
    }
}
