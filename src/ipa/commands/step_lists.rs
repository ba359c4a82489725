//! The steps that the generic hardware manager offers, as the commands `get_*_steps` list them.
//!
//! Mirrors `get_clean_steps`, `get_deploy_steps` and `get_service_steps` of `GenericHardwareManager` in
//! `ironic_python_agent/hardware.py`.

use serde_json::{Value, json};

fn step(name: &str, priority: u8, interface: &str) -> Value {
    json!({"step": name, "priority": priority, "interface": interface, "reboot_requested": false})
}

fn abortable(name: &str, priority: u8, interface: &str) -> Value {
    with(step(name, priority, interface), "abortable", json!(true))
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
}

fn argument(description: &str, required: bool) -> Value {
    json!({"description": description, "required": required})
}

fn nvram_arguments() -> Value {
    json!({"match_patterns": argument("List of regular expressions; UEFI boot entries that match one are deleted", false)})
}

fn apply_configuration() -> Value {
    let arguments = json!({
        "raid_config": argument("The RAID configuration to apply.", true),
        "delete_existing": argument("Whether existing RAID volumes are deleted first; true by default.", false),
    });
    with(step("apply_configuration", 0, "raid"), "argsinfo", arguments)
}

fn inject_files() -> Value {
    let arguments = json!({
        "files": argument("Files to inject: a list of objects with path, partition, content (base64 or a URL), \
                           deleted, mode, dirmode, owner and group; property inject_files of the node adds to it.", false),
        "verify_ca": argument("Whether to verify TLS certificates; the agent's own setting by default.", false),
    });
    with(step("inject_files", 0, "deploy"), "argsinfo", arguments)
}

pub(super) fn clean() -> Value {
    json!([
        abortable("erase_devices", 10, "deploy"),
        abortable("erase_devices_metadata", 99, "deploy"),
        abortable("erase_devices_express", 0, "deploy"),
        abortable("erase_pstore", 0, "deploy"),
        with(abortable("clean_uefi_nvram", 0, "deploy"), "argsinfo", nvram_arguments()),
        abortable("delete_configuration", 0, "raid"),
        abortable("create_configuration", 0, "raid"),
        abortable("burnin_cpu", 0, "deploy"),
        abortable("burnin_gpu", 0, "deploy"),
        abortable("burnin_disk", 0, "deploy"),
        abortable("burnin_memory", 0, "deploy"),
        abortable("burnin_network", 0, "deploy"),
    ])
}

pub(super) fn deploy() -> Value {
    json!([
        step("erase_devices_metadata", 0, "deploy"),
        apply_configuration(),
        with(step("clean_uefi_nvram", 0, "deploy"), "argsinfo", nvram_arguments()),
        step("write_image", 0, "deploy"),
        inject_files(),
        step("execute_bootc_install", 0, "deploy"),
    ])
}

pub(super) fn service() -> Value {
    json!([
        abortable("delete_configuration", 0, "raid"),
        apply_configuration(),
        abortable("create_configuration", 0, "raid"),
        abortable("burnin_cpu", 0, "deploy"),
        abortable("burnin_gpu", 0, "deploy"),
        abortable("burnin_memory", 0, "deploy"),
        abortable("burnin_network", 0, "deploy"),
        step("write_image", 0, "deploy"),
        inject_files(),
        step("execute_bootc_install", 0, "deploy"),
    ])
}
