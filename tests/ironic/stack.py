"""Configures Ironic for one run. Starts it with its file server and a receiver of events, and ends them."""

import contextlib
import getpass
import os
import pathlib
import shutil
import subprocess
import time

import child
import images
import installation
import logins
from api import Ironic
from errors import RunError
from fileserver import FileServer
from ports import free_port
from receiver import Receiver
from sensors import Notifications

HERE = pathlib.Path(__file__).parent
START_LIMIT_S = 120
# On SIGTERM a conductor finishes its current work. After this time it is killed.
STOP_GRACE_S = 15


class Stack:
    """`with Stack(...) as stack:` runs Ironic, a file server and a receiver of events, and ends all of them afterwards."""

    def __init__(self, venv, run, logs, hash_cache=True, database="sqlite", callback_limit_s=None, port=None, login=None,
                 conductors=0):
        """`conductors`: the number of conductors beside the API. 0: one process is the API and the only conductor."""
        self.venv, self.run, self.logs, self.port = venv, run, logs, port or free_port()
        self.conductors = {f"127.0.0.{2 + number}": None for number in range(conductors)}
        self.login = login or logins.NoLogin()
        self.mariadb_socket = run / "mariadb.sock" if database == "mariadb" else None
        # How long Ironic waits for an agent. None: Ironic's default, which no stage reaches.
        self.callback_limit_s = callback_limit_s
        self.ironic_log = logs / "ironic.log"
        self.http_root = run / "http"
        self.env = self._environment(hash_cache)
        self.notifications = Notifications(self.ironic_log)
        self.programs = []

    def __enter__(self):
        # All that has been started ends, also if the end of another one fails.
        with contextlib.ExitStack() as started:
            self._start(started)
            self._started = started.pop_all()
        return self

    def __exit__(self, *_):
        self._started.close()

    def check(self):
        """Raises RunError if Ironic or its database has ended."""
        for program in self.programs:
            program.check()

    def abort_unresponsive_ironic(self, seconds):
        """Aborts Ironic, which makes it log the stack of each thread. Always raises RunError."""
        self.ironic.abort()
        raise RunError(f"Ironic did not respond for {seconds} s; its log ends with the stack of each thread",
                       self.ironic_log)

    def _environment(self, hash_cache):
        """The environment of Ironic: the system tools on PATH, no proxy, and the hash cache if `hash_cache`."""
        env = {name: value for name, value in os.environ.items()
               if not name.lower().endswith("_proxy") and not name.startswith(("PYTHON", "OS_"))}
        # With this, Python writes the stack of each thread to the log on SIGABRT.
        env["PYTHONFAULTHANDLER"] = "1"
        env["PATH"] = f"{self.venv / 'bin'}:{installation.search_path()}"
        if hash_cache:
            env["PYTHONPATH"] = str(self.run / "hash_cache")
        return env

    def _start(self, started):
        shutil.rmtree(self.run, ignore_errors=True)
        # Python writes a compiled file beside each module that it imports, so it imports from a copy.
        shutil.copytree(HERE / "hash_cache", self.run / "hash_cache")
        for folder in ("state", "tmp", "locks", "certificates", "master-iso", "tftp/master"):
            (self.run / folder).mkdir(parents=True)
        images.make(self.run / "images", self.http_root, self.logs / "images.log", self.env)
        self.files = FileServer(self.http_root, self.logs / "files.log")
        started.callback(self.files.stop)
        self.receiver = Receiver()
        started.callback(self.receiver.stop)
        self.url = f"http://127.0.0.1:{self.port}"
        if self.mariadb_socket:
            self._start_mariadb(started)
        self.login.start(self, started)
        config = self._configure()
        child.run("ironic-dbsync", [self.venv / "bin/ironic-dbsync", "--config-file", config, "create_schema"],
                  self.logs / "dbsync.log", START_LIMIT_S, self.env)
        self._start_ironic(started, config)
        self._wait_until_ready()

    def _start_ironic(self, started, config):
        main = "ironic-api" if self.conductors else "ironic"
        self.ironic = self.program(started, "Ironic", [self.venv / "bin" / main, "--config-file", config], self.ironic_log)
        for host in self.conductors:
            # The API finds a conductor at its host name, which is an address here. The port is JSON-RPC's default, because another
            # one becomes a part of the conductor's name and not of its locks, so that Ironic never takes over the nodes of a
            # conductor that is lost (`prepare_host` in conductor/base_manager.py).
            own = self.run / f"conductor-{host}.conf"
            own.write_text(f"[DEFAULT]\nhost = {host}\n[json_rpc]\nhost_ip = {host}\n")
            argv = [self.venv / "bin/ironic-conductor", "--config-file", config, "--config-file", own]
            self.conductors[host] = self.program(started, f"conductor {host}", argv, self.logs / f"conductor-{host}.log")

    def kill_conductor(self):
        """Ends the last conductor at once, as the loss of its machine does. Returns its name."""
        host, program = self.conductors.popitem()
        self.programs.remove(program)
        program.kill()
        return host

    def program(self, started, name, argv, log, env=None):
        """Starts a program that runs until the end of the stack."""
        program = child.Child(name, argv, log, env or self.env)
        started.callback(program.stop, STOP_GRACE_S)
        self.programs.append(program)
        return program

    def _start_mariadb(self, started):
        """A server of this run alone, on a socket file, which stores nothing that must survive a crash."""
        data, socket_file, log = self.run / "mariadb", self.mariadb_socket, self.logs / "mariadb.log"
        user = f"--user={getpass.getuser()}"
        child.run("mariadb-install-db", ["mariadb-install-db", "--no-defaults", user, f"--datadir={data}"],
                  log, START_LIMIT_S, self.env)
        mariadb = self.program(started, "MariaDB", [
            "mariadbd", "--no-defaults", user, f"--datadir={data}", f"--socket={socket_file}", f"--pid-file={data}/pid",
            "--skip-networking", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", "--max-connections=500",
        ], log)
        create = ["mariadb", "--no-defaults", f"--socket={socket_file}", "-e", "CREATE DATABASE ironic CHARACTER SET utf8mb3"]
        end = time.monotonic() + START_LIMIT_S
        while subprocess.run(create, env=self.env, capture_output=True, check=False).returncode != 0:
            mariadb.check()
            if time.monotonic() > end:
                raise RunError(f"MariaDB was not ready within {START_LIMIT_S} s", log)
            time.sleep(0.5)

    def _configure(self):
        config = self.run / "ironic.conf"
        config.write_text((HERE / "ironic.conf").read_text().format(
            run=self.run, images=self.run / "images", http_root=self.http_root, http_url=self.files.url,
            api_port=self.port, api_url=self.url, isolinux=installation.ISOLINUX,
            callback_limit_s=self.callback_limit_s or 1800,
            auth_strategy=self.login.strategy, auth_settings=self.login.settings(),
            rpc_transport="json-rpc" if self.conductors else "none",
            # A conductor that is gone is noticed within this time, and the others take its nodes over.
            conductor_settings="heartbeat_interval = 5\nheartbeat_timeout = 20" if self.conductors else "",
            database=f"mysql+pymysql://root@localhost/ironic?charset=utf8mb3&unix_socket={self.mariadb_socket}"
                     if self.mariadb_socket else f"sqlite:///{self.run}/ironic.sqlite"))
        return config

    def _wait_until_ready(self):
        """Waits until the API has all conductors with the redfish driver."""
        end = time.monotonic() + START_LIMIT_S
        while True:
            self.ironic.check()
            try:
                # A token can end before Ironic is ready.
                status, driver = Ironic(self.url, self.login.headers()).call("GET", "/v1/drivers/redfish")
                if status == 200 and len(driver["hosts"]) >= len(self.conductors):
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise RunError(f"Ironic was not ready within {START_LIMIT_S} s", self.ironic_log)
            time.sleep(0.5)
