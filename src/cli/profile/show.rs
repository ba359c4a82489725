//! `fauxmetal profile show`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::view::View;
use crate::cli::exit_code::{ExitCode, UsageError};
use crate::cli::out::{self, Output, table};
use crate::config::unusable_profile;
use crate::profile::bios::{Attribute, Kind, Value};
use crate::profile::{self, Profile};

pub(super) fn run(name: &str, output: Output) -> anyhow::Result<ExitCode> {
    let profile = profile::named(name).map_err(|e| UsageError(unusable_profile(&e)))?;
    let mut out = out::stdout();
    match output {
        Output::Json => out::json(&mut out, &View::new(&profile))?,
        Output::Text => text(&mut out, &profile)?,
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

fn text(out: &mut impl Write, p: &Profile) -> io::Result<()> {
    writeln!(out, "{}: {}\n", p.name, p.description)?;
    let overlays: Vec<_> = p.overlays.keys().map(String::as_str).collect();
    let list = |words: Vec<&str>| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    table(
        out,
        "",
        &[
            row("System", format!("{} {} ({})", p.manufacturer, p.model, p.sku)),
            row("Controller", format!("{}, {}", p.manager.model, p.manager_version())),
            row("BIOS", format!("{}, {}, {}", p.bios_vendor, p.bios_version(), p.bios_date)),
            row("Resets", list(p.reset_types.iter().map(|t| t.as_str()).collect())),
            row("Boot targets", list(p.boot_targets.iter().map(|t| t.as_str()).collect())),
            row("Boot order", list(p.boot_order.iter().map(|t| t.as_str()).collect())),
            row("Overlays", list(overlays)),
            row("Absent", list(p.absent.iter().map(String::as_str).collect())),
        ],
    )?;
    inventory(out, p)?;
    writeln!(out, "\nFirmware")?;
    let firmware = p.firmware.iter().map(|f| [f.id.clone(), f.name.clone(), f.version.clone()]);
    table(out, "  ", &firmware.collect::<Vec<_>>())?;
    writeln!(out, "\nBIOS attributes")?;
    table(out, "  ", &p.bios.iter().map(attribute).collect::<Vec<_>>())?;
    writeln!(out, "\nTiming")?;
    let timing = p
        .timing
        .list()
        .into_iter()
        .map(|(name, span, means)| [name.to_owned(), span.to_string(), means.to_owned()]);
    table(out, "  ", &timing.collect::<Vec<_>>())
}

fn inventory(out: &mut impl Write, p: &Profile) -> io::Result<()> {
    writeln!(out, "\nInventory")?;
    let mut rows = Vec::new();
    let processors =
        p.processors.iter().map(|c| format!("{}, {} cores, {} threads", c.model, c.cores, c.threads));
    rows.extend(counted("processor", processors));
    let dimms = p
        .dimms
        .iter()
        .map(|d| format!("{} GiB {} {} MHz", d.capacity_mib / 1024, d.device_type, d.speed_mhz));
    rows.extend(counted("memory", dimms));
    let link = |up: bool| if up { "" } else { ", no cable" };
    rows.extend(p.nics.iter().map(|n| {
        row(
            "nic",
            format!("{} ({}): {}, {} Mbit/s{}", n.id, n.name, n.description, n.speed_mbps, link(n.link)),
        )
    }));
    for s in &p.storage {
        let raid = if s.raid_types.is_empty() { "no RAID".to_owned() } else { s.raid_types.join(", ") };
        rows.push(row("storage", format!("{}: {}, {raid}", s.id, s.model)));
        let drives = s.drives.iter().map(|d| {
            let gigabytes = d.capacity_bytes / 1_000_000_000;
            format!("{gigabytes} GB {} {}, {}", d.protocol, d.media_type, d.model)
        });
        rows.extend(counted("  drive", drives));
    }
    for slot in &p.media_slots {
        let types: Vec<_> = slot.media_types.iter().map(|t| t.as_str()).collect();
        rows.push(row("virtual media", format!("{} ({}): {}", slot.id, slot.name, types.join(", "))));
    }
    rows.extend(counted(
        "power supply",
        p.power_supplies.iter().map(|s| format!("{}, {} W", s.model, s.watts)),
    ));
    rows.extend(counted("fan", p.fans.iter().map(|f| format!("up to {} rpm", f.max_rpm))));
    rows.extend(counted(
        "PCI device",
        p.pci_devices.iter().map(|d| format!("{}:{}", d.vendor_id, d.product_id)),
    ));
    table(out, "  ", &rows)
}

fn row(label: &str, text: String) -> [String; 2] {
    [label.to_owned(), text]
}

/// One row for each different thing, with its number.
fn counted(label: &str, things: impl Iterator<Item = String>) -> Vec<[String; 2]> {
    let (mut order, mut counts) = (Vec::new(), BTreeMap::new());
    for thing in things {
        let count: &mut usize = counts.entry(thing.clone()).or_default();
        if *count == 0 {
            order.push(thing);
        }
        *count += 1;
    }
    order.into_iter().map(|thing| row(label, format!("{} x {thing}", counts[&thing]))).collect()
}

fn attribute(attribute: &Attribute) -> [String; 3] {
    let allowed = match &attribute.kind {
        Kind::Enumeration { values, .. } => values.join(", "),
        Kind::Integer { lower, upper, .. } => format!("{lower} to {upper}"),
        Kind::String { min_length, max_length, .. } => format!("{min_length} to {max_length} characters"),
        Kind::Boolean { .. } => "true or false".to_owned(),
    };
    let default = match attribute.default_value() {
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("\"{text}\""),
    };
    let allowed = if attribute.read_only { "read-only".to_owned() } else { allowed };
    [attribute.name.clone(), default, allowed]
}
