"""The error that ends a run, the deadline of a run, and a reader for the end of a log."""

import time


class RunError(Exception):
    """The run cannot continue. The message says what is wrong and what to do."""

    def __init__(self, message, log=None):
        super().__init__(message)
        # The file whose last lines explain the message.
        self.log = log


class Deadline:
    """The end of the whole run, on the monotonic clock."""

    def __init__(self, seconds):
        self.at = time.monotonic() + seconds
        self.seconds = seconds

    def left(self):
        """Seconds until the deadline, never below 0."""
        return max(0.0, self.at - time.monotonic())


def last_lines(path, count=25, containing=None):
    """The last lines of a log that contain the text `containing`. An unreadable log has no lines."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = [line.rstrip() for line in log if containing is None or containing in line]
    except OSError:
        return []
    return lines[-count:]
