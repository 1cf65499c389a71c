"""Numbers, against what is worked out here, and against what rrdtool fetches."""

from __future__ import annotations

import csv
import io
import json
import unittest
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.history.reading import HARMLESS, XPORT, KnownArchive, write_history
from tests.history.tools import needs_rrdtool, started_engine
from tvmon.history import numbers
from tvmon.history.drawing import Span
from tvmon.history.numbers import Column, Numbers
from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.history.reader import Question, Reader
from tvmon.history.sources import STREAM_SOURCES
from tvmon.history.subjects import of_stream
from tvmon.tiers import DAY_SECONDS, DEFAULT_TIERS, Tier

FIVE, THIRTY, *_ = DEFAULT_TIERS
DAY = 1_700_006_400 // DAY_SECONDS * DAY_SECONDS
CAMERA = of_stream(7)

spans = st.builds(
    lambda start, steps: Span(300 * start, 300 * (start + steps)),
    st.integers(1_051_776, 13_000_000),
    st.integers(1, 3000),
)


class CommandTests(unittest.TestCase):
    """What is asked."""

    @given(
        st.sampled_from([*TARGETS.values(), *GLOBALS.values()]),
        st.sampled_from(DEFAULT_TIERS),
        spans,
    )
    def test_it_is_one_line_of_harmless_characters(self, plot, tier, span) -> None:  # type: ignore[no-untyped-def]
        command = numbers.ask(plot, "3f/stream-123.5b2c71.rrd", tier, span)
        whole = numbers.whole_rows(tier, span)
        self.assertEqual(command is None, whole.start == whole.end)
        if command is not None:
            self.assertRegex(command, f"^{HARMLESS.pattern}$")
            self.assertEqual(command.count("XPORT:"), len(numbers.columns_of(plot, tier)))

    @given(st.sampled_from(DEFAULT_TIERS), spans)
    def test_rows_lie_wholly_in_what_is_asked_for(self, tier: Tier, span: Span) -> None:
        start, end = numbers.whole_rows(tier, span)
        self.assertEqual((start % tier.seconds, end % tier.seconds), (0, 0))
        self.assertLessEqual(span.start, start)
        self.assertLess(start - span.start, tier.seconds)
        if start < end:
            self.assertLessEqual(end, span.end)
            self.assertLess(span.end - end, tier.seconds)


class AnswerTests(unittest.TestCase):
    """What is read."""

    def test_rows_are_stamped_with_their_end(self) -> None:
        step, rows = numbers.read(XPORT.splitlines())
        self.assertEqual(step, 300)
        self.assertEqual(rows, [(1_700_000_400, [1.0, None]), (1_700_000_700, [None, 2.5])])

    @given(st.text())
    def test_what_is_none_is_said_to_be_none(self, text: str) -> None:
        with self.assertRaises(ValueError):
            numbers.read([text])

    @given(st.none() | st.integers() | st.text() | st.lists(st.booleans()))
    def test_json_of_another_kind_is_none_either(self, value: object) -> None:
        with self.assertRaises(ValueError):
            numbers.read([json.dumps(value)])


class FormTests(unittest.TestCase):
    """How they are told."""

    told = Numbers(
        "traffic",
        'a,"b"/\u2028é',
        300,
        1_700_000_100,
        1_700_000_700,
        "bit/s",
        (
            Column("out", "Outbound", "LAST", "bit/s"),
            Column("memory", "Memory", "MAX", "pages of 4 KiB"),
        ),
        [(1_700_000_400, [1234.5, None]), (1_700_000_700, [None, 1e12])],
    )

    def test_json(self) -> None:
        self.assertEqual(
            json.loads(numbers.to_json(self.told)),
            {
                "target": "traffic",
                "vhost": 'a,"b"/\u2028é',
                "step": 300,
                "start": 1_700_000_100,
                "end": 1_700_000_700,
                "unit": "bit/s",
                "series": [
                    {
                        "name": "out",
                        "title": "Outbound",
                        "cf": "LAST",
                        "unit": "bit/s",
                        "points": [[1_700_000_400, 1234.5], [1_700_000_700, None]],
                    },
                    {
                        "name": "memory",
                        "title": "Memory",
                        "cf": "MAX",
                        "unit": "pages of 4 KiB",
                        "points": [[1_700_000_400, None], [1_700_000_700, 1e12]],
                    },
                ],
            },
        )

    def test_csv(self) -> None:
        rows = list(csv.reader(io.StringIO(numbers.to_csv(self.told).decode())))
        self.assertEqual(rows[0], ["time", "epoch", "out LAST [bit/s]", HEAD])
        self.assertEqual(rows[1], ["2023-11-14T22:20:00Z", "1700000400", "1234.5", ""])
        self.assertEqual(rows[2][2:], ["", "1000000000000.0"])
        self.assertEqual(len(rows), 3)


HEAD = "memory MAX [pages of 4 KiB]"


