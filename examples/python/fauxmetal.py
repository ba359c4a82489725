"""Starts fauxmetal for tests, and talks to it.

Copy this file and conftest.py beside your tests. It needs Python 3.9 or later and no package. The program is that of the
environment variable FAUXMETAL, or `fauxmetal` in PATH.
"""

import base64
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

START_MAX_S = 30
STOP_MAX_S = 30


class Problem(Exception):
    """An answer of the control API or of Redfish that is an error. `status` is its HTTP status, `body` its JSON document."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Fauxmetal:
    """A running fauxmetal on free ports of loopback, with certificates of its own. Use it in a `with` statement."""

    def __init__(self, *arguments):
        """`arguments` are those of `fauxmetal serve`, such as "--nodes", "3"."""
        self._folder = tempfile.TemporaryDirectory(prefix="fauxmetal-")
        folder = pathlib.Path(self._folder.name)
        # Arguments take precedence over these settings.
        settings = {
            "FAUXMETAL_LISTEN": "https://127.0.0.1:0",
            "FAUXMETAL_AGENT_LISTEN": "https://127.0.0.1:0",
            "FAUXMETAL_ADMIN_LISTEN": "http://127.0.0.1:0",
            "FAUXMETAL_CERTS": str(folder / "certs"),
        }
        command = [os.environ.get("FAUXMETAL", "fauxmetal"), "serve", *arguments]
        self._log = folder / "log.txt"
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            # The addresses: `redfish`, `agent`, `admin`, and `ca`, with which clients verify the BMCs.
            self.ready = self._wait_until_ready()
        except BaseException:
            self._process.kill()
            self._end()
            raise
        # Requests stay on this machine, so no proxy of the environment is used.
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ready["ca"]))
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}), tls)

    def _wait_until_ready(self):
        """Reads the line READY, which is followed by JSON."""
        too_late = threading.Timer(START_MAX_S, self._process.kill)
        too_late.start()
        try:
            for line in self._process.stdout:
                if line.startswith("READY "):
                    return json.loads(line[len("READY "):])
        finally:
            too_late.cancel()
        raise RuntimeError(f"fauxmetal has not started: {self._log.read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops the daemon, and checks that it ends as it should."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        log = self._end()
        assert code == 0, f"fauxmetal has ended with code {code}: {log}"

    def _end(self):
        self._process.wait()
        self._process.stdout.close()
        log = self._log.read_text()
        self._folder.cleanup()
        return log

    def _ask(self, method, url, body, headers):
        data = None
        if body is not None:
            data, headers = json.dumps(body).encode(), {**headers, "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with self._http.open(request, timeout=60) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Problem(error.code, json.loads(error.read() or b"null")) from None
        return json.loads(text) if text else None

    def control(self, method, path, body=None, headers=None):
        """Asks the control API, such as `control("GET", "/nodes?selector=power=on")`, and returns the answer."""
        return self._ask(method, f"{self.ready['admin']}/fauxmetal/v1{path}", body, headers or {})

    def change(self, verb, *names, **members):
        """Changes nodes, such as `change("power", "generic-0", action="on")`; without names, all nodes."""
        nodes = {"names": names} if names else {"all": True}
        return self.control("POST", f"/{verb}", {"nodes": nodes, **members})

    def node(self, name):
        """All that the control API knows about a node."""
        return self.control("GET", f"/nodes/{name}")

    def wait_for(self, name, timeout_s=30, **members):
        """Waits until a node has these values, such as `wait_for("generic-0", state="os-running")`."""
        give_up = time.monotonic() + timeout_s
        while any((node := self.node(name))[member] != value for member, value in members.items()):
            assert time.monotonic() < give_up, f"{name} has not become {members} in {timeout_s} s: {node}"
            time.sleep(0.1)
        return node

    def redfish(self, method, url, body=None):
        """Asks a BMC as its clients do. `url` is a whole URL, or a path of the first BMC."""
        if url.startswith("/"):
            url = self.ready["redfish"][0] + url
        password = base64.b64encode(f"{self.ready['user']}:password".encode()).decode()
        return self._ask(method, url, body, {"Authorization": f"Basic {password}"})
