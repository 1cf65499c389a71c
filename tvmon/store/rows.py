"""
Samples and streams as rows, and rows as the columns of one statement.

A batch of samples goes to the server as one array of ``tvmon_row``, in PostgreSQL's text form;
streams, which change seldom, as one array for each column.  The form is built here and not by
the driver, which would look at each value in turn: 3 microseconds a row instead of 30, and the
reactor waits that much less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from tvmon.entry import Entry
from tvmon.store.columns import ALLOWED, BOUNDS, COLUMNS, Unfit, array, form_of
from tvmon.store.database import Values
from tvmon.streams import MEASURED, STEADY, Measurement, Pace, Presence, Sample, Stream, Timing

LONGEST_REASON = 1000
"""Characters of a ``failed_reason`` that are stored."""

SUMMED = (
    "total_bytes_sent",
    "upstream_bytes_received",
    "media_received_ms",
    "clients_connected",
    "total_clients_served",
    "live_delay_ms",
    "average_upstream_kbps",
    "average_downstream_kbps",
    "stream_info_audiodatarate",
    "stream_info_videodatarate",
    "stream_info_framerate",
    "upstream_opened_count",
    "upstream_connected_count",
    "upstream_connection_fail_count",
)
"""What five minutes of a stream are made of, beside its score and the timing of its answers."""

_measured = attrgetter(*MEASURED)
_NOTHING = Measurement()
_JUDGED_BY: tuple[object, ...] = (None, None, None, None, None)
"""What is stored beside the measured fields of a live stream whose counters are steady."""

_NO_TIMING = (None, None)


class Row:
    """
    A sample on its way to the database.

    :ivar number: the row's place in its stream's order; given when it is first written, and
        kept through every repetition
    """

    __slots__ = ("_text", "mms_stream_id", "number", "sample", "scores")

    def __init__(self, entry: Entry, sample: Sample) -> None:
        health = entry.health
        self.mms_stream_id = entry.stream.mms_stream_id
        self.sample = sample
        self.scores = (health.whole.score, health.live_delay.score, health.upstream.score)
        self.number: int | None = None
        self._text: str | None = None

    @property
    def text(self) -> str:
        """
        All but stream, slot and number, as they are sent.

        :raises Unfit: where a value is of a type that its column has not
        """
        return self._text or _text(self)

    def write_down(self) -> None:
        """
        Make :attr:`text` now and keep it, 250 bytes.

        The values were read just now and are at hand; a thousand rows at once are a long turn.
        """
        with suppress(Unfit):  # which is told when the row is sent
            self._text = _text(self)


class StreamState(NamedTuple):
    """A stream to be stored, and since when (seconds since 1970) it is gone, if it is."""

    stream: Stream
    seen: float
    gone_at: float | None


class Stored(NamedTuple):
    """A row of ``mms_samples`` as it was read."""

    mms_stream_id: int
    number: int
    time: float
    measured: Measurement | None
    failed_reason: str | None
    timing: Timing | None = None


class Summed(NamedTuple):
    """A row of ``SUMMED_SAMPLES`` as it was read, and its score."""

    row: Stored
    score: int | None


def batch(rows: Sequence[Row], ring: int) -> str:
    """
    Numbered rows as a ``tvmon_row[]``: ``{"(7,1,1,1.5,False,,...)","(...)"}``.

    :raises Unfit: where a value is of a type that its column has not
    """
    lines = []
    for row in rows:
        assert row.number is not None
        lines.append(f'"({row.mms_stream_id},{row.number % ring},{row.number},{row.text})"')
    return "{" + ",".join(lines) + "}"


def stream_columns(states: Iterable[StreamState]) -> list[str]:
    """
    The arrays of ``UPSERT_STREAMS``.

    :raises Unfit: as :func:`batch`
    """
    lines = [
        (
            state.stream.mms_stream_id,
            state.stream.server,
            state.stream.key,
            state.stream.stream_id,
            state.stream.unify_name,
            state.stream.sample_interface,
            state.seen,
            state.gone_at,
        )
        for state in states
    ]
    kinds = ("bigint", "text", "text", "bigint", "text", "text", *["double precision"] * 2)
    return [
        array(kind, column) for kind, column in zip(kinds, zip(*lines, strict=True), strict=True)
    ]


def learned_columns(learned: Mapping[int, Sequence[float]]) -> list[str]:
    """The arrays of ``UPSERT_LEARNED``: streams, and the rates of each, kbit/s."""
    rates = tuple("{" + ",".join(map(repr, some)) + "}" for some in learned.values())
    return [array("bigint", tuple(learned)), array("text", rates)]


def bigints(values: Iterable[int]) -> str:
    """A ``bigint[]``."""
    return array("bigint", tuple(values))


def doubles(values: Iterable[float]) -> str:
    """A ``double precision[]``."""
    return array("double precision", tuple(values))


def fits(row: Row, ring: int) -> bool:
    """Whether each value of a row is one that its column can hold."""
    for value, (_, kind) in zip(_values(row, ring), COLUMNS, strict=True):
        if type(value) not in ALLOWED[kind]:
            return False
        bound = BOUNDS.get(kind)
        if bound and isinstance(value, int) and not -bound <= value < bound:
            return False
    return True


def _values(row: Row, ring: int) -> tuple[object, ...]:
    """A row's values, in the order of :data:`COLUMNS`."""
    assert row.number is not None
    return (row.mms_stream_id, row.number % ring, row.number, *_sample_values(row))


