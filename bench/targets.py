"""
What the measurements poll: nginx with Lua as media servers, which costs little.

    with Target(streams=1000) as target:
        before = target.counts()

One nginx process with one worker plays any number of media servers, each on a port of its own.
A stream's 21 numbers change with the time and are those of a healthy stream; the same numbers
come as a TVie server says them, as Prometheus wants them, and as JSON for collectd.  Some of the
servers can be silent, which accept and never answer a poll, or dripping, which send a byte of it
each second; their listings are answered all the same, as by the control server they come from.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.media.process import Server, answers, free_ports

PACKAGES = ("nginx-light", "libnginx-mod-http-lua")
MODULES = Path("/usr/lib/nginx/modules")
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
SILENT_SHARE = 0.10
DRIPPING_SHARE = 0.05
"""Of the servers, where there shall be faults."""

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""By how much a poll may be off its time, seconds; those of target.lua."""


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What the target saw since it was told to count anew.

    :param polled: requests for a sample, for each server in its order; those that a silent or a
        dripping one was sent, too
    :param distinct: how many streams were asked for at all
    :param newest_at: when the last of these was asked for the first time, seconds since 1970
    :param listings: how many listings were answered, the first of them at ``listed_at``
    :param gaps: for each server, how many polls came how far from one interval after the one
        before of the same stream: one number for each of BOUNDS, and one for what is above
    """

    polled: tuple[int, ...]
    distinct: int
    newest_at: float
    listings: int
    listed_at: float
    gaps: tuple[tuple[int, ...], ...]

    def on_time(self, seconds: float, servers: Collection[int] | None = None) -> float:
        """The share of polls that came so close to their time, 0 to 1; of these servers alone."""
        rows = [row for n, row in enumerate(self.gaps) if servers is None or n in servers]
        close = sum(sum(row[: BOUNDS.index(seconds) + 1]) for row in rows)
        return close / max(1, sum(map(sum, rows)))


class Target(Server):
    """
    The media servers ``media01``, ``media02`` ...

    :param streams: of all servers together; a multiple of their number
    :param servers: how many; with ``faults`` 10 % are silent and 5 % dripping
    :param interval: seconds from one poll of a stream to the next, to see whether it is kept
    :param pad: how many bytes of unknown fields an answer in TVie's form has beside the 21
    """

    death = signal.SIGTERM

    def __init__(
        self,
        streams: int,
        *,
        servers: int = 20,
        faults: bool = False,
        interval: float = 3.0,
        pad: int = 0,
    ) -> None:
        if missing := lacking():
            sys.exit(f"no nginx with Lua; as root: apt-get install {' '.join(missing)}")
        if streams % servers:
            sys.exit(f"{streams} streams cannot be shared out evenly among {servers} servers")
        self.streams, self.interval, self.pad = streams, interval, pad
        self.manners = manners(servers, faults=faults)
        self.ports: list[int] = []
        super().__init__()

    @property
    def each(self) -> int:
        """How many streams a server has."""
        return self.streams // len(self.manners)

    @property
    def names(self) -> list[str]:
        """What the servers are called, with what they do: ``media03-silent``."""
        return [
            f"media{number:02}" + ("" if manner == "healthy" else f"-{manner}")
            for number, manner in enumerate(self.manners, 1)
        ]

    def addresses(self, form: str) -> list[tuple[str, int, str]]:
        """Server, port and path of the sample of every stream: ``prometheus`` or ``json``."""
        return [
            (name, port, f"/{form}/{stream}")
            for name, port in zip(self.names, self.ports, strict=True)
            for stream in range(1, self.each + 1)
        ]

    def listings(self) -> list[tuple[str, str]]:
        """Name and ``api`` of every server, for tvmon's configuration."""
        path = "/api/service/media/channels/find"
        pairs = zip(self.names, self.ports, strict=True)
        return [(name, f"http://127.0.0.1:{port}{path}") for name, port in pairs]

    def counts(self, *, anew: bool = False) -> Counts:
        """What it has counted; from now on it counts anew, if that is wanted."""
        with urlopen(f"{self.url}/counts{'?anew=1' if anew else ''}", timeout=10) as response:
            told = json.load(response)
        gaps = tuple(map(tuple, told.pop("gaps")))
        return Counts(polled=tuple(told.pop("polled")), gaps=gaps, **told)

    def list_streams(self, streams: int) -> None:
        """Let the servers list so many streams together from now on, and count anew."""
        self.streams = streams
        urlopen(f"{self.url}/streams?count={self.each}", timeout=10).close()

    def is_ready(self) -> bool:
        return answers(f"{self.url}/counts")

    def prepare(self) -> Sequence[str]:
        self.http_port, *self.ports = free_ports(1 + len(self.manners))
        config = self.folder / "nginx.conf"
        config.write_text(self._config())
        assert PROGRAM is not None
        return [PROGRAM, "-p", str(self.folder), "-c", str(config), "-e", "error.log"]

    def _config(self) -> str:
        # Each poll of a peer may have a connection of its own, and nginx none to spare.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if files == resource.RLIM_INFINITY:
            files = 65_536
        temporary = "\n    ".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        servers = "".join(
            self._server(number, port, manner)
            for number, (port, manner) in enumerate(
                zip(self.ports, self.manners, strict=True), start=1
            )
        )
        setup = f"{len(self.manners)}, {self.each}, {self.interval}, {self.pad}"
        return f"""
load_module {MODULES}/ndk_http_module.so;
load_module {MODULES}/ngx_http_lua_module.so;
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
worker_rlimit_nofile {files};
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections {files - 64}; }}
http {{
    access_log off;
    {temporary}
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    lua_check_client_abort on;
    lua_package_path "{Path(__file__).parent}/?.lua;;";
    init_worker_by_lua_block {{ require("target").setup({setup}) }}
    server {{
        listen 127.0.0.1:{self.http_port};
        location = /counts {{ content_by_lua_block {{ require("target").counts() }} }}
        location = /streams {{ content_by_lua_block {{ require("target").streams() }} }}
    }}{servers}
}}
"""

    def _server(self, number: int, port: int, manner: str) -> str:
        def sample(form: str) -> str:
            told = f'{number}, "{form}", "{manner}"'
            return f'content_by_lua_block {{ require("target").sample({told}) }}'

        # The head of a sample has the lines that the recorded server sends.
        return f"""
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /api/service/media/channels/find {{
            content_by_lua_block {{ require("target").listing({number}) }}
        }}
        location ~ ^/tag_live_monitor/bench/channel(\\d+)/hd$ {{
            add_header Expires "Mon, 26 Jul 1997 05:00:00 GMT";
            add_header Pragma no-cache;
            add_header Cache-Control "no-store, must-revalidate";
            {sample("tvie")}
        }}
        location ~ ^/prometheus/(\\d+)$ {{ {sample("prometheus")} }}
        location ~ ^/json/(\\d+)$ {{ {sample("json")} }}
    }}"""


def manners(servers: int, *, faults: bool) -> list[str]:
    """What each server does; with faults the last ones are silent or dripping."""
    silent = round(SILENT_SHARE * servers) if faults else 0
    dripping = round(DRIPPING_SHARE * servers) if faults else 0
    healthy = servers - silent - dripping
    return ["healthy"] * healthy + ["silent"] * silent + ["dripping"] * dripping


def lacking() -> list[str]:
    """The Debian packages that are needed and not there."""
    there = (PROGRAM, (MODULES / "ngx_http_lua_module.so").exists())
    return [package for package, here in zip(PACKAGES, there, strict=True) if not here]
