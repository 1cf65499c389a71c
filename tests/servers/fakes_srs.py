"""
A fake SRS: the HTTP API of 4.0 to 7.0, as its source writes it, and every way that it misleads.

What it can be made to do wrong, beside what all fakes can:

    error_code       N: every answer is status 200 with that code
    ignores_start    every page is the first one
    ignores_count    every page holds all streams
    endless          every page holds streams that were on none before
    short_pages      N: pages hold so many streams, whatever was asked for
    shift            a stream leaves after each first page, so that later pages move up
    restarts_between the server restarts after each first page
    no_vhosts        the list of vhosts is empty
    odd_entries      the list holds entries of wrong types

A real SRS collects the bytes of its connections every 3 s and the frames every 5 s; the fake does
so from ``byte_steps`` and ``frame_steps`` on, which it has where it runs by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.servers.fakes_serving import Asked, Fake, FakeStream, Reply, main

ODD_ENTRIES: tuple[Any, ...] = (
    None, 7, "stream", [], {}, {"name": 5, "app": [], "vhost": {}, "publish": 1},
    {"id": "odd", "name": "x", "app": "live", "vhost": "nowhere"},
)  # fmt: skip


class FakeSRS(Fake):
    """
    A fake SRS; a stream's ``more`` may hold its ``vhost``, ``edge`` and what its ``entry`` says.

    :param version: before 5 it tells no service and no pid, before 4 ids are numbers; from 7.0.107
        on there is a total
    """

    LIES = frozenset({
        "html", "error_code", "ignores_start", "ignores_count", "endless", "short_pages",
        "shift", "restarts_between", "no_vhosts", "odd_entries",
    })  # fmt: skip

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        *,
        version: str = "5.0.213",
        byte_steps: float = 0.0,
        frame_steps: float = 0.0,
        **more: Any,
    ) -> None:
        super().__init__(seconds, now, **more)
        self.version = tuple(int(part) for part in version.split("."))
        self.byte_steps, self.frame_steps = byte_steps, frame_steps
        self._endless = 0

    def refusal(self) -> Reply:
        server = f"SRS/{'.'.join(map(str, self.version))}(Bee)"
        return Reply(b"", 401, {"www-authenticate": "Basic", "server": server})

    def answer(self, asked: Asked) -> Reply:
        if "error_code" in self.lies:
            return Reply.json({"code": self.lies["error_code"], **self._who()})
        if asked.path == "/api/v1/versions":
            major, minor, revision = self.version
            data = {"major": major, "minor": minor, "revision": revision}
            data["version"] = ".".join(map(str, self.version))
            return Reply.json({"code": 0, **self._who(), "data": data})
        if asked.path == "/api/v1/vhosts/":
            names = [] if "no_vhosts" in self.lies else sorted(self._vhosts())
            vhosts = [{"id": self._id(name), "name": name, "enabled": True} for name in names]
            return Reply.json({"code": 0, **self._who(), "vhosts": vhosts})
        if asked.path == "/api/v1/streams/":
            return self._streams(asked)
        return Reply(b"404 page not found\n", 404)

    def _streams(self, asked: Asked) -> Reply:
        count = max(10, int(asked.query.get("count", "10")))
        start = 0 if "ignores_start" in self.lies else max(0, int(asked.query.get("start", "0")))
        entries = [self._entry(stream) for stream in self._in_order()]
        total = len(entries)
        if "ignores_count" not in self.lies:
            entries = entries[start : start + self.lies.get("short_pages", count)]
        if "endless" in self.lies:
            entries = [self._entry(self._another()) for _ in range(count)]
        if "odd_entries" in self.lies:
            entries = [*ODD_ENTRIES, *entries]
        said = {"code": 0, **self._who(), "streams": entries}
        if self.version >= (7, 0, 107):
            said["total"] = total
        reply = Reply.json(said)
        if start == 0 and "shift" in self.lies and self.streams:
            self.stop(next(iter(self._in_order())).name)
        if start == 0 and self.lies.pop("restarts_between", None):
            streams = dict(self.streams)
            self.restart()
            self.streams = streams
        return reply

    def _who(self) -> dict[str, Any]:
        if self.version[0] < 5:
            return {"server": f"vid-server{self.run}"}
        # The server's id is kept over restarts, if it is configured so.
        return {"server": "vid-configured", "service": f"s{self.run}", "pid": str(100 + self.run)}

    def _id(self, what: str) -> str | int:
        """An id that is another one after each restart."""
        if self.version[0] < 4:
            return 1000 * self.run + len(what)
        return f"vid-{self.run}-{what}"

    def _vhosts(self) -> set[str]:
        used = {stream.more.get("vhost", "__defaultVhost__") for stream in self.streams.values()}
        return used | {"__defaultVhost__"}

    def _in_order(self) -> list[FakeStream]:
        return sorted(self.streams.values(), key=lambda stream: str(self._id(stream.name)))

    def _another(self) -> FakeStream:
        self._endless += 1
        return FakeStream(f"live/endless{self._endless}")

    def _entry(self, stream: FakeStream) -> dict[str, Any]:
        app, _, name = stream.name.rpartition("/")
        vhost = stream.more.get("vhost", "__defaultVhost__")
        edge = stream.more.get("edge", False)
        rate = stream.kbps * 125
        frames = self._collected(stream, "frames", stream.frames, stream.fps)
        entry: dict[str, Any] = {
            "id": self._id(stream.name),
            "name": name,
            "vhost": self._id(vhost),
            "app": app.removeprefix(f"{vhost}/"),
            "tcUrl": f"rtmp://127.0.0.1/{app}?token=S3CRET",
            "url": f"/{app}/{name}?token=S3CRET",
            "live_ms": int(self.now() * 1000),
            "clients": stream.viewers + int(stream.is_published and not edge),
            "frames": frames,
            "recv_bytes": self._collected(stream, "in", stream.received_bytes, rate),
            "send_bytes": self._collected(stream, "out", stream.sent_bytes, rate * stream.viewers),
            "kbps": {"recv_30s": int(stream.kbps), "send_30s": int(stream.kbps * stream.viewers)},
            "publish": {"active": stream.is_published, "cid": f"cid{self.run}-{stream.publisher}"},
            "video": None,
            "audio": None,
        }
        if self.version >= (7, 0, 100):
            entry |= {"video_frames": frames, "audio_frames": frames * 2}
            entry["frames"] *= 3
        if stream.is_published:
            size = {"width": 1280, "height": 720}
            entry["video"] = {"codec": "H264", "profile": "High", "level": "3.1", **size}
            sound = {"codec": "AAC", "sample_rate": 44100, "channel": 2, "profile": "LC"}
            entry["audio"] = sound
        return entry | stream.more.get("entry", {})

    def _collected(self, stream: FakeStream, what: str, count: int, rate: float) -> int:
        """A counter as it was at the last step, of so much a second."""
        steps = self.frame_steps if what == "frames" else self.byte_steps
        if not steps:
            return count
        step, since = divmod(self.seconds(), steps)
        told: tuple[float, int] = stream.more.get(what, (step, 0))
        if step != told[0]:
            behind = int(rate * since) if stream.flows else 0
            told = (step, max(told[1], count - behind))
        stream.more[what] = told
        return told[1]


def real(**more: Any) -> FakeSRS:
    """One that counts as coarsely as a real one."""
    return FakeSRS(byte_steps=3.0, frame_steps=5.0, **more)


if __name__ == "__main__":
    main(real)
