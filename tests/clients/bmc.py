"""A running fauxmetal of one shape, with the BMC that the calls of a client are sent to."""

import base64
import contextlib
import http.server
import json
import pathlib
import re
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "examples/python"))

from fauxmetal import Fauxmetal

USER, PASSWORD = "admin", "password"
# The settings of `fauxmetal serve` for each shape, and the index of the node whose BMC the calls are sent to.
SHAPES = {
    "one node, shared root": (["--profile", "generic=1"], 0),
    "three nodes, own addresses": (
        ["--profile", "hpe-dl380-gen11=3", "--addresses", "ip", "--listen", "https://127.79.0.0/29:0"], 1),
}
# A restart of a machine ends within a second of real time. A BMC restarts two seconds after the command, so that clients can
# still end their sessions, and is away for a second.
SETTINGS = ["--agent-listen", "off", "--speed", "200", "--timing", "manager_grace=400s", "--timing", "manager_reset=200s"]
CHANGE_MAX_S = 20
# The longest time after which a restart of the BMC begins: twice `manager_grace`.
RESTART_MAX_S = 4
STEP_S = 0.05


class Bmc:
    """The BMC of one node. Use it in a `with` statement."""

    def __init__(self, shape):
        flags, index = SHAPES[shape]
        self.shape, self.index, self.shared = shape, index, index == 0
        self._fleet = Fauxmetal(*flags, *SETTINGS)
        try:
            # A private server, from which the daemon reads virtual media and firmware, and to which it sends events.
            self._files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _File)
            self._files.deliveries = []
        except BaseException:
            self._fleet.stop()
            raise
        threading.Thread(target=self._files.serve_forever, daemon=True).start()
        self.image = f"http://127.0.0.1:{self._files.server_port}/image.iso"
        self.receiver = f"http://127.0.0.1:{self._files.server_port}/events"
        ready = self._fleet.ready
        first = ready["redfish"][0]
        self.url = first.replace("127.79.0.1:", f"127.79.0.{index + 1}:")
        self.host = self.url.removeprefix("https://")
        self.ca = ready["ca"]
        self.user, self.password = USER, PASSWORD
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca))
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}), tls)
        # The name of the model's resources, such as 1 or a UUID.
        self.system, self.manager, self.chassis = (
            self.get(f"/redfish/v1/{name}")["Members"][0]["@odata.id"].rstrip("/").rsplit("/", 1)[1]
            for name in ("Systems", "Managers", "Chassis"))
        # A component that a start of the machine updates. Without a target, the service finds it by the name of the image.
        software = self.get(self.get("/redfish/v1/UpdateService/FirmwareInventory")["Members"][-1]["@odata.id"])
        self.software = software["@odata.id"]
        self.firmware = f"http://127.0.0.1:{self._files.server_port}/{re.sub('[^A-Za-z0-9]+', '-', software['Name'])}-9.9.bin"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._files.shutdown()
        self._files.server_close()
        self._fleet.stop()

    def words(self):
        """The facts that the arguments and the expected texts of a call can name in braces."""
        cd, storage, drive = self.of_model()
        return {
            "url": self.url, "host": self.host, "user": self.user, "password": self.password, "ca": self.ca,
            "system": self.system, "manager": self.manager, "chassis": self.chassis, "image": self.image,
            "firmware": self.firmware, "software": self.software, "receiver": self.receiver, "S": f"/redfish/v1/Systems/{self.system}",
            "M": f"/redfish/v1/Managers/{self.manager}", "C": f"/redfish/v1/Chassis/{self.chassis}",
            "V": f"{self.media_owner()}/VirtualMedia", "cd": cd, "storage": storage, "drive": drive,
            "attribute": "NumLock" if self.shared else "ProcTurbo",
            "processor": "CPU0" if self.shared else "1",
            # The log of the machine, and that of the BMC.
            "log": "SEL" if self.shared else "IML", "manager_log": "Log" if self.shared else "IEL",
        }

    def media_owner(self):
        """The resource that has the virtual media: the machine, or the BMC of a model whose machine has none."""
        return f"/redfish/v1/Systems/{self.system}" if self.shared else f"/redfish/v1/Managers/{self.manager}"

    def of_model(self):
        """The names of the slot for CDs, of the storage and of its first drive."""
        media = f"{self.media_owner()}/VirtualMedia"
        slots = [self.get(member["@odata.id"]) for member in self.get(media)["Members"]]
        cd = next(slot["Id"] for slot in slots if "CD" in slot["MediaTypes"])
        storage = self.get(self.get(f"/redfish/v1/Systems/{self.system}/Storage")["Members"][0]["@odata.id"])
        return cd, storage["Id"], storage["Drives"][0]["@odata.id"]

    def ask(self, method, path, body=None):
        """The status and the document of a request that no client sends."""
        headers = {"Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}
        data = None
        if body is not None:
            data, headers = json.dumps(body).encode(), {**headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self._http.open(request, timeout=30) as answer:
                text, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            with error:
                text, status = error.read(), error.code
        except OSError:
            # A BMC that restarts refuses connections.
            return 503, None
        return status, json.loads(text) if text else None

    def get(self, path):
        status, document = self.ask("GET", path)
        assert status == 200, f"GET {path}: {status} {document}"
        return document

    def value(self, place):
        """The value at a place such as /redfish/v1/Systems/1#Boot.BootOrder.0, or None if there is no such property."""
        path, _, names = place.partition("#")
        status, found = self.ask("GET", path)
        if status in (404, 503):
            return None
        for name in names.split("."):
            if isinstance(found, list):
                found = found[int(name)] if int(name) < len(found) else None
            else:
                found = (found or {}).get(name)
        return found

    def wait(self, place, wanted, max_s=CHANGE_MAX_S):
        """Waits until the value at a place is the wanted one. `wanted` may be a function that says so."""
        end = time.monotonic() + max_s
        while True:
            found = self.value(place)
            if wanted(found) if callable(wanted) else found == wanted:
                return
            assert time.monotonic() < end, f"{place} is {found!r} and not {wanted!r}"
            time.sleep(STEP_S)

    def power(self, state):
        """Switches the machine on or off, and waits until it is."""
        if self.get(f"/redfish/v1/Systems/{self.system}")["PowerState"] != state:
            reset = {"ResetType": "On" if state == "On" else "ForceOff"}
            self.ask("POST", f"/redfish/v1/Systems/{self.system}/Actions/ComputerSystem.Reset", reset)
        self.wait(f"/redfish/v1/Systems/{self.system}#PowerState", state)

    def restarted(self):
        """Waits until the BMC has gone for a restart, and is back."""
        self.wait(f"/redfish/v1/Managers/{self.manager}#Id", None)
        self.wait(f"/redfish/v1/Managers/{self.manager}#Id", self.manager)

    def perhaps_restarted(self):
        """Waits for a restart that the service may do without."""
        end = time.monotonic() + RESTART_MAX_S
        while time.monotonic() < end and self.value(f"/redfish/v1/Managers/{self.manager}#Id"):
            time.sleep(STEP_S)
        self.wait(f"/redfish/v1/Managers/{self.manager}#Id", self.manager)

    def entries(self, log):
        """The entries of a log service, the oldest first."""
        return self.get(f"{log}/Entries")["Members"]

    def subscriptions(self):
        """The subscriptions to events, each as its document."""
        members = self.get("/redfish/v1/EventService/Subscriptions")["Members"]
        return [self.get(member["@odata.id"]) for member in members]

    def delivered(self, name, message_id):
        """Waits for the first event with a message at the receiver's path `name`. Returns it with its document and headers."""
        end = time.monotonic() + CHANGE_MAX_S
        while True:
            for path, headers, document in list(self._files.deliveries):
                for event in document["Events"] if path == f"/events/{name}" else []:
                    if event["MessageId"] == message_id:
                        return event, document, headers
            assert time.monotonic() < end, f"no event {message_id} has come to {name}: {self._files.deliveries}"
            time.sleep(STEP_S)

    def all_delivered(self, name, count=0):
        """The events that have come to the receiver's path `name` so far. Waits for `count` of them."""
        end = time.monotonic() + CHANGE_MAX_S
        while len(found := self._delivered(name)) < count:
            assert time.monotonic() < end, f"not {count} events have come to {name}: {found}"
            time.sleep(STEP_S)
        return found

    def _delivered(self, name):
        deliveries = [document for path, _, document in list(self._files.deliveries) if path == f"/events/{name}"]
        return [event for document in deliveries for event in document["Events"]]

    @contextlib.contextmanager
    def starting_again(self):
        """Switches the machine off and on again and again, for a client that waits for work which a start completes."""
        ended = threading.Event()

        def starts():
            while not ended.wait(STEP_S):
                self.power("Off")
                self.power("On")

        thread = threading.Thread(target=starts, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def nodes(self):
        return self._fleet.control("GET", "/nodes")["items"]

    def untouched(self):
        """The names of the other nodes, each with the number of its changes."""
        return {node["name"]: node["generation"] for node in self.nodes() if node["index"] != self.index}


class _File(http.server.BaseHTTPRequestHandler):
    CONTENT = b"the content of a small file " * 100

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.CONTENT)))
        self.end_headers()

    def do_GET(self):
        # A reader that wants the first bytes only closes the connection.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.do_HEAD()
            self.wfile.write(self.CONTENT)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.deliveries.append((self.path, self.headers, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass
