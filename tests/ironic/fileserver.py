"""The HTTP server on which Ironic publishes boot images. Like common web servers, it supports byte ranges.

It runs in threads of the test. Firmware requests parts of an image, agents request the whole image.
"""

import functools
import http
import http.server
import re
import threading

RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


class FileServer(http.server.ThreadingHTTPServer):
    """Serves one folder on a free loopback port, and logs every request."""

    daemon_threads = True
    # All nodes of a fleet may connect in the same second.
    request_queue_size = 512

    def __init__(self, root, log):
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(root)))
        self.root = root
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._log = open(log, "a", encoding="utf-8")
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def log_line(self, line):
        with self._lock:
            self._log.write(line + "\n")
            self._log.flush()

    def handle_error(self, request, client_address):
        """Ignores clients that close the connection early: firmware does so when it has enough bytes."""

    def stop(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Seconds until an idle keep-alive connection is closed and its thread ends.
    timeout = 30

    def send_head(self):
        requested = RANGE.match(self.headers.get("Range", ""))
        # The base class serves whole files and errors.
        if not requested or requested.groups() == ("", ""):
            return super().send_head()
        path = self.translate_path(self.path)
        try:
            file = open(path, "rb")
        except OSError:
            return super().send_head()
        size = file.seek(0, 2)
        first, last = requested.groups()
        if first == "":
            start, end = max(0, size - int(last)), size - 1
        else:
            start, end = int(first), min(int(last or size), size - 1)
        if start > end:
            file.close()
            self.send_response(http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        file.seek(start)
        self.send_response(http.HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        return _FilePart(file, end - start + 1)

    def log_message(self, format, *args):
        headers = getattr(self, "headers", {})
        client, part = headers.get("User-Agent", "-"), headers.get("Range", "all")
        self.server.log_line(f"{self.log_date_time_string()} {format % args} {part} {client}")


class _FilePart:
    """The next `remaining` bytes of an open file, as a file-like object."""

    def __init__(self, file, remaining):
        self._file, self._remaining = file, remaining

    def read(self, size=-1):
        size = self._remaining if size < 0 else min(size, self._remaining)
        self._remaining -= size
        return self._file.read(size)

    def close(self):
        self._file.close()
