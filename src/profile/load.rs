//! Loads profiles: the ones that are built into the binary, or a folder of the user.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;

use super::boot_source::BootSource;
use super::extends::Merged;
use super::files::{Files, ProfileError, RESOURCE};
use super::inventory::{Battery, FirmwareOf, Manager};
use super::license::License;
use super::logs::LogService;
use super::overlay::Overlay;
use super::pcie;
use super::post_codes::PostCode;
use super::quirk::Quirk;
use super::tpm::Tpm;
use super::{Profile, extends};
use crate::dmtf::ResetType;

/// The profile for a value of `--profile`: a path if it contains a `/`, otherwise a built-in name.
///
/// # Errors
/// If the profile does not exist or is wrong.
pub fn named(name: &str) -> Result<Arc<Profile>, ProfileError> {
    if name.contains('/') { from_directory(Path::new(name)) } else { built_in(name) }
}

/// The built-in profile called `name`.
///
/// # Errors
/// If no built-in profile has that name. A test loads all of them, so none is wrong.
pub fn built_in(name: &str) -> Result<Arc<Profile>, ProfileError> {
    build(&Files::built_in(name)?)
}

/// The profile in a folder: `profile.toml`, and one overlay `<DMTF type>.json` for each type that differs.
///
/// # Errors
/// If a file cannot be read or is wrong.
pub fn from_directory(dir: &Path) -> Result<Arc<Profile>, ProfileError> {
    build(&Files::in_folder(dir)?)
}

fn build(files: &Files) -> Result<Arc<Profile>, ProfileError> {
    let wrong = |error| ProfileError::Toml { file: files.file.clone(), error: Box::new(error) };
    let (mut profile, overlays): (Profile, Vec<_>) = if extends::extends(files) {
        let merged = extends::merge(files, &mut Vec::new())?;
        let profile = read(&merged, &files.file)?;
        let overlays =
            merged.overlays.into_iter().map(|(kind, (file, patch))| (file, kind, patch.to_string()));
        (profile, overlays.collect())
    } else {
        (toml::from_str(&files.toml).map_err(wrong)?, files.overlays.clone())
    };
    files.name.clone_into(&mut profile.name);
    files.source.clone_into(&mut profile.source);
    for (file, kind, text) in overlays {
        if kind.starts_with(RESOURCE) {
            profile.oem.add(&file, &text).map_err(|problem| ProfileError::Resource { file, problem })?;
            continue;
        }
        let overlay = Overlay::parse(&text).map_err(|error| ProfileError::Overlay { file, error })?;
        let overlays = if kind.contains('+') { &mut profile.path_overlays } else { &mut profile.overlays };
        overlays.insert(kind, overlay);
    }
    let kinds =
        profile.schemas.iter().map(|(kind, version)| (kind.clone(), format!("{kind}.{version}.{kind}")));
    profile.kinds = kinds.collect();
    check(&profile).map_err(|problem| ProfileError::Check { name: files.name.clone(), problem })?;
    Ok(Arc::new(profile))
}

/// Reads a profile that extends others. `file` is its own file.
///
/// # Errors
/// If a key or a value is wrong. The error names the file that has it.
fn read(merged: &Merged, file: &str) -> Result<Profile, ProfileError> {
    let read = |table: &toml::Table| Profile::deserialize(table.clone());
    read(&merged.table).map_err(|error| {
        let same = |table: &toml::Table| read(table).is_err_and(|earlier| earlier == error);
        let other = merged.others.iter().find(|(_, table)| same(table));
        let file = other.map_or(file, |(file, _)| file).to_owned();
        ProfileError::Toml { file, error: Box::new(error) }
    })
}

