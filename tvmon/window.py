"""
The last two minutes of a stream's good samples, small enough to keep for ten thousand streams.

A point holds only what rates and health are worked out from.  ``run`` counts the lives of the
counters seen so far: two points may be subtracted from one another only within one run.  A new
life begins where

    restarted     the server says that it started anew; or a counter fell, and it says nothing
    republished   the server says that the stream was published anew
    error         a counter fell or leapt though the server says that it is the same publisher

so that no rate is ever negative or absurd, and an operator is told which of them it was.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tvmon.streams import NO_SESSION, STEADY, Measurement, Pace, Rates, Sample, Session

KEPT_SECONDS = 130.0
"""How far back points are kept: the longest rate is over 100 s, and nothing asks for more."""

MOST_RECEIVED_KBPS = 10_000_000
MOST_SENT_KBPS = 1_000_000_000
"""What no stream ever had, 10 Gbit/s, and what no server ever sent of one, 1 Tbit/s."""

RECEIVED, SENT, DELAY, OPENED, MEDIA = range(5)
WIDTH = 5
"""The places of a point's numbers in a row, and how many a row has."""

ROW = (
    "upstream_bytes_received",
    "total_bytes_sent",
    "live_delay_ms",
    "upstream_opened_count",
    "media_received_ms",
)
"""The fields of a measurement that a row is made of, in its order."""

UNKNOWN = -(2**63)
"""In a row: what the server did not tell.  No number that it can tell is as small."""

Counter = Literal["received", "sent"]
Reset = Literal["restarted", "republished", "error"]


class Point(NamedTuple):
    """What one good sample said of flow; ``at`` is monotonic seconds."""

    at: float
    received: int | None
    sent: int | None
    delay_ms: int | None
    opened: int | None
    run: int
    media_ms: int | None = None


class Window:
    """
    The points of one stream, oldest first; the last one belongs to the newest good sample.

    :ivar pace: how the counters of the newest good sample move while all is well
    """

    __slots__ = ("_last", "_points", "_run", "_session", "pace")

    def __init__(self) -> None:
        self.pace: Pace = STEADY
        self._points: deque[Point] = deque()
        self._run = 0
        # What was told last, to see a reset behind a sample that told nothing.
        self._last: dict[Counter, tuple[float, int]] = {}
        self._session: Session = NO_SESSION

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points)

    @property
    def newest(self) -> Point | None:
        """The point of the newest good sample."""
        return self._points[-1] if self._points else None

    def add(self, sample: Sample) -> Reset | None:
        """Take in a sample, of which a failed one has nothing to add; why its counters are new."""
        measured = sample.measured
        if measured is None:
            return None
        received, sent = measured.upstream_bytes_received, measured.total_bytes_sent
        reset = self._reset(sample.at, measured)
        if reset is not None:
            self._run += 1
            self._last.clear()
        if received is not None:
            self._last["received"] = sample.at, received
        if sent is not None:
            self._last["sent"] = sample.at, sent
        self.pace = measured.pace
        if self._points and self._points[-1].at >= sample.at:
            # No time between them, no rate: of two samples of one moment the later one counts.
            self._points.pop()
        delay, opened = measured.live_delay_ms, measured.upstream_opened_count
        media = measured.media_received_ms
        self._points.append(Point(sample.at, received, sent, delay, opened, self._run, media))
        while self._points[0].at < sample.at - KEPT_SECONDS:
            self._points.popleft()
        return reset

    def refill(self, at: array[float], columns: Sequence[array[int]]) -> bool:
        """
        Hold points that were kept, all in one go, where that is what adding them would come to.

        False, and nothing changed, where their counters may have begun anew among them, or were
        told now and then: only :meth:`add`, one after the other, can tell.

        :param at: when each point was, always growing
        :param columns: the numbers of all points, one column for each place of a row
        """
        for place, most in ((RECEIVED, MOST_RECEIVED_KBPS), (SENT, MOST_SENT_KBPS), (MEDIA, None)):
            if not _only_grows(columns[place], most):
                return False
        gone = bisect_left(at, at[-1] - KEPT_SECONDS) if at else 0
        points = zip(at[gone:], *(map(_known, column[gone:]) for column in columns), strict=True)
        self._points = deque(
            Point(moment, received, sent, delay, opened, 0, media)
            for moment, received, sent, delay, opened, media in points
        )
        if self._points:
            last = self._points[-1]
            if last.received is not None:
                self._last["received"] = last.at, last.received
            if last.sent is not None:
                self._last["sent"] = last.at, last.sent
        return True

    def _reset(self, at: float, measured: Measurement) -> Reset | None:
        old, new = self._session, measured.session
        if new != old:
            # A server that does not tell it this once is taken to be the one that it was.
            self._session = Session(new.server or old.server, new.publisher or old.publisher)
            if old.server and new.server and old.server != new.server:
                return "restarted"
            if old.publisher and new.publisher and old.publisher != new.publisher:
                return "republished"
        before, media = self.newest, measured.media_received_ms
        wrong = before is not None and _fell(before.media_ms, media)
        for counter, count, most in (
            ("received", measured.upstream_bytes_received, MOST_RECEIVED_KBPS),
            ("sent", measured.total_bytes_sent, MOST_SENT_KBPS),
        ):
            if counter in self._last and count is not None:
                wrong = wrong or _is_wrong(self._last[counter], at, count, most)
        if not wrong:
            return None
        return "error" if new.server or new.publisher else "restarted"

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


def _known(number: int) -> int | None:
    return None if number == UNKNOWN else number


def _only_grows(counts: Sequence[int], most_kbps: int | None) -> bool:
    """
    Whether a counter was told always and never fell, or was never told.

    From the first to the last it must not have grown by more than it can within a second, so
    that it cannot have leapt between any two.
    """
    if not counts or counts[0] == UNKNOWN:
        return not counts or max(counts) == UNKNOWN
    if list(counts) != sorted(counts):
        return False
    return most_kbps is None or (counts[-1] - counts[0]) * 8 / 1000 <= most_kbps


def _is_wrong(before: tuple[float, int], at: float, count: int, most_kbps: int) -> bool:
    """Whether a counter fell, or rose by more than it can; a second at least may have passed."""
    grown = count - before[1]
    return grown < 0 or grown * 8 / 1000 > most_kbps * max(1.0, at - before[0])


def _fell(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after < before
