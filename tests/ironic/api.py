"""A client of the part of Ironic's REST API that the test uses."""

import http.client
import json
import random
import threading
import time
import urllib.parse

CALL_LIMIT_S = 60
# How long a request is retried while the node is locked or Ironic is overloaded.
BUSY_LIMIT_S = 60
# The accept queue of Ironic's own web server holds five connections, and the kernel resets further
# connections. The agents need some of the five.
CALLS_AT_ONCE_MAX = 4


class RequestFailed(Exception):
    """Ironic refused a request, or was busy or unreachable for BUSY_LIMIT_S. The message has the reason."""


class Ironic:
    """Shared by all threads. Each request has a connection of its own, at most CALLS_AT_ONCE_MAX at a time."""

    def __init__(self, url, headers=None):
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {"X-OpenStack-Ironic-API-Version": "latest", "Content-Type": "application/json"} | (headers or {})
        self.slots = threading.Semaphore(CALLS_AT_ONCE_MAX)

    def call(self, method, path, body=None):
        """Sends one request. Returns the status and the JSON document, or None for an empty body."""
        connection = http.client.HTTPConnection(self.address, timeout=CALL_LIMIT_S)
        with self.slots:
            try:
                connection.request(method, path, None if body is None else json.dumps(body), self.headers)
                response = connection.getresponse()
                text = response.read()
            except http.client.HTTPException as error:
                raise OSError(f"{error!r}") from error
            finally:
                connection.close()
        return response.status, (json.loads(text) if text else None)

    def request(self, method, path, body=None):
        """Sends a request that must succeed, with retries while the node is locked or Ironic is overloaded."""
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
            # The response to an earlier attempt was lost, and Ironic may have carried that attempt out. A
            # refusal of the retry then proves nothing. The test checks the state of the node later anyway.
            if not busy and lost and method != "GET":
                return None
            if not busy or time.monotonic() > end:
                raise RequestFailed(f"{method} {path}: {status} {reason}")
            time.sleep(random.uniform(0.5, 1.5))

    def get(self, path):
        return self.request("GET", path)

    def patch(self, uuid, values):
        """Sets fields of a node. The keys of `values` are JSON pointers."""
        body = [{"op": "add", "path": path, "value": value} for path, value in values.items()]
        self.request("PATCH", f"/v1/nodes/{uuid}", body)

    def provision(self, uuid, target, **more):
        self.request("PUT", f"/v1/nodes/{uuid}/states/provision", {"target": target} | more)

    def nodes(self, fields):
        """These fields of all nodes: a dictionary from UUID to the fields."""
        rows, page = {}, f"/v1/nodes?limit=1000&fields={','.join(fields)}"
        while page:
            document = self.get(page)
            rows |= {row["uuid"]: row for row in document["nodes"]}
            next_page = urllib.parse.urlsplit(document.get("next", ""))
            page = next_page.path and f"{next_page.path}?{next_page.query}"
        return rows


def _reason(document):
    """The message in Ironic's error document. Older parts of Ironic send JSON inside a JSON string."""
    message = (document or {}).get("error_message", document)
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError:
            return message
    return message.get("faultstring", str(message)) if isinstance(message, dict) else str(message)
