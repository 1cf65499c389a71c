"""
Five minutes of one stream, as they add up.

A bucket is fed with the samples of its time and gives the values of :data:`STREAM_SOURCES`.
Rates come from counters: what they grew by from each good sample to the next, over the time
between the two.  Where that cannot be known, since a counter began anew or a poll between them
failed for long, the pair adds neither bytes nor time, so a rate is that of the time it is known
for, and never negative.

What adds up lies in two lists and not in objects of its own: each stream has a bucket, and Python's
garbage collector walks through all of them.
"""

from __future__ import annotations

from math import isfinite, nan

from tvmon.health import NO_DELAY_MS
from tvmon.history.sources import STREAM_SOURCES
from tvmon.streams import Level, Measurement, Sample
from tvmon.tiers import STEP_SECONDS

Values = tuple[float | None, ...]
"""One for each source, in their order; ``None`` is unknown."""

_ADDS = tuple(source.adds for source in STREAM_SOURCES)


(
    VIEWERS,
    DELAY_MS,
    SCORE,
    FIRST_BYTE_MS,
    ANSWER_MS,
    FRAMERATE,
    AUDIO_KBPS,
    VIDEO_KBPS,
    TOLD_IN_KBPS,
    TOLD_OUT_KBPS,
) = range(10)
"""The places of what is averaged over the samples that tell it."""

RECEIVED, SENT, SERVED, OPENS, CONNECTS, FAILURES = range(10, 16)
"""The places of what counters grew by, over the time for which that is known."""

PLACES = 16


