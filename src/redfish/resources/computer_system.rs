//! `ComputerSystem`: the host, its power, its boot settings.

use super::{boot_option, common, console, pcie_device, trusted_component};
use crate::dmtf::{
    BootMode, BootOverride, BootTarget, Health, IndicatorLed, PowerRestorePolicy, PowerState, ResetType,
};
use crate::node::bmc::network::is_host_name;
use crate::node::boot::{Boot, BootChange};
use crate::node::command::Command;
use crate::node::health::Scope;
use crate::node::host::{self, SystemChange};
use crate::profile::boot_source::BootSource;
use crate::profile::quirk::Quirk;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::constants::Part;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, PROPERTY_VALUE_CONFLICT, RESOURCE_IN_STANDBY, RESOURCE_IN_USE};
use crate::redfish::resource::{Asked, OfNode};

pub(super) static ACTIONS: &[Action<OfNode>] = &[
    Action {
        key: "#ComputerSystem.Reset",
        parameters: &[Parameter::word("ResetType", |model: &Model<'_>, key, d| {
            d.put(key, model.profile.reset_types.as_slice());
        })
        .required()],
        apply_times: &[],
        run: reset,
    },
    Action {
        key: "#ComputerSystem.SetDefaultBootOrder",
        parameters: &[],
        apply_times: &[],
        run: |_, _| Ok(Some(Command::Host(host::Command::DefaultBootOrder))),
    },
];

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, spec) = (cx.node, cx.spec());
    let (host, bmc) = (node.host(), node.bmc());
    d.put("Id", cx.model.system_id());
    d.put("Name", spec.name());
    if node.has_all_memory() {
        d.constant(Part::Description, &cx.model, |model, d| {
            describe(model, (model.profile.memory_mib(), Health::Ok), d);
        });
    } else {
        describe(&cx.model, (node.memory_mib(), node.health(Scope::AllMemory)), d);
    }
    d.put("BiosVersion", node.bios_version());
    d.put("SerialNumber", spec.serial());
    match &bmc.asset_tag {
        Some(tag) => d.put("AssetTag", &**tag),
        None => d.put("AssetTag", spec.asset_tag()),
    }
    d.put("HostName", bmc.system.host_name.as_deref().unwrap_or_default());
    d.put("PowerRestorePolicy", node.power_restore_policy().as_str());
    d.put_some("LastResetTime", bmc.host_reset.map(|at| cx.shown(at)));
    d.put("PowerState", host.power_state());
    d.put("IndicatorLED", bmc.leds.system);
    d.put("LocationIndicatorActive", bmc.leds.system != IndicatorLed::Off);
    d.object("Status", |d| {
        d.put("State", if host.power_state() == PowerState::Off { "Disabled" } else { "Enabled" });
        d.put("Health", "OK");
        d.put("HealthRollup", node.health(Scope::Machine));
        if let Some(why) = &bmc.boot_failure {
            let text = ["The boot source could not be booted: ", why];
            common::condition(cx, d, &text, bmc.boot_failed_at);
        }
    });
    d.object("BootProgress", |d| d.put("LastState", host.boot_progress(cx.now)));
    d.object("Boot", |d| get_boot(cx, node.boot(), d));
}

/// What follows from the model, as long as all of the memory works: its size in MiB, and its health.
fn describe(model: &Model<'_>, (memory_mib, health): (u64, Health), d: &mut Doc<'_>) {
    let profile = model.profile;
    d.put("UUID", model.uuid);
    d.put("SystemType", "Physical");
    d.put("Manufacturer", &profile.manufacturer);
    d.put("Model", &profile.model);
    d.put("SKU", &profile.sku);
    d.put("PartNumber", &profile.part_number);
    d.object("ProcessorSummary", |d| {
        let processors = &profile.processors;
        d.put("Count", processors.len());
        d.put("CoreCount", processors.iter().map(|p| p.cores).sum::<u32>());
        d.put("LogicalProcessorCount", processors.iter().map(|p| p.threads).sum::<u32>());
        d.put_some("Model", processors.first().map(|p| p.model.as_str()));
        // No processor of a simulated machine fails.
        d.object("Status", |d| {
            common::ok(d);
            d.put("HealthRollup", Health::Ok);
        });
    });
    d.object("MemorySummary", |d| {
        d.put("TotalSystemMemoryGiB", memory_mib / 1024);
        d.object("Status", |d| {
            common::ok(d);
            d.put("HealthRollup", health);
        });
    });
    d.object("Links", |d| {
        d.one_link("Chassis", &model.chassis());
        d.one_link("ManagedBy", &model.manager());
        common::links_to_supplies("PoweredBy", model, d);
        trusted_component::link("TrustedComponents", model, d);
    });
    pcie_device::links("PCIeDevices", model, |_| true, d);
    trusted_component::of_system(model, d);
    console::of_system(profile, d);
}

