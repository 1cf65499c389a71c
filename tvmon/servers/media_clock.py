"""How far a stream runs behind, worked out from the clock of its media and that of its server."""

from __future__ import annotations

from typing import NamedTuple

LEAP_MS = 2000
"""By how much media may seem to fall behind in no time at all: packets of sound and picture."""

DRIFT = 0.0002
"""By how much the clock of an encoder may be slow: 17 s a day, which are no delay."""

_WRAP = 2**32


class MediaClock(NamedTuple):
    """
    What is kept of one publisher; see :func:`moved`.

    :param time_ms: since it connected, by the server
    :param behind_ms: that, less the media's own time; where it begins is arbitrary
    :param smallest_ms: of ``behind_ms``: what it is while the stream keeps up
    """

    publisher: str
    time_ms: int
    behind_ms: float
    smallest_ms: float

    @property
    def delay_ms(self) -> int:
        """How far the stream runs behind."""
        return round(self.behind_ms - self.smallest_ms)


def moved(before: MediaClock | None, publisher: str, time_ms: int, timestamp_ms: int) -> MediaClock:
    """
    The clock of a publisher at its newest answer.

    The two times grow at one pace while all is well.  Where media falls behind, their difference
    grows by up to a second each second, and shrinks again when it catches up; the smallest one
    seen is no delay.  One that grows faster than that is a new clock in the encoder, and one that
    is smaller than ever is the new smallest.

    :param timestamp_ms: the media's own time, which wraps at 32 bits
    """
    behind = float(time_ms - timestamp_ms)
    if before is None or before.publisher != publisher or time_ms < before.time_ms:
        return MediaClock(publisher, time_ms, behind, behind)
    elapsed = time_ms - before.time_ms
    step = (behind - before.behind_ms + _WRAP / 2) % _WRAP - _WRAP / 2
    if step > elapsed + LEAP_MS:
        return MediaClock(publisher, time_ms, behind, behind)
    behind = before.behind_ms + step
    smallest = min(before.smallest_ms + elapsed * DRIFT, behind)
    return MediaClock(publisher, time_ms, behind, smallest)
