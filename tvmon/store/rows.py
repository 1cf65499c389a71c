"""
Samples and streams as rows, and rows as the columns of one statement.

A batch of samples goes to the server as one array of ``tvmon_row``, in PostgreSQL's text form;
streams, which change seldom, as one array for each column.  The form is built here and not by
the driver, which would look at each value in turn: 3 microseconds a row instead of 30, and the
reactor waits that much less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import NamedTuple

from tvmon.entry import Entry
from tvmon.store.database import Values
from tvmon.streams import MEASURED, STEADY, Measurement, Pace, Presence, Sample, Stream, Timing

_FLOATS = frozenset({"average_upstream_kbps", "average_downstream_kbps"})
_CODECS = frozenset({"video_codec", "audio_codec"})


def _kind(name: str) -> str:
    """The type of a measured field's column."""
    return "double precision" if name in _FLOATS else "text" if name in _CODECS else "bigint"


COLUMNS: tuple[tuple[str, str], ...] = (
    ("mms_stream_id", "bigint"),
    ("slot", "smallint"),
    ("sample_no", "bigint"),
    ("sample_time", "double precision"),
    ("is_failed", "boolean"),
    ("failed_reason", "text"),
    ("score", "smallint"),
    ("score_live_delay", "smallint"),
    ("score_upstream", "smallint"),
    ("presence", "text"),
    ("remarks", "text"),
    ("burst_seconds", "double precision"),
    ("stall_seconds", "double precision"),
    ("delay_seconds", "double precision"),
    ("first_byte_ms", "real"),
    ("answer_ms", "real"),
    *((name, _kind(name)) for name in MEASURED),
)
"""
The columns of ``mms_samples`` in the order of a batch, and the types they are sent as: what the
type ``tvmon_row`` is made of, in the schema.
"""

LONGEST_REASON = 1000
"""Characters of a ``failed_reason`` that are stored."""

_INTEGERS = frozenset({int, type(None)})
_NUMBERS = frozenset({int, float, type(None)})
_TEXTS = frozenset({str, type(None)})
_BOOLEANS = frozenset({bool})
_ALLOWED = {
    "bigint": _INTEGERS,
    "smallint": _INTEGERS,
    "double precision": _NUMBERS,
    "real": _NUMBERS,
    "boolean": _BOOLEANS,
    "text": _TEXTS,
}
_BOUNDS = {"bigint": 2**63, "smallint": 2**15}

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

    __slots__ = ("mms_stream_id", "number", "sample", "scores")

    def __init__(self, entry: Entry, sample: Sample) -> None:
        health = entry.health
        self.mms_stream_id = entry.stream.mms_stream_id
        self.sample = sample
        self.scores = (health.whole.score, health.live_delay.score, health.upstream.score)
        self.number: int | None = None


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


class Unfit(ValueError):  # noqa: N818 - it reads as the sentence that it is
    """Values that cannot be columns of the statement."""


def batch(rows: Sequence[Row], ring: int) -> str:
    """
    Numbered rows as a ``tvmon_row[]``: ``{"(7,1,1,1.5,False,,...)","(...)"}``.

    :raises Unfit: where a value is of a type that its column has not
    """
    lines = []
    for row in rows:
        values = _values(row, ring)
        form = _form(tuple(map(type, values)))
        try:
            lines.append(form.line % form.given(values))
        except (ValueError, OverflowError) as problem:  # an integer of thousands of digits
            raise Unfit(str(problem)) from None
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
        _array(kind, column) for kind, column in zip(kinds, zip(*lines, strict=True), strict=True)
    ]


def learned_columns(learned: Mapping[int, Sequence[float]]) -> list[str]:
    """The arrays of ``UPSERT_LEARNED``: streams, and the rates of each, kbit/s."""
    rates = tuple("{" + ",".join(map(repr, some)) + "}" for some in learned.values())
    return [_array("bigint", tuple(learned)), _array("text", rates)]


def bigints(values: Iterable[int]) -> str:
    """A ``bigint[]``."""
    return _array("bigint", tuple(values))


def fits(row: Row, ring: int) -> bool:
    """Whether each value of a row is one that its column can hold."""
    for value, (_, kind) in zip(_values(row, ring), COLUMNS, strict=True):
        if type(value) not in _ALLOWED[kind]:
            return False
        bound = _BOUNDS.get(kind)
        if bound and isinstance(value, int) and not -bound <= value < bound:
            return False
    return True


def _values(row: Row, ring: int) -> tuple[object, ...]:
    """A row's values, in the order of :data:`COLUMNS`."""
    sample, number = row.sample, row.number
    assert number is not None
    reason = sample.failed_reason
    measured = sample.measured or _NOTHING
    return (
        row.mms_stream_id,
        number % ring,
        number,
        sample.time,
        sample.measured is None,
        None if reason is None else reason[:LONGEST_REASON],
        *row.scores,
        *_judged_by(measured),
        *(sample.timing or _NO_TIMING),
        *_measured(measured),
    )


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


class _Form(NamedTuple):
    """How rows are written that have values of the same types: those that are given, in a line."""

    line: str
    given: Callable[[tuple[object, ...]], tuple[object, ...]]


@lru_cache(maxsize=1000)
def _form(types: tuple[type, ...]) -> _Form:
    """
    How a row is written whose values are of these types.

    Most rows of a server have the same fields, so few forms are needed, and a row costs one
    look at its types, and one pass in C.  No value can be mistaken for two, or for markup.

    :raises Unfit: as :func:`batch`
    """
    fields, given = [], []
    for index, (found, (name, kind)) in enumerate(zip(types, COLUMNS, strict=True)):
        if found not in _ALLOWED[kind]:
            raise Unfit(f"{name} is not {kind}")
        if found is type(None):
            fields.append("")  # nothing at all, which is how a record has null
            continue
        given.append(index)
        # Nine digits are all that a real can hold, and take a third of the time of seventeen.
        fields.append("%.9g" if found is float and kind == "real" else "%s")
    line = '"(' + ",".join(fields) + ')"'
    pick = itemgetter(*given)
    if str not in types:
        return _Form(line, pick)
    return _Form(line, lambda values: tuple([_nested(value) for value in pick(values)]))


def _nested(value: object) -> object:
    """A text as a field of a record that is an element of an array: quoted, and that quoted."""
    if not isinstance(value, str):
        return value
    return _quoted(value).replace("\\", "\\\\").replace('"', '\\"')


def _array(kind: str, column: tuple[object, ...]) -> str:
    """
    A column in the text form of an array: ``{1,2,NULL}``.

    Types are looked at first, so that no value can be mistaken for two, or for markup.
    """
    if not _ALLOWED[kind].issuperset(map(type, column)):
        raise Unfit(f"not every value is {kind}")
    if kind == "text":
        return "{" + ",".join(map(_quoted, column)) + "}"
    # One pass in C over the whole column; no number's text contains a letter of None.
    try:
        return "{" + repr(list(column))[1:-1].replace("None", "NULL") + "}"
    except ValueError as problem:  # an integer of thousands of digits
        raise Unfit(str(problem)) from None


def _quoted(text: object) -> str:
    if text is None:
        return "NULL"
    assert isinstance(text, str)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\ufffd")
    return f'"{text}"'


def stored(values: Values) -> Stored:
    """One row of ``NEWEST_SAMPLES`` or ``HISTORY``; the scores are not asked for again."""
    measured = None if values[3] else _stored_measurement(values)
    timing = None if values[13] is None else Timing(*values[13:15])
    return Stored(values[0], values[1], values[2], measured, values[4], timing)


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
