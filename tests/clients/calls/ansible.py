"""The commands of the modules redfish_info, redfish_command and redfish_config of Ansible's collection community.general.

The modules run in this process, as Ansible would run them on a host. One call of each goes through `ansible` itself. Certificates
are verified.
"""

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import time
from types import SimpleNamespace
from typing import NamedTuple

from ansible.module_utils import basic

from checks import Fault
from commands import filled, outcome

COLLECTIONS = os.environ["ANSIBLE_COLLECTIONS_PATH"]
sys.path.insert(0, COLLECTIONS)
MODULES = ("redfish_info", "redfish_command", "redfish_config", "ilo_redfish_info", "ilo_redfish_command", "ilo_redfish_config")


# A module for iLO looks at the machine each ten seconds. These machines live faster.
ilo_utils = importlib.import_module("ansible_collections.community.general.plugins.module_utils.ilo_redfish_utils")
ilo_utils.time = SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.1)))


class Call(NamedTuple):
    """A command of a module with the result that it must have. {NAMES} in texts are those of `Bmc.words`."""

    module: str
    category: str
    command: str
    # A regular expression that the result must contain, as JSON.
    shows: str = ""
    options: dict = {}
    after: dict = {}
    before: object = None
    then: object = None
    fails: bool = False
    # Whether the module must report a change.
    changed: bool = None
    # The shape that the call is for, if it is for one alone: "shared" or "own".
    shape: str = None
    needs: str = None
    fault: object = None


def info(category, command, shows, **more):
    return Call("redfish_info", category, command, shows, **more)


def command(category, name, options=None, after=None, shows="", **more):
    return Call("redfish_command", category, name, shows, options or {}, after or {}, **more)


def config(category, name, options=None, after=None, shows="", **more):
    return Call("redfish_config", category, name, shows, options or {}, after or {}, **more)


def ilo_config(name, attribute, value, after):
    options = {"attribute_name": attribute} | ({} if value is None else {"attribute_value": value})
    return Call("ilo_redfish_config", "Manager", name, "Modified", options, after, changed=True, shape="own")


_PORT = "{M}/EthernetInterfaces/eth0"
_POWER = "{S}#PowerState"
_LED = "{S}#LocationIndicatorActive"
_BIOS = "{S}/Bios/Settings#Attributes.{attribute}"
_MEDIA = {"virtual_media": {"image_url": "{image}", "media_types": ["CD", "DVD"]}}
_on = lambda bmc: bmc.power("On")
_off = lambda bmc: bmc.power("Off")


def _booted(bmc):
    bmc.power("On")
    bmc.wait(f"/redfish/v1/Systems/{bmc.system}#Oem.Hpe.PostState", "FinishedPost")


