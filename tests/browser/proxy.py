"""A reverse proxy that puts tvmon below a path, as nginx would, and outlives the daemon."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PREFIX = "/control room/tvmon/"
PASSED = ("Accept", "Accept-Encoding", "If-None-Match", "Last-Event-ID")
KEPT = ("connection", "transfer-encoding", "keep-alive")


class Proxy:
    """
    :ivar behind: the address of the daemon; ``None`` where there is none, which is a 502
    :ivar asked: the path of every request so far
    """

    def __init__(self, behind: str | None) -> None:
        self.behind = behind
        self.asked: list[str] = []
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX.replace(' ', '%20')}"

    def stop(self) -> None:
        """End it; what is being sent ends with the process."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: Proxy

    def do_GET(self) -> None:
        self.owner.asked.append(self.path)
        prefix = PREFIX.replace(" ", "%20")
        if not self.path.startswith(prefix):
            self.send_error(404)
            return
        try:
            self._pass_on("/" + self.path.removeprefix(prefix))
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def _pass_on(self, path: str) -> None:
        behind = urlsplit(self.owner.behind or "")
        if behind.hostname is None:
            self.send_error(502)
            return
        connection = http.client.HTTPConnection(behind.hostname, behind.port, timeout=60)
        try:
            headers = {name: self.headers[name] for name in PASSED if name in self.headers}
            try:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
            except OSError:
                self.send_error(502)
                return
            self.send_response_only(response.status, response.reason)
            for name, value in response.getheaders():
                if name.lower() not in KEPT:
                    self.send_header(name, value)
            self.end_headers()
            while piece := response.read1(65536):
                self.wfile.write(piece)
        finally:
            connection.close()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
