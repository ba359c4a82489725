"""The state of all nodes. One thread lists them once a second for all journeys.

One list of all nodes costs Ironic about as much as one node. Twenty journeys with a list of their own
each would use up the machine's time.
"""

import threading
import time

from errors import RunError

PERIOD_S = 1.0
FIELDS = ("uuid", "provision_state", "target_provision_state", "power_state", "target_power_state",
          "last_error", "maintenance", "fault")


class NodeList:
    """Requests the list of nodes from Ironic in a loop until `close`."""

    def __init__(self, ironic, deadline):
        self._ironic, self._deadline = ironic, deadline
        self._changed = threading.Condition()
        self._requested_at, self._rows, self._closed = time.monotonic(), {}, False
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        """Ends the loop. Each journey that waits for a list gets a RunError."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def rows(self):
        """The latest list: a dictionary from UUID to the FIELDS of a node."""
        with self._changed:
            return self._rows

    def age_s(self):
        """Seconds since the request for the latest list."""
        with self._changed:
            return time.monotonic() - self._requested_at

    def requested_after(self, moment):
        """Waits for the first list whose request began after `moment`. Returns the list and that time.

        An older list may show the state before a change.
        """
        with self._changed:
            while self._requested_at <= moment:
                if self._closed or not self._deadline.left():
                    raise RunError("the run has ended")
                self._changed.wait(min(PERIOD_S, self._deadline.left()))
            return self._rows, self._requested_at

    def _read(self):
        while not self._closed:
            requested_at = time.monotonic()
            try:
                rows = self._ironic.nodes(FIELDS)
            except Exception:
                # Ironic is busy or exits. Each journey that waits has a deadline.
                rows = None
            with self._changed:
                if rows is not None:
                    self._requested_at, self._rows = requested_at, rows
                    self._changed.notify_all()
            time.sleep(PERIOD_S)