def _sample_values(row: Row) -> tuple[object, ...]:
    """Those behind stream, slot and number."""
    sample = row.sample
    reason = sample.failed_reason
    measured = sample.measured or _NOTHING
    return (
        sample.time,
        sample.measured is None,
        None if reason is None else reason[:LONGEST_REASON],
        *row.scores,
        *_judged_by(measured),
        *(sample.timing or _NO_TIMING),
        *_measured(measured),
    )


def _text(row: Row) -> str:
    values = _sample_values(row)
    form = form_of(tuple(map(type, values)))
    try:
        return form.line % form.given(values)
    except (ValueError, OverflowError) as problem:  # an integer of thousands of digits
        raise Unfit(str(problem)) from None


def _judged_by(measured: Measurement) -> tuple[object, ...]:
    """What is not measured, and needed to judge a sample again."""
    presence, remarks, pace = measured.presence, measured.remarks, measured.pace
    if presence is Presence.LIVE and not remarks and pace is STEADY:
        return _JUDGED_BY
    return (
        None if presence is Presence.LIVE else presence.value,
        "\n".join(remarks)[:LONGEST_REASON] or None,
        *((None, None, None) if pace is STEADY else pace),
    )


def _stored_measurement(values: Values) -> Measurement:
    presence, remarks, burst, stall, delay = values[8:13]
    measured = Measurement(*values[15:])
    if presence is None and not remarks and burst is None:
        return measured
    return replace(
        measured,
        presence=Presence.LIVE if presence is None else Presence(presence),
        remarks=tuple(remarks.split("\n")) if remarks else (),
        pace=STEADY if burst is None else Pace(burst, stall, delay),
    )


def stored(values: Values) -> Stored:
    """One row of ``NEWEST_SAMPLES`` or ``HISTORY``; the scores are not asked for again."""
    measured = None if values[3] else _stored_measurement(values)
    timing = None if values[13] is None else Timing(*values[13:15])
    return Stored(values[0], values[1], values[2], measured, values[4], timing)


def summed(values: Values) -> Summed:
    """One row of ``SUMMED_SAMPLES``."""
    measured = None if values[3] else Measurement(*values[7:])
    timing = None if values[5] is None else Timing(*values[5:7])
    return Summed(Stored(values[0], values[1], values[2], measured, None, timing), values[4])


def samples(rows: Sequence[Stored], clock_now: float, wall_now: float) -> list[Sample]:
    """
    Stored rows of one stream as samples, in the same order: newest first.

    ``at`` is worked out back from now by the wall clock.  Where that jumped meanwhile, an
    older sample is never put after a newer one, and none in the future.
    """
    if not rows:
        return []
    latest = clock_now
    behind = clock_now - max(wall_now, rows[0].time)
    found = []
    for row in rows:
        latest = min(latest, row.time + behind)
        found.append(Sample(row.time, latest, row.measured, row.failed_reason, row.timing))
    return found


def unbroken(rows: Sequence[Stored]) -> Sequence[Stored]:
    """
    The rows, newest first, up to where the wall clock was put back.

    How far an older one lies behind a younger one cannot be told there, and a rate over a
    made-up distance would be a made-up rate.
    """
    for index in range(1, len(rows)):
        if rows[index].time >= rows[index - 1].time:
            return rows[:index]
    return rows
