"""A proxy that counts the requests on their way to a server which keeps no log of them."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class CountingProxy:
    """
    Passes every request on, and its answer back.

    :param target: the URL of the server, without a slash at the end
    :ivar url: the proxy's own
    :ivar requests: method and path of each, ``POST /api/v1/login``
    """

    def __init__(self, target: str) -> None:
        self.requests: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.requests.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                names = ("Authorization", "Content-Type", "Accept")
                headers = {n: self.headers[n] for n in names if n in self.headers}
                request = urllib.request.Request(
                    target + self.path, body, headers, method=self.command
                )
                try:
                    with urllib.request.urlopen(request, timeout=10) as answer:
                        self.answer(answer.status, answer.headers["Content-Type"], answer.read())
                except urllib.error.HTTPError as error:
                    with error:
                        self.answer(error.code, error.headers["Content-Type"], error.read())

            do_POST = do_GET  # noqa: N815  # as the base class calls it

            def answer(self, status: int, content: str | None, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
