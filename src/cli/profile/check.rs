//! `fauxmetal profile check`: everything that `serve` checks of a model before it listens, and advice on what a client
//! will miss.

use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::ExitCode;
use crate::cli::out::{self, Output};
use crate::dmtf::{BootTarget, ResetType};
use crate::profile::{self, Profile};

/// A check beyond loading: warnings, or the one fault that makes a model unusable.
type Check = fn(&Arc<Profile>) -> Result<Vec<String>, String>;

/// All checks, in the order of their warnings. Whoever serves more of a profile adds its own here.
const CHECKS: &[Check] = &[documents, what_ironic_needs];

#[derive(Serialize)]
struct Verdict<'a> {
    profile: &'a str,
    ok: bool,
    error: Option<String>,
    warnings: Vec<String>,
}

pub(super) fn run(names: &[String], output: Output) -> anyhow::Result<ExitCode> {
    let verdicts: Vec<_> = names.iter().map(|name| judge(name)).collect();
    let mut out = out::stdout();
    match output {
        Output::Json => out::json(&mut out, &verdicts)?,
        Output::Text => {
            for verdict in &verdicts {
                match &verdict.error {
                    None => writeln!(out, "{}: ok", verdict.profile)?,
                    Some(error) => writeln!(out, "{}: {error}", verdict.profile)?,
                }
                for warning in &verdict.warnings {
                    writeln!(out, "{}: warning: {warning}", verdict.profile)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(if verdicts.iter().all(|v| v.ok) { ExitCode::Ok } else { ExitCode::WrongProfile })
}

fn judge(name: &str) -> Verdict<'_> {
    let mut warnings = Vec::new();
    let outcome = profile::named(name).map_err(|e| e.to_string()).and_then(|profile| {
        for check in CHECKS {
            warnings.extend(check(&profile)?);
        }
        Ok(())
    });
    Verdict { profile: name, ok: outcome.is_ok(), error: outcome.err(), warnings }
}

/// Renders every document of a sample machine and follows every link.
fn documents(profile: &Arc<Profile>) -> Result<Vec<String>, String> {
    let problems = crate::redfish::check::profile(profile);
    if problems.is_empty() { Ok(Vec::new()) } else { Err(problems.join("; ")) }
}

/// What sushy and Ironic ask of every machine; without it they fail on their side, in words that do not lead here.
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
        lacks(
            missing,
            format!("reset_types lacks {}: some of Ironic's power changes will fail", reset.as_str()),
        );
    }
    let optical = profile.media_slots.iter().any(profile::inventory::MediaSlot::is_optical);
    lacks(
        !optical,
        "no virtual_media slot takes CD or DVD: Ironic cannot boot it from virtual media".to_owned(),
    );
    lacks(
        !profile.nics.iter().any(|n| n.link),
        "no nic has link = true: it has no port for Ironic".to_owned(),
    );
    lacks(profile.drives().next().is_none(), "it has no drive: Ironic can deploy to ramdisk only".to_owned());
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_built_in_profile_is_what_ironic_needs() {
        for name in profile::built_in_names() {
            let verdict = judge(name);
            assert!(
                verdict.ok && verdict.warnings.is_empty(),
                "{name}: {:?} {:?}",
                verdict.error,
                verdict.warnings
            );
        }
    }

    #[test]
    fn what_a_client_will_miss_is_told() {
        let mut profile = profile::built_in("generic").unwrap();
        let p = Arc::make_mut(&mut profile);
        p.boot_targets.retain(|t| *t != BootTarget::Cd.into());
        p.reset_types.retain(|t| *t != ResetType::ForceOff);
        p.media_slots.truncate(0);
        p.nics.iter_mut().for_each(|n| n.link = false);
        p.storage.clear();
        let warnings = what_ironic_needs(&profile).unwrap();
        let starts = [
            "boot_targets lacks Cd",
            "reset_types lacks ForceOff",
            "no virtual_media",
            "no nic",
            "it has no drive",
        ];
        assert_eq!(warnings.len(), starts.len(), "{warnings:?}");
        for (warning, start) in warnings.iter().zip(starts) {
            assert!(warning.starts_with(start), "{warning}");
        }
    }

    #[test]
    fn a_profile_that_does_not_load_is_wrong() {
        let verdict = judge("./nowhere");
        assert!(!verdict.ok && verdict.error.unwrap().contains("nowhere/profile.toml"));
    }
}
