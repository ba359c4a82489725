//! IPA's further inspection collectors, beyond the inventory and the logs.
//!
//! The formats are those of IPA's `inspector.py`, `numa_inspector.py` and `dmi_inspector.py`, and of the tool
//! `hardware-detect` that `extra-hardware` runs.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{disks, inventory, lldp};
use crate::address::Reported;
use crate::node::Node;
use crate::profile::inventory::Nic;
use crate::profile::pcie::Function;

/// The NUMA node of a PCI device. Buses from 0x80 on belong to the second socket, if there is one.
fn numa_node(node: &Node, pci_address: &str) -> usize {
    let bus = pci_address.split(':').nth(1).and_then(|b| u8::from_str_radix(b, 16).ok()).unwrap_or(0);
    usize::from(bus >= 0x80).min(node.profile().processors.len() - 1)
}

/// `pci-devices`: the network interfaces, and the other devices in the profile.
pub(super) fn pci_devices(node: &Node) -> Value {
    let one = |function: Function<'_>| {
        json!({
            "vendor_id": function.vendor, "product_id": function.product, "class": function.class,
            "revision": function.revision, "bus": function.address,
            "numa_node_id": numa_node(node, function.address).to_string(),
        })
    };
    node.profile().functions().map(one).collect()
}

/// `numa-topology`: one NUMA node per socket. Linux numbers the first threads of all cores before their second threads.
pub(super) fn numa_topology(node: &Node) -> Value {
    let processors = &node.profile().processors;
    let ram_kib = inventory::usable_bytes(node) / 1024 / processors.len() as u64;
    let all_cores: u32 = processors.iter().map(|p| p.cores).sum();
    let mut cpus = Vec::new();
    let mut thread = 0;
    for (numa, processor) in processors.iter().enumerate() {
        let siblings = (processor.threads / processor.cores.max(1)).max(1);
        for core in 0..processor.cores {
            let threads: Vec<u32> = (0..siblings).map(|n| thread + n * all_cores).collect();
            cpus.push(json!({"cpu": core, "numa_node": numa, "thread_siblings": threads}));
            thread += 1;
        }
    }
    let ram: Vec<_> = (0..processors.len()).map(|n| json!({"numa_node": n, "size_kb": ram_kib})).collect();
    let nic =
        |(_, name, nic): (u8, _, &Nic)| json!({"name": name, "numa_node": numa_node(node, &nic.pci_address)});
    let nics: Vec<_> = inventory::nics(node).map(nic).collect();
    json!({"ram": ram, "cpus": cpus, "nics": nics})
}

/// `lldp`: the neighbours of all interfaces.
pub(super) fn lldp(node: &Node) -> Value {
    let neighbours = inventory::nics(node);
    Value::Object(
        neighbours.map(|(port, name, _)| (name.into(), json!(lldp::neighbour(node, port)))).collect(),
    )
}

/// `dmi-decode`: BIOS, processors and memory in the format of `dmidecode`.
pub(super) fn dmi(node: &Node) -> Value {
    let (profile, spec) = (node.profile(), node.spec());
    let cpus: Vec<_> = profile
        .processors
        .iter()
        .zip(0x40..)
        .map(|(p, handle)| {
            json!({
                "Handle": format!("Handle 0x{handle:04X}, DMI type 4, 48 bytes"),
                "Socket Designation": p.socket, "Type": "Central Processor", "Manufacturer": p.manufacturer,
                "Version": p.model, "Max Speed": format!("{} MHz", p.max_mhz),
                "Current Speed": format!("{} MHz", p.mhz), "Status": "Populated, Enabled",
                "Core Count": p.cores.to_string(), "Core Enabled": p.cores.to_string(),
                "Thread Count": p.threads.to_string(),
            })
        })
        .collect();
    let devices: Vec<_> = (0u8..)
        .zip(&profile.dimms)
        .map(|(slot, d)| {
            let handle = format!("Handle 0x{:04X}, DMI type 17, 92 bytes", 0x1100 + u16::from(slot));
            if !node.uses_memory(slot) {
                // The firmware gives a module that it leaves out the size 0, and `dmidecode` shows no more of it.
                return json!({
                    "Handle": handle, "Size": "No Module Installed", "Form Factor": "DIMM", "Locator": d.id,
                    "Type": "Unknown",
                });
            }
            json!({
                "Handle": handle,
                "Size": format!("{} GB", d.capacity_mib / 1024), "Form Factor": "DIMM", "Locator": d.id,
                "Type": d.device_type, "Speed": format!("{} MT/s", d.speed_mhz), "Manufacturer": d.manufacturer,
                "Serial Number": spec.part_serial('M', slot), "Part Number": d.part_number,
            })
        })
        .collect();
    json!({
        "bios": {
            "Handle": "Handle 0x0000, DMI type 0, 26 bytes", "Vendor": profile.bios_vendor,
            "Version": node.bios_version(), "Release Date": profile.bios_date,
        },
        "cpu": cpus,
        "memory": {
            "Location": "System Board Or Motherboard", "Use": "System Memory", "Number Of Devices": devices.len(),
            "devices": devices,
        },
    })
}

