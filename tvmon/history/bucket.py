"""
Five minutes of one stream, as they add up.

A bucket is fed with the samples of its time and gives the values of :data:`STREAM_SOURCES`.
Rates come from counters: what they grew by from each good sample to the next, over the time
between the two.  Where that cannot be known, since a counter began anew or a poll between them
failed for long, the pair adds neither bytes nor time, so a rate is that of the time it is known
for, and never negative.
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


class _Mean:
    """What is averaged over the samples that tell it."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class _Growth:
    """By how much a counter grew, over the time for which that is known."""

    __slots__ = ("grown", "seconds")

    def __init__(self) -> None:
        self.grown, self.seconds = 0, 0.0

    def add(self, before: int | None, after: int | None, seconds: float) -> None:
        if before is not None and after is not None and after >= before:
            self.grown += after - before
            self.seconds += seconds

    @property
    def value(self) -> float | None:
        return float(self.grown) if self.seconds else None

    @property
    def kbps(self) -> float | None:
        return self.grown * 8 / 1000 / self.seconds if self.seconds else None


_MEANS = (
    "viewers",
    "delay_ms",
    "score",
    "first_byte_ms",
    "answer_ms",
    "framerate",
    "audio_kbps",
    "video_kbps",
    "told_in_kbps",
    "told_out_kbps",
)
_GROWTHS = ("received", "sent", "served", "opens", "connects", "failures")


class Bucket:
    """Five minutes of one stream."""

    __slots__ = (
        "_answers",
        "_judged",
        "_left",
        "_not_bad",
        "_polls",
        "_samples",
        *_MEANS,
        *_GROWTHS,
    )

    viewers: _Mean
    delay_ms: _Mean
    score: _Mean
    first_byte_ms: _Mean
    answer_ms: _Mean
    framerate: _Mean
    audio_kbps: _Mean
    video_kbps: _Mean
    told_in_kbps: _Mean
    told_out_kbps: _Mean
    received: _Growth
    sent: _Growth
    served: _Growth
    opens: _Growth
    connects: _Growth
    failures: _Growth

    def __init__(self) -> None:
        self._polls = self._answers = self._samples = 0
        self._judged = self._not_bad = 0
        self._left: int | None = None
        for name in _MEANS:
            setattr(self, name, _Mean())
        for name in _GROWTHS:
            setattr(self, name, _Growth())

    def add(
        self, sample: Sample, score: int | None, level: Level | None, before: Sample | None
    ) -> None:
        """
        Take in a sample and what was made of it.

        :param before: the good sample before it, where the counters have gone on since
        """
        self._polls += 1
        if score is not None and level is not None:
            self.score.add(score)
            self._judged += 1
            self._not_bad += level is not Level.BAD
        if sample.timing is not None:
            self._answers += 1
            self.first_byte_ms.add(sample.timing.first_byte_ms)
            self.answer_ms.add(sample.timing.answer_ms)
        measured = sample.measured
        if measured is None:
            return
        self._samples += 1
        self._tell(measured)
        if before is not None and before.measured is not None:
            seconds = sample.at - before.at
            if 0 < seconds <= STEP_SECONDS:
                self._grow(before.measured, measured, seconds)

    def _tell(self, measured: Measurement) -> None:
        for mean, value in (
            (self.viewers, measured.clients_connected),
            (self.framerate, measured.stream_info_framerate),
            (self.audio_kbps, measured.stream_info_audiodatarate),
            (self.video_kbps, measured.stream_info_videodatarate),
        ):
            if value is not None:
                mean.add(value)
        delay = measured.live_delay_ms
        if delay is not None and delay != NO_DELAY_MS:
            self.delay_ms.add(delay)
        # A mean since the stream's start tells little of now, but more than nothing.
        if measured.upstream_bytes_received is None and measured.average_upstream_kbps is not None:
            self.told_in_kbps.add(measured.average_upstream_kbps)
        if measured.total_bytes_sent is None and measured.average_downstream_kbps is not None:
            self.told_out_kbps.add(measured.average_downstream_kbps)

    def _grow(self, old: Measurement, new: Measurement, seconds: float) -> None:
        self.received.add(old.upstream_bytes_received, new.upstream_bytes_received, seconds)
        self.sent.add(old.total_bytes_sent, new.total_bytes_sent, seconds)
        self.opens.add(old.upstream_opened_count, new.upstream_opened_count, seconds)
        self.connects.add(old.upstream_connected_count, new.upstream_connected_count, seconds)
        self.failures.add(
            old.upstream_connection_fail_count, new.upstream_connection_fail_count, seconds
        )
        before, after = old.total_clients_served, new.total_clients_served
        self.served.add(before, after, seconds)
        if before is not None and after is not None and after >= before:
            were, are = old.clients_connected, new.clients_connected
            if were is not None and are is not None:
                # Who came and is not there any more has left.
                self._left = (self._left or 0) + max(0, after - before - (are - were))

    @property
    def values(self) -> Values:
        """What is kept of these five minutes."""
        if not self._polls:
            return NOTHING
        values: dict[str, float | None] = {
            "in_kbps": self.told_in_kbps.value if not self.received.seconds else self.received.kbps,
            "out_kbps": self.told_out_kbps.value if not self.sent.seconds else self.sent.kbps,
            "sent_bytes": self.sent.value,
            "viewers": self.viewers.value,
            "joined": self.served.value,
            "left": self._left,
            "delay_ms": self.delay_ms.value,
            "score": self.score.value,
            "good_share": 100 * self._not_bad / self._judged if self._judged else None,
            "opens": self.opens.value,
            "connects": self.connects.value,
            "failures": self.failures.value,
            "polls": self._polls,
            "answers": self._answers,
            "samples": self._samples,
            "first_byte_ms": self.first_byte_ms.value,
            "answer_ms": self.answer_ms.value,
            "framerate": self.framerate.value,
            "audio_kbps": self.audio_kbps.value,
            "video_kbps": self.video_kbps.value,
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