class Bucket:
    """Five minutes of one stream."""

    __slots__ = (
        "_answers",
        "_judged",
        "_left",
        "_not_bad",
        "_over",
        "_polls",
        "_samples",
        "_sums",
    )

    def __init__(self) -> None:
        self._polls = self._answers = self._samples = 0
        self._judged = self._not_bad = 0
        self._left: int | None = None
        # By place: what was added up, and over how many samples, or how many seconds.
        self._sums: list[float] = [0.0] * RECEIVED + [0] * (PLACES - RECEIVED)
        self._over: list[float] = [0] * PLACES

    def add(
        self, sample: Sample, score: int | None, level: Level | None, before: Sample | None
    ) -> None:
        """
        Take in a sample and what was made of it.

        :param before: the good sample before it, where the counters have gone on since
        """
        self._polls += 1
        if score is not None and level is not None:
            self._mean(SCORE, score)
            self._judged += 1
            self._not_bad += level is not Level.BAD
        if sample.timing is not None:
            self._answers += 1
            self._mean(FIRST_BYTE_MS, sample.timing.first_byte_ms)
            self._mean(ANSWER_MS, sample.timing.answer_ms)
        measured = sample.measured
        if measured is None:
            return
        self._samples += 1
        self._tell(measured)
        if before is not None and before.measured is not None:
            seconds = sample.at - before.at
            if 0 < seconds <= STEP_SECONDS:
                self._grow(before.measured, measured, seconds)

    def _mean(self, place: int, value: float) -> None:
        self._sums[place] += value
        self._over[place] += 1

    def _tell(self, measured: Measurement) -> None:
        sums, over = self._sums, self._over
        for place, value in (
            (VIEWERS, measured.clients_connected),
            (FRAMERATE, measured.stream_info_framerate),
            (AUDIO_KBPS, measured.stream_info_audiodatarate),
            (VIDEO_KBPS, measured.stream_info_videodatarate),
        ):
            if value is not None:
                sums[place] += value
                over[place] += 1
        delay = measured.live_delay_ms
        if delay is not None and delay != NO_DELAY_MS:
            self._mean(DELAY_MS, delay)
        # A mean since the stream's start tells little of now, but more than nothing.
        if measured.upstream_bytes_received is None and measured.average_upstream_kbps is not None:
            self._mean(TOLD_IN_KBPS, measured.average_upstream_kbps)
        if measured.total_bytes_sent is None and measured.average_downstream_kbps is not None:
            self._mean(TOLD_OUT_KBPS, measured.average_downstream_kbps)

    def _grow(self, old: Measurement, new: Measurement, seconds: float) -> None:
        sums, over = self._sums, self._over
        for place, before, after in (
            (RECEIVED, old.upstream_bytes_received, new.upstream_bytes_received),
            (SENT, old.total_bytes_sent, new.total_bytes_sent),
            (SERVED, old.total_clients_served, new.total_clients_served),
            (OPENS, old.upstream_opened_count, new.upstream_opened_count),
            (CONNECTS, old.upstream_connected_count, new.upstream_connected_count),
            (FAILURES, old.upstream_connection_fail_count, new.upstream_connection_fail_count),
        ):
            if before is not None and after is not None and after >= before:
                sums[place] += after - before
                over[place] += seconds
        before, after = old.total_clients_served, new.total_clients_served
        if before is not None and after is not None and after >= before:
            were, are = old.clients_connected, new.clients_connected
            if were is not None and are is not None:
                # Who came and is not there any more has left.
                self._left = (self._left or 0) + max(0, after - before - (are - were))

    def _average(self, place: int) -> float | None:
        return self._sums[place] / self._over[place] if self._over[place] else None

    def _grown(self, place: int) -> float | None:
        return float(self._sums[place]) if self._over[place] else None

    def _kbps(self, counter: int, told: int) -> float | None:
        """The rate of a counter of bytes; where it told nothing, the one that the server told."""
        if not self._over[counter]:
            return self._average(told)
        return self._sums[counter] * 8 / 1000 / self._over[counter]

    @property
    def values(self) -> Values:
        """What is kept of these five minutes."""
        if not self._polls:
            return NOTHING
        values: dict[str, float | None] = {
            "in_kbps": self._kbps(RECEIVED, TOLD_IN_KBPS),
            "out_kbps": self._kbps(SENT, TOLD_OUT_KBPS),
            "sent_bytes": self._grown(SENT),
            "viewers": self._average(VIEWERS),
            "joined": self._grown(SERVED),
            "left": self._left,
            "delay_ms": self._average(DELAY_MS),
            "score": self._average(SCORE),
            "good_share": 100 * self._not_bad / self._judged if self._judged else None,
            "opens": self._grown(OPENS),
            "connects": self._grown(CONNECTS),
            "failures": self._grown(FAILURES),
            "polls": self._polls,
            "answers": self._answers,
            "samples": self._samples,
            "first_byte_ms": self._average(FIRST_BYTE_MS),
            "answer_ms": self._average(ANSWER_MS),
            "framerate": self._average(FRAMERATE),
            "audio_kbps": self._average(AUDIO_KBPS),
            "video_kbps": self._average(VIDEO_KBPS),
        }
        # A module may bring a number that is none, and of a sum that would be all that is left.
        known = {name: value for name, value in values.items() if value is not None}
        return tuple(
            known.get(source.name) if isfinite(known.get(source.name, nan)) else None
            for source in STREAM_SOURCES
        )


NOTHING: Values = (None,) * len(STREAM_SOURCES)
"""Five minutes of which nothing is known."""


class Sum:
    """
    Five minutes of many streams together.

    What adds up is the sum of the parts that are known; what does not is their mean.
    """

    __slots__ = ("_counts", "_totals")

    def __init__(self) -> None:
        self._totals = [0.0] * len(STREAM_SOURCES)
        self._counts = [0] * len(STREAM_SOURCES)

    def add(self, values: Values) -> None:
        """Take in one stream."""
        totals, counts = self._totals, self._counts
        for place, value in enumerate(values):
            if value is not None:
                totals[place] += value
                counts[place] += 1

    @property
    def values(self) -> Values:
        """Those of all together."""
        return tuple(
            None if not count else total if adds else total / count
            for total, count, adds in zip(self._totals, self._counts, _ADDS, strict=True)
        )