/// `extra-hardware`: the list of `hardware-detect`, with four columns.
pub(super) fn extra_hardware(node: &Node, reported: &Reported) -> Value {
    let (profile, spec) = (node.profile(), node.spec());
    let mut rows: Vec<[Value; 4]> = Vec::new();
    let mut row = |class: &str, item: &str, key: &str, value: Value| {
        rows.push([json!(class), json!(item), json!(key), value]);
    };
    let disks = disks::list(node);
    row("disk", "logical", "count", json!(disks.len().to_string()));
    for disk in &disks {
        let name = disk.name.trim_start_matches("/dev/");
        row("disk", name, "size", json!((disk.size / 1_000_000_000).to_string()));
        row("disk", name, "model", json!(disk.model));
        row("disk", name, "rotational", json!(u8::from(disk.rotational).to_string()));
        row("disk", name, "vendor", json!(disk.vendor));
        row("disk", name, "id", json!(format!("wwn-{}", disk.wwn.as_deref().unwrap_or_default())));
    }
    for (key, value) in
        [("name", &profile.model), ("vendor", &profile.manufacturer), ("serial", &spec.serial())]
    {
        row("system", "product", key, json!(value));
    }
    row("firmware", "bios", "version", json!(node.bios_version()));
    row("firmware", "bios", "date", json!(profile.bios_date));
    row("memory", "total", "size", json!((node.agent_memory_mib() << 20).to_string()));
    for (port, name, nic) in inventory::nics(node) {
        row("network", &name, "serial", json!(spec.mac(port).to_string()));
        // The tool does not report IPv6 addresses.
        if let Some(ip) = inventory::address(node, port, reported).filter(IpAddr::is_ipv4) {
            row("network", &name, "ipv4", json!(ip));
        }
        row("network", &name, "driver", json!(nic.driver));
        row("network", &name, "link", json!(if node.has_cable(port) { "yes" } else { "no" }));
    }
    row("cpu", "physical", "number", json!(profile.processors.len().to_string()));
    let threads: u32 = profile.processors.iter().map(|p| p.threads).sum();
    row("cpu", "logical", "number", json!(threads.to_string()));
    json!(rows)
}

/// `usb-devices`: empty. The only USB devices are hubs of the BMC's virtual media, and `lshw` does not class these as
/// generic.
pub(super) fn usb_devices() -> Value {
    json!([])
}

/// Adds the data of the collector `name`. Returns `false` if there is no such collector.
pub(super) fn collect(name: &str, node: &Node, reported: &Reported, data: &mut Map<String, Value>) -> bool {
    let (key, value) = match name {
        "pci-devices" => ("pci_devices", pci_devices(node)),
        "numa-topology" => ("numa_topology", numa_topology(node)),
        "lldp" => ("lldp_raw", lldp(node)),
        "dmi-decode" => ("dmi", dmi(node)),
        "extra-hardware" => ("data", extra_hardware(node, reported)),
        "usb-devices" => ("usb_devices", usb_devices()),
        _ => return false,
    };
    data.insert(key.to_owned(), value);
    true
}
