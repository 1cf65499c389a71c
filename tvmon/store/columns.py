"""The columns of ``mms_samples``, and values of theirs in PostgreSQL's text form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from tvmon.streams import MEASURED

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

_INTEGERS = frozenset({int, type(None)})
_NUMBERS = frozenset({int, float, type(None)})
_TEXTS = frozenset({str, type(None)})
_BOOLEANS = frozenset({bool})
ALLOWED = {
    "bigint": _INTEGERS,
    "smallint": _INTEGERS,
    "double precision": _NUMBERS,
    "real": _NUMBERS,
    "boolean": _BOOLEANS,
    "text": _TEXTS,
}
BOUNDS = {"bigint": 2**63, "smallint": 2**15}


class Unfit(ValueError):  # noqa: N818 - it reads as the sentence that it is
    """Values that cannot be columns of the statement."""


Pick = Callable[[tuple[object, ...]], tuple[object, ...]]


class Form(NamedTuple):
    """How rows are written that have values of the same types: those that are given, in a line."""

    line: str
    given: Pick


@lru_cache(maxsize=1000)
def form_of(types: tuple[type, ...]) -> Form:
    """
    How a row is written whose values, behind stream, slot and number, are of these types.

    Most rows of a server have the same fields, so few forms are needed, and a row costs one
    look at its types, and one pass in C.  No value can be mistaken for two, or for markup.

    :raises Unfit: where one is of a type that its column has not
    """
    fields: list[str] = []
    given: list[int] = []
    texts: list[int] = []
    for index, (found, (name, kind)) in enumerate(zip(types, COLUMNS[3:], strict=True)):
        if found not in ALLOWED[kind]:
            raise Unfit(f"{name} is not {kind}")
        if found is type(None):
            fields.append("")  # nothing at all, which is how a record has null
            continue
        if found is str:
            texts.append(len(given))
        given.append(index)
        # Nine digits are all that a real can hold, and take a third of the time of seventeen.
        fields.append("%.9g" if found is float and kind == "real" else "%s")
    pick = itemgetter(*given)
    return Form(",".join(fields), _quoting(pick, texts) if texts else pick)


def _quoting(pick: Pick, texts: Sequence[int]) -> Pick:
    """The picked values, and those of them quoted that are at these places."""

    def quoting(values: tuple[object, ...]) -> tuple[object, ...]:
        picked = list(pick(values))
        for place in texts:
            picked[place] = _nested(picked[place])
        return tuple(picked)

    return quoting


@lru_cache(maxsize=1000)
def _nested(text: object) -> str:
    """A text as a field of a record that is an element of an array: quoted, and that quoted."""
    return quoted(text).replace("\\", "\\\\").replace('"', '\\"')


def array(kind: str, column: tuple[object, ...]) -> str:
    """
    A column in the text form of an array: ``{1,2,NULL}``.

    Types are looked at first, so that no value can be mistaken for two, or for markup.
    """
    if not ALLOWED[kind].issuperset(map(type, column)):
        raise Unfit(f"not every value is {kind}")
    if kind == "text":
        return "{" + ",".join(map(quoted, column)) + "}"
    # One pass in C over the whole column; no number's text contains a letter of None.
    try:
        return "{" + repr(list(column))[1:-1].replace("None", "NULL") + "}"
    except ValueError as problem:  # an integer of thousands of digits
        raise Unfit(str(problem)) from None


def quoted(text: object) -> str:
    """A text as an element of an array, or as a field of a record."""
    if text is None:
        return "NULL"
    assert isinstance(text, str)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\ufffd")
    return f'"{text}"'
