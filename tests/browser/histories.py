"""
Synthetic histories: what the page asks of them, answered by a formula, and no rrdtool.

A value follows from its time alone, so a test can tell what must be drawn.  Nothing is known of
the eighth hour of each day, UTC.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request

AHEAD = """
  const real = Date.now;
  window.ahead = 0;
  Date.now = () => real() + window.ahead;
"""
"""Lets a test set the page's clock ahead, by ``window.ahead`` ms."""

STEP = 300
DAY = 86_400
TIERS = (
    ("5m", 300, 90),
    ("30m", 1800, 120),
    ("1h", 3600, 180),
    ("6h", 21_600, 365),
    ("1d", DAY, 730),
)
MOST_ROWS = 1500
ROOMS = (b"history", b"graph", b"graph_vhost", b"graph_global")
WORDS = {"now": 0, "-1day": DAY, "-1week": 7 * DAY, "-1month": 30 * DAY, "-1year": 365 * DAY}
METRICS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "traffic": ("Traffic", "bit/s", (("out", "Outbound"), ("in", "Inbound"))),
    "viewers": ("Viewers", "viewers", (("viewers", "Viewers"),)),
    "delay": ("Live delay", "ms", (("delay", "Delay"),)),
    "score": ("Score", "points", (("score", "Score"),)),
    "novelty": ("A metric without texts", "things", (("things", "Things"),)),
}
GLOBALS: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "cpu": ("Processor", "%", (("all", "Kernel and user"), ("kernel", "Kernel"))),
    "memory": ("Memory", "byte", (("used", "Used"), ("own", "Used by tvmon"))),
}
SIZES = {
    "bit/s": 4e6,
    "viewers": 250.0,
    "ms": 900.0,
    "points": 50.0,
    "things": 7.0,
    "%": 30.0,
    "byte": 3e9,
}


class Refused(Exception):  # noqa: N818 - it reads as the sentence that it is
    """An answer that is an error: its code, its sentence, and the part that is wrong."""


def value(line: int, unit: str, time: int) -> float | None:
    """What a line is in the five minutes that end at a time."""
    if (time - 1) % DAY // 3600 == 7:
        return None
    wave = 1 + 0.5 * math.sin(2 * math.pi * time / DAY) + 0.1 * math.sin(time / 1000)
    return SIZES[unit] * wave / (1 + 3 * line)


def rows(line: int, unit: str, start: int, end: int, step: int) -> dict[str, list[list[Any]]]:
    """By consolidation function the rows that lie in a time, each ``[time, value]``."""
    found: dict[str, list[list[Any]]] = {
        cf: [] for cf in (["LAST"] if step == STEP else ["AVERAGE", "MIN", "MAX"])
    }
    for time in range((start // step + 1) * step, end + 1, step):
        mean = value(line, unit, time - step // 2)
        for cf, share in (("LAST", 1.0), ("AVERAGE", 1.0), ("MIN", 0.8), ("MAX", 1.3)):
            if cf in found:
                found[cf].append([time, None if mean is None else round(mean * share, 3)])
    return found


def png(width: int, height: int, shade: int) -> bytes:
    """A picture of one shade of grey, with a darker or lighter line across."""
    lines = b"".join(
        b"\0" + bytes([128 if row == height // 2 else shade]) * width for row in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


class Histories:
    """
    :ivar trouble: what ``GET /history`` says is wrong
    :ivar broken: metrics that answer 500
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.trouble: str | None = None
        self.broken: list[str] = []

    def ahead_of(self, rest: Any) -> Resource:
        """A root that answers what is asked of histories, and leaves the rest to another."""
        return _Ahead(self, rest)

    def answer(self, path: str, asked: dict[str, str]) -> tuple[str, bytes]:
        """The type and the body of an answer; Refused otherwise."""
        if path == "/history":
            return "application/json", json.dumps(self._catalogue()).encode()
        if self.trouble is not None:
            raise Refused(503, self.trouble, None)
        plots = GLOBALS if path == "/graph_global" else METRICS
        stream = re.fullmatch(r"/graph/stream/(\d+)\.png", path)
        name = asked.get("metric" if stream else "target", "traffic")
        if name not in plots:
            raise Refused(404, "there is no such metric", "metric")
        if name in self.broken:
            raise Refused(500, "this one is broken", None)
        now = int(self._now()) // STEP * STEP
        start, end = self._time(asked, "start", now - DAY, now), self._time(asked, "end", now, now)
        step = self._step(asked.get("step"), start, end, now)
        if asked.get("format", "png") == "png":
            width, height = int(asked.get("width", 580)), int(asked.get("height", 203))
            return "image/png", png(width, height, 20 if asked.get("theme") == "dark" else 250)
        _, unit, lines = plots[name]
        series = [
            {"name": line, "title": said, "cf": cf, "unit": unit, "points": points}
            for number, (line, said) in enumerate(lines)
            for cf, points in rows(number, unit, start, end, step).items()
        ]
        body = {
            "target": name,
            "vhost": asked.get("vhost"),
            "step": step,
            "start": start,
            "end": end,
        }
        return "application/json", json.dumps({**body, "unit": unit, "series": series}).encode()

    def _catalogue(self) -> dict[str, Any]:
        def told(plots: dict[str, Any]) -> list[dict[str, Any]]:
            return [
                {
                    "name": name,
                    "title": title,
                    "unit": unit,
                    "lines": [{"name": n, "title": t} for n, t in lines],
                }
                for name, (title, unit, lines) in plots.items()
            ]

        tiers = [{"name": name, "seconds": seconds, "days": days} for name, seconds, days in TIERS]
        return {
            "trouble": self.trouble,
            "tiers": tiers,
            "metrics": told(METRICS),
            "global": told(GLOBALS),
        }

    @staticmethod
    def _time(asked: dict[str, str], part: str, default: int, now: int) -> int:
        said = asked.get(part, "")
        if not said:
            return default
        if said.isdigit():
            return int(said) // STEP * STEP
        if said not in WORDS:
            raise Refused(400, f"{said} is no time", part)
        return now - WORDS[said]

    @staticmethod
    def _step(wanted: str | None, start: int, end: int, now: int) -> int:
        for name, seconds, days in TIERS:
            fits = name == wanted if wanted else (end - start) / seconds <= MOST_ROWS
            if fits and days * DAY >= now - start:
                return seconds
        return DAY


class _Ahead(Resource):
    def __init__(self, histories: Histories, rest: Any) -> None:
        super().__init__()
        self._answers, self._rest = _Answers(histories), rest

    def getChildWithDefault(  # noqa: N802 - Twisted's name
        self, path: bytes, request: Request
    ) -> Any:
        room = self._rest.getChildWithDefault(path, request)  # sets the headers of every answer
        return self._answers if path in ROOMS else room


class _Answers(Resource):
    isLeaf = True

    def __init__(self, histories: Histories) -> None:
        super().__init__()
        self._histories = histories

    def render(self, request: Request) -> bytes:
        asked = {name.decode(): values[0].decode() for name, values in request.args.items()}
        try:
            kind, body = self._histories.answer(request.path.decode(), asked)
        except Refused as refused:
            code, message, part = refused.args
            request.setResponseCode(code)
            error = {"error": {"message": message, "part": part}}
            kind, body = "application/json", json.dumps(error).encode()
        request.setHeader("Content-Type", kind)
        return body
