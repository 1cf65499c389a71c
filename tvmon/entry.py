"""
What the API says of one stream: its fields in their order, and their JSON, encoded once.

The JSON is made when somebody first asks for it and kept until the entry changes, so that a
thousand readers cost as much as one, and a stream that nobody reads costs nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from tvmon.entry_json import entry_json
from tvmon.expected import NOTHING_EXPECTED, Expected
from tvmon.streams import (
    MEASURED,
    NO_RATES,
    Health,
    Measurement,
    Part,
    Rates,
    Sample,
    Sources,
    Stream,
)
from tvmon.window import Reset

FIELDS = (
    "mms_stream_id",
    "stream_id",
    "server",
    "kind",
    "unify_name",
    "sample_interface",
    "average_upstream_kbps",
    "average_downstream_kbps",
    "last_sample_time",
    "sample_time",
    "is_failed",
    "failed_reason",
    "first_byte_ms",
    "answer_ms",
    "presence",
    "score",
    "score_level",
    "score_detail",
    "score_level_detail",
    "score_reasons",
    "expected_kbps",
    "expected_by",
    "counter_reset",
    "sources",
    *(name for name in MEASURED if not name.startswith("average_")),
)
"""The fields of an entry, in the order of the answer."""

RATE_FIELDS = ("last_3", "last_10", "last_100", "total")
PART_FIELDS = ("live_delay", "upstream")
UNKNOWN = Health(Part(None, None), Part(None, None), Part(None, None), ("no sample yet",))
_NOTHING = Measurement()


class CounterReset(NamedTuple):
    """The last time that a stream's counters began anew: why, and when, seconds since 1970."""

    why: Reset
    time: float


def utc(seconds: float) -> str:
    """``2026-11-22T08:00:03Z`` for so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_timing(sample: Sample | None) -> tuple[float | None, float | None]:
    """``first_byte_ms`` and ``answer_ms`` as they are answered, to a tenth of a millisecond."""
    if sample is None or sample.timing is None:
        return None, None
    return round(sample.timing.first_byte_ms, 1), round(sample.timing.answer_ms, 1)


class Scored(NamedTuple):
    """A kept sample, and the score that it had, 0 to 100; ``None`` where it was not known."""

    sample: Sample
    score: int | None


class Entry:
    """
    The newest that is known of one stream.  Never changed: a new sample makes a new entry.

    :ivar revision: the board's count of changes when this entry was made
    :ivar newest: the newest sample, good or failed; ``None`` before the first one
    :ivar good_time: when the newest good sample was taken, seconds since 1970
    :ivar expected: what the stream needs, and how that is known
    :ivar reset: when its counters began anew last, as far as that was seen
    """

    __slots__ = (
        "_json",
        "downstream",
        "expected",
        "good_time",
        "health",
        "newest",
        "reset",
        "revision",
        "stream",
        "upstream",
    )

    def __init__(
        self,
        stream: Stream,
        revision: int,
        newest: Sample | None = None,
        good_time: float | None = None,
        upstream: Rates = NO_RATES,
        downstream: Rates = NO_RATES,
        health: Health = UNKNOWN,
        expected: Expected = NOTHING_EXPECTED,
        reset: CounterReset | None = None,
    ) -> None:
        self.stream = stream
        self.revision = revision
        self.newest = newest
        self.good_time = good_time
        self.upstream = upstream
        self.downstream = downstream
        self.health = health
        self.expected = expected
        self.reset = reset
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The fields as the API answers them, encoded."""
        if self._json is None:
            self._json = entry_json(self)
        return self._json

    def as_dict(self) -> dict[str, Any]:
        """The entry's fields; ``None`` is null, and ``-1`` a rate that cannot be known."""
        stream, sample, health = self.stream, self.newest, self.health
        measured = (sample.measured if sample else None) or _NOTHING
        first_byte_ms, answer_ms = shown_timing(sample)
        entry: dict[str, Any] = {
            "mms_stream_id": stream.mms_stream_id,
            "stream_id": stream.stream_id,
            "server": stream.server,
            "kind": stream.kind,
            "unify_name": stream.unify_name,
            "sample_interface": stream.sample_interface,
            "average_upstream_kbps": _rates(self.upstream, measured.average_upstream_kbps),
            "average_downstream_kbps": _rates(self.downstream, measured.average_downstream_kbps),
            "last_sample_time": None if self.good_time is None else utc(self.good_time),
            "sample_time": None if sample is None else utc(sample.time),
            "is_failed": None if sample is None else sample.is_failed,
            "failed_reason": None if sample is None else sample.failed_reason,
            "first_byte_ms": first_byte_ms,
            "answer_ms": answer_ms,
            "presence": sample.measured.presence if sample and sample.measured else None,
            "score": health.whole.score,
            "score_level": health.whole.level,
            "score_detail": {
                "live_delay": health.live_delay.score,
                "upstream": health.upstream.score,
            },
            "score_level_detail": {
                "live_delay": health.live_delay.level,
                "upstream": health.upstream.level,
            },
            "score_reasons": list(health.reasons),
            "expected_kbps": _whole(self.expected.kbps),
            "expected_by": self.expected.by,
            "counter_reset": self.reset and {"why": self.reset.why, "time": utc(self.reset.time)},
            "sources": _sources(measured.sources),
        }
        for name in MEASURED:
            if not name.startswith("average_"):
                entry[name] = getattr(measured, name)
        return entry


def _rates(rates: Rates, total: float | None) -> dict[str, float | None]:
    return {
        "last_3": _or_minus_one(rates.last_3),
        "last_10": _or_minus_one(rates.last_10),
        "last_100": _or_minus_one(rates.last_100),
        "total": total,
    }


def _whole(kbps: float | None) -> int | None:
    return None if kbps is None else round(kbps)


@lru_cache(maxsize=64)
def _sources(sources: Sources) -> dict[str, list[str]]:
    """How the fields came to be; the same for all streams of a kind, and not to be changed."""
    return {"declared": list(sources.declared), "estimated": list(sources.estimated)}


def _or_minus_one(rate: float | None) -> float:
    return -1 if rate is None else round(rate, 3)
