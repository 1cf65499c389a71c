"""
A fake MediaMTX: its API v3 before 1.17, from 1.17 and from 1.18 on, and every way to mislead.

What it can be made to do wrong, beside what all fakes can:

    error            WORDS: every answer is status 500 with these words
    error_in_200     WORDS: the same with status 200
    ignores_page     every page is the first one
    endless          every page holds paths that were on none before, and one more is promised
    page_size        N: pages hold so many paths, whatever was asked for
    shift            a path leaves after each first page, so that later pages move up
    swap             the same, and another one comes: the number of paths stays
    odd_items        the list holds items of wrong types
    no_items         the list is null where it is empty
    no_info          there is no /v3/info, as before 1.15.2
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from tests.servers.fakes_serving import Asked, Fake, FakeStream, Reply, main

ODD_ITEMS: tuple[Any, ...] = (
    None, 7, "path", [], {}, {"name": 5}, {"name": ""},
    {"name": "odd", "ready": "yes", "online": 1, "source": [], "tracks2": {}, "readers": {}},
)  # fmt: skip


class FakeMediaMTX(Fake):
    """
    A fake MediaMTX; a stream's ``more`` may hold ``readers`` (types), ``always_available``.

    :param token: who shows it behind ``Bearer`` may come in
    """

    LIES = frozenset({
        "html", "error", "error_in_200", "ignores_page", "endless", "page_size", "shift", "swap",
        "odd_items", "no_items", "no_info",
    })  # fmt: skip

    WORDS = Fake.WORDS | {"configure"}

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        *,
        version: str = "1.18.0",
        token: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(seconds, now, **more)
        self.version = tuple(int(part) for part in version.split("."))
        self._token = token
        self._others = 0

    def configure(self, name: str, *, always_available: bool = False) -> None:
        """A path that is listed although nobody publishes to it."""
        self.start(name, more={"always_available": always_available})
        self.stop(name, lingers=True)

    def is_welcome(self, asked: Asked) -> bool:
        if self._token is not None:
            return asked.authorization == f"Bearer {self._token}"
        return super().is_welcome(asked)

    def refusal(self) -> Reply:
        asks = {"www-authenticate": 'Basic realm="mediamtx"'}
        return Reply.json({"status": "error", "error": "authentication error"}, 401, asks)

    def answer(self, asked: Asked) -> Reply:
        if "error" in self.lies:
            return Reply.json({"status": "error", "error": self.lies["error"]}, 500)
        if "error_in_200" in self.lies:
            return Reply.json({"status": "error", "error": self.lies["error_in_200"]})
        date = {"date": formatdate(self.now(), usegmt=True)}
        if asked.path == "/v3/info" and "no_info" not in self.lies:
            version = "v" + ".".join(map(str, self.version))
            return Reply.json({"version": version, "started": self._time(self.began)}, headers=date)
        if asked.path == "/v3/paths/list":
            return self._paths(asked, date)
        return Reply(b"404 page not found", 404)

    def _paths(self, asked: Asked, date: dict[str, str]) -> Reply:
        size = self.lies.get("page_size") or int(asked.query.get("itemsPerPage", "100"))
        page = 0 if "ignores_page" in self.lies else int(asked.query.get("page", "0"))
        names = sorted(self.streams)
        if "endless" in self.lies:
            names = [self._another() for _ in range(3)]
            page, size = 0, 3
        items: list[Any] = [
            self._item(self.streams[name]) for name in names[page * size : (page + 1) * size]
        ]
        if "odd_items" in self.lies:
            items = [*ODD_ITEMS, *items]
        pages = -(-len(names) // size) + (1_000_000 if "endless" in self.lies else 0)
        said: dict[str, Any] = {"itemCount": len(names), "pageCount": pages, "items": items}
        if "no_items" in self.lies and not items:
            said["items"] = None
        reply = Reply.json(said, headers=date)
        if page == 0 and names and ("shift" in self.lies or "swap" in self.lies):
            self.stop(names[0])
            if "swap" in self.lies:
                self.start(f"{names[-1]}~")
        return reply

    def _another(self) -> str:
        self._others += 1
        self.start(f"endless{self._others}")
        return f"endless{self._others}"

    def _time(self, when: float) -> str:
        """As Go writes it, with nanoseconds."""
        told = datetime.fromtimestamp(when, UTC).isoformat(timespec="microseconds")
        return told.replace("+00:00", "123Z")

    def _item(self, stream: FakeStream) -> dict[str, Any]:
        always = stream.more.get("always_available", False)
        ready = stream.is_published or always
        online_time = self._time(stream.began) if stream.is_published else None
        ready_time = self._time(stream.more.get("available_since", stream.began)) if ready else None
        # A path loses its counters with its stream, unless that is always there.
        received, sent = (stream.received_bytes, stream.sent_bytes) if ready else (0, 0)
        hidden = ["hidden"] if self.version >= (1, 18) else []
        types = stream.more.get("readers") or [*hidden, *["rtspSession"] * stream.viewers]
        source = {"type": "rtmpConn", "id": f"{self.run}-{stream.publisher}"}
        item: dict[str, Any] = {
            "name": stream.name,
            "confName": "all_others",
            "ready": ready,
            "readyTime": ready_time,
            "source": source if stream.is_published else None,
            "tracks": ["H264", "MPEG-4 Audio"] if ready else [],
            "readers": [{"type": kind, "id": str(n)} for n, kind in enumerate(types)],
            "bytesReceived": received,
            "bytesSent": sent,
        }
        if self.version >= (1, 17):
            size = {"width": 1280, "height": 720, "profile": "High", "level": "3.1"}
            tone = {"sampleRate": 48000, "channelCount": 2}
            item |= {
                "available": ready,
                "availableTime": ready_time,
                "online": stream.is_published,
                "onlineTime": online_time,
                "tracks2": [
                    {"codec": "H264", "codecProps": size},
                    {"codec": "MPEG-4 Audio", "codecProps": tone},
                ],
                "inboundBytes": received,
                "outboundBytes": sent,
                "inboundFramesInError": 0,
            }
        return item | stream.more.get("item", {})


if __name__ == "__main__":
    main(FakeMediaMTX)