CALLS = [
    info("Service", "CheckAvailability", '"available": true'),
    info("Systems", "GetSystemInventory", '"PowerState": .*"Manufacturer": '),
    info("Systems", "GetCpuInventory", '"TotalCores": '),
    info("Systems", "GetMemoryInventory", '"CapacityMiB": 32768'),
    info("Systems", "GetNicInventory", '"MACAddress": '),
    info("Systems", "GetHealthReport", '"Health": "OK"'),
    info("Systems", "GetStorageControllerInventory", '"Manufacturer": '),
    info("Systems", "GetDiskInventory", '"CapacityBytes": '),
    info("Systems", "GetVolumeInventory", '"VolumeType": "RawDevice"'),
    info("Systems", "GetBiosAttributes", '"{attribute}": "Enabled"'),
    info("Systems", "GetBootOrder", '"BootOptionReference": '),
    info("Systems", "GetBootOverride", '"BootSourceOverrideEnabled": "Disabled"'),
    info("Systems", "GetVirtualMedia", '"MediaTypes": .*"CD"', shape="shared"),
    info("Systems", "GetBiosRegistries", '"RegistryEntries": '),
    info("Systems", "GetPowerRestorePolicy", '"LastState"'),
    info("Chassis", "GetFanInventory", '"Name": "Fan'),
    info("Chassis", "GetPsuInventory", '"Status": '),
    info("Chassis", "GetChassisPower", '"PowerConsumedWatts": '),
    info("Chassis", "GetChassisThermals", '"ReadingCelsius": '),
    info("Chassis", "GetChassisInventory", '"ChassisType": "RackMount"'),
    info("Chassis", "GetHealthReport", '"Health": "OK"'),
    info("Accounts", "ListUsers", '"UserName": "admin"'),
    info("Accounts", "GetAccountServiceConfig", '"ServiceEnabled": true'),
    info("Sessions", "GetSessions", '"ret": true'),
    info("Update", "GetFirmwareInventory", '"Version": '),
    info("Update", "GetFirmwareUpdateCapabilities", '"#UpdateService.SimpleUpdate": \["HTTP", "HTTPS"\]'),
    info("Manager", "GetManagerNicInventory", '"MACAddress": '),
    info("Manager", "GetVirtualMedia", '"MediaTypes": .*"CD"'),
    info("Manager", "GetNetworkProtocols", '"HTTPS": .*"ProtocolEnabled": true'),
    info("Manager", "GetHealthReport", '"Health": "OK"'),
    info("Manager", "GetManagerInventory", '"FirmwareVersion": '),

    command("Systems", "PowerOn", {}, {_POWER: "On"}, before=_off, changed=True),
    command("Systems", "PowerOn", {}, {_POWER: "On"}, changed=False),
    command("Systems", "PowerForceRestart", {}, {_POWER: "On"}),
    command("Systems", "PowerGracefulRestart", {}, {_POWER: "On"}),
    command("Systems", "PowerReboot", {}, {_POWER: "On"}),
    command("Systems", "PowerGracefulShutdown", {}, {_POWER: "Off"}, before=_on),
    command("Systems", "PowerForceOff", {}, {_POWER: "Off"}, before=_on),
    command("Systems", "PowerCycle", {}, {_POWER: "On"}, before=_on, shape="shared"),
    # The machine is off, so no step of a boot changes the ETag between the two requests of this command.
    command("Systems", "SetOneTimeBoot", {"bootdevice": "Pxe", "boot_override_mode": "UEFI"},
            {"{S}#Boot.BootSourceOverrideTarget": "Pxe", "{S}#Boot.BootSourceOverrideEnabled": "Once"}, before=_off, changed=True),
    command("Systems", "SetOneTimeBoot", {"bootdevice": "Pxe", "boot_override_mode": "UEFI"}, changed=False),
    command("Systems", "EnableContinuousBootOverride", {"bootdevice": "Hdd"}, {"{S}#Boot.BootSourceOverrideEnabled": "Continuous"}),
    command("Systems", "DisableBootOverride", {}, {"{S}#Boot.BootSourceOverrideEnabled": "Disabled"}),
    command("Systems", "SetOneTimeBoot", {"bootdevice": "NoSuchDevice"}, fails=True, shows="NoSuchDevice"),
    command("Systems", "IndicatorLedOn", {}, {_LED: True}, shape="shared"),
    command("Systems", "IndicatorLedBlink", {}, {_LED: True}, shape="shared"),
    command("Systems", "IndicatorLedOff", {}, {_LED: False}, shape="shared"),
    command("Systems", "VirtualMediaInsert", _MEDIA, {"{S}/VirtualMedia/{cd}#Image": "{image}"}, shape="shared"),
    command("Systems", "VirtualMediaEject", _MEDIA, {"{S}/VirtualMedia/{cd}#Image": None}, shape="shared"),
    command("Systems", "VerifyBiosAttributes", {"bios_attributes": {"{attribute}": "Enabled"}}),
    command("Systems", "VerifyBiosAttributes", {"bios_attributes": {"{attribute}": "Disabled"}}, fails=True),
    command("Chassis", "IndicatorLedOn", {}, {"{C}#LocationIndicatorActive": True}, shape="shared"),
    command("Chassis", "IndicatorLedBlink", {}, {"{C}#LocationIndicatorActive": True}, shape="shared"),
    command("Chassis", "IndicatorLedOff", {}, {"{C}#LocationIndicatorActive": False}, shape="shared"),

    command("Accounts", "AddUser", {"new_username": "robin", "new_password": "Secret-123456", "roleid": "Operator"},
            {"/redfish/v1/AccountService/Accounts#Members.1": lambda found: found is not None}),
    command("Accounts", "DisableUser", {"account_username": "robin"}, changed=True),
    command("Accounts", "EnableUser", {"account_username": "robin"}, changed=True),
    command("Accounts", "UpdateUserRole", {"account_username": "robin", "roleid": "ReadOnly"}),
    command("Accounts", "UpdateUserPassword", {"account_username": "robin", "new_password": "Other-123456"}),
    command("Accounts", "UpdateUserAccountTypes", {"account_username": "robin", "account_types": ["Redfish"]}),
    command("Accounts", "UpdateUserName", {"account_username": "robin", "account_updatename": "alex"}),
    command("Accounts", "DeleteUser", {"account_username": "alex"}, changed=True),
    command("Accounts", "UpdateAccountServiceProperties", {"account_properties": {"AccountLockoutThreshold": 5}},
            {"/redfish/v1/AccountService#AccountLockoutThreshold": 5}),

    command("Sessions", "CreateSession", shows='"token": "'),
    command("Sessions", "ClearSessions", {}, {"/redfish/v1/SessionService/Sessions#Members": []}),

    command("Manager", "VirtualMediaInsert", _MEDIA, {"{M}/VirtualMedia/{cd}#Image": "{image}"}),
    command("Manager", "VirtualMediaEject", _MEDIA, {"{M}/VirtualMedia/{cd}#Image": None}),
    *(command("Manager", name, then=lambda bmc: bmc.restarted())
      for name in ("GracefulRestart", "PowerGracefulRestart", "PowerForceRestart", "PowerReboot")),
    command("Manager", "ResetToDefaults", {"reset_to_defaults_mode": "ResetAll"},
            then=lambda bmc: bmc.perhaps_restarted()),

    command("Update", "SimpleUpdate", {"update_image_uri": "{firmware}", "update_targets": ["{software}"]},
            shows='"handle": "/redfish/'),

    config("Systems", "SetBiosAttributes", {"bios_attributes": {"{attribute}": "Disabled"}}, {_BIOS: "Disabled"}, changed=True),
    config("Systems", "SetBiosAttributes", {"bios_attributes": {"NoSuchSetting": "1"}}, shows="NoSuchSetting", changed=False),
    config("Systems", "SetBiosDefaultSettings", {}, {_BIOS: lambda found: found in ("Enabled", None)}),
    config("Systems", "SetSecureBoot", {"secure_boot_enable": True}, {"{S}/SecureBoot#SecureBootEnable": True}, before=_off),
    config("Systems", "SetSecureBoot", {"secure_boot_enable": False}, {"{S}/SecureBoot#SecureBootEnable": False}),
    config("Systems", "EnableSecureBoot", {}, {"{S}/SecureBoot#SecureBootEnable": True}),
    ilo_config("SetTimeZone", "TimeZone", "Kabul", {"{M}/DateTime#TimeZone.Index": 22, "{M}/DateTime#TimeZone.UtcOffset": "+04:30"}),
    ilo_config("SetNTPServers", "StaticNTPServers", "192.0.2.7 192.0.2.8",
               {"{M}/DateTime#StaticNTPServers": ["192.0.2.7", "192.0.2.8"], _PORT + "#DHCPv4.UseNTPServers": False}),
    ilo_config("SetDNSserver", "DNSServers", "192.0.2.9", {_PORT + "#Oem.Hpe.IPv4.DNSServers": ["192.0.2.9", "0.0.0.0", "0.0.0.0"]}),
    ilo_config("SetDomainName", "DomainName", "lab.example", {_PORT + "#Oem.Hpe.DomainName": "lab.example"}),
    ilo_config("SetWINSReg", "WINSRegistration", None, {_PORT + "#Oem.Hpe.IPv4.WINSRegistration": False}),
    Call("ilo_redfish_command", "Systems", "WaitforiLORebootCompletion", "Server is powered OFF", before=_off, fails=True, shape="own"),
    Call("ilo_redfish_command", "Systems", "WaitforiLORebootCompletion", "Server is not rebooting", before=_booted, shape="own"),
    Call("ilo_redfish_info", "Sessions", "GetiLOSessions", '"GetiLOSessions": .*"ret": true', shape="own"),

    config("Sessions", "SetSessionService", {"sessions_config": {"SessionTimeout": 600}},
           {"/redfish/v1/SessionService#SessionTimeout": 600}, changed=True),
]


