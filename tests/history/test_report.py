"""The numbers of a period, compared with the same arithmetic done by other means."""

from __future__ import annotations

import csv
from fractions import Fraction
from io import StringIO

import simplejson
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.history.report import COLUMNS, Report, Row, Worst, as_csv, report
from tvmon.tiers import DEFAULT_TIERS, Tier

FIVE, HALF, HOUR, SIX, DAY = DEFAULT_TIERS
START = 1_700_006_400  # midnight


def fives(*rows: Row) -> Report:
    """The report of rows of five minutes, which are all of the period."""
    told = [row._replace(ends=START + 300 * number) for number, row in enumerate(rows, 1)]
    return report(FIVE, told, START, START + 300 * len(rows))


class NumberTests(SynchronousTestCase):
    """Each number, by hand."""

    def test_a_day(self) -> None:
        rows = [
            Row(START + 300 * number, 800.0, 8000.0, 10.0, None, 100.0, 90.0)
            for number in range(1, 289)
        ]
        rows[100] = Row(rows[100].ends, 0.0, 0.0, 47.0, None, 28.0, 12.0)
        told = report(FIVE, rows, START, START + 86_400)
        self.assertEqual(
            told.as_dict(),
            {
                "start": START,
                "end": START + 86_400,
                "step": "5m",
                "availability": 99.75,  # 287 times 100 and once 28, of 288
                "known_share": 100.0,
                "viewer_hours": 243.083333,  # (287 * 10 + 47) / 12
                "gigabytes_in": 8.61,  # 100 kB a second, 287 times 300 s
                "gigabytes_out": 86.1,
                "peak_viewers": 47.0,
                "peak_time": START + 30_000,
                "worst_hour": {
                    "start": START + 8 * 3600,
                    "seconds": 3600,
                    "availability": 94.0,
                    "score": 83.5,
                },
            },
        )

    def test_nothing_is_known(self) -> None:
        for rows in ([], [Row(START + 300), Row(START + 600)]):
            told = report(FIVE, rows, START, START + 3600)
            self.assertEqual(told.known_share, 0.0)
            self.assertEqual(set(told[3:4] + told[5:]), {None})
            self.assertEqual(told.as_dict()["worst_hour"], None)

    def test_what_is_unknown_adds_nothing(self) -> None:
        told = fives(Row(0, good_share=90.0, viewers=12.0), Row(0), Row(0, good_share=70.0), Row(0))
        self.assertEqual((told.availability, told.known_share), (80.0, 50.0))
        self.assertEqual((told.viewer_hours, told.peak_viewers), (1.0, 12.0))
        self.assertEqual(told.gigabytes_in, None)

    def test_nobody_watched(self) -> None:
        told = fives(Row(0), Row(0, viewers=0.0), Row(0, viewers=0.0))
        self.assertEqual((told.viewer_hours, told.peak_viewers), (0.0, 0.0))
        self.assertEqual(told.peak_time, START + 300)

    def test_the_peak_is_the_largest_value_inside_a_step(self) -> None:
        rows = [
            Row(START + 3600, viewers=50.0, most_viewers=60.0),
            Row(START + 7200, viewers=20.0, most_viewers=99.0),
            Row(START + 10_800, viewers=70.0),
        ]
        told = report(HOUR, rows, START, START + 10_800)
        self.assertEqual((told.peak_viewers, told.peak_time), (99.0, START + 3600))
        self.assertEqual(told.viewer_hours, 140.0)

    def test_a_row_that_lies_in_it_in_part_counts_by_that_part(self) -> None:
        rows = [Row(START + 86_400 * day, out_kbps=8.0, good_share=50.0 * day) for day in (1, 2, 3)]
        told = report(DAY, rows, START + 43_200, START + 86_400 + 21_600)
        self.assertEqual(told.gigabytes_out, 0.0648)  # 1000 bytes a second, 18 hours
        self.assertAlmostEqual(told.availability or 0, (50 * 12 + 100 * 6) / 18)
        self.assertEqual(told.known_share, 100.0)

    def test_the_worst_hour_by_availability_then_score_then_time(self) -> None:
        def worst(*hours: tuple[float | None, float | None]) -> Worst | None:
            rows = [
                Row(START + 3600 * number, good_share=share, score=score)
                for number, (share, score) in enumerate(hours, 1)
            ]
            return report(HOUR, rows, START, START + 3600 * len(hours)).worst

        for hours, number in (
            (((99.0, 1.0), (98.0, 100.0), (None, 0.0)), 1),
            (((99.0, 80.0), (99.0, 70.0), (99.0, None)), 1),
            (((99.0, None), (99.0, None)), 0),
            (((99.0, 100.0), (99.0, 100.0)), 0),
        ):
            found = worst(*hours)
            assert found is not None
            self.assertEqual(found.start, START + 3600 * number)

    def test_the_worst_hour_of_steps_that_are_longer_or_do_not_go_into_one(self) -> None:
        for tier in (SIX, DAY, Tier("45m", 2700, 10)):
            begins = START // tier.seconds * tier.seconds
            rows = [Row(begins + tier.seconds, good_share=9.0, score=3.0)]
            told = report(tier, rows, begins, begins + 10 * tier.seconds)
            self.assertEqual(told.worst, Worst(begins, tier.seconds, 9.0, 3.0))


