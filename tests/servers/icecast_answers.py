"""Answers of Icecast, made up where none was recorded, and a server that gives them."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from tvmon.servers import Answer, Request

SERVER = {
    "server_id": "Icecast 2.4.4",
    "server_start_iso8601": "2026-11-22T07:49:37+0000",
}
START = 1795333808  # 2026-11-22T07:50:08 in UTC
OGG = {
    "audio_bitrate": "48000", "audio_channels": "1", "audio_samplerate": "44100",
    "ice-bitrate": "48", "listeners": "3", "listenurl": "http://localhost:8000/a.ogg",
    "server_type": "application/ogg", "source_ip": "127.0.0.1",
    "stream_start_iso8601": "2026-11-22T07:50:08+0000", "subtype": "Vorbis",
    "total_bytes_read": "600000", "total_bytes_sent": "1800000", "user_agent": "Lavf/59.27.100",
}  # fmt: skip
IDLE = {"listener_peak": "0", "listeners": "0", "listenurl": "http://localhost:8000/idle.mp3"}
YOUNG = (
    b'{"icestats":"server_start":"Wed, 25 Nov 2026 18:38:16 +0000",'
    b'"server_start_iso8601":"2026-11-25T18:38:16+0000","dummy":null}}'
)
"""What a real 2.4.4 said in its first second."""

DATE = "Sun, 22 Nov 2026 07:51:48 GMT"
"""100 s after the start of the stream."""


def elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def xml(mounts: Mapping[str, Mapping[str, str]], server: Mapping[str, str] = SERVER) -> bytes:
    """The admin's statistics."""
    sources = "".join(
        f"<source mount={quoteattr(mount)}>{elements(fields)}</source>"
        for mount, fields in mounts.items()
    )
    return f'<?xml version="1.0"?>\n<icestats>{elements(server)}{sources}</icestats>'.encode()


class Fake:
    """
    An Icecast that has some pages.

    :ivar pages: a body of status 200, or another status, by path; every other path answers 404
    :ivar asked: the paths that were asked for
    """

    def __init__(self, pages: Mapping[str, bytes | int]) -> None:
        self.pages = dict(pages)
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.headers: dict[str, str] = {"date": DATE}
        self.now = 1000.0

    async def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        path = request.url.removeprefix("http://ice.example:8000")
        self.asked.append(path)
        page = self.pages.get(path, 404)
        status, body = (200, page) if isinstance(page, bytes) else (page, b"no")
        headers = {name: self.headers[name] for name in request.wanted if name in self.headers}
        return Answer(status, "", body, headers, at=self.now, time=START + 50)
