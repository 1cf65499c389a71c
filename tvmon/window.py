"""
The last two minutes of a stream's good samples, small enough to keep for ten thousand streams.

A point holds only what rates and health are worked out from.  ``run`` counts the lives of the
counters seen so far: two points may be subtracted from one another only within one run.  A new
life begins where

    restarted     the server says that it started anew; or a counter fell, and it says nothing
    republished   the server says that the stream was published anew
    error         a counter fell or leapt though the server says that it is the same publisher

so that no rate is ever negative or absurd, and an operator is told which of them it was.

The points lie in two arrays of plain numbers: as objects they would be most of the daemon's
memory, and most of what Python's garbage collector has to walk through.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tvmon.streams import NO_RATES, NO_SESSION, STEADY, Measurement, Pace, Rates, Sample, Session

KEPT_SECONDS = 130.0
"""How far back points are kept: the longest rate is over 100 s, and nothing asks for more."""

MOST_RECEIVED_KBPS = 10_000_000
MOST_SENT_KBPS = 1_000_000_000
"""What no stream ever had, 10 Gbit/s, and what no server ever sent of one, 1 Tbit/s."""

RECEIVED, SENT, DELAY, OPENED, MEDIA = range(5)
WIDTH = 5
"""The places of a point's numbers in its row, and how many a row has."""

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

_MOST = 2**63 - 1

_DISTANCES = tuple((seconds, max(2 * seconds, seconds + 15)) for seconds in (3.0, 10.0, 100.0))
"""Over which times rates are taken, and how far away the sample may be that stands for each."""

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
    :ivar at: when each point was, monotonic seconds, always growing; only to be read
    :ivar rows: the numbers of all points, a row of ``WIDTH`` for each; only to be read
    :ivar began: the place of the first point of the current run
    """

    __slots__ = ("_received", "_run", "_sent", "_session", "at", "began", "pace", "rows")

    def __init__(self) -> None:
        self.pace: Pace = STEADY
        self.at = array("d")
        self.rows = array("q")
        self.began = 0
        self._run = 0
        # What was told last, and when, to see a reset behind a sample that told nothing.
        self._received: tuple[float, int] | None = None
        self._sent: tuple[float, int] | None = None
        self._session: Session = NO_SESSION

    def __len__(self) -> int:
        return len(self.at)

    @property
    def newest(self) -> Point | None:
        """The point of the newest good sample."""
        if not self.at:
            return None
        received, sent, delay, opened, media = (
            None if number == UNKNOWN else number for number in self.rows[-WIDTH:]
        )
        return Point(self.at[-1], received, sent, delay, opened, self._run, media)

    def add(self, sample: Sample) -> Reset | None:
        """Take in a sample, of which a failed one has nothing to add; why its counters are new."""
        measured = sample.measured
        if measured is None:
            return None
        at = sample.at
        reset = self._reset(at, measured)
        # No time between them, no rate: of two samples of one moment the later one counts.
        while self.at and self.at[-1] >= at:
            self.at.pop()
            del self.rows[-WIDTH:]
            self.began = min(self.began, len(self.at))
        if reset is not None:
            self._run += 1
            self.began = len(self.at)
            self._received = self._sent = None
        if measured.upstream_bytes_received is not None:
            self._received = at, measured.upstream_bytes_received
        if measured.total_bytes_sent is not None:
            self._sent = at, measured.total_bytes_sent
        self.pace = measured.pace
        self._append(at, measured)
        edge = at - KEPT_SECONDS
        if self.at[0] < edge:
            gone = bisect_left(self.at, edge)
            del self.at[:gone]
            del self.rows[: gone * WIDTH]
            self.began = max(0, self.began - gone)
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
        self.at = at[gone:]
        self.rows = array("q", bytes(self.rows.itemsize * WIDTH * len(self.at)))
        for place, column in enumerate(columns):
            self.rows[place::WIDTH] = column[gone:]
        if at:
            received, sent = columns[RECEIVED][-1], columns[SENT][-1]
            self._received = None if received == UNKNOWN else (at[-1], received)
            self._sent = None if sent == UNKNOWN else (at[-1], sent)
        return True

    def _append(self, at: float, measured: Measurement) -> None:
        received, sent = measured.upstream_bytes_received, measured.total_bytes_sent
        delay, opened = measured.live_delay_ms, measured.upstream_opened_count
        media = measured.media_received_ms
        row = [
            UNKNOWN if received is None else received,
            UNKNOWN if sent is None else sent,
            UNKNOWN if delay is None else delay,
            UNKNOWN if opened is None else opened,
            UNKNOWN if media is None else media,
        ]
        try:
            self.rows.fromlist(row)  # all of it or nothing
        except (OverflowError, TypeError):
            # A module broke its word.  That costs the field, and not the stream.
            self.rows.fromlist([n if _fits(n) else UNKNOWN for n in row])
        self.at.append(at)

    def _reset(self, at: float, measured: Measurement) -> Reset | None:
        old, new = self._session, measured.session
        if new is not old and new != old:
            # A server that does not tell it this once is taken to be the one that it was.
            self._session = Session(new.server or old.server, new.publisher or old.publisher)
            if old.server and new.server and old.server != new.server:
                return "restarted"
            if old.publisher and new.publisher and old.publisher != new.publisher:
                return "republished"
        media = measured.media_received_ms
        if not (
            _is_wrong(self._received, at, measured.upstream_bytes_received, MOST_RECEIVED_KBPS)
            or _is_wrong(self._sent, at, measured.total_bytes_sent, MOST_SENT_KBPS)
            # The newest row ends with it, and what is unknown there is less than any number.
            or (media is not None and self.at and media < self.rows[-1])
        ):
            return None
        return "error" if new.server or new.publisher else "restarted"


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


def _fits(number: object) -> bool:
    """Whether it is a whole number of 63 bits, as a database's column holds it."""
    return isinstance(number, int) and UNKNOWN < number <= _MOST


