"""The commands of HPE's ilorest, at a BMC of the HPE model that has an address of its own."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

from checks import Fault
from commands import Call, expect, filled

PYTHON = pathlib.Path(os.environ["ILOREST"])
COMMAND_MAX_S = 60
# The folder in which the client runs, and keeps its session.
HOME = None


_ATTRIBUTE = "{S}/Bios/Settings#Attributes.{attribute}"


def _settles_in(bmc):
    """Simulated time passes fast, and a session must outlive the pauses of the client."""
    status, answer = bmc.ask("PATCH", "/redfish/v1/SessionService", {"SessionTimeout": 86400})
    assert status == 200, answer
    status, answer = bmc.ask("PATCH", f"/redfish/v1/Systems/{bmc.system}", {"AssetTag": "rack 7"})
    assert status == 200 and answer["error"]["@Message.ExtendedInfo"][0]["MessageId"].endswith(".Success"), answer


def _sets(value):
    """Sets the BIOS attribute by a request of our own."""

    def before(bmc):
        path = filled("{S}/Bios/Settings", bmc.words())
        assert bmc.ask("PATCH", path, {"Attributes": {bmc.words()["attribute"]: value}})[0] == 200

    return before


def _lists_its_types(bmc, output):
    """Whether the client knows the types of all resources from the model's list of them."""
    listed = bmc.get("/redfish/v1/ResourceDirectory")["Instances"]
    wanted = {one["@odata.type"].lstrip("#").rsplit(".", 1)[0] for one in listed}
    missing = sorted(wanted - set(output.split()))
    assert len(wanted) > 40 and not missing, (missing, output[-600:])


def _has_log(log, file):
    """Whether a file has the entries of a log."""

    def check(bmc, _):
        entries = [(entry["Id"], entry["Message"]) for entry in json.loads((HOME / file).read_text())]
        wanted = [(entry["Id"], entry["Message"]) for entry in bmc.entries(filled(log, bmc.words()))]
        assert wanted and sorted(entries) == sorted(wanted), (entries, wanted)

    return check


def _writes(file, content):
    return lambda bmc: (HOME / file).write_text(filled(json.dumps(content), bmc.words()))


_SESSIONS = "/redfish/v1/SessionService/Sessions#Members"
_PORT = Fault(
    next(PYTHON.parent.parent.glob("lib/python*/site-packages/redfish/rest/v1.py")), 375,
    'netloc="{}:{}".format(session_location_p.hostname, new_port)',
    "a path in Location becomes the URL of a host 'none' where the port is not 443, and DELETE goes to a path that does not exist",
    "Sessions")
_LOGIN = Call(["login", "{url}", "-u", "{user}", "-p", "{password}", "--https", "{ca}"], "Done")
CALLS = [
    _LOGIN._replace(before=_settles_in),
    Call(["types"], _lists_its_types),
    Call(["select", "ComputerSystem."]),
    Call(["get", "PowerState"], "PowerState=Off"),
    Call(["get", "AssetTag"], "AssetTag=rack 7"),
    Call(["list"], "SerialNumber="),
    Call(["info"], "AssetTag"),
    Call(["select", "Bios."]),
    Call(["set", "{attribute}=Disabled", "--commit"], '"Attributes/{attribute}": "Disabled"', after={_ATTRIBUTE: "Disabled"}),
    Call(["set", "{attribute}=NoSuchValue"], "not a valid setting for '{attribute}'", code=28),
    Call(["save", "--select=Bios.", "-f", "saved.json"], "Configuration saved to: saved.json"),
    Call(["load", "-f", "saved.json"], "Committing changes", after={_ATTRIBUTE: "Disabled"}, before=_sets("Enabled")),
    Call(["pending"], "Current Pending Changes"),
    Call(["bootorder"], r"HD\.Emb\.1\.1"),
    Call(["rawget", "{M}/DateTime/"], '"Name":"Kabul"'),
    Call(["rawhead", "{S}/"], "GET, HEAD, PATCH"),
    Call(["rawpatch", "patch.json"], after={"{S}#AssetTag": "from-ilorest"},
         before=_writes("patch.json", {"path": "{S}/", "body": {"AssetTag": "from-ilorest"}})),
    Call(["rawpatch", "order.json"], after={"{S}#Boot.BootOrder": ["Boot0002", "Boot0000", "Boot0001"]},
         before=_writes("order.json", {"path": "/redfish/v1/systems/{system}/bios/oem/hpe/boot/settings/", "body": {
             "PersistentBootConfigOrder": ["NIC.Slot.1.1.IPv4", "HD.Emb.1.1", "Generic.USB.1.1"]}})),
    Call(["virtualmedia"], "CD"),
    Call(["virtualmedia", "{cd}", "{image}"], after={"{M}/VirtualMedia/{cd}#Image": "{image}"}),
    # The client looks at what it has read when it logged in.
    _LOGIN,
    Call(["virtualmedia", "{cd}", "--remove"], after={"{M}/VirtualMedia/{cd}#Image": None}),
    Call(["serverlogs", "--selectlog=IML", "-f", "iml.json"], _has_log("{S}/LogServices/IML", "iml.json")),
    Call(["serverlogs", "--selectlog=IEL", "-f", "iel.json"], _has_log("{M}/LogServices/IEL", "iel.json")),
    Call(["serverlogs", "--selectlog=IML", "--clearlog"], after={"{S}/LogServices/IML/Entries#Members": []}),
    Call(["rawpost", "post.json"], after={"{S}#PowerState": "On"}, before=_writes("post.json", {
        "path": "{S}/Actions/ComputerSystem.Reset/", "body": {"Action": "ComputerSystem.Reset", "ResetType": "On"}})),
    Call(["reboot", "ForceOff"], after={"{S}#PowerState": "Off"}),
    _LOGIN,
    Call(["reboot", "On"], after={"{S}#PowerState": "On"}),
    _LOGIN,
    Call(["logout"], "Logging session out", after={_SESSIONS: lambda found: len(found) < LOGINS}, fault=_PORT),
]


LOGINS = CALLS.count(_LOGIN) + 1


def known():
    """The names of the commands in the sources."""
    folder = next(PYTHON.parent.parent.glob("lib/python*/site-packages/ilorest/extensions"))
    names = set()
    for file in folder.glob("*/*Command.py"):
        names.update(re.findall(r'^            "name": "([a-z]+)"', file.read_text(), re.M))
    return names


def run(checks, bmc):
    if bmc.shared:
        return
    words = bmc.words()
    global HOME
    with tempfile.TemporaryDirectory() as home:
        HOME = pathlib.Path(home)
        for call in CALLS:

            def one():
                if call.before:
                    call.before(bmc)
                arguments = [filled(argument, words) for argument in call.arguments]
                done = subprocess.run(
                    [PYTHON.parent / "ilorest", "--nologo", *arguments], cwd=home, env={**os.environ, "HOME": home},
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=COMMAND_MAX_S)
                expect(bmc, call, words, done.returncode, done.stdout)

            checks.check(bmc.shape, " ".join(call.arguments), one, call.arguments[:1], call.needs, call.fault)
