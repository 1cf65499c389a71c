"""
What the API says of one stream: its fields in their order, and their JSON, encoded once.

The JSON is made when somebody first asks for it and kept until the entry changes, so that a
thousand readers cost as much as one, and a stream that nobody reads costs nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import simplejson

from tvmon.streams import MEASURED, Health, Measurement, Part, Rates, Sample, Stream

FIELDS = (
    "mms_stream_id",
    "stream_id",
    "server",
    "unify_name",
    "sample_interface",
    "average_upstream_kbps",
    "average_downstream_kbps",
    "last_sample_time",
    "sample_time",
    "is_failed",
    "failed_reason",
    "score",
    "score_level",
    "score_detail",
    "score_level_detail",
    "score_reasons",
    *(name for name in MEASURED if not name.startswith("average_")),
)
"""The fields of an entry, in the order of the answer."""

RATE_FIELDS = ("last_3", "last_10", "last_100", "total")
PART_FIELDS = ("live_delay", "upstream")
UNKNOWN = Health(Part(None, None), Part(None, None), Part(None, None), ("no sample yet",))
_NOTHING = Measurement()


def utc(seconds: float) -> str:
    """``2026-11-22T08:00:03Z`` for so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Entry:
    """
    The newest that is known of one stream.  Never changed: a new sample makes a new entry.

    :ivar revision: the board's count of changes when this entry was made
    :ivar newest: the newest sample, good or failed; ``None`` before the first one
    :ivar good_time: when the newest good sample was taken, seconds since 1970
    """

    __slots__ = (
        "_json",
        "downstream",
        "good_time",
        "health",
        "newest",
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
        upstream: Rates | None = None,
        downstream: Rates | None = None,
        health: Health = UNKNOWN,
    ) -> None:
        self.stream = stream
        self.revision = revision
        self.newest = newest
        self.good_time = good_time
        self.upstream = upstream or Rates()
        self.downstream = downstream or Rates()
        self.health = health
        self._json: bytes | None = None

    @property
    def json(self) -> bytes:
        """The entry as the API answers it, encoded."""
        if self._json is None:
            self._json = simplejson.dumps(
                self.as_dict(), separators=(",", ":"), ensure_ascii=False, ignore_nan=True
            ).encode("utf-8", "replace")
        return self._json

    def as_dict(self) -> dict[str, Any]:
        """The entry's fields; ``None`` is null, and ``-1`` a rate that cannot be known."""
        stream, sample, health = self.stream, self.newest, self.health
        measured = (sample.measured if sample else None) or _NOTHING
        entry: dict[str, Any] = {
            "mms_stream_id": stream.mms_stream_id,
            "stream_id": stream.stream_id,
            "server": stream.server,
            "unify_name": stream.unify_name,
            "sample_interface": stream.sample_interface,
            "average_upstream_kbps": _rates(self.upstream, measured.average_upstream_kbps),
            "average_downstream_kbps": _rates(self.downstream, measured.average_downstream_kbps),
            "last_sample_time": None if self.good_time is None else utc(self.good_time),
            "sample_time": None if sample is None else utc(sample.time),
            "is_failed": None if sample is None else sample.is_failed,
            "failed_reason": None if sample is None else sample.failed_reason,
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


def _or_minus_one(rate: float | None) -> float:
    return -1 if rate is None else round(rate, 3)
