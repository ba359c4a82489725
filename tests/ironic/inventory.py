"""Checks the inventories of both inspections. Each must be plausible, and both must describe the same machine.

Ironic stores the inventory of the last inspection. Its field names come from Ironic Python Agent. Ironic's
Redfish inspection fills in the fields that a BMC knows.
"""

import re

MIB = 1 << 20
GIB = 1 << 30
# Without root device hints, Ironic Python Agent does not use a smaller disk as root device
# (guess_root_disk in ironic_python_agent/utils.py).
DISK_BYTES_MIN = 4 * GIB


def problems(inventory):
    """A list of messages about values that no real machine reports."""
    found = []
    interfaces, cpu = inventory.get("interfaces") or [], inventory.get("cpu") or {}
    disks, memory = inventory.get("disks") or [], inventory.get("memory") or {}
    if not interfaces or not all(nic.get("mac_address") and nic.get("name") for nic in interfaces):
        found.append(f"no interfaces, or interfaces without name or MAC address: {interfaces}")
    if len({nic.get("name") for nic in interfaces}) != len(interfaces):
        found.append("two interfaces have the same name")
    if not cpu.get("count", 0) > 0 or not cpu.get("architecture") or not cpu.get("model_name"):
        found.append(f"cpu is {cpu}")
    if not memory.get("physical_mb", 0) >= 1024:
        found.append(f"memory is {memory}")
    if not any((disk.get("size") or 0) >= DISK_BYTES_MIN for disk in disks):
        found.append(f"no disk of 4 GiB or more among {disks}")
    if not all((inventory.get("system_vendor") or {}).get(field)
               for field in ("manufacturer", "product_name", "serial_number")):
        found.append(f"system_vendor is {inventory.get('system_vendor')}")
    return found


def agent_problems(inventory, boot_mode):
    """Like `problems`, with the fields that only an agent reports. `boot_mode` is the expected boot mode."""
    found = problems(inventory)
    if not inventory.get("hostname"):
        found.append("no hostname")
    memory = inventory["memory"]
    # `total` is the memory that kernel and firmware leave to programs, so it is at most `physical_mb`.
    if not 0.5 * memory["physical_mb"] * MIB < memory.get("total", 0) <= memory["physical_mb"] * MIB:
        found.append(f"memory is {memory}")
    if not isinstance(inventory["cpu"].get("frequency"), str):
        found.append("cpu frequency must be a string, because Metal3 reads a string: "
                     f"{inventory['cpu'].get('frequency')!r}")
    if not all(str(disk.get("name")).startswith("/dev/") for disk in inventory["disks"]):
        found.append(f"disk names do not begin with /dev/: {[disk.get('name') for disk in inventory['disks']]}")
    if (inventory.get("boot") or {}).get("current_boot_mode") != boot_mode:
        found.append(f"boot is {inventory.get('boot')}, expected boot mode {boot_mode}")
    return found


def _identity(inventory, disks):
    """The values that must be the same in both inspections. `disks` are those of the host."""
    cpu, vendor = inventory["cpu"], inventory["system_vendor"]
    return {
        "interfaces": sorted(macs(inventory["interfaces"], "mac_address")),
        "cpu": (cpu["count"], cpu["architecture"], cpu["model_name"]),
        "memory": inventory["memory"]["physical_mb"],
        "disks": sorted(disks),
        "system_vendor": [vendor[field] for field in ("manufacturer", "product_name", "serial_number")],
    }


def _disks(inventory):
    """Size and serial number of each disk in an inventory."""
    return [(disk["size"], disk.get("serial") or "") for disk in inventory["disks"]]


def _disks_of_host(redfish, volumes):
    """The disks of the host. Ironic's Redfish inspection lists drives, of which a volume makes one disk."""
    hidden = {drive["SerialNumber"] for volume in volumes for drive in volume["Links"]["Drives"]}
    names = [volume["Identifiers"][0]["DurableName"].replace("-", "").lower() for volume in volumes]
    return ([(size, serial) for size, serial in _disks(redfish) if serial not in hidden]
            + [(volume["CapacityBytes"], name) for volume, name in zip(volumes, names)])


def differences(redfish, agent, volumes):
    """A list of messages about values in which the BMC and the agent differ. `volumes` are those of the BMC."""
    one, other = _identity(redfish, _disks_of_host(redfish, volumes)), _identity(agent, _disks(agent))
    return [f"{key}: redfish reports {one[key]}, the agent {other[key]}" for key in one if one[key] != other[key]]


def macs(interfaces, key):
    """The set of MAC addresses in lower case. `key` is the field that has the address."""
    return {interface[key].lower() for interface in interfaces}


def switch_ports(plugin_data):
    """The connected switch ports that Ironic found in LLDP: sorted pairs of chassis id and port id."""
    ports = (plugin_data.get("parsed_lldp") or {}).values()
    return sorted((port.get("switch_chassis_id", "").lower(), _port_id(port.get("switch_port_id", "")))
                  for port in ports)


def _port_id(text):
    """The name of a port. Redfish has it as hex octets (Port.LLDPReceive.PortId), and Ironic copies them."""
    octets = text.split(":")
    if len(octets) > 1 and all(re.fullmatch("[0-9A-F]{2}", octet) for octet in octets):
        return bytes.fromhex("".join(octets)).decode("utf-8", "replace")
    return text


def switch_problems(redfish, agent):
    """An agent must report switch ports. A BMC may report no ports or the same ports."""
    if not agent or not all(chassis and port for chassis, port in agent):
        return [f"the agent reports no switch ports, or incomplete ones: {agent}"]
    if redfish and redfish != agent:
        return [f"redfish reports {redfish}, the agent {agent}"]
    return []