/// Checks the rules that types cannot express.
fn check(p: &Profile) -> Result<(), String> {
    let name_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if p.name.is_empty() || !p.name.chars().all(name_ok) {
        return Err(
            "the name of its folder may contain only lower case letters, digits and '-'; rename the folder"
                .to_owned(),
        );
    }
    for (part, what) in [(FirmwareOf::Bios, "bios"), (FirmwareOf::Manager, "manager")] {
        let count = p.firmware.iter().filter(|f| f.of == part).count();
        if count != 1 {
            return Err(format!("firmware: {count} components have of = \"{what}\"; exactly 1 must have it"));
        }
    }
    if !p.manager.reset_types.iter().all(|kind| Manager::RESET_TYPES.contains(kind))
        || p.manager.reset_types.is_empty()
    {
        return Err("manager: reset_types must be one or both of GracefulRestart and ForceRestart".to_owned());
    }
    serials(p)?;
    volumes(p)?;
    ouis(p)?;
    p.certificate.check(&p.serial, &format!("{}{}", p.manager.host_name_prefix, p.serial))?;
    for (what, count, max) in [
        ("nic", p.nics.len(), Profile::MAX_NICS),
        ("processor", p.processors.len(), 64),
        ("memory", p.dimms.len(), 256),
        ("drive", p.drives().count(), Profile::MAX_DRIVES - 1),
        ("virtual_media", p.media_slots.len(), 16),
        ("firmware", p.firmware.len(), 256),
    ] {
        if count == 0 || count > max {
            return Err(format!("{what}: there are {count}; 1 to {max} are allowed"));
        }
    }
    for (what, id) in
        [("ids.system", &p.ids.system), ("ids.manager", &p.ids.manager), ("ids.chassis", &p.ids.chassis)]
    {
        distinct(what, std::iter::once(id))?;
    }
    distinct("nic id", p.nics.iter().map(|n| &n.id))?;
    distinct("nic name", p.nics.iter().map(|n| &n.name))?;
    distinct("processor id", p.processors.iter().map(|n| &n.id))?;
    distinct("memory id", p.dimms.iter().map(|n| &n.id))?;
    distinct("storage id", p.storage.iter().map(|n| &n.id))?;
    distinct("drive id", p.drives().map(|(_, _, d)| &d.id))?;
    distinct("virtual_media id", p.media_slots.iter().map(|n| &n.id))?;
    distinct("license id", p.licenses.iter().map(|n| &n.id))?;
    if p.licenses.len() > License::MAX {
        return Err(format!("license: there are {}; at most {} are allowed", p.licenses.len(), License::MAX));
    }
    distinct("firmware id", p.firmware.iter().map(|n| &n.id))?;
    distinct("bios_attribute name", p.bios.iter().map(|n| &n.name))?;
    distinct("fan id", p.fans.iter().map(|n| &n.id))?;
    distinct("temperature id", p.temperatures.iter().map(|n| &n.id))?;
    distinct("power_supply id", p.power_supplies.iter().map(|n| &n.id))?;
    for source in &p.boot_order {
        if !p.boot_targets.contains(source) {
            let source = source.as_str();
            return Err(format!("boot_order: '{source}' is not in boot_targets; add it there or remove it"));
        }
    }
    p.accounts.check()?;
    p.answers.check()?;
    if let Some((alias, plain)) = p.path_aliases.iter().find(|(alias, plain)| {
        !alias.starts_with('/')
            || alias.starts_with("/redfish")
            || !plain.starts_with("/redfish/v1")
            || plain.ends_with('/')
    }) {
        return Err(format!(
            "path_aliases: '{alias}' = '{plain}' must lead from a path outside of /redfish to one that begins with /redfish/v1 and has \
             no slash at its end"
        ));
    }
    let is_version = |version: &&String| {
        let numbers = version.strip_prefix('v').map(|numbers| numbers.split('_'));
        numbers.is_some_and(|numbers| {
            numbers.clone().count() == 3 && { numbers }.all(|number| number.parse::<u16>().is_ok())
        })
    };
    if let Some((kind, version)) = p.schemas.iter().find(|(_, version)| !is_version(version)) {
        return Err(format!("schemas.{kind}: '{version}' is no version; write it like 'v1_18_0'"));
    }
    p.consoles.check()?;
    p.secure_boot.check()?;
    p.licenses.iter().try_for_each(License::check)?;
    chassis(p)?;
    distinct("battery id", p.batteries.iter().map(|battery| &battery.id))?;
    let is_there = |id: &String| p.storage.iter().any(|storage| storage.id == *id);
    if let Some(battery) = p.batteries.iter().find(|battery| !is_there(&battery.storage)) {
        let Battery { id, storage, .. } = battery;
        return Err(format!("battery '{id}': there is no storage '{storage}'; name the id of one"));
    }
    pcie::check(&p.slots, &p.cards())?;
    p.tpm.iter().try_for_each(Tpm::check)?;
    distinct("log id", p.logs.iter().map(|log| &log.id))?;
    LogService::check(&p.logs)?;
    PostCode::check(&p.post_codes, &p.logs)?;
    distinct("telemetry.metric id", p.telemetry.metrics.iter().map(|metric| &metric.id))?;
    distinct("telemetry.report id", p.telemetry.reports.iter().map(|report| &report.id))?;
    p.telemetry.check()?;
    p.sensors.check(&p.temperatures, &p.fans, &p.power_supplies)?;
    p.oem.check(p.overlays.iter().chain(&p.path_overlays))?;
    quirks(p)
}

