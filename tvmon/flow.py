"""
What comes in of a stream, as one counter: whether it rests, and how fast it moves.  Pure.

Mostly the counter is of bytes.  A playlist tells of no bytes but of media, which must come in as
fast as it plays.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from tvmon.streams import Pace, value
from tvmon.window import MEDIA, RECEIVED, UNKNOWN, WIDTH, Window

LONGEST_REST_SHARE = 1.25
"""A stream that comes in bursts may rest a quarter longer than it did before."""

EARLY_SECONDS = 0.25
"""By how much two polls may be nearer to one another than they should be."""


@value
class Flow:
    """
    What comes in, as one counter: its points since it began anew last, oldest first.

    A span of time is told by the place of the point that it begins with; it ends with the newest.

    :param at: when each point was, monotonic seconds
    :param counts: the counter at each point: byte, or ms
    :param rows: all numbers of the points, as in a window
    :param needed: kbit, or seconds of media, a second; ``None`` where that is not known
    :param is_bytes: it counts bytes, and not milliseconds of media
    """

    at: array[float]
    counts: array[int]
    rows: array[int]
    needed: float | None
    is_bytes: bool

    def span(self, first: int, last: int = -1) -> float:
        """How far two points are apart, in seconds."""
        return self.at[last] - self.at[first]

    def came(self, first: int, last: int = -1) -> float:
        """How much came from one point to another: kbit, or seconds of media."""
        amount = self.counts[last] - self.counts[first]
        return amount * 8 / 1000 if self.is_bytes else amount / 1000

    def rate(self, first: int, last: int = -1) -> float:
        """How much came a second."""
        return self.came(first, last) / self.span(first, last)

    def words(self, first: int, needed: float) -> str:
        """What came, and what was needed."""
        span = seconds_of(self.span(first))
        if self.is_bytes:
            rate = f"{self.rate(first):.0f} of {needed:.0f} kbit/s"
            return f"upstream: {rate} came in over the last {span}"
        return f"upstream: media for {self.came(first):.1f} s came in over the last {span}"


def flow_of(window: Window, needed_kbps: float | None = None) -> Flow | None:
    """The counter that the newest point has: bytes, or else media; ``None`` where it has none."""
    if not window.at:
        return None
    if window.rows[RECEIVED - WIDTH] != UNKNOWN:
        counter, needed, is_bytes = RECEIVED, needed_kbps, True
    elif window.rows[MEDIA - WIDTH] != UNKNOWN:
        counter, needed, is_bytes = MEDIA, 1.0, False
    else:
        return None
    at, rows = window.at[window.began :], window.rows[window.began * WIDTH :]
    counts = rows[counter::WIDTH]
    if UNKNOWN in counts:
        told = [place for place, count in enumerate(counts) if count != UNKNOWN]
        at = array("d", [at[place] for place in told])
        counts = array("q", [counts[place] for place in told])
        rows = array("q", [n for p in told for n in rows[p * WIDTH : (p + 1) * WIDTH]])
    return Flow(at, counts, rows, needed, is_bytes)


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
    counts, since = flow.counts, len(flow.counts) - 1
    newest = counts[since]
    while since and counts[since - 1] == newest:
        since -= 1
    return flow.span(since)


def _rests(flow: Flow) -> list[float]:
    """How long the counter has rested before it moved again, seconds, the longest last."""
    rests, rest = [], 0.0
    before_at, before = flow.at[0], flow.counts[0]
    for at, count in zip(flow.at, flow.counts, strict=True):
        if count == before:
            rest += at - before_at
        elif rest:
            rests.append(rest)
            rest = 0.0
        before_at, before = at, count
    return sorted(rests)


def within(flow: Flow, seconds: float, earliest: int = 0) -> int:
    """
    The first of the newest points that reach about so many seconds back; at least two do.

    A poll that is half a second early is still in: the distance counts, not the edge.

    :param earliest: none before this one is asked for
    """
    edge = flow.at[-1] - seconds - 0.5
    return min(bisect_left(flow.at, edge, earliest), len(flow.at) - 2)


def kept_up(flow: Flow, first: int, needed: float, burst: float) -> float:
    """What came as a share of what was needed, with the last burst allowed to be under way."""
    span = flow.span(first)
    due = span - min(burst, span / 3)
    return flow.came(first) / (needed * due)


def seconds_of(seconds: float) -> str:
    """``0.8 s`` or ``87 s``: as exact as an operator reads it."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