def known():
    return {
        f"{name} {category} {command}"
        for name in MODULES
        for category, commands in _module(name).CATEGORY_COMMANDS_ALL.items()
        for command in commands
    }


def _module(name):
    return importlib.import_module(f"ansible_collections.community.general.plugins.modules.{name}")


def _fill(value, words):
    if isinstance(value, str):
        return filled(value, words)
    if isinstance(value, dict):
        return {filled(name, words): _fill(inner, words) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, words) for inner in value]
    return value


def _login(bmc):
    return {"baseuri": bmc.host, "username": bmc.user, "password": bmc.password, "validate_certs": True, "ca_path": bmc.ca}


def _run(bmc, name, category, commands, options):
    """What the module says."""
    arguments = {**_login(bmc), "category": category, "command": commands, **options}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    _, output = outcome(_module(name).main, [name])
    return json.loads(output.splitlines()[-1])


def _check(bmc, call, words):
    if call.before:
        call.before(bmc)
    category = [call.category] if call.module.endswith("redfish_info") else call.category
    result = _run(bmc, call.module, category, [call.command], _fill(call.options, words))
    result.pop("invocation", None)
    text = json.dumps(result)
    assert bool(result.get("failed")) == call.fails, text[-600:]
    for facts in result.get("redfish_facts", {}).values():
        assert facts.get("ret", True) is True, text[-600:]
    assert re.search(filled(call.shows, {name: re.escape(word) for name, word in words.items()}), text), text[-600:]
    assert call.changed in (None, result.get("changed")), text[-600:]
    for place, wanted in call.after.items():
        bmc.wait(filled(place, words), _fill(wanted, words))
    if call.then:
        call.then(bmc)


