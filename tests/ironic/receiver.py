"""The HTTP server to which BMCs send their events. Each path is a subscription of its own. It runs in threads of the test."""

import dataclasses
import email.message
import http.server
import json
import threading
import time


@dataclasses.dataclass(frozen=True)
class Received:
    """One event, with what the request says of it."""

    context: str
    # Their names may have capital letters or not.
    headers: email.message.Message
    event: dict

    @property
    def key(self):
        """The `MessageId` without the version of its registry."""
        registry, _, rest = self.event["MessageId"].partition(".")
        return f"{registry}.{rest.rpartition('.')[2]}"

    @property
    def origin(self):
        """The URI of the resource that the event is about."""
        return self.event["OriginOfCondition"]["@odata.id"]


class Receiver(http.server.ThreadingHTTPServer):
    """Takes events on a free loopback port."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._changed = threading.Condition()
        self._received = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, path, headers, document):
        """Adds the events of a request."""
        events = [Received(document.get("Context"), headers, event) for event in document["Events"]]
        with self._changed:
            self._received.setdefault(path, []).extend(events)
            self._changed.notify_all()

    def received(self, path):
        """All events so far with a path, in the order in which they have come."""
        with self._changed:
            return list(self._received.get(path, ()))

    def wait(self, path, holds, limit_s):
        """Waits until `holds` is true for the list of events with a path. Returns the list, also after `limit_s`."""
        end = time.monotonic() + limit_s
        with self._changed:
            while not holds(self._received.get(path, ())) and time.monotonic() < end:
                self._changed.wait(1)
        return self.received(path)

    def stop(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Seconds until an idle keep-alive connection is closed and its thread ends.
    timeout = 30

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(self.path, self.headers, json.loads(body))
        self.send_response(http.HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_):
        pass
