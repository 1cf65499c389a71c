"""
Which streams a question is answered with, and in which order: pure.

The order is total: what is unknown comes last whichever way the rest is sorted, and streams
that are equal come by their ``mms_stream_id``, so pages of one board never overlap.  Values
are compared as the answer shows them, to the second and to the thousandth, so that two that
look equal are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tvmon.entry import FIELDS, RATE_FIELDS, Entry, shown_timing
from tvmon.streams import Measurement, Stream

if TYPE_CHECKING:
    from tvmon.api.query import Query

Get = Callable[[Entry], Any]

STEP = 500
"""How many streams are looked at in one step, about a millisecond of work."""

_NOTHING = Measurement()
_LEVEL_UNKNOWN = 99


def _measured(name: str) -> Get:
    get = attrgetter(name)

    def value(entry: Entry) -> Any:
        newest = entry.newest
        return get((newest.measured if newest else None) or _NOTHING)

    return value


def _rate(path: str) -> Get:
    get = attrgetter(path)

    def value(entry: Entry) -> float | None:
        rate = get(entry)
        return None if rate is None else round(rate, 3)

    return value


def _of_newest(name: str) -> Get:
    get = attrgetter(name)
    return lambda entry: None if entry.newest is None else get(entry.newest)


def _of_reset(name: str) -> Get:
    get = attrgetter(name)
    return lambda entry: None if entry.reset is None else get(entry.reset)


def _second(get: Get) -> Get:
    def value(entry: Entry) -> int | None:
        seconds = get(entry)
        # As the answer shows it: to the microsecond first, as datetime does, then cut off.
        return None if seconds is None else int(round(seconds, 6) // 1)

    return value


def _rates(way: str) -> dict[str, Get]:
    total = _measured(f"average_{way}_kbps")
    return {name: total if name == "total" else _rate(f"{way}.{name}") for name in RATE_FIELDS}


def _of_parts(what: str) -> dict[str, Get]:
    return {part: attrgetter(f"health.{part}.{what}") for part in ("live_delay", "upstream")}


_NESTED: dict[str, dict[str, Get]] = {
    "average_upstream_kbps": _rates("upstream"),
    "average_downstream_kbps": _rates("downstream"),
    "score_detail": _of_parts("score"),
    "score_level_detail": _of_parts("level"),
    "counter_reset": {"why": _of_reset("why"), "time": _second(_of_reset("time"))},
}
"""The fields that are objects, with what lies in them."""

_UNORDERED = ("score_reasons", "sources")

_STEADY = ("mms_stream_id", "stream_id", "server", "kind", "unify_name", "sample_interface")
"""What a stream is, whatever its samples say."""

_PLAIN: dict[str, Get] = {
    **{name: attrgetter(f"stream.{name}") for name in _STEADY},
    "last_sample_time": _second(attrgetter("good_time")),
    "sample_time": _second(_of_newest("time")),
    "is_failed": _of_newest("is_failed"),
    "failed_reason": _of_newest("failed_reason"),
    "first_byte_ms": lambda entry: shown_timing(entry.newest)[0],
    "answer_ms": lambda entry: shown_timing(entry.newest)[1],
    "presence": lambda entry: (
        entry.newest.measured.presence if entry.newest and entry.newest.measured else None
    ),
    "expected_kbps": lambda entry: (
        None if entry.expected.kbps is None else round(entry.expected.kbps)
    ),
    "expected_by": lambda entry: entry.expected.by,
    "score": attrgetter("health.whole.score"),
    "score_level": attrgetter("health.whole.level"),
}


def _sort_fields() -> dict[str, Get]:
    fields: dict[str, Get] = {}
    for name in FIELDS:
        if name in _NESTED:
            fields.update({f"{name}.{inner}": get for inner, get in _NESTED[name].items()})
        elif name not in _UNORDERED:
            fields[name] = _PLAIN.get(name) or _measured(name)
    return fields


SORT_FIELDS: dict[str, Get] = _sort_fields()
"""What ``sort_by`` may be, in the order of the answer: every field of an entry that is one
value.  Lists have no order; an object is sorted by what lies in it."""


class Selection(NamedTuple):
    """A page, and how many streams match before paging."""

    total: int
    page: list[Entry]


class Orders:
    """
    Orders by what never changes of a stream, kept from one question to the next.

    One is good for as long as the same streams stand on the board in the same sequence, which
    is looked up and not believed.  There are at most two for each of six fields.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], tuple[list[Stream], list[int]]] = {}

    def order(self, rows: list[Entry], query: Query) -> Generator[None, None, list[int]]:
        """The order of all entries that a query asks for, as indices."""
        if query.sort_by not in _STEADY:
            return (yield from _order(rows, query))
        streams = [entry.stream for entry in rows]
        name = (query.sort_by, query.descending)
        kept = self._kept.get(name)
        if kept is None or kept[0] != streams:
            kept = self._kept[name] = (streams, (yield from _order(rows, query)))
        return kept[1]


def select(
    entries: Iterable[Entry], query: Query, orders: Orders | None = None
) -> Generator[None, None, Selection]:
    """
    Find the page that a query asks for; yields between steps of some milliseconds.

    Sorting is stable, so the order is made from its last criterion to its first.

    :param orders: those that are known already
    """
    if query.keyword is None:
        rows = list(entries)
        order = yield from (orders or Orders()).order(rows, query)
    else:
        rows = yield from _matching(entries, query.keyword.casefold())
        order = yield from _order(rows, query)
    ordered = [rows[index] for index in order]
    yield
    if query.status_first:
        ordered.sort(key=_worst_first)
        yield
    end = query.offset + query.page_size if query.page_size else None
    return Selection(len(ordered), ordered[query.offset : end])


def _order(rows: list[Entry], query: Query) -> Generator[None, None, list[int]]:
    get = SORT_FIELDS[query.sort_by]
    # Indices are sorted rather than pairs: ten thousand new tuples at each request would make
    # Python look through all of its memory for garbage again and again.
    values: list[Any] = []
    known: list[int] = []
    unknown: list[int] = []
    ids = [entry.stream.mms_stream_id for entry in rows]
    yield
    for start in range(0, len(rows), STEP):
        for index, entry in enumerate(rows[start : start + STEP], start):
            value = get(entry)
            is_unknown = value is None or value != value  # the latter is NaN
            (unknown if is_unknown else known).append(index)
            values.append(value)
        yield
    for indices in (known, unknown):
        indices.sort(key=ids.__getitem__)
    yield
    known.sort(key=values.__getitem__, reverse=query.descending)
    yield
    return known + unknown


def _matching(entries: Iterable[Entry], wanted: str) -> Generator[None, None, list[Entry]]:
    rows: list[Entry] = []
    rest = iter(entries)
    while some := list(islice(rest, STEP)):
        rows += [
            entry
            for entry in some
            if wanted in entry.stream.unify_name.casefold()
            or wanted in entry.stream.sample_interface.casefold()
        ]
        yield
    return rows


def _worst_first(entry: Entry) -> int:
    level = entry.health.whole.level
    return _LEVEL_UNKNOWN if level is None else int(level)
