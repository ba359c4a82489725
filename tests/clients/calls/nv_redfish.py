"""The public methods of the Rust crate nv-redfish, which the program in the folder nv_redfish calls. Certificates are verified."""

import json
import os
import pathlib
import re
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "nv_redfish"
PROGRAM = os.environ["NV_REDFISH"]
TIME_MAX_S = 180


def known():
    """All public methods, from the sources of the crate, but those for one maker."""
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--manifest-path", FOLDER / "Cargo.toml"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["packages"]
    manifest = next(package["manifest_path"] for package in packages if package["name"] == "nv-redfish")
    sources = pathlib.Path(manifest).parent / "src"
    names = set()
    for file in sources.rglob("*.rs"):
        if "oem" in file.parts:
            continue
        owner = None
        for line in file.read_text().splitlines():
            if line.startswith("impl"):
                kind = re.sub(r"^impl(<([^<>]|<[^<>]*>)*>)? ", "", line)
                owner = re.match(r"\w+", kind.rpartition(" for ")[2])[0]
            method = re.match(r"    pub (?:async |const )*fn (\w+)", line)
            if method and owner and not method[1].startswith("oem_"):
                names.add(f"{owner}::{method[1]}")
    return names


def run(checks, bmc):
    words = bmc.words()
    # The crate cannot subscribe, but for its stream.
    wanted = {"Destination": f"{bmc.receiver}/nv", "Context": "for nv-redfish", "RegistryPrefixes": ["ResourceEvent"], "EventTypes": ["Other"]}
    assert bmc.ask("POST", "/redfish/v1/EventService/Subscriptions", wanted)[0] == 201
    arguments = [words[name] for name in ("url", "ca", "user", "password", "attribute", "firmware", "software")]
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=TIME_MAX_S)
    for line in done.stdout.splitlines():
        names, _, result = line.partition("\t")
        names = names.split()
        checks.check(bmc.shape, " ".join(names), lambda: _is_ok(result), names)
    checks.check(bmc.shape, "the events of the subscription", lambda: _events(bmc), [])
    checks.check(bmc.shape, "the program ends well", lambda: _is_ok("ok" if done.returncode == 0 else done.stderr), [])


def _events(bmc):
    _, document, _ = bmc.delivered("nv", "ResourceEvent.1.4.TestMessage")
    assert document["Context"] == "for nv-redfish", document
    # The other test events have another registry.
    assert len(bmc.all_delivered("nv")) == 1, bmc.all_delivered("nv")


def _is_ok(result):
    assert result == "ok", result
