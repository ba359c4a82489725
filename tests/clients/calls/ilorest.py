"""The commands of HPE's ilorest, at a BMC of the HPE model that has an address of its own."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from commands import Call, expect, filled

PYTHON = pathlib.Path(os.environ["ILOREST"])
COMMAND_MAX_S = 60
_SETTINGS = "{S}/Bios/oem/hpe/boot/settings"


def _lists_its_types(bmc, output):
    """Whether the client knows the types of all resources from the model's list of them."""
    listed = bmc.get("/redfish/v1/ResourceDirectory")["Instances"]
    wanted = {one["@odata.type"].lstrip("#").rsplit(".", 1)[0] for one in listed if "Collection" not in one["@odata.type"]}
    missing = sorted(name for name in wanted if name not in output)
    assert len(wanted) > 40 and not missing, (missing, output[-600:])


CALLS = []


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
    with tempfile.TemporaryDirectory() as home:
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
