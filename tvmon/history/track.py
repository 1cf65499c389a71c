"""One stream's samples on their way into buckets, and the buckets that wait to be written."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from operator import attrgetter

from tvmon.entry import Scored
from tvmon.health import Scoring
from tvmon.history.bucket import Bucket, Values
from tvmon.streams import NO_SESSION, Level, Sample
from tvmon.tiers import STEP_SECONDS
from tvmon.window import ROW, UNKNOWN, Window

LATE_STEPS = 2
"""
A sample that is older than what was written, by more than so many steps, is of a clock that was
set back; a little late ones count for the bucket that is open.
"""


def bucket_end(time: float) -> int:
    """The end of the five minutes that a moment lies in, seconds since 1970."""
    return int(time // STEP_SECONDS + 1) * STEP_SECONDS


class Track:
    """
    The open buckets of one stream, by their ends.

    :ivar done: the end of the newest bucket that was handed out; 0 where none was
    """

    __slots__ = ("_buckets", "_good", "done")

    def __init__(self) -> None:
        self.done = 0
        self._buckets: dict[int, Bucket] = {}
        self._good: Sample | None = None

    def add(
        self, sample: Sample, score: int | None, level: Level | None, *, is_reset: bool
    ) -> bool:
        """
        Take in a sample; false where its time is over, and nothing was taken in.

        :param is_reset: its counters began anew
        """
        end = bucket_end(sample.time)
        if end <= self.done:
            if end < self.done - LATE_STEPS * STEP_SECONDS:
                return False
            end = self.done + STEP_SECONDS
        bucket = self._buckets.get(end)
        if bucket is None:
            bucket = self._buckets[end] = Bucket()
        bucket.add(sample, score, level, None if is_reset else self._good)
        if not sample.is_failed:
            self._good = sample
        return True

    def rebuild(self, kept: Iterable[Scored], scoring: Scoring) -> None:
        """
        Begin again from the kept samples, oldest first, which hold all that was seen up to now.

        What was handed out already stays as it was.
        """
        kept = list(kept)
        # Where it cannot be seen at once that counters began anew nowhere, a window tells.
        only_grow = _only_grow([sample for sample, _ in kept if not sample.is_failed])
        window = None if only_grow else Window()
        self._buckets.clear()
        self._good = None
        for sample, score in kept:
            if bucket_end(sample.time) > self.done:
                is_reset = False
                if window is not None:
                    if self._good is not None and not len(window):
                        window.add(self._good)
                    is_reset = window.add(sample) is not None
                level = None if score is None else scoring.level(score)
                self.add(sample, score, level, is_reset=is_reset)
            elif not sample.is_failed:
                self._good = sample

    def ends(self) -> Iterable[int]:
        """The ends of the buckets that wait."""
        return self._buckets.keys()

    def take(self, end: int) -> Values | None:
        """Hand out the bucket that ended then, if there is one, and take no more samples for it."""
        bucket = self._buckets.pop(end, None)
        if bucket is None:
            return None
        self.done = max(self.done, end)
        return bucket.values

    def forget_after(self, end: int) -> int:
        """Let go of what lies later, which a clock that was wrong has brought; how many."""
        wrong = [other for other in self._buckets if other > end]
        for other in wrong:
            del self._buckets[other]
        return len(wrong)


def _only_grow(samples: Sequence[Sample]) -> bool:
    """Whether the counters of these good samples began anew nowhere, as far as is easily seen."""
    told = [sample.measured for sample in samples if sample.measured is not None]
    if any(measured.session is not NO_SESSION for measured in told):
        return False
    try:
        columns = [
            array("q", [UNKNOWN if n is None else n for n in map(attrgetter(name), told)])
            for name in ROW
        ]
    except (OverflowError, TypeError):
        return False  # a module broke its word
    return Window().refill(array("d", [sample.at for sample in samples]), columns)
