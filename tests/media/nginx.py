"""nginx with the RTMP module."""

from __future__ import annotations

import os
import re
import shutil
import signal
import unittest
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.daemons import wait_for
from tests.media.process import Server, answers, free_ports, listens

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")

needs_nginx = unittest.skipUnless(
    PROGRAM and MODULE.exists(), "no nginx with the RTMP module: nginx-light, libnginx-mod-rtmp"
)


class Nginx(Server):
    """
    One nginx: applications ``live``, and ``hls`` which also writes playlists.

    :param workers: each of them shows only its own streams
    :param drop_idle_publisher: after how many silent seconds it drops a publisher; never, as nginx
        itself has it, without
    :param hls_fragment: seconds of a segment
    """

    # Its workers are told by it; killed, it would leave them behind.
    death = signal.SIGTERM

    def __init__(
        self, *, workers: int = 1, drop_idle_publisher: int | None = None, hls_fragment: int = 2
    ) -> None:
        self.workers = workers
        self.drop_idle = drop_idle_publisher
        self.hls_fragment = hls_fragment
        super().__init__()

    def rtmp(self, name: str, application: str = "live") -> str:
        """Where a stream of this name is published and played."""
        return f"rtmp://127.0.0.1:{self.rtmp_port}/{application}/{name}"

    @property
    def stat(self) -> str:
        """What it says of its streams."""
        return f"{self.url}/stat"

    def playlist(self, name: str) -> str:
        """The playlist of a stream of the application ``hls``, over HTTP."""
        return f"{self.url}/hls/{name}.m3u8"

    def requests(self) -> list[str]:
        """The lines of its HTTP log."""
        return (self.folder / "access.log").read_text().splitlines()

    def worker(self) -> str:
        """The pid of the worker that tells of itself this time."""
        with urllib.request.urlopen(self.stat, timeout=5) as response:
            found = re.search(rb"<pid>(\d+)</pid>", response.read())
        assert found
        return found[1].decode()

    def reload(self) -> None:
        """SIGHUP; returns when only a new worker answers."""
        before = self.worker()
        self.running.process.send_signal(signal.SIGHUP)
        wait_for(lambda: _accepts_no_more(before), 10, "the end of the old worker's listening")
        wait_for(lambda: self.worker() != before, 10, "a new worker")

    def is_ready(self) -> bool:
        return listens(self.rtmp_port) and answers(self.stat)

    def prepare(self) -> Sequence[str]:
        self.rtmp_port, self.http_port = free_ports(2)
        assert PROGRAM
        config = self.folder / "nginx.conf"
        config.write_text(self._config())
        (self.folder / "hls").mkdir(exist_ok=True)
        return [PROGRAM, "-p", str(self.folder), "-c", str(config), "-e", "error.log"]

    def _config(self) -> str:
        user = "user root;" if os.geteuid() == 0 else ""
        idle = f"drop_idle_publisher {self.drop_idle}s;" if self.drop_idle else ""
        temporary = "\n    ".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return f"""
load_module {MODULE};
daemon off;
{user}
worker_processes {self.workers};
pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{ worker_connections 256; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{self.rtmp_port};
        {idle}
        application live {{ live on; }}
        application hls {{
            live on;
            hls on;
            hls_path {self.folder}/hls;
            hls_fragment {self.hls_fragment}s;
            hls_playlist_length {6 * self.hls_fragment}s;
        }}
    }}
}}
http {{
    access_log {self.folder}/access.log;
    {temporary}
    server {{
        listen 127.0.0.1:{self.http_port};
        location /stat {{ rtmp_stat all; }}
        location /hls/ {{
            root {self.folder};
            types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
            add_header Cache-Control no-cache;
        }}
    }}
}}
"""


def _accepts_no_more(pid: str) -> bool:
    """Whether a worker was told to shut down, which it says in its title, or is gone."""
    try:
        return b"shutting down" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return True
