"""The kept samples of one stream, as the API answers them: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tvmon.entry import shown_timing, utc
from tvmon.expected import NO_DEMAND, Demand
from tvmon.health import Scoring, judge
from tvmon.streams import MEASURED, Measurement, Sample
from tvmon.window import Window, kbps

FIELDS = (
    "mms_stream_id",
    "sample_time",
    "is_failed",
    "failed_reason",
    "first_byte_ms",
    "answer_ms",
    "presence",
    "score",
    "score_level",
    *MEASURED,
    "upstream_kbps",
    "downstream_kbps",
)
"""The fields of a sample, in the order of the answer."""

_NOTHING = Measurement()


def history(
    mms_stream_id: int, samples: Sequence[Sample], scoring: Scoring, demand: Demand = NO_DEMAND
) -> dict[str, Any]:
    """
    The answer, from samples newest first.

    They are judged by the rules of today: each from those before it in the answer.
    """
    window = Window()
    rows = [_row(mms_stream_id, sample, window, scoring, demand) for sample in reversed(samples)]
    rows.reverse()
    return {"mms_stream_id": mms_stream_id, "samples": rows}


def _row(
    mms_stream_id: int, sample: Sample, window: Window, scoring: Scoring, demand: Demand
) -> dict[str, Any]:
    """
    One sample; the two rates are those since the good sample before it, however long ago.

    They are null where that cannot be known: the sample failed, it is the first, a counter was
    reset, or one of the two did not tell it.
    """
    before = window.newest
    window.add(sample)
    measured = sample.measured or _NOTHING
    whole = judge(sample, window, scoring, demand).whole
    first_byte_ms, answer_ms = shown_timing(sample)
    row: dict[str, Any] = {
        "mms_stream_id": mms_stream_id,
        "sample_time": utc(sample.time),
        "is_failed": sample.is_failed,
        "failed_reason": sample.failed_reason,
        "first_byte_ms": first_byte_ms,
        "answer_ms": answer_ms,
        "presence": sample.measured.presence if sample.measured else None,
        "score": whole.score,
        "score_level": whole.level,
    }
    for name in MEASURED:
        row[name] = getattr(measured, name)
    row["upstream_kbps"] = row["downstream_kbps"] = None
    if not sample.is_failed and before and window.newest:
        row["upstream_kbps"] = _rounded(kbps(before, window.newest, "received"))
        row["downstream_kbps"] = _rounded(kbps(before, window.newest, "sent"))
    return row


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)
