"""Runs fauxmetal as a user does: starts it, exports its nodes, reads documents of their BMCs, and ends it."""

import base64
import json
import os
import pathlib
import ssl
import subprocess
import time
import urllib.request

import child
from errors import RunError

READY_LIMIT_S = 60
COMMAND_LIMIT_S = 90
REDFISH_LIMIT_S = 30
STOP_GRACE_S = 15
# A fixed seed gives the same fleet in every run, so that a failure can be reproduced.
SEED = 1
BOOT_TIME = "1s..3s"
# Listen addresses of BMCs and agents for each value of --addresses. Port 0: the system chooses a free port.
LISTEN = {
    "shared": ("https://127.0.0.1:0", "https://127.0.0.1:0"),
    "ip": ("https://127.16.0.0/12:0", "https://127.32.0.0/12:0"),
}
# Like Ironic, this reports the target of a transition (GET_POWER_STATE_MAP in
# ironic/drivers/modules/redfish/power.py).
POWER_STATES = {"On": "power on", "PoweringOn": "power on", "Off": "power off", "PoweringOff": "power off"}


def find_binary(checkout, given):
    """The path of the binary to test: `given`, else the cargo build of this checkout (release before debug)."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", checkout / "target"))
    places = [given] if given else [target / "release/fauxmetal", target / "debug/fauxmetal"]
    for place in places:
        if os.access(place, os.X_OK) and place.is_file():
            return place.resolve()
    raise RunError(f"no executable file at {' or '.join(map(str, places))}; build it with: cargo build --release")


class Fleet:
    """`with Fleet(...) as fleet:` runs `fauxmetal serve` for one Ironic."""

    def __init__(self, binary, nodes, profiles, speed, addresses, stack):
        self.binary, self.count, self.speed, self.stack = binary, nodes, speed, stack
        self.log = stack.logs / "fauxmetal.log"
        self.listen, self.agent_listen = LISTEN[addresses]
        self.fleet_args = ["--nodes", nodes, "--seed", SEED, "--addresses", addresses]
        for profile in profiles:
            self.fleet_args += ["--profile", profile]
        self.exit_code = None

    def __enter__(self):
        argv = [self.binary, "serve", *self.fleet_args, "--certs", self.stack.run / "certs",
                "--boot-time", BOOT_TIME, "--listen", self.listen,
                "--agent-listen", self.agent_listen, "--admin-listen", "http://127.0.0.1:0", "--ironic", self.stack.url,
                "--network-boot", self.stack.files.url]
        if self.speed is not None:
            argv += ["--speed", self.speed]
        # FAUXMETAL_* variables of the user's environment must not change this fleet.
        env = {name: value for name, value in os.environ.items() if not name.startswith("FAUXMETAL_")}
        output = self.stack.run / "fauxmetal.out"
        with open(output, "wb") as sink:
            self.process = child.Child("fauxmetal", argv, self.log, env, sink)
        try:
            ready = self._wait_until_ready(output)
            self.redfish, self.ca, self.admin = ready["bmc"], ready["ca"], ready["admin"]
            self.tls = ssl.create_default_context(cafile=self.ca)
            if ready["nodes"] != self.count:
                raise RunError(f"requested {self.count} nodes, the READY line says {ready['nodes']}", self.log)
        except BaseException as error:
            self.process.stop(STOP_GRACE_S)
            if isinstance(error, (ValueError, LookupError, OSError)):
                raise RunError(f"cannot use the READY line of fauxmetal: {error!r}", self.log) from error
            raise
        return self

    def __exit__(self, *_):
        self.exit_code = self.process.stop(STOP_GRACE_S)

    def check(self):
        """Raises RunError if fauxmetal has ended."""
        self.process.check()

    def _wait_until_ready(self, output):
        """Waits for the READY line and returns its JSON: listen addresses, CA file and number of nodes."""
        end = time.monotonic() + READY_LIMIT_S
        while True:
            for line in output.read_text().splitlines(keepends=True):
                if line.startswith("READY ") and line.endswith("\n"):
                    return json.loads(line.removeprefix("READY "))
            self.process.check()
            if time.monotonic() > end:
                raise RunError(f"fauxmetal was not ready within {READY_LIMIT_S} s", self.log)
            time.sleep(0.1)

    def export(self):
        """The nodes as clients import them: the output of `fauxmetal export`, which needs no running server."""
        try:
            nodes = json.loads(self._command("export", "--format", "nodes-json", *self.fleet_args, "--bmc", self.redfish))
        except (OSError, ValueError) as error:
            raise RunError(f"fauxmetal export failed: {error}") from error
        if len(nodes) != self.count:
            raise RunError(f"requested {self.count} nodes, export printed {len(nodes)}")
        return nodes

    def node(self, node, verb, *arguments):
        """`fauxmetal node VERB`: a change of the machine that no client of its BMC can make."""
        self._command("node", verb, "--server", self.admin, *arguments, node["name"])

    def test_faults(self, rules):
        """The nodes and occasions that the rules of a file would hit: the output of `fauxmetal fault test`."""
        return json.loads(self._command("fault", "test", rules, "--server", self.admin, "-o", "json"))

    def add_faults(self, rules):
        self._command("fault", "add", rules, "--server", self.admin)

    def unreached_faults(self):
        """The names of the rules that have never fired."""
        faults = json.loads(self._command("fault", "list", "--server", self.admin, "-o", "json"))
        return [fault["rule"]["name"] for fault in faults if not fault["fired"]]

    def wait(self, node, state):
        """Waits until the machine has the state, as `fauxmetal node wait` names it."""
        self.node(node, "wait", "--for", f"state={state}", "--timeout", "60s")

    def _command(self, *arguments):
        """Runs a subcommand of fauxmetal. Returns its output. A failure raises OSError."""
        argv = [str(arg) for arg in (self.binary, *arguments)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=COMMAND_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise OSError(str(error)) from error
        if done.returncode != 0:
            raise OSError(f"{' '.join(argv[1:])}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def power(self, node):
        """The power state that the BMC of the node reports, as an Ironic power state."""
        return POWER_STATES[self.ask(node, node["redfish_system_id"])["PowerState"]]

    def raid_volumes(self, node):
        """The Redfish documents of all RAID volumes, with their drives. A drive that is passed through is no volume."""
        storages = self.ask(node, node["redfish_system_id"] + "/Storage?$expand=.")["Members"]
        collections = [self.ask(node, storage["Volumes"]["@odata.id"] + "?$expand=.") for storage in storages]
        volumes = [volume for collection in collections for volume in collection["Members"] if volume["RAIDType"]]
        for volume in volumes:
            links = volume["Links"]
            links["Drives"] = [self.ask(node, drive["@odata.id"]) for drive in links["Drives"]]
        return volumes

    def ask(self, node, path, method="GET", body=None, login=None):
        """A request to the BMC of the node. `login`: name and password; otherwise those of the administrator."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(node["redfish_address"] + path, data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        name, password = login or (node["redfish_username"], node["redfish_password"])
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls))
        with opener.open(request, timeout=REDFISH_LIMIT_S) as response:
            return json.load(response) if response.status != 204 else None
