"""
What comes in of a stream, as one counter: whether it rests, and how fast it moves.  Pure.

Mostly the counter is of bytes.  A playlist tells of no bytes but of media, which must come in as
fast as it plays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tvmon.streams import Pace
from tvmon.window import Point, Window

LONGEST_REST_SHARE = 1.25
"""A stream that comes in bursts may rest a quarter longer than it did before."""

EARLY_SECONDS = 0.25
"""By how much two polls may be nearer to one another than they should be."""


@dataclass(frozen=True, slots=True)
class Flow:
    """
    What comes in, as one counter.

    :param points: since the last restart of the counters, oldest first, all of them counted
    :param needed: kbit, or seconds of media, a second; ``None`` where that is not known
    :param is_bytes: it counts bytes, and not milliseconds of media
    """

    points: Sequence[Point]
    needed: float | None
    is_bytes: bool

    def count(self, point: Point) -> int:
        """The counter of one of the points: byte, or ms."""
        return (point.received if self.is_bytes else point.media_ms) or 0

    def came(self, points: Sequence[Point]) -> float:
        """How much came from the first of some points to the last: kbit, or seconds of media."""
        amount = self.count(points[-1]) - self.count(points[0])
        return amount * 8 / 1000 if self.is_bytes else amount / 1000

    def rate(self, points: Sequence[Point]) -> float:
        """How much came a second."""
        return self.came(points) / (points[-1].at - points[0].at)

    def words(self, points: Sequence[Point], needed: float) -> str:
        """What came, and what was needed."""
        span = points[-1].at - points[0].at
        if self.is_bytes:
            rate = f"{self.rate(points):.0f} of {needed:.0f} kbit/s"
            return f"upstream: {rate} came in over the last {seconds_of(span)}"
        came = f"media for {self.came(points):.1f} s"
        return f"upstream: {came} came in over the last {seconds_of(span)}"


def flow_of(window: Window, needed_kbps: float | None = None) -> Flow | None:
    """The counter that the newest point has: bytes, or else media; ``None`` where it has none."""
    newest = window.newest
    if newest is None:
        return None
    run = newest.run
    if newest.received is not None:
        points = [p for p in window if p.run == run and p.received is not None]
        return Flow(points, needed_kbps, is_bytes=True)
    if newest.media_ms is not None:
        points = [p for p in window if p.run == run and p.media_ms is not None]
        return Flow(points, 1.0, is_bytes=False)
    return None


def stalled(flow: Flow, pace: Pace) -> bool:
    """Whether nothing came for longer than this kind of stream, or this one, rests by nature."""
    rest = silence(flow)
    if rest < pace.stall_seconds - EARLY_SECONDS:
        return False
    # The second longest, so that one stall does not excuse the next.
    rests = _rests(flow)
    usual = rests[-2] if len(rests) > 1 else 0.0
    return rest >= usual * LONGEST_REST_SHARE


def silence(flow: Flow) -> float:
    """For how long nothing has come, in seconds, as far back as is known."""
    points, newest = flow.points, flow.count(flow.points[-1])
    since = points[-1].at
    for point in reversed(points):
        if flow.count(point) != newest:
            break
        since = point.at
    return points[-1].at - since


def _rests(flow: Flow) -> list[float]:
    """How long the counter has rested before it moved again, seconds, the longest last."""
    rests, rest = [], 0.0
    for before, after in pairwise(flow.points):
        if flow.count(before) == flow.count(after):
            rest += after.at - before.at
        elif rest:
            rests.append(rest)
            rest = 0.0
    return sorted(rests)


def within(points: Sequence[Point], seconds: float) -> Sequence[Point]:
    """
    The newest points that reach about so many seconds back; at least two.

    A poll that is half a second early is still in: the distance counts, not the edge.
    """
    edge = points[-1].at - seconds - 0.5
    first = len(points) - 2
    while first > 0 and points[first - 1].at >= edge:
        first -= 1
    return points[first:]


def kept_up(flow: Flow, points: Sequence[Point], needed: float, burst: float) -> float:
    """What came as a share of what was needed, with the last burst allowed to be under way."""
    span = points[-1].at - points[0].at
    due = span - min(burst, span / 3)
    return flow.came(points) / (needed * due)


def seconds_of(seconds: float) -> str:
    """``0.8 s`` or ``87 s``: as exact as an operator reads it."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