def _is_wrong(before: tuple[float, int] | None, at: float, count: int | None, most: int) -> bool:
    """Whether a counter fell, or rose by more than it can; a second at least may have passed."""
    if before is None or count is None:
        return False
    grown = count - before[1]
    return grown < 0 or grown * 8 / 1000 > most * max(1.0, at - before[0])


def all_rates(window: Window) -> tuple[Rates, Rates]:
    """What came from upstream, and what went to viewers, up to the newest good sample."""
    at, rows, began = window.at, window.rows, window.began
    newest = len(at) - 1
    if newest < 1:
        return NO_RATES, NO_RATES
    now, received, sent = at[newest], rows[RECEIVED - WIDTH], rows[SENT - WIDTH]
    upstream: list[float | None] = []
    downstream: list[float | None] = []
    for seconds, furthest in _DISTANCES:
        place = _nearest(at, now - seconds, newest)
        span = now - at[place]
        # A sample that is far from it does not count: calling the average over an outage of an
        # hour "the last 3 seconds" would be a lie.
        if place < began or span > furthest:
            upstream.append(None)
            downstream.append(None)
            continue
        row = place * WIDTH
        upstream.append(_rate(rows[row + RECEIVED], received, span))
        downstream.append(_rate(rows[row + SENT], sent, span))
    return Rates(*upstream), Rates(*downstream)


def upstream_rates(window: Window) -> Rates:
    """What came from upstream, up to the newest good sample."""
    return all_rates(window)[0]


def downstream_rates(window: Window) -> Rates:
    """What went to viewers, up to the newest good sample."""
    return all_rates(window)[1]


def _nearest(at: array[float], wanted: float, newest: int) -> int:
    """
    The place of the point before the newest that is nearest to that moment.

    The nearest counts, so that a poll that is some ms early does not move the window.
    """
    after = bisect_left(at, wanted, 0, newest)
    if after == newest or (after and wanted - at[after - 1] < at[after] - wanted):
        return after - 1
    return after


def _rate(before: int, after: int, seconds: float) -> float | None:
    if before == UNKNOWN or after == UNKNOWN:
        return None
    return (after - before) * 8 / 1000 / seconds


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