/// The resets of a chassis are those of its host, and one more.
fn chassis(p: &Profile) -> Result<(), String> {
    let all = p.reset_types.iter().chain(&[ResetType::FullPowerCycle]);
    match p.chassis.reset_types.iter().find(|kind| !all.clone().any(|other| other == *kind)) {
        Some(kind) => Err(format!(
            "chassis.reset_types: '{}' is neither FullPowerCycle nor one of reset_types; add it there or remove it",
            kind.as_str()
        )),
        None => Ok(()),
    }
}

/// A volume of a new server has drives of its own controller, which no other volume has, and a type that the controller
/// supports.
fn volumes(p: &Profile) -> Result<(), String> {
    for storage in &p.storage {
        let ids = || storage.volumes.iter().map(|volume| &volume.id);
        distinct("storage.volume id", ids().chain(storage.drives.iter().map(|drive| &drive.id)))?;
        distinct("drive of a storage.volume", storage.volumes.iter().flat_map(|volume| &volume.drives))?;
        for volume in &storage.volumes {
            let (id, raid) = (&volume.id, volume.raid_type.as_str());
            let own =
                p.drives().filter(|(_, of, drive)| of.id == storage.id && volume.drives.contains(&drive.id));
            let drives: Vec<u8> = own.map(|(number, ..)| number).collect();
            let there = drives.len() == volume.drives.len();
            if !there || !storage.raid_types.contains(&volume.raid_type) {
                return Err(format!(
                    "storage.volume '{id}': its drives must be drives of the same controller, and {raid} one of the \
                     controller's raid_types"
                ));
            }
            if volume.raid_type.data_drives(drives.len() as u64).is_none() {
                let count = drives.len();
                return Err(format!("storage.volume '{id}': {raid} cannot have {count} drives"));
            }
            if id.starts_with("Volume") {
                return Err(format!(
                    "storage.volume '{id}': an id that begins with 'Volume' belongs to a volume that a client creates; choose \
                     another one"
                ));
            }
        }
    }
    Ok(())
}

/// Serial numbers are unique by construction only if each pattern has room for the index, and belongs to one kind of part.
fn serials(p: &Profile) -> Result<(), String> {
    let kinds: [(&str, Vec<&String>); 7] = [
        ("serial", vec![&p.serial]),
        ("processor serial", p.processors.iter().filter_map(|part| part.serial.as_ref()).collect()),
        ("memory serial", p.dimms.iter().filter_map(|part| part.serial.as_ref()).collect()),
        ("nic serial", p.nics.iter().filter_map(|part| part.serial.as_ref()).collect()),
        ("storage serial", p.storage.iter().filter_map(|part| part.serial.as_ref()).collect()),
        ("drive serial", p.drives().filter_map(|(_, _, part)| part.serial.as_ref()).collect()),
        ("power_supply serial", p.power_supplies.iter().filter_map(|part| part.serial.as_ref()).collect()),
    ];
    let mut owners = std::collections::BTreeMap::new();
    for (kind, patterns) in kinds {
        for pattern in patterns {
            if pattern.matches('#').count() < Profile::SERIAL_HASHES || !pattern.is_ascii() {
                return Err(format!(
                    "{kind}: '{pattern}' must be ASCII text with at least {} '#'",
                    Profile::SERIAL_HASHES
                ));
            }
            if let Some(other) = owners.insert(pattern, kind).filter(|other| *other != kind) {
                return Err(format!(
                    "{kind}: '{pattern}' is also the {other}; two kinds of parts need different patterns, so that no two \
                     serial numbers are equal"
                ));
            }
        }
    }
    Ok(())
}