# Commands with values that the service chooses.

def _boot_order(bmc):
    order = bmc.get(f"/redfish/v1/Systems/{bmc.system}")["Boot"]["BootOrder"]
    result = _run(bmc, "redfish_config", "Systems", ["SetBootOrder"], {"boot_order": order[::-1]})
    assert result.get("changed") is True, result
    bmc.wait(f"/redfish/v1/Systems/{bmc.system}#Boot.BootOrder", order[::-1])


def _delete_session(bmc):
    made = _run(bmc, "redfish_command", "Sessions", ["CreateSession"], {})["session"]
    assert bmc.ask("GET", made["uri"])[0] == 200
    result = _run(bmc, "redfish_command", "Sessions", ["DeleteSession"], {"session_uri": made["uri"]})
    assert not result.get("failed") and bmc.ask("GET", made["uri"])[0] == 404, result


def _volumes(bmc):
    storage = f"/redfish/v1/Systems/{bmc.system}/Storage/{bmc.of_model()[1]}"
    before = [member["@odata.id"] for member in bmc.get(f"{storage}/Volumes")["Members"]]
    drives = [drive["@odata.id"] for drive in bmc.get(storage)["Drives"][:2]]
    details = {"RAIDType": "RAID1", "Drives": drives, "Name": "from-ansible"}
    result = _run(bmc, "redfish_config", "Systems", ["CreateVolume"],
                  {"volume_details": details, "storage_subsystem_id": storage.rsplit("/", 1)[1]})
    assert not result.get("failed"), result
    # The volume takes the place of two drives that were passed through, perhaps some time after the answer.
    bmc.wait(f"{storage}/Volumes#Members", lambda found: len(found) == len(before) - 1)
    new = [member["@odata.id"] for member in bmc.get(f"{storage}/Volumes")["Members"] if member["@odata.id"] not in before]
    assert len(new) == 1 and bmc.value(f"{new[0]}#RAIDType") == "RAID1", new
    result = _run(bmc, "redfish_config", "Systems", ["DeleteVolumes"],
                  {"storage_subsystem_id": storage.rsplit("/", 1)[1], "volume_ids": [new[0].rsplit("/", 1)[1]]})
    assert not result.get("failed"), result
    bmc.wait(f"{storage}/Volumes#Members", lambda found: len(found) == len(before))


