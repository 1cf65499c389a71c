"""Statistics pages as nginx writes them, and an nginx with some workers that answers with them."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from twisted.internet.defer import Deferred

from tvmon.errors import NoAnswer
from tvmon.servers import Answer, Drift, Request, Survey
from tvmon.servers.nginx_rtmp import NginxRtmp
from tvmon.servers.site import Site

META = (
    "<meta><video><width>1280</width><height>720</height><frame_rate>25</frame_rate>"
    "<codec>H264</codec><profile>High</profile><compat>0</compat><level>4.0</level></video>"
    "<audio><codec>AAC</codec><profile>LC</profile><channels>2</channels>"
    "<sample_rate>48000</sample_rate></audio></meta>\r\n"
)


def client(number: int = 7, *, publishing: bool = False, more: str = "", **fields: object) -> str:
    """A client; ``flashver`` and its like by name."""
    told: dict[str, object] = {
        "id": number,
        "address": "192.0.2.7",
        "time": 60200,
        "flashver": "FMLE/3.0 (compatible; Lavf59.27" if publishing else "LNX 9,0,124,2",
        "dropped": 0,
        "avsync": -19,
        "timestamp": 60000,
        **fields,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items() if value != "")
    flags = "<publishing/><active/>" if publishing else "<active/>"
    return f"<client>{inner}{more}{flags}</client>\r\n"


def stream(
    name: str = "cam1",
    *,
    received: int = 1_000_000,
    publishing: bool = True,
    players: int = 0,
    publisher: str | None = None,
    meta: str = META,
    more: str = "",
) -> str:
    """A stream of a publisher, where it has one, and some players."""
    clients = "".join(client(100 + n) for n in range(players))
    if publishing:
        clients += client(publishing=True) if publisher is None else publisher
    flags = "<publishing/>\r\n<active/>\r\n" if publishing else ""
    return (
        f"<stream>\r\n<name>{escape(name)}</name>\r\n<time>60000</time><bw_in>0</bw_in>\r\n"
        f"<bytes_in>{received}</bytes_in>\r\n<bw_out>0</bw_out>\r\n<bytes_out>500000</bytes_out>"
        f"\r\n<bw_audio>0</bw_audio>\r\n<bw_video>0</bw_video>\r\n{more}{clients}"
        f"{meta if publishing else ''}<nclients>{players + publishing}</nclients>\r\n"
        f"{flags}</stream>\r\n"
    )


def application(*streams: str, name: str = "live") -> str:
    inner = "".join(streams)
    return (
        f"<application>\r\n<name>{escape(name)}</name>\r\n<live>\r\n{inner}"
        f"<nclients>{len(streams)}</nclients>\r\n</live>\r\n</application>\r\n"
    )


def servers_page(*servers: str, pid: int = 11, uptime: int = 100, root: str = "rtmp") -> bytes:
    inner = "".join(f"<server>\r\n{server}</server>\r\n" for server in servers)
    return (
        '<?xml version="1.0" encoding="utf-8" ?>\r\n'
        f"<{root}>\r\n<nginx_version>1.22.1</nginx_version>\r\n"
        "<nginx_rtmp_version>1.1.4</nginx_rtmp_version>\r\n<built>Feb 13 2023</built>\r\n"
        f"<pid>{pid}</pid>\r\n<uptime>{uptime}</uptime>\r\n<naccepted>4</naccepted>\r\n"
        "<bw_in>0</bw_in>\r\n<bytes_in>1</bytes_in>\r\n<bw_out>0</bw_out>\r\n"
        f"<bytes_out>1</bytes_out>\r\n{inner}</{root}>\r\n"
    ).encode()


def page(*streams: str, pid: int = 11, uptime: int = 100) -> bytes:
    """The page of a worker whose one application ``live`` has these streams."""
    return servers_page(application(*streams), pid=pid, uptime=uptime)


FLV_STREAM: dict[str, Any] = {
    "name": "a&amp;b", "time": 93000, "bw_in": 2510000, "bytes_in": 29180000, "bw_out": 0,
    "bytes_out": 100, "bw_audio": 1, "bw_video": 2,
    "clients": [
        {"id": 5, "address": "192.0.2.9", "time": 3000, "dropped": 0, "avsync": 3,
         "timestamp": 92000, "publishing": False, "active": True},
        {"id": 4, "address": "192.0.2.8", "time": 93200, "flashver": "FMLE/3.0", "dropped": 0,
         "avsync": 3, "timestamp": 92900, "publishing": True, "active": True},
    ],
    "records": [],
    "meta": {"video": {"width": 1280, "height": 720, "frame_rate": 29.97, "codec": "H264",
                       "profile": "High", "compat": 0, "level": 4.0},
             "audio": {"codec": "AAC", "profile": "LC", "channels": 1, "sample_rate": 44100}},
    "nclients": 2, "publishing": True, "active": True,
}  # fmt: skip


def flv_document(*streams: dict[str, Any]) -> dict[str, Any]:
    applications = [
        {"name": "live", "live": {"streams": list(streams), "nclients": 2},
         "recorders": {"count": 0, "lists": []}},
        {"name": "vod"},
    ]  # fmt: skip
    return {"http-flv": {
        "nginx_version": "1.20.1", "nginx_http_flv_version": "1.2.9", "compiler": "gcc",
        "built": "x", "pid": 17, "uptime": 100, "naccepted": 1, "bw_in": 0, "bytes_in": 0,
        "bw_out": 0, "bytes_out": 0,
        "servers": [{"port": 1935, "server_index": 0, "applications": applications}],
    }}  # fmt: skip


def survey_of(body: bytes, *, secret_names: bool = False) -> tuple[Survey, Drift]:
    """What one answer tells; raises what the conversation raises."""
    overview = NginxRtmp(Site("edge", "http://h/stat", secret_names=secret_names)).begin()

    async def fetch(request: Request) -> Answer:
        return Answer(200, "OK", body)

    found: list[Any] = []
    deferred = Deferred.fromCoroutine(overview.survey(fetch))
    deferred.addBoth(found.append)
    if not isinstance(found[0], Survey):
        found[0].raiseException()
    return found[0], overview.drift


class FakeNginx:
    """
    An nginx; each worker takes so many fresh connections before the next one does.

    :ivar now: of the answers
    :ivar pages: of each worker, by its pid; changed by tests
    :ivar requests: all that came
    :ivar kept: which worker the kept connection leads to
    :ivar silent: workers that take no connection
    """

    def __init__(self, pages: dict[int, list[str]], in_a_row: int = 16) -> None:
        self.now = 1000.0
        self.seconds_a_request = 0.001
        self.loaded = 900.0
        self.pages = pages
        self.requests: list[Request] = []
        self.kept = min(pages)
        self.silent: set[int] = set()
        self.failure: NoAnswer | None = None
        self.status = 200
        self._in_a_row = in_a_row
        self._taken = 0

    async def fetch(self, request: Request) -> Answer:
        self.requests.append(request)
        self.now += self.seconds_a_request
        if self.failure is not None:
            raise self.failure
        pid = self.kept
        if request.fresh:
            open_to_us = [pid for pid in sorted(self.pages) if pid not in self.silent]
            pid = open_to_us[self._taken // self._in_a_row % len(open_to_us)]
            self._taken += 1
        body = page(*self.pages[pid], pid=pid, uptime=int(self.now - self.loaded))
        return Answer(self.status, "", body, {}, self.now, 1.7e9 + self.now)

    def asked(self) -> int:
        """How many requests came since this was asked last."""
        count = len(self.requests)
        self.requests.clear()
        return count
