//! `fauxmetal profile check`: the checks of `serve`, DMTF's schemas, and warnings about missing parts that clients need.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::exit_code::ExitCode;
use crate::cli::out::{self, Output};
use crate::dmtf::{BootTarget, ResetType};
use crate::node::NodeId;
use crate::profile::{self, Profile};
use crate::redfish::check as render;
use crate::schema::Schemas;

/// A check of a loaded model: warnings, or the error that makes the model unusable.
type Check = fn(&Arc<Profile>) -> Result<Vec<String>, String>;

/// All checks, in the order of their warnings.
const CHECKS: &[Check] = &[documents, schemas, what_ironic_needs];

#[derive(Serialize)]
struct CheckResult<'a> {
    profile: &'a str,
    ok: bool,
    error: Option<String>,
    warnings: Vec<String>,
}

pub(super) fn run(names: &[String], output: Output) -> anyhow::Result<ExitCode> {
    let results: Vec<_> = names.iter().map(|name| check(name)).collect();
    let mut out = out::stdout();
    match output {
        Output::Json => out::json(&mut out, &results)?,
        Output::Text => {
            for result in &results {
                match &result.error {
                    None => writeln!(out, "{}: ok", result.profile)?,
                    Some(error) => writeln!(out, "{}: {error}", result.profile)?,
                }
                for warning in &result.warnings {
                    writeln!(out, "{}: warning: {warning}", result.profile)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(if results.iter().all(|v| v.ok) { ExitCode::Ok } else { ExitCode::WrongProfile })
}

fn check(name: &str) -> CheckResult<'_> {
    let mut warnings = Vec::new();
    let outcome = profile::named(name).map_err(|e| e.to_string()).and_then(|profile| {
        for run in CHECKS {
            warnings.extend(run(&profile)?);
        }
        Ok(())
    });
    CheckResult { profile: name, ok: outcome.is_ok(), error: outcome.err(), warnings }
}

/// Renders every document of a new node and follows every link.
fn documents(profile: &Arc<Profile>) -> Result<Vec<String>, String> {
    let problems = render::profile(profile);
    if problems.is_empty() { Ok(Vec::new()) } else { Err(problems.join("; ")) }
}

/// Compares every document of a new node with DMTF's schema of its type.
fn schemas(profile: &Arc<Profile>) -> Result<Vec<String>, String> {
    let redfish = render::sample(profile)?;
    let pages = [render::crawl(&redfish).0, render::crawl_own(&redfish, NodeId(0)).0].concat();
    // Members of one collection have the same mistake, so it is told once, with the number of documents.
    let mut found = BTreeMap::<_, (&str, u32)>::new();
    // DMTF has no schema of a maker's resources.
    let is_oem = |document: &serde_json::Value| {
        profile.oem.resources.iter().any(|one| one.is_of(&document["@odata.type"]))
    };
    for (uri, document) in pages.iter().filter(|(_, document)| !is_oem(document)) {
        for mistake in Schemas::get().mistakes(document) {
            let kind = document["@odata.type"].as_str().unwrap_or_default().trim_start_matches('#');
            let kind = kind.split('.').next().unwrap_or_default().to_owned();
            found.entry((kind, mistake.pointer, mistake.problem)).or_insert((uri, 0)).1 += 1;
        }
    }
    let told = found.into_iter().map(|((kind, pointer, problem), (uri, times))| {
        let place = if profile.overlays.contains_key(kind.as_str()) { format!("{kind}.json") } else { kind };
        let more = if times > 1 { format!(" and {} more", times - 1) } else { String::new() };
        format!("{place}: {pointer}: {problem} (in {uri}{more})")
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() { Ok(Vec::new()) } else { Err(told.join("; ")) }
}

/// Parts that sushy and Ironic need of every server. Without them they fail with messages that do not name the cause.
fn what_ironic_needs(profile: &Arc<Profile>) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    let mut lacks = |missing: bool, warning: String| {
        if missing {
            warnings.push(warning);
        }
    };
    for (target, what) in [
        (BootTarget::Cd, "from virtual media"),
        (BootTarget::Pxe, "from the network"),
        (BootTarget::Hdd, "from disk"),
    ] {
        let missing = !profile.boot_targets.contains(&target.into());
        lacks(missing, format!("boot_targets lacks {}: Ironic cannot boot it {what}", target.as_str()));
    }
    for reset in [ResetType::On, ResetType::ForceOff, ResetType::ForceRestart, ResetType::GracefulShutdown] {
        let missing = !profile.reset_types.contains(&reset);
        lacks(missing, format!("reset_types lacks {}: some power changes of Ironic fail", reset.as_str()));
    }
    let optical = profile.media_slots.iter().any(profile::inventory::MediaSlot::is_optical);
    lacks(
        !optical,
        "no virtual_media slot takes CD or DVD: Ironic cannot boot it from virtual media".to_owned(),
    );
    lacks(!profile.nics.iter().any(|n| n.link), "no nic has link = true: Ironic gets no port".to_owned());
    lacks(profile.drives().next().is_none(), "no drive: Ironic can only deploy to a ramdisk".to_owned());
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_built_in_profile_has_what_ironic_needs() {
        for name in profile::built_in_names() {
            let result = check(name);
            assert!(
                result.ok && result.warnings.is_empty(),
                "{name}: {:?} {:?}",
                result.error,
                result.warnings
            );
        }
    }

    #[test]
    fn missing_parts_are_warnings() {
        let mut profile = profile::built_in("generic").unwrap();
        let p = Arc::make_mut(&mut profile);
        p.boot_targets.retain(|t| *t != BootTarget::Cd.into());
        p.reset_types.retain(|t| *t != ResetType::ForceOff);
        p.media_slots.truncate(0);
        p.nics.iter_mut().for_each(|n| n.link = false);
        p.storage.clear();
        let warnings = what_ironic_needs(&profile).unwrap();
        let starts =
            ["boot_targets lacks Cd", "reset_types lacks ForceOff", "no virtual_media", "no nic", "no drive"];
        assert_eq!(warnings.len(), starts.len(), "{warnings:?}");
        for (warning, start) in warnings.iter().zip(starts) {
            assert!(warning.starts_with(start), "{warning}");
        }
    }

    #[test]
    fn an_overlay_that_the_schemas_do_not_allow_is_wrong() {
        let mut profile = profile::built_in("generic").unwrap();
        assert_eq!(schemas(&profile), Ok(Vec::new()));
        let overlay = r#"{"Statuz": {"Health": "OK"}, "Status": {"Health": "Fine"}, "SKU": 7, "Name": null}"#;
        let overlay = profile::overlay::Overlay::parse(overlay).unwrap();
        Arc::make_mut(&mut profile).overlays.insert("ComputerSystem".into(), overlay);
        let told = schemas(&profile).unwrap_err();
        let told: Vec<_> = told.split("; ComputerSystem.json: ").collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[0].starts_with(
            "ComputerSystem.json: /Name: the schema requires this property (in /redfish/v1/Systems/"
        ));
        assert!(told[1].starts_with("/SKU: 7 is not of type Edm.String"), "{told:?}");
        assert!(
            told[2].starts_with("/Status/Health: \"Fine\" is not one of OK, Warning, Critical"),
            "{told:?}"
        );
        assert!(
            told[3].starts_with("/Statuz: the schema has no such property; did you mean Status? (in "),
            "{told:?}"
        );
        assert!(told[3].ends_with(" and 1 more)"), "the shared and the own service root: {told:?}");
    }

    #[test]
    fn a_profile_that_does_not_load_is_wrong() {
        let result = check("./nowhere");
        assert!(!result.ok && result.error.unwrap().contains("nowhere/profile.toml"));
    }
}
