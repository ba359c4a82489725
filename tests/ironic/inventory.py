"""Checks what an inspection found: is it a plausible machine, and do both inspections see the same one?

Ironic keeps the inventory of the last inspection. The field names are those of Ironic Python Agent; the
Redfish inspection of Ironic fills in the part that a BMC knows.
"""

import re

MIB = 1 << 20
GIB = 1 << 30
# Ironic writes no image to a smaller disk.
DISK_BYTES_MIN = 4 * GIB


def faults(inventory):
    """The mistakes of an inventory, as a list of sentences."""
    found = []
    interfaces, cpu = inventory.get("interfaces") or [], inventory.get("cpu") or {}
    disks, memory = inventory.get("disks") or [], inventory.get("memory") or {}
    if not interfaces or not all(nic.get("mac_address") and nic.get("name") for nic in interfaces):
        found.append(f"interfaces without name or address: {interfaces}")
    if len({nic.get("name") for nic in interfaces}) != len(interfaces):
        found.append("two interfaces have one name")
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


def agent_faults(inventory, boot_mode):
    """The mistakes of an agent's inventory in what a BMC cannot know, on a machine booted in this mode."""
    found = faults(inventory)
    if not inventory.get("hostname"):
        found.append("no hostname")
    memory = inventory["memory"]
    # The kernel and the firmware use some memory.
    if not 0.5 * memory["physical_mb"] * MIB < memory.get("total", 0) <= memory["physical_mb"] * MIB:
        found.append(f"memory is {memory}")
    if not isinstance(inventory["cpu"].get("frequency"), str):
        found.append(f"cpu frequency must be a string, as Metal3 reads it: {inventory['cpu'].get('frequency')!r}")
    if not all(str(disk.get("name")).startswith("/dev/") for disk in inventory["disks"]):
        found.append(f"disks are not devices: {[disk.get('name') for disk in inventory['disks']]}")
    if (inventory.get("boot") or {}).get("current_boot_mode") != boot_mode:
        found.append(f"boot is {inventory.get('boot')}, wanted {boot_mode}")
    return found


def _identity(inventory):
    """The facts that both inspections must agree on."""
    cpu, vendor = inventory["cpu"], inventory["system_vendor"]
    return {
        "interfaces": sorted(macs(inventory["interfaces"], "mac_address")),
        "cpu": (cpu["count"], cpu["architecture"], cpu["model_name"]),
        "memory": inventory["memory"]["physical_mb"],
        "disks": sorted((disk["size"], disk.get("serial") or "") for disk in inventory["disks"]),
        "system_vendor": [vendor[field] for field in ("manufacturer", "product_name", "serial_number")],
    }


def differences(redfish, agent):
    """The differences between the BMC's and the agent's inventory."""
    one, other = _identity(redfish), _identity(agent)
    return [f"{key}: redfish says {one[key]}, the agent {other[key]}" for key in one if one[key] != other[key]]


def macs(interfaces, key):
    """The normalized addresses below `key` of each item."""
    return {interface[key].lower() for interface in interfaces}


def switch_ports(plugin_data):
    """The switch ports that the interfaces are plugged into, as Ironic reads them from LLDP."""
    heard = (plugin_data.get("parsed_lldp") or {}).values()
    return sorted((port.get("switch_chassis_id", "").lower(), _port_id(port.get("switch_port_id", ""))) for port in heard)


def _port_id(text):
    """A port's name. Redfish writes it as octets in hex (Port.LLDPReceive.PortId), and Ironic keeps it so."""
    octets = text.split(":")
    if len(octets) > 1 and all(re.fullmatch("[0-9A-F]{2}", octet) for octet in octets):
        return bytes.fromhex("".join(octets)).decode("utf-8", "replace")
    return text


def switch_faults(redfish, agent):
    """The agent must report switch ports. The BMC may report them, and then they must be the same."""
    if not agent or not all(chassis and port for chassis, port in agent):
        return [f"the agent heard {agent}"]
    if redfish and redfish != agent:
        return [f"redfish says {redfish}, the agent {agent}"]
    return []