fn get_boot(cx: &NodeCx<'_>, boot: &Boot, d: &mut Doc<'_>) {
    d.put("BootSourceOverrideEnabled", boot.enabled);
    d.put("BootSourceOverrideTarget", boot.target);
    d.put("BootSourceOverrideMode", boot.mode);
    d.put("HttpBootUri", boot.http_uri.as_deref().map(common::shown_uri).as_deref());
    d.array("BootOrder", |d| {
        for n in boot.order(cx.profile()) {
            d.item(common::boot_option_reference(n));
        }
    });
    if offers(cx, BootTarget::UefiTarget) {
        let mut paths = boot_option::device_paths(cx);
        let target = paths.find(|(number, _)| Some(*number) == boot.uefi_target);
        d.put("UefiTargetBootSourceOverride", target.map(|(_, path)| path));
        let paths: Vec<_> = boot_option::device_paths(cx).map(|(_, path)| path).collect();
        d.put("UefiTargetBootSourceOverride@Redfish.AllowableValues", paths.as_slice());
    }
    if offers(cx, BootTarget::UefiBootNext) {
        d.put("BootNext", boot.boot_next.map(common::boot_option_reference));
    }
    d.constant(Part::AllowableValues, &cx.model, |model, d| {
        d.put("BootSourceOverrideEnabled@Redfish.AllowableValues", BootOverride::ALL);
        d.put("BootSourceOverrideTarget@Redfish.AllowableValues", model.profile.boot_targets.as_slice());
        d.put("BootSourceOverrideMode@Redfish.AllowableValues", BootMode::ALL);
        // Clients look for it even where nothing can be chosen (OCP's server profile, 1.1).
        if !model.profile.boot_targets.contains(&BootTarget::UefiTarget.into()) {
            d.null("UefiTargetBootSourceOverride");
        }
        if model.has("Systems/{}/BootOptions") {
            d.link("BootOptions", &[model.uri, "/BootOptions"]);
        }
    });
}

/// Whether a client may choose the target. The property that belongs to the target exists only then.
fn offers(cx: &NodeCx<'_>, target: BootTarget) -> bool {
    cx.profile().boot_targets.contains(&target.into())
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let boot = body.object("Boot", |b| patch_boot(cx, b)).unwrap_or_default();
    let asset_tag = body.text("AssetTag", SystemChange::MAX_ASSET_TAG);
    let led = common::led(body);
    let host_name = body.text("HostName", SystemChange::MAX_HOST_NAME);
    if let Some(name) = host_name.as_deref().filter(|name| !name.is_empty() && !is_host_name(name)) {
        body.wrong_format("HostName", name);
    }
    let policies = PowerRestorePolicy::ALL;
    let power_restore = body.word("PowerRestorePolicy", PowerRestorePolicy::parse, policies);
    let change = SystemChange { boot, asset_tag, led, host_name, power_restore };
    Ok(Some(Command::Host(host::Command::Change(change))))
}