/// An OUI with one of its two lowest bits set belongs to no maker: the address would be a group's, or locally administered.
fn ouis(p: &Profile) -> Result<(), String> {
    let nics = p.nics.iter().filter_map(|nic| nic.oui.as_deref().map(|oui| ("nic oui", oui)));
    let drives = p.drives().map(|(_, _, drive)| ("drive oui", drive.oui.as_str()));
    let manager = p.manager.oui.as_deref().map(|oui| ("manager.oui", oui));
    for (key, oui) in nics.chain(drives).chain(manager) {
        let number = u32::from_str_radix(oui, 16).ok().filter(|_| oui.len() == 6 && !oui.starts_with('+'));
        if number.is_none_or(|number| number >> 16 & 0b11 != 0) {
            return Err(format!(
                "{key}: '{oui}' must be the six hex digits of a maker's OUI, such as \"b8cef6\"; the two lowest bits of \
                 its first byte are zero"
            ));
        }
    }
    match p.nics.iter().skip(Profile::MAX_OUI_NICS).find(|nic| nic.oui.is_some()) {
        Some(nic) => Err(format!(
            "nic oui: '{}' is not among the first {}; only these can have an oui",
            nic.id,
            Profile::MAX_OUI_NICS
        )),
        None => Ok(()),
    }
}

/// A profile that uses the word of a quirk lists the quirk, and the other way round.
fn quirks(p: &Profile) -> Result<(), String> {
    for source in &p.boot_targets {
        if let Some(quirk) = source.quirk()
            && !p.quirks.contains(&quirk)
        {
            let (source, quirk) = (source.as_str(), quirk.name());
            return Err(format!(
                "boot_targets: '{source}' is not a word of DMTF; it needs quirks = [\"{quirk}\"]"
            ));
        }
    }
    if let Some(action) = p.action_info.first()
        && !p.quirks.contains(&Quirk::NoActionInfo)
    {
        let quirk = Quirk::NoActionInfo.name();
        return Err(format!("action_info: '{action}' has no effect without quirks = [\"{quirk}\"]"));
    }
    for quirk in &p.quirks {
        match quirk {
            Quirk::ActionParameter
            | Quirk::NoActionInfo
            | Quirk::NoEtagInBodies
            | Quirk::PatchNeedsEtag
            | Quirk::RestartNeedsPower
            | Quirk::WholeSettings
            | Quirk::AnyCasePaths
            | Quirk::ResetNeedsChange
            | Quirk::SlashAfterManagers
            | Quirk::BiosResetTask => {}
            Quirk::UsbCd if p.boot_targets.contains(&BootSource::UsbCd) => {}
            Quirk::UsbCd => {
                let (quirk, source) = (quirk.name(), BootSource::UsbCd.as_str());
                return Err(format!(
                    "quirks: '{quirk}' has no effect unless boot_targets contains '{source}'"
                ));
            }
        }
    }
    Ok(())
}

