"""Errors outside of the nodes, and the time limit of the run."""

import time


class Trouble(Exception):
    """The run cannot continue. The message says what to do."""

    def __init__(self, message, log=None):
        super().__init__(message)
        # The log whose last lines explain the message.
        self.log = log


class Deadline:
    """The deadline of the whole run, on a monotonic clock."""

    def __init__(self, seconds):
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def left(self):
        return max(0.0, self.at - time.monotonic())


def last_lines(path, count=25, containing=None):
    """The last lines of a log, or its last lines about one node; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = [line.rstrip() for line in log if containing is None or containing in line]
    except OSError:
        return []
    return lines[-count:]