fn patch_boot(cx: &NodeCx<'_>, b: &mut Body) -> BootChange {
    let profile = cx.profile();
    let target = b.word("BootSourceOverrideTarget", BootSource::parse, &profile.boot_targets);
    let enabled = b.word("BootSourceOverrideEnabled", BootOverride::parse, BootOverride::ALL);
    let mode = b.word("BootSourceOverrideMode", BootMode::parse, BootMode::ALL);
    let http_uri = b.text_or_null("HttpBootUri", Boot::MAX_URI_BYTES);
    if let Some(Some(uri)) = &http_uri
        && !common::is_http_uri(uri)
    {
        b.wrong_format("HttpBootUri", uri);
    }
    if mode == Some(BootMode::Legacy) && cx.node.bmc().secure_boot.enable {
        let message = Message::new(&PROPERTY_VALUE_CONFLICT, ["BootSourceOverrideMode", "SecureBootEnable"]);
        b.mistake("BootSourceOverrideMode", message);
    }
    let order = b.texts("BootOrder", profile.boot_order.len()).and_then(|references| {
        let order = boot_order(&references, profile.boot_order.len());
        if order.is_none() {
            b.not_in_list("BootOrder", &references.join(", "));
        }
        order
    });
    let uefi_target = offers(cx, BootTarget::UefiTarget)
        .then(|| option_named(b, "UefiTargetBootSourceOverride", || boot_option::device_paths(cx)))
        .flatten();
    let boot_next = offers(cx, BootTarget::UefiBootNext)
        .then(|| {
            let options = 0..u8::try_from(profile.boot_order.len()).unwrap_or(u8::MAX);
            option_named(b, "BootNext", || options.map(|n| (n, common::boot_option_reference(n))))
        })
        .flatten();
    let boot = cx.node.boot();
    if enabled == Some(BootOverride::Continuous)
        && target.unwrap_or(boot.target) == BootTarget::UefiBootNext.into()
    {
        let args = ["BootSourceOverrideEnabled", "BootSourceOverrideTarget"];
        b.mistake("BootSourceOverrideEnabled", Message::new(&PROPERTY_VALUE_CONFLICT, args));
    }
    for (chosen, property, option) in [
        (BootTarget::UefiTarget, "UefiTargetBootSourceOverride", uefi_target.unwrap_or(boot.uefi_target)),
        (BootTarget::UefiBootNext, "BootNext", boot_next.unwrap_or(boot.boot_next)),
    ] {
        if target == Some(chosen.into()) && option.is_none() {
            let message = Message::new(&PROPERTY_VALUE_CONFLICT, ["BootSourceOverrideTarget", property]);
            b.mistake("BootSourceOverrideTarget", message);
        }
    }
    BootChange { target, enabled, mode, http_uri, order, uefi_target, boot_next }
}

/// The boot option that a property names, or null. `names` are the names of the options.
fn option_named<N: Iterator<Item = (u8, String)>>(
    b: &mut Body,
    key: &str,
    names: impl FnOnce() -> N,
) -> Option<Option<u8>> {
    let Some(text) = b.text_or_null(key, Boot::MAX_URI_BYTES)? else { return Some(None) };
    let option = names().find(|(_, name)| **name == *text).map(|(number, _)| number);
    if option.is_none() {
        b.not_in_list(key, &text);
    }
    option.map(Some)
}

/// The boot order that the references name. `None` unless they name each boot option exactly once.
fn boot_order(references: &[String], options: usize) -> Option<Box<[u8]>> {
    let number = |reference: &String| {
        (0..u8::try_from(options).ok()?).find(|n| common::boot_option_reference(*n) == *reference)
    };
    let order: Option<Vec<u8>> = references.iter().map(number).collect();
    let order = order.filter(|order| order.len() == options)?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == options).then(|| order.into())
}

fn reset(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    body.require("ResetType");
    let kind = body.word("ResetType", ResetType::parse, &cx.profile().reset_types);
    // The control API of the daemon is no BMC, so there such a reset succeeds.
    if cx.profile().has(Quirk::ResetNeedsChange) {
        let off = cx.node.host().power_state() == PowerState::Off;
        match kind {
            Some(ResetType::On | ResetType::ForceOn) if !off => return Err((&RESOURCE_IN_USE).into()),
            Some(ResetType::ForceOff | ResetType::GracefulShutdown) if off => {
                return Err((&RESOURCE_IN_STANDBY).into());
            }
            _ => {}
        }
    }
    Ok(kind.map(|kind| Command::Host(host::Command::Reset(kind))))
}
