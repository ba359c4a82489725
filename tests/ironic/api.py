"""Ironic's REST API, as far as a test needs it."""

import http.client
import json
import random
import time
import urllib.parse

CALL_LIMIT_S = 60
# How long a request is repeated while Ironic is busy with the node.
BUSY_LIMIT_S = 60
# 409: the node is locked by a job of the conductor. 503: no worker is free.
BUSY = (409, 503)


class Refused(Exception):
    """Ironic said no, and why."""


class Ironic:
    """A client that keeps nothing between calls, so any thread may use it."""

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc
        self.headers = {"X-OpenStack-Ironic-API-Version": "latest", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        """One request: the status, and the document if there is one."""
        connection = http.client.HTTPConnection(self.address, timeout=CALL_LIMIT_S)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self.headers)
            answer = connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        return answer.status, (json.loads(text) if text else None)

    def ask(self, method, path, body=None):
        """A request that must succeed; it waits while the node is locked."""
        end = time.monotonic() + BUSY_LIMIT_S
        while True:
            status, document = self.call(method, path, body)
            if status < 400:
                return document
            if status not in BUSY or time.monotonic() > end:
                raise Refused(f"{method} {path}: {status} {_reason(document)}")
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
    """The sentence inside Ironic's error document, which is JSON inside JSON."""
    message = (document or {}).get("error_message", document)
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except ValueError:
            return message
    return message.get("faultstring", message) if isinstance(message, dict) else message
