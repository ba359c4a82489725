"""Ironic and its file server: configured for one run, started, and ended again."""

import os
import pathlib
import random
import shutil
import socket
import time

import child
import images
import installation
from api import Ironic
from fileserver import FileServer
from trouble import Trouble

HERE = pathlib.Path(__file__).parent
START_LIMIT_S = 120
# A conductor finishes its tasks first. After this time it is killed.
STOP_GRACE_S = 15


class Stack:
    """`with Stack(...) as stack:` runs Ironic, and ends all of its processes."""

    def __init__(self, venv, run, logs, remember):
        self.venv, self.run, self.logs = venv, run, logs
        self.ironic_log = logs / "ironic.log"
        self.http_root = run / "http"
        self.env = self._environment(remember)
        self.files = self.ironic = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.ironic:
            self.ironic.stop(STOP_GRACE_S)
        if self.files:
            self.files.stop()

    def check(self):
        """Raises if Ironic has ended."""
        self.ironic.check()

    def give_up(self, seconds):
        """Ends an Ironic that no longer answers, so that its log shows where it hangs."""
        self.ironic.abort()
        raise Trouble(f"Ironic did not answer for {seconds} s; its log ends with what it was doing", self.ironic_log)

    def _environment(self, remember):
        """The environment of Ironic: the tools on PATH, no proxy, and the cached hash unless disabled."""
        env = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy") and not name.startswith(("PYTHON", "OS_"))}
        # With this setting Python writes the stack of each thread to the log on SIGABRT.
        env["PYTHONFAULTHANDLER"] = "1"
        env["PATH"] = f"{self.venv / 'bin'}:{installation.search_path()}"
        if remember:
            env["PYTHONPATH"] = str(self.run / "remember")
        return env

    def _start(self):
        shutil.rmtree(self.run, ignore_errors=True)
        # A copy, because Python writes a compiled file beside an imported one.
        shutil.copytree(HERE / "remember", self.run / "remember")
        for folder in ("state", "tmp", "locks", "certificates", "master-iso", "tftp/master"):
            (self.run / folder).mkdir(parents=True)
        images.make(self.run / "images", self.http_root, self.logs / "images.log", self.env)
        self.files = FileServer(self.http_root, self.logs / "files.log")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = self._configure(port)
        child.run("ironic-dbsync", [self.venv / "bin/ironic-dbsync", "--config-file", config, "create_schema"],
                  self.logs / "dbsync.log", START_LIMIT_S, self.env)
        self.ironic = child.Child("Ironic", [self.venv / "bin/ironic", "--config-file", config],
                                  self.ironic_log, self.env)
        self._wait()

    def _configure(self, port):
        config = self.run / "ironic.conf"
        config.write_text((HERE / "ironic.conf").read_text().format(
            run=self.run, images=self.run / "images", http_root=self.http_root, http_url=self.files.url,
            api_port=port, api_url=self.url, isolinux=installation.ISOLINUX))
        return config

    def _wait(self):
        """Ironic is up when its API knows a conductor that serves Redfish nodes."""
        api = Ironic(self.url)
        end = time.monotonic() + START_LIMIT_S
        while True:
            self.ironic.check()
            try:
                if api.call("GET", "/v1/drivers/redfish")[0] == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise Trouble(f"Ironic did not answer within {START_LIMIT_S} s", self.ironic_log)
            time.sleep(0.5)


def _free_port():
    """A free loopback port.

    It is below the range that the kernel hands to outgoing connections, so none of ours can take it in
    the seconds before Ironic does.
    """
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Trouble("found no free port on 127.0.0.1 between 20000 and 32000")