def _logs(bmc):
    """The entries of all logs of the BMC are those that the service has. Then they are cleared."""
    logs = [member["@odata.id"] for member in bmc.get(f"/redfish/v1/Managers/{bmc.manager}/LogServices")["Members"]]
    keys = ("Severity", "Created", "EntryType", "OemRecordFormat", "Message", "MessageId", "MessageArgs")
    result = _run(bmc, "redfish_info", ["Manager"], ["GetLogs"], {})["redfish_facts"]["log"]
    assert result["ret"] is True, result
    wanted = [[{key: entry[key] for key in keys if key in entry} for entry in bmc.entries(log)] for log in logs]
    assert [log["Entries"] for log in result["entries"]] == wanted and wanted[0], (result, wanted)
    result = _run(bmc, "redfish_command", "Manager", ["ClearLogs"], {})
    assert not result.get("failed"), result
    # A log for clients remembers that the logs were cleared.
    left = [entry["MessageId"].rpartition(".")[2] for log in logs for entry in bmc.entries(log)]
    assert left == (["LogCleared"] if bmc.shared else []), left


def _update_status(bmc):
    target = {"update_image_uri": bmc.firmware, "update_targets": [bmc.software]}
    handle = _run(bmc, "redfish_command", "Update", ["SimpleUpdate"], target)["return_values"]["update_status"]["handle"]
    result = _run(bmc, "redfish_info", ["Update"], ["GetUpdateStatus"], {"update_handle": handle})
    assert result["redfish_facts"]["update_status"]["ret"] is True, result
    result = _run(bmc, "redfish_command", "Update", ["PerformRequestedOperations"], {"update_handle": handle})
    assert not result.get("failed"), result


OTHERS = [
    ("redfish_config Systems SetBootOrder", _boot_order),
    ("redfish_command Sessions DeleteSession", _delete_session),
    ("redfish_config Systems CreateVolume|redfish_config Systems DeleteVolumes", _volumes),
    ("redfish_info Manager GetLogs|redfish_command Manager ClearLogs", _logs),
    ("redfish_info Update GetUpdateStatus|redfish_command Update PerformRequestedOperations", _update_status),
]


def _by_ansible(bmc, name, options):
    """Runs a module by the command `ansible`."""
    program = os.path.join(sysconfig.get_path("scripts"), "ansible")
    run = subprocess.run(
        [program, "localhost", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}",
         "-m", f"community.general.{name}", "-a", json.dumps({**_login(bmc), **options})],
        capture_output=True, text=True, timeout=120)
    assert run.returncode == 0 and "localhost | " in run.stdout and "FAILED" not in run.stdout, run.stdout + run.stderr
    return run.stdout


def run(checks, bmc):
    words = bmc.words()
    for call in CALLS:
        name = f"{call.module} {call.category} {call.command}"
        if call.shape and call.shape != ("shared" if bmc.shared else "own"):
            continue
        checks.check(bmc.shape, name, lambda: _check(bmc, call, words), needs=call.needs, fault=call.fault)
    for names, check in OTHERS:
        checks.check(bmc.shape, names, lambda: check(bmc), names.split("|"))
    if not bmc.shared:
        for name, options in (
                ("redfish_info", {"category": "Systems", "command": "GetSystemInventory"}),
                ("redfish_command", {"category": "Systems", "command": "SetOneTimeBoot", "bootdevice": "Pxe"}),
                ("redfish_config", {"category": "Systems", "command": "SetSecureBoot", "secure_boot_enable": False})):
            checks.check(bmc.shape, f"ansible -m {name}", lambda: _by_ansible(bmc, name, options), [])
        checks.check(bmc.shape, "the changes of ansible", lambda: [
            bmc.wait(filled(place, words), wanted) for place, wanted in (
                ("{S}/SecureBoot#SecureBootEnable", False), ("{S}#Boot.BootSourceOverrideTarget", "Pxe"))], [])
