"""What can go wrong outside the nodes, and how much time is left."""

import time


class Trouble(Exception):
    """The run cannot go on; the message tells a person what to do about it."""

    def __init__(self, message, log=None):
        super().__init__(message)
        # The file whose last lines explain the message.
        self.log = log


class Deadline:
    """One end for the whole run, on a clock that nobody sets."""

    def __init__(self, seconds):
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def left(self):
        return max(0.0, self.at - time.monotonic())


def last_lines(path, count=25, containing=None):
    """The last lines of a log, or of those that name one node; nothing when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = [line.rstrip() for line in log if containing is None or containing in line]
    except OSError:
        return []
    return lines[-count:]
