"""
One tvmon that watches a media server of every kind, side by side, each with streams of its own.

What happens to a stream is in its name: ``healthy``, ``stalled``, ``killed``, ``ended``, ``left``.
One encoder publishes the same name to all RTMP servers, so that few of them are enough.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import Self

from tests.daemons import Child, get, short_folder, wait_for
from tests.end_to_end.recorder import Recorder
from tests.media import icecast, node_media_server
from tests.media.counting import CountingProxy
from tests.media.fakes import FakeServer
from tests.media.ffmpeg import Player, Publisher, Source
from tests.media.icecast import Icecast
from tests.media.nginx import Nginx
from tests.media.node_media_server import NodeMediaServer2, NodeMediaServer4
from tvmon.servers.kinds import kinds

STREAMS = ("healthy", "stalled", "killed", "ended", "left")
ODD = 'a&b<c>"x'
FOREIGN = "Größe-ж"
RTMP = ("nginx", "nms4", "nms2")
FAKES = ("srs", "mediamtx")
PLAYLISTS = ("healthy", "stalled")
WITH_HLS = "hls" in kinds()
LEVEL_2_SECONDS = 120.0

POLLING = """
[web]
listen = ["tcp:0:interface=127.0.0.1"]
[database]
url = "embedded"
directory = "{folder}/database"
[polling]
listing_seconds = 4
"""


class MediaScene(contextlib.ExitStack):
    """
    Servers, encoders, a running tvmon, and a recorder of what it says.

    :ivar encoders: by the name of their stream; those of Icecast by ``icecast name``
    :ivar streams: all that must be seen, as the recorder names them
    """

    tvmon: Child
    recorder: Recorder

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        self.nginx = self.enter_context(Nginx())
        self.reloaded = self.enter_context(Nginx())
        self.workers = self.enter_context(Nginx(workers=2))
        self.icecast = self.enter_context(Icecast(source_timeout=60))
        self.nms4 = self.enter_context(NodeMediaServer4())
        self.nms2 = self.enter_context(NodeMediaServer2())
        self.srs = self.enter_context(FakeServer("tests.servers.fakes_srs"))
        self.mediamtx = self.enter_context(FakeServer("tests.servers.fakes_mediamtx"))
        self.nms4_proxy = self.enter_context(CountingProxy(self.nms4.url))
        self.encoders: dict[str, Publisher | Source] = {}
        self.streams: list[str] = []
        for name in STREAMS:
            self.publish(name)
            for server in RTMP:
                self.streams.append(f"{server} live/{name}")
            for server in FAKES:
                self.fake(server).tell("start", f"live/{name}", kbps=800)
                self.streams.append(f"{server} live/{name}")
            if name != "left":
                self.publish_audio(name)
        self.add_encoder(ODD, Publisher(self.nginx.rtmp(ODD)))
        self.add_encoder(FOREIGN, Publisher(self.nms2.rtmp(FOREIGN)))
        self.publish_audio("-", name="-")
        self.publish_audio(f"{FOREIGN}.mp3", name=FOREIGN)
        self.add_encoder("reloaded", Publisher(self.reloaded.rtmp("reloaded")))
        # Each connection goes to the worker that takes it first.
        urls = [self.workers.rtmp(f"w{number}") for number in range(1, 5)]
        self.add_encoder("workers", Publisher(*urls))
        self.streams += [
            f"nginx live/{ODD}",
            f"nms2 live/{FOREIGN}",
            "reloaded live/reloaded",
            *(f"workers live/w{number}" for number in range(1, 5)),
        ]
        if WITH_HLS:
            for name in PLAYLISTS:
                self.add_encoder(f"hls {name}", Publisher(self.nginx.rtmp(name, "hls")))
                self.streams += [f"hls {name}", f"nginx hls/{name}"]
            for name in PLAYLISTS:
                url = self.nginx.playlist(name)
                wait_for(lambda url=url: get(url)[0] == 200, 20, "a playlist")
        for server in (self.nginx, self.nms4, self.nms2):
            wait_for(lambda s=server: self._plays(s.rtmp("left")), 20, "a player")
        self._watch()

    def fake(self, server: str) -> FakeServer:
        """``srs`` or ``mediamtx``."""
        found: FakeServer = getattr(self, server)
        return found

    def publish(self, name: str) -> None:
        """Publish a stream to all RTMP servers, or publish it anew."""
        self.add_encoder(name, Publisher(*(getattr(self, server).rtmp(name) for server in RTMP)))

    def publish_audio(self, mount: str, *, name: str = "") -> None:
        """Publish a mount to Icecast, or publish it anew."""
        encoder = Source(self.icecast.source(mount), name=name)
        self.add_encoder(f"icecast {mount}", encoder)
        if f"icecast {mount}" not in self.streams:
            self.streams.append(f"icecast {mount}")

    def add_encoder(self, name: str, encoder: Publisher | Source) -> None:
        """Take an encoder in, in place of another of its name."""
        self.encoders[name] = self.enter_context(encoder)

    def _plays(self, url: str) -> Player | None:
        """A player that is still there after it has connected; it ends where there is no stream."""
        player = self.enter_context(Player(url))
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not player.is_running, 1.5, "its end")
            return None
        return player

    def _watch(self) -> None:
        folder = short_folder()
        self.callback(shutil.rmtree, folder, ignore_errors=True)
        path = folder / "tvmon.conf"
        path.write_text(POLLING.format(folder=folder) + self._servers())
        self.tvmon = Child(folder, "tvmon", "-c", str(path))
        self.callback(self.tvmon.stop)
        self.base = self.tvmon.address()
        self.recorder = self.enter_context(Recorder(self.base))

    def _servers(self) -> str:
        admin = f'user = "{icecast.ADMIN_USER}"\npassword = "{icecast.ADMIN_PASSWORD}"'
        node = f'user = "{node_media_server.USER}"\npassword = "{node_media_server.PASSWORD}"'
        wrong = 'password = "wrong"'
        playlists = "".join(
            f'[[server.playlists]]\nname = "{name}"\nurl = "{self.nginx.playlist(name)}"\n'
            for name in PLAYLISTS
        )
        hls = f'[[server]]\nkind = "hls"\nname = "hls"\n{playlists}' if WITH_HLS else ""
        return hls + "".join(
            f'[[server]]\nkind = "{kind}"\nname = "{name}"\nurl = "{url}"\n{more}\n'
            for kind, name, url, more in (
                ("nginx-rtmp", "nginx", self.nginx.stat, ""),
                ("nginx-rtmp", "reloaded", self.reloaded.stat, ""),
                ("nginx-rtmp", "workers", self.workers.stat, ""),
                ("icecast", "icecast", self.icecast.url, admin),
                ("icecast", "icecast-wrong", self.icecast.url, wrong),
                ("node-media-server", "nms4", self.nms4.url, node),
                ("node-media-server", "nms4-wrong", self.nms4_proxy.url, wrong),
                ("node-media-server", "nms2", self.nms2.url, node),
                ("srs", "srs", self.srs.url, ""),
                ("mediamtx", "mediamtx", self.mediamtx.url, ""),
            )
        )
