"""
The last two minutes of a stream's good samples, small enough to keep for ten thousand streams.

A point holds only what rates and health are worked out from.  ``run`` counts the counter
resets seen so far: two points may be subtracted from one another only within one run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tvmon.streams import Rates, Sample

KEPT_SECONDS = 130.0
"""How far back points are kept: the longest rate is over 100 s, and nothing asks for more."""

Counter = Literal["received", "sent"]


class Point(NamedTuple):
    """What one good sample said of flow: when (monotonic seconds), bytes, delay, connects."""

    at: float
    received: int | None
    sent: int | None
    delay_ms: int | None
    opened: int | None
    run: int


class Window:
    """The points of one stream, oldest first; the last one belongs to the newest good sample."""

    __slots__ = ("_points", "_received", "_run", "_sent")

    def __init__(self) -> None:
        self._points: deque[Point] = deque()
        self._run = 0
        # The last counts that were told, to see a reset behind a sample that told none.
        self._received: int | None = None
        self._sent: int | None = None

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points)

    @property
    def newest(self) -> Point | None:
        """The point of the newest good sample."""
        return self._points[-1] if self._points else None

    def add(self, sample: Sample) -> None:
        """Take in a good sample; a failed one has nothing to add."""
        measured = sample.measured
        if measured is None:
            return
        received, sent = measured.upstream_bytes_received, measured.total_bytes_sent
        if _fell(self._received, received) or _fell(self._sent, sent):
            self._run += 1
        self._received = self._received if received is None else received
        self._sent = self._sent if sent is None else sent
        if self._points and self._points[-1].at >= sample.at:
            # No time between them, no rate: of two samples of one moment the later one counts.
            self._points.pop()
        delay, opened = measured.live_delay_ms, measured.upstream_opened_count
        self._points.append(Point(sample.at, received, sent, delay, opened, self._run))
        while self._points[0].at < sample.at - KEPT_SECONDS:
            self._points.popleft()

    def back(self, seconds: float) -> Point | None:
        """
        The point whose distance to the newest is nearest to so many seconds.

        ``None`` where there is none but the newest itself.
        """
        if len(self._points) < 2:
            return None
        wanted = self._points[-1].at - seconds
        best: Point | None = None
        for index in range(len(self._points) - 2, -1, -1):
            point = self._points[index]
            if best is not None and abs(point.at - wanted) >= abs(best.at - wanted):
                break
            best = point
        return best


def upstream_rates(window: Window) -> Rates:
    """What came from upstream, up to the newest good sample."""
    return Rates(
        _rate(window, 3.0, "received"),
        _rate(window, 10.0, "received"),
        _rate(window, 100.0, "received"),
    )


def downstream_rates(window: Window) -> Rates:
    """What went to viewers, up to the newest good sample."""
    return Rates(
        _rate(window, 3.0, "sent"), _rate(window, 10.0, "sent"), _rate(window, 100.0, "sent")
    )


def _rate(window: Window, seconds: float, counter: Counter) -> float | None:
    """
    Kilobit a second over about so many seconds.

    The sample nearest to that distance counts, so that a poll that is some ms early does not
    move the window.  One that is far from it does not: calling the average over an outage of
    an hour "the last 3 seconds" would be a lie.
    """
    old, new = window.back(seconds), window.newest
    if old is None or new is None or new.at - old.at > max(2 * seconds, seconds + 15):
        return None
    return kbps(old, new, counter)


def kbps(old: Point, new: Point, counter: Counter) -> float | None:
    """
    Kilobit a second from one point to a later one, however far apart they are.

    ``None`` where a counter was reset in between, or one of the two did not tell it.
    """
    before, after = getattr(old, counter), getattr(new, counter)
    if old.run != new.run or old.at >= new.at or before is None or after is None:
        return None
    rate: float = (after - before) * 8 / 1000 / (new.at - old.at)
    return rate


def _fell(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after < before
