"""A process that this run started: its log and its end."""

import os
import signal
import subprocess
import time

from trouble import Trouble


class Child:
    """A process in a group of its own, so that a Ctrl-C at the terminal reaches this program only."""

    def __init__(self, name, argv, log, env=None, stdout=None):
        self.name, self.log = name, log
        with open(log, "ab") as sink:
            try:
                self.process = subprocess.Popen(
                    [str(arg) for arg in argv], stdin=subprocess.DEVNULL, stdout=stdout or sink,
                    stderr=sink, env=env, start_new_session=True)
            except OSError as error:
                raise Trouble(f"cannot start {name}: {error}") from error

    def ended(self):
        """Whether it has ended. It is reaped in `stop` only, so its process id is not reused before."""
        if self.process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self, seconds):
        """Waits for its end; False if it still runs."""
        end = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def check(self):
        """Raises if the program has ended by itself."""
        if self.ended():
            raise Trouble(f"{self.name} ended by itself with code {self.stop(0)}", self.log)

    def abort(self):
        """Ends it and its workers with SIGABRT; some programs then write to their log what they were doing."""
        if not self.ended():
            os.killpg(self.process.pid, signal.SIGABRT)
            self.wait(2)

    def stop(self, grace):
        """Sends SIGTERM, after `grace` seconds SIGKILL, and returns the exit code."""
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGTERM)
            self.wait(grace)
            # Its workers are in its group, and may still run.
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def run(name, argv, log, limit, env=None):
    """Runs a program to its end within `limit` seconds. A failure raises Trouble."""
    child = Child(name, argv, log, env)
    try:
        if not child.wait(limit):
            raise Trouble(f"{name} did not end within {limit} s", log)
    finally:
        code = child.stop(grace=2)
    if code != 0:
        raise Trouble(f"{name} failed with code {code}", log)
