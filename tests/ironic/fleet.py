"""fauxmetal as a user runs it: start, list of nodes, power states, end."""

import base64
import json
import os
import pathlib
import ssl
import subprocess
import time
import urllib.request

import child
from trouble import Trouble

READY_LIMIT_S = 60
EXPORT_LIMIT_S = 60
REDFISH_LIMIT_S = 30
STOP_GRACE_S = 15
# The same fleet in every run, so that a failure can be reproduced.
SEED = 1
BOOT_TIME = "1s..3s"
# Where controllers and agents listen, by how nodes share addresses; ports are chosen by the system.
LISTEN = {
    "shared": ("https://127.0.0.1:0", "https://127.0.0.1:0"),
    "ip": ("https://127.16.0.0/12:0", "https://127.32.0.0/12:0"),
}
POWER_STATES = {"On": "power on", "PoweringOn": "power on", "Off": "power off", "PoweringOff": "power off"}


def find_binary(checkout, given):
    """The binary to test: the given one, or the one that cargo built in this checkout."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", checkout / "target"))
    places = [given] if given else [target / "release/fauxmetal", target / "debug/fauxmetal"]
    for place in places:
        if os.access(place, os.X_OK) and place.is_file():
            return place.resolve()
    raise Trouble(f"no fauxmetal at {' or '.join(map(str, places))}; build it with: cargo build --release")


class Fleet:
    """`with Fleet(...) as fleet:` serves the nodes to one Ironic, on ports that the system chose."""

    def __init__(self, binary, nodes, profiles, speed, addresses, stack):
        self.binary, self.count, self.speed, self.stack = binary, nodes, speed, stack
        self.log = stack.logs / "fauxmetal.log"
        self.listen, self.agent_listen = LISTEN[addresses]
        self.which = ["--nodes", nodes, "--seed", SEED, "--addresses", addresses]
        for profile in profiles:
            self.which += ["--profile", profile]
        self.exit_code = None

    def __enter__(self):
        argv = [self.binary, "serve", *self.which, "--certs", self.stack.run / "certs",
                "--boot-time", BOOT_TIME, "--listen", self.listen,
                "--agent-listen", self.agent_listen, "--ironic", self.stack.url,
                "--network-boot", self.stack.files.url]
        if self.speed is not None:
            argv += ["--speed", self.speed]
        # Settings in the environment of the user must not apply to this fleet.
        env = {name: value for name, value in os.environ.items() if not name.startswith("FAUXMETAL_")}
        output = self.stack.run / "fauxmetal.out"
        with open(output, "wb") as sink:
            self.process = child.Child("fauxmetal", argv, self.log, env, sink)
        try:
            told = self._ready(output)
            self.redfish, self.ca = told["bmc"], told["ca"]
            self.tls = ssl.create_default_context(cafile=self.ca)
            if told["nodes"] != self.count:
                raise Trouble(f"asked for {self.count} nodes, the ready line says {told['nodes']}", self.log)
        except BaseException as error:
            self.process.stop(STOP_GRACE_S)
            if isinstance(error, (ValueError, LookupError, OSError)):
                raise Trouble(f"cannot use fauxmetal's ready line: {error!r}", self.log) from error
            raise
        return self

    def __exit__(self, *_):
        self.exit_code = self.process.stop(STOP_GRACE_S)

    def check(self):
        """Raises if fauxmetal has ended."""
        self.process.check()

    def _ready(self, output):
        """Waits for the READY line, which has the URLs of the fleet and the path of its CA."""
        end = time.monotonic() + READY_LIMIT_S
        while True:
            for line in output.read_text().splitlines(keepends=True):
                if line.startswith("READY ") and line.endswith("\n"):
                    return json.loads(line.removeprefix("READY "))
            self.process.check()
            if time.monotonic() > end:
                raise Trouble(f"fauxmetal was not ready within {READY_LIMIT_S} s", self.log)
            time.sleep(0.1)

    def export(self):
        """The nodes as `fauxmetal export` lists them."""
        argv = [self.binary, "export", "--format", "nodes-json", *self.which, "--bmc", self.redfish]
        try:
            done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=EXPORT_LIMIT_S)
            if done.returncode != 0:
                raise Trouble(f"fauxmetal export failed: {done.stderr.strip()}")
            nodes = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Trouble(f"fauxmetal export: {error}") from error
        if len(nodes) != self.count:
            raise Trouble(f"asked for {self.count} nodes, export printed {len(nodes)}")
        return nodes

    def power(self, node):
        """The power state that the BMC of a node shows, in Ironic's words. Ironic reads `PoweringOn` as on."""
        request = urllib.request.Request(node["redfish_address"] + node["redfish_system_id"])
        login = f"{node['redfish_username']}:{node['redfish_password']}"
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.tls))
        with opener.open(request, timeout=REDFISH_LIMIT_S) as answer:
            return POWER_STATES[json.load(answer)["PowerState"]]
