"""Which streams, and in which order."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.api.query import Query
from tvmon.api.select import SORT_FIELDS, Orders, Selection, select
from tvmon.entry import CounterReset, Entry
from tvmon.expected import Expected
from tvmon.streams import Health, Level, Measurement, Part, Presence, Rates, Sample, Stream, Timing

few = st.sampled_from([0, 1, 2, 3])
rates = st.none() | st.sampled_from([0.0, 1.0, 1.0004, 1.00049, 2.5])
rate_sets = st.builds(Rates, rates, rates, rates)
parts = st.builds(Part, st.none() | few, st.none() | st.sampled_from([*Level]))
measurements = st.builds(
    Measurement,
    total_gops=st.none() | few,
    live_delay_ms=st.none() | st.sampled_from([-20, 0, 999_999]),
    average_upstream_kbps=st.none() | st.sampled_from([0.5, math.nan]),
    clients_connected=st.none() | few,
    presence=st.sampled_from(Presence),
    video_codec=st.none() | st.sampled_from(["H264", "AV1"]),
)
expectations = st.builds(
    Expected,
    st.none() | st.sampled_from([0.4, 0.6, 800.0]),
    st.none() | st.sampled_from(["configured", "declared", "learned"]),
)
resets = st.builds(
    CounterReset,
    st.sampled_from(["restarted", "republished", "error"]),
    st.sampled_from([0.0, 1.9]),
)
times = st.sampled_from([0.0, 1.2, 1.9, 2.0, 1.9999996, 1_790_000_000.5])
samples = st.builds(
    lambda time, measured, timing: Sample(
        time, time, measured, None if measured else "HTTP 502", timing
    ),
    times,
    st.none() | measurements,
    st.none() | st.builds(Timing, st.sampled_from([0.0, 1.04, 1.06]), st.just(2.0)),
)
names = st.sampled_from(["", "a", "B", "Straße", "ab", "\ud800", "é"])


@st.composite
def boards(draw: st.DrawFn) -> list[Entry]:
    numbers = draw(st.lists(st.integers(0, 50), unique=True, max_size=12))
    return [
        Entry(
            Stream("s", str(n), draw(st.none() | few), draw(names), draw(names), n),
            n,
            draw(st.none() | samples),
            draw(st.none() | times),
            draw(rate_sets),
            draw(rate_sets),
            draw(st.builds(Health, parts, parts, parts, st.just(()))),
            draw(expectations),
            draw(st.none() | resets),
        )
        for n in numbers
    ]


def selected(entries: list[Entry], query: Query, orders: Orders | None = None) -> Selection:
    steps = select(entries, query, orders)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Selection = done.value
            return result


def shown(entry: Entry, field: str) -> Any:
    """The value of a field as the answer shows it, ``None`` where it is not known."""
    value: Any = entry.as_dict()
    for name in field.split("."):
        value = None if value is None else value[name]
    if value is None or value != value or (value == -1 and ".last_" in field):
        return None
    return value


def ids(entries: list[Entry]) -> list[int]:
    return [entry.stream.mms_stream_id for entry in entries]


class SelectTests(SynchronousTestCase):
    """Filter, order, page."""

    @given(boards(), st.sampled_from([*SORT_FIELDS]), st.booleans(), st.booleans())
    def test_the_order_is_that_of_the_values_shown(
        self, entries: list[Entry], field: str, descending: bool, status_first: bool
    ) -> None:
        query = Query(sort_by=field, descending=descending, status_first=status_first)
        total, page = selected(entries, query)
        self.assertEqual((total, sorted(ids(page))), (len(entries), sorted(ids(entries))))
        for one, other in pairwise(page):
            if status_first:
                levels = [shown(entry, "score_level") for entry in (one, other)]
                first, second = [99 if level is None else level for level in levels]
                self.assertLessEqual(first, second)
                if first != second:
                    continue
            left, right = shown(one, field), shown(other, field)
            if left is None:
                self.assertIsNone(right, "what is unknown comes last in both orders")
            elif right is not None and left != right:
                self.assertEqual(left > right, descending)
            if left == right:
                self.assertLess(one.stream.mms_stream_id, other.stream.mms_stream_id)

    @given(
        boards(),
        st.sampled_from([*SORT_FIELDS]),
        st.booleans(),
        st.booleans(),
        st.integers(1, 5),
        st.none() | names,
    )
    def test_pages_put_together_are_the_whole(
        self,
        entries: list[Entry],
        field: str,
        descending: bool,
        status_first: bool,
        size: int,
        keyword: str | None,
    ) -> None:
        def page(offset: int, size: int) -> Selection:
            query = Query(offset, size, keyword, field, descending, status_first)
            return selected(entries, query)

        whole = page(0, 0)
        pages = []
        for offset in range(0, whole.total + size, size):
            total, some = page(offset, size)
            self.assertEqual(total, whole.total)
            self.assertLessEqual(len(some), size)
            pages += ids(some)
        self.assertEqual(pages, ids(whole.page))
        self.assertEqual(page(whole.total, 0).page, [])

    @given(
        st.lists(
            st.tuples(
                boards() | st.integers(0, 3),
                st.sampled_from([*SORT_FIELDS]),
                st.booleans(),
                st.booleans(),
            ),
            max_size=8,
        )
    )
    def test_an_order_that_is_kept_is_the_one_that_would_be_made(
        self, questions: list[tuple[list[Entry] | int, str, bool, bool]]
    ) -> None:
        orders = Orders()
        entries: list[Entry] = []
        for board, field, descending, status_first in questions:
            if isinstance(board, int):
                # The same streams with other samples, and one stream less or renamed.
                entries = [Entry(entry.stream, entry.revision) for entry in entries]
                if board == 1 and entries:
                    entries.pop()
                elif board == 2 and entries:
                    renamed = replace(entries[0].stream, unify_name="a renamed one")
                    entries[0] = Entry(renamed, 1)
            else:
                entries = board
            query = Query(sort_by=field, descending=descending, status_first=status_first)
            self.assertEqual(selected(entries, query, orders), selected(entries, query))

    def test_an_order_by_name_is_made_once(self) -> None:
        entries = [Entry(Stream("s", str(n), n, f"{n}", "", n), n) for n in range(5000)]
        orders = Orders()
        made = sum(1 for _ in select(entries, Query(), orders))
        again = sum(1 for _ in select(entries, Query(), orders))
        self.assertGreater(made, 10)
        self.assertLess(again, 3)
        dynamic = sum(1 for _ in select(entries, Query(sort_by="score"), orders))
        self.assertGreater(dynamic, 10, "scores change")

    @given(boards(), names)
    def test_a_keyword_is_looked_for_in_name_and_interface_in_any_case(
        self, entries: list[Entry], keyword: str
    ) -> None:
        total, page = selected(entries, Query(keyword=keyword.swapcase()))
        wanted = keyword.swapcase().casefold()
        expected = [
            entry
            for entry in entries
            if wanted in entry.stream.unify_name.casefold()
            or wanted in entry.stream.sample_interface.casefold()
        ]
        self.assertEqual(sorted(ids(page)), sorted(ids(expected)))
        self.assertEqual(total, len(expected))

    def test_cases_are_folded_and_not_only_lowered(self) -> None:
        entry = Entry(Stream("s", "1", 1, "Straße ÉTÉ", "http://h/", 1), 1)
        for keyword in ("STRASSE", "strasse", "été", "HTTP://", "e É"):
            self.assertEqual(selected([entry], Query(keyword=keyword)).total, 1, keyword)
        for keyword in ("ete", "s/1", "straße  "):
            self.assertEqual(selected([entry], Query(keyword=keyword)).total, 0, keyword)

    def test_many_streams_take_many_steps(self) -> None:
        entries = [Entry(Stream("s", str(n), n, f"{n}", "", n), n) for n in range(5000)]
        self.assertGreater(sum(1 for _ in select(entries, Query(status_first=True))), 10)
