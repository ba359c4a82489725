"""Ironic's REST API, as far as a test needs it."""

import http.client
import json
import random
import threading
import time
import urllib.parse

CALL_LIMIT_S = 60
# How long a request is repeated while Ironic is busy, with the node or altogether.
BUSY_LIMIT_S = 60
# Ironic's own web server keeps five connections waiting; the kernel resets those beyond, and the agents
# need some of the five.
CALLS_AT_ONCE_MAX = 4


class Refused(Exception):
    """Ironic said no, and why."""


class Ironic:
    """A client for all threads; it keeps no connection, and opens only a few at once."""

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {"X-OpenStack-Ironic-API-Version": "latest", "Content-Type": "application/json"}
        self.turn = threading.Semaphore(CALLS_AT_ONCE_MAX)

    def call(self, method, path, body=None):
        """One request: the status, and the document if there is one."""
        connection = http.client.HTTPConnection(self.address, timeout=CALL_LIMIT_S)
        with self.turn:
            try:
                connection.request(method, path, None if body is None else json.dumps(body), self.headers)
                answer = connection.getresponse()
                text = answer.read()
            except http.client.HTTPException as error:
                raise OSError(f"{error!r}") from error
            finally:
                connection.close()
        return answer.status, (json.loads(text) if text else None)

    def ask(self, method, path, body=None):
        """A request that must succeed; it is repeated while the node is locked or Ironic is too busy."""
        end = time.monotonic() + BUSY_LIMIT_S
        lost = False
        while True:
            try:
                status, document = self.call(method, path, body)
                reason = _reason(document) if status >= 400 else ""
                busy = status == 503 or (status == 409 and "locked" in reason)
            except OSError as error:
                lost, status, busy, reason = True, 0, True, str(error)
            if not busy and status < 400:
                return document
            # After a lost answer the repeated request may meet its own effect, so a refusal proves
            # nothing. Whether the node gets where it should is judged anyway.
            if not busy and lost and method != "GET":
                return None
            if not busy or time.monotonic() > end:
                raise Refused(f"{method} {path}: {status} {reason}")
            time.sleep(random.uniform(0.5, 1.5))

    def get(self, path):
        return self.ask("GET", path)

    def patch(self, uuid, values):
        """Sets fields of a node, named by JSON pointer."""
        body = [{"op": "add", "path": path, "value": value} for path, value in values.items()]
        self.ask("PATCH", f"/v1/nodes/{uuid}", body)

    def provision(self, uuid, target, **more):
        self.ask("PUT", f"/v1/nodes/{uuid}/states/provision", {"target": target} | more)

    def nodes(self, fields):
        """All nodes, by UUID, with these fields."""
        rows, page = {}, f"/v1/nodes?limit=1000&fields={','.join(fields)}"
        while page:
            document = self.get(page)
            rows |= {row["uuid"]: row for row in document["nodes"]}
            following = urllib.parse.urlsplit(document.get("next", ""))
            page = following.path and f"{following.path}?{following.query}"
        return rows


def _reason(document):
    """The sentence inside Ironic's error document, which older parts send as JSON inside JSON."""
    message = (document or {}).get("error_message", document)
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError:
            return message
    return message.get("faultstring", str(message)) if isinstance(message, dict) else str(message)
