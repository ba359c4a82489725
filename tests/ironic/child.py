"""Starts a program, watches it, and ends it. Other processes on the machine stay untouched."""

import os
import signal
import subprocess
import time

from errors import RunError


class Child:
    """A process in its own process group, so that Ctrl-C at the terminal sends SIGINT only to the test."""

    def __init__(self, name, argv, log, env=None, stdout=None):
        self.name, self.log = name, log
        with open(log, "ab") as sink:
            try:
                self.process = subprocess.Popen(
                    [str(arg) for arg in argv], stdin=subprocess.DEVNULL, stdout=stdout or sink,
                    stderr=sink, env=env, start_new_session=True)
            except OSError as error:
                raise RunError(f"cannot start {name}: {error}") from error

    def ended(self):
        """True if the process has ended. Only `stop` reaps it, so its process id stays reserved until then."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self, seconds):
        """Waits until the process ends. Returns False if it still runs after `seconds`."""
        end = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def check(self):
        """Raises RunError if the process has ended before `stop`."""
        if self.ended():
            raise RunError(f"{self.name} ended unexpectedly with exit code {self.stop(0)}", self.log)

    def abort(self):
        """Sends SIGABRT to the process group. Some programs then write their state to the log."""
        if not self.ended():
            os.killpg(self.process.pid, signal.SIGABRT)
            self.wait(2)

    def kill(self):
        """Kills the process group, without a signal before."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, grace):
        """Sends SIGTERM, waits up to `grace` seconds, and kills the process group. Returns the exit code."""
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.wait(grace)
            # The worker processes are in the same group, and may still run.
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def run(name, argv, log, limit, env=None):
    """Runs a program to its end. A timeout (`limit` seconds) or an exit code other than 0 raises RunError."""
    child = Child(name, argv, log, env)
    try:
        if not child.wait(limit):
            raise RunError(f"{name} did not end within {limit} s", log)
    finally:
        code = child.stop(grace=2)
    if code != 0:
        raise RunError(f"{name} failed with exit code {code}", log)