fn distinct<'a>(what: &str, ids: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("the {what} '{id}' is used twice; each one must be different"));
        }
        if id.is_empty() || id.contains(['/', '?', '#', '%', ' ', '"', '\\']) {
            return Err(format!(
                "the {what} '{id}' is not allowed: it is part of a URI, so it must not be empty or contain a space or any \
                 of / ? # % \" \\"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::files::{BUILT_IN, built_in_names};

    #[test]
    fn every_built_in_profile_loads() {
        assert!(built_in_names().len() >= 2);
        for name in built_in_names() {
            built_in(name).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    /// The generic profile with changes to its text.
    fn built_from(toml: &str) -> Result<Arc<Profile>, ProfileError> {
        let (name, source, file) = ("x".to_owned(), "x".to_owned(), "x/profile.toml".to_owned());
        build(&Files { name, source, folder: None, file, toml: toml.to_owned(), overlays: vec![] })
    }

    fn changed(changes: &[(&str, &str)]) -> Result<Arc<Profile>, ProfileError> {
        let mut text = BUILT_IN.get_file("generic/profile.toml").unwrap().contents_utf8().unwrap().to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        built_from(&text)
    }

    #[test]
    fn a_word_of_a_quirk_needs_the_quirk_and_the_quirk_its_word() {
        let word = ("\"Cd\", \"Usb\"", "\"Cd\", \"UsbCd\", \"Usb\"");
        let quirk = ("boot_order", "quirks = [\"usb-cd\"]\nboot_order");
        let profile = changed(&[word, quirk]).unwrap();
        assert!(profile.quirks == [Quirk::UsbCd] && profile.boot_targets.contains(&BootSource::UsbCd));
        let error = changed(&[word]).unwrap_err().to_string();
        assert!(error.contains("'UsbCd' is not a word of DMTF") && error.contains("usb-cd"), "{error}");
        let error = changed(&[quirk]).unwrap_err().to_string();
        assert!(error.contains("'usb-cd' has no effect") && error.contains("'UsbCd'"), "{error}");
        let exception = ("boot_order", "action_info = [\"ComputerSystem.Reset\"]\nboot_order");
        let error = changed(&[exception]).unwrap_err().to_string();
        assert!(error.contains("action_info: 'ComputerSystem.Reset' has no effect"), "{error}");
        let error = changed(&[("boot_order", "quirks = [\"usb\"]\nboot_order")]).unwrap_err().to_string();
        assert!(error.contains("line 11") && error.contains("usb-cd"), "{error}");
    }

    #[test]
    fn ouis_and_serial_patterns_are_checked() {
        let nic = |line: &str| changed(&[("driver = \"ice\"", &format!("driver = \"ice\"\n{line}"))]);
        assert!(nic("oui = \"b8cef6\"\nserial = \"MT2231#######\"").is_ok());
        for oui in ["b8cef", "b8cef61", "b8cefg", "+8cef6", "02cef6", "01cef6", ""] {
            let error = nic(&format!("oui = \"{oui}\"")).unwrap_err().to_string();
            assert!(error.contains(&format!("nic oui: '{oui}' must be the six hex digits")), "{error}");
        }
        let error = nic("serial = \"MT2231######\"").unwrap_err().to_string();
        assert!(
            error.contains("nic serial: 'MT2231######' must be ASCII text with at least 7 '#'"),
            "{error}"
        );
        let error = nic("serial = \"FM########\"").unwrap_err().to_string();
        assert!(error.contains("nic serial: 'FM########' is also the serial"), "{error}");
        let error = changed(&[("oui = \"002538\"", "oui = \"25\"")]).unwrap_err().to_string();
        assert!(error.contains("drive oui: '25' must be"), "{error}");
    }

    #[test]
    fn volumes_of_a_new_server_are_checked() {
        let with = |id: &str, raid: &str, drives: &str| {
            let volume = format!(
                "oui = \"002538\"\n\n[[storage.volume]]\nid = \"{id}\"\nname = \"x\"\nraid_type = \"{raid}\"\ndrives = {drives}\n\n[[storage]]\nid = \"NVMe\""
            );
            changed(&[("oui = \"002538\"\n\n[[storage]]\nid = \"NVMe\"", &volume)])
        };
        assert!(with("root", "RAID1", "[\"Disk0\", \"Disk1\"]").is_ok());
        for (id, raid, drives, said) in [
            ("root", "RAID1", "[\"Disk0\", \"NVMe0\"]", "its drives must be drives of the same controller"),
            ("root", "RAID5", "[\"Disk0\", \"Disk1\"]", "RAID5 one of the controller's raid_types"),
            ("root", "RAID1", "[\"Disk0\"]", "RAID1 cannot have 1 drives"),
            ("root", "RAID1", "[\"Disk0\", \"Disk0\"]", "'Disk0' is used twice"),
            ("Disk0", "RAID1", "[\"Disk0\", \"Disk1\"]", "'Disk0' is used twice"),
            ("Volume1", "RAID1", "[\"Disk0\", \"Disk1\"]", "belongs to a volume that a client creates"),
        ] {
            let error = with(id, raid, drives).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn an_unknown_profile_lists_the_known_ones() {
        let error = built_in("cray-1").unwrap_err().to_string();
        assert!(error.contains("'cray-1'") && error.contains("generic"), "{error}");
    }

    #[test]
    fn a_wrong_key_names_its_line() {
        let error = built_from("description = \"d\"\nmodle = \"m\"\n").unwrap_err();
        assert!(error.to_string().contains("line 2") && error.to_string().contains("modle"), "{error}");
    }
}
