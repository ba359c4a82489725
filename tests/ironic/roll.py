"""The state of all nodes, listed once a second and shared by all journeys.

One list costs Ironic about as much as one node, so twenty journeys that each asked for their own would
spend the machine's time on asking.
"""

import threading
import time

from trouble import Trouble

PERIOD_S = 1.0
FIELDS = ("uuid", "provision_state", "target_provision_state", "power_state", "target_power_state",
          "last_error", "maintenance", "fault")


class Roll:
    """Reads the list until it is closed."""

    def __init__(self, ironic, deadline):
        self._ironic, self._deadline = ironic, deadline
        self._changed = threading.Condition()
        self._asked_at, self._rows, self._closed = time.monotonic(), {}, False
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        """Ends the wait of every journey."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def rows(self):
        with self._changed:
            return self._rows

    def silent_for(self):
        """Seconds since the request of the last list that Ironic returned."""
        with self._changed:
            return time.monotonic() - self._asked_at

    def since(self, moment):
        """The first list that was requested after `moment`, and the time of that request.

        An older list may still show the state from before a request.
        """
        with self._changed:
            while self._asked_at <= moment:
                if self._closed or not self._deadline.left():
                    raise Trouble("the run was ended")
                self._changed.wait(min(PERIOD_S, self._deadline.left()))
            return self._rows, self._asked_at

    def _read(self):
        while not self._closed:
            asked_at = time.monotonic()
            try:
                rows = self._ironic.nodes(FIELDS)
            except Exception:
                # Ironic is busy or stops. Waiting journeys have time limits of their own.
                rows = None
            with self._changed:
                if rows is not None:
                    self._asked_at, self._rows = asked_at, rows
                    self._changed.notify_all()
            time.sleep(PERIOD_S)