@needs_rrdtool
class TierTests(TestCase):
    """Three days of a stream whose rate and viewers go up and down, and are missing at times."""

    async def setUp(self) -> None:
        self.values = [
            # The second value of each eighth half hour on is missing, four of six; at 200, a day's
            # most part.
            None
            if (row // 6 % 8 == 7 and row % 6 > 1) or 500 <= row < 530
            else float(row * 7 % 401)
            for row in range(3 * 288)
        ]
        self.rrd = started_engine(self)
        rows = [{} if v is None else {"out_kbps": v, "in_kbps": v / 2} for v in self.values]
        await write_history(self.rrd, "stream-7.rrd", STREAM_SOURCES, DAY, rows)
        archive = KnownArchive({CAMERA: "stream-7.rrd"})
        self.reader = Reader(rrd=self.rrd, archive=archive, now=lambda: DAY + 3 * DAY_SECONDS)

    async def ask(self, metric: str, tier: Tier, span: Span) -> list[dict[str, object]]:
        question = Question(METRICS[metric], CAMERA, tier, span, "ingest/live/cam1")
        told = json.loads((await self.reader.numbers(question, "json")).body)
        self.assertEqual(told["step"], tier.seconds)
        series: list[dict[str, object]] = told["series"]
        return series

    async def test_every_tier_is_what_can_be_worked_out(self) -> None:
        span = Span(DAY, DAY + 3 * DAY_SECONDS)
        for tier in DEFAULT_TIERS:
            for series in await self.ask("traffic", tier, span):
                factor = 1000 if series["name"] == "out" else 500
                wanted = consolidated(self.values, tier.seconds // 300, str(series["cf"]))
                times = [DAY + (index + 1) * tier.seconds for index in range(len(wanted))]
                points = series["points"]
                assert isinstance(points, list)
                self.assertEqual([time for time, _ in points], times)
                for (_, value), right in zip(points, wanted, strict=True):
                    self.assertEqual(value is None, right is None, (tier, series["cf"]))
                    if right is not None:
                        self.assertLess(abs(value - right * factor), 0.01)

    async def test_a_row_has_the_time_that_fetch_gives_it(self) -> None:
        span = Span(DAY + 300, DAY + 4 * 3600)
        for tier in DEFAULT_TIERS[:3]:
            start, end = numbers.whole_rows(tier, span)
            command = f"fetch stream-7.rrd {tier.mean} --start {start} --end {end - 1}"
            column = [s.name for s in STREAM_SOURCES].index("out_kbps")
            fetched = {}
            for line in (await self.rrd.read(f"{command} -r {tier.seconds}")).lines[2:]:
                time, _, values = line.partition(": ")
                fetched[int(time)] = float(values.split()[column]) * 1000
            points = (await self.ask("traffic", tier, span))[0]["points"]
            assert isinstance(points, list)
            self.assertEqual([time for time, _ in points], [*fetched])
            for time, value in points:
                if value is not None:
                    self.assertLess(abs(value - fetched[time]), 0.01)

    async def test_what_comes_out_of_two_sources(self) -> None:
        span = Span(DAY, DAY + 3600)
        (series,) = await self.ask("fanout", THIRTY, span)
        self.assertEqual(
            (series["cf"], series["points"]), ("AVERAGE", [[DAY + 1800, 50.0], [DAY + 3600, 50.0]])
        )

    async def test_rows_follow_each_other_without_a_hole(self) -> None:
        # Long before there was anything, and after.
        span = Span(DAY - 86_400, DAY + 5 * DAY_SECONDS)
        for tier in DEFAULT_TIERS:
            points = (await self.ask("traffic", tier, span))[0]["points"]
            assert isinstance(points, list)
            self.assertEqual(len(points), 6 * DAY_SECONDS // tier.seconds)
            self.assertEqual({b[0] - a[0] for a, b in pairwise(points)}, {tier.seconds})
            self.assertEqual((points[0][1], points[-1][1]), (None, None))

    async def test_nothing_is_told_of_whom_nothing_was_written(self) -> None:
        question = Question(METRICS["traffic"], None, FIVE, Span(DAY, DAY + 3600))
        told = json.loads((await self.reader.numbers(question, "json")).body)
        self.assertEqual([series["points"] for series in told["series"]], [[], []])
        text = (await self.reader.numbers(question, "csv")).body.decode()
        self.assertEqual(text, "time,epoch,out LAST [bit/s],in LAST [bit/s]\r\n")


def consolidated(values: list[float | None], count: int, cf: str) -> list[float | None]:
    """Of each so many values one: unknown where more than half of them are."""
    told: list[float | None] = []
    for start in range(0, len(values), count):
        some = values[start : start + count]
        known = [value for value in some if value is not None]
        if not known or len(known) < count / 2:
            told.append(None)
        elif cf in ("AVERAGE", "LAST"):
            told.append(sum(known) / len(known))
        else:
            told.append(min(known) if cf == "MIN" else max(known))
    return told