class CsvTests(SynchronousTestCase):
    """As a table."""

    def test_columns_and_unknown(self) -> None:
        told = fives(Row(0, viewers=6.0, good_share=75.0))
        lines = list(csv.DictReader(StringIO(as_csv([("a, b", told), ("", fives(Row(0)))]))))
        self.assertEqual([*lines[0]], [*COLUMNS])
        self.assertEqual(lines[0]["name"], "a, b")
        self.assertEqual(lines[0]["start"], "2023-11-15T00:00:00Z")
        self.assertEqual(lines[0]["worst_hour"], "2023-11-15T00:00:00Z")
        self.assertEqual(lines[0]["worst_hour_availability"], "75.0")
        self.assertEqual(lines[0]["viewer_hours"], "0.5")
        self.assertEqual({lines[1][column] for column in COLUMNS[6:]}, {""})

    def test_no_name_is_a_formula(self) -> None:
        for name in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
            self.assertEqual(fives(Row(0)).cells(name)[0], f"'{name}")
        self.assertEqual(fives(Row(0)).cells("live/cam-1")[0], "live/cam-1")


NUMBERS = st.none() | st.integers(0, 10**6).map(float)
SHARES = st.none() | st.integers(0, 100).map(float)
ROWS = st.lists(
    st.builds(
        Row,
        st.just(0),
        in_kbps=NUMBERS,
        out_kbps=NUMBERS,
        viewers=NUMBERS,
        most_viewers=NUMBERS,
        good_share=SHARES,
        score=SHARES,
    ),
    max_size=40,
)


class AnyRowsTests(SynchronousTestCase):
    """Whatever the rows are, the numbers are those of exact arithmetic."""

    @given(ROWS, st.sampled_from(DEFAULT_TIERS), st.integers(0, 5000), st.integers(1, 10**6))
    def test_any(self, rows: list[Row], tier: Tier, skipped: int, length: int) -> None:
        first = START // tier.seconds * tier.seconds
        rows = [row._replace(ends=first + tier.seconds * n) for n, row in enumerate(rows, 1)]
        begins, ends = first + skipped, first + skipped + length
        told = report(tier, reversed(rows), begins, ends)

        def seconds(row: Row) -> int:
            return len(range(max(begins, row.ends - tier.seconds), min(ends, row.ends)))

        def total(name: str, divided: int) -> float | None:
            known = [r for r in rows if seconds(r) and getattr(r, name) is not None]
            products = [Fraction(getattr(row, name)) * seconds(row) for row in known]
            return float(sum(products) / divided) if known else None

        self.same(told.viewer_hours, total("viewers", 3600))
        self.same(told.gigabytes_in, total("in_kbps", 8 * 10**6))
        self.same(told.gigabytes_out, total("out_kbps", 8 * 10**6))
        known = sum(seconds(row) for row in rows if row.good_share is not None)
        self.same(told.known_share, 100 * known / length)
        self.same(told.availability, total("good_share", known) if known else None)
        inside = [row for row in rows if seconds(row)]
        most = [row.viewers if row.most_viewers is None else row.most_viewers for row in inside]
        self.same(told.peak_viewers, max((n for n in most if n is not None), default=None))
        self.assertEqual(told.worst is None, told.availability is None)
        if told.worst is not None and told.availability is not None:
            self.assertLessEqual(told.worst.availability, told.availability + 1e-6)
        simplejson.dumps(told.as_dict(), allow_nan=False)
        self.assertEqual(len(told.cells("x")), len(COLUMNS))

    def same(self, ours: float | None, exact: float | None) -> None:
        if ours is None or exact is None:
            self.assertEqual(ours, exact)
        else:
            self.assertAlmostEqual(ours, exact, delta=1e-9 * max(1.0, abs(exact)))
