"""A year of five minutes: every tier against numbers that were worked out without rrdtool."""

from __future__ import annotations

import random
import statistics
import unittest
from typing import Any

from twisted.internet.defer import Deferred

from tests.history.feeding import Pipe
from tests.history.tools import needs_rrdtool, temporary_folder
from tvmon.history.files import Files
from tvmon.history.rrd import Output
from tvmon.history.shelf import Shelf
from tvmon.history.sources import STREAM_SOURCES
from tvmon.history.subjects import of_stream
from tvmon.tiers import DEFAULT_TIERS, Tier

DAY = 86_400
BEGIN = 19_675 * DAY
"""A midnight in 2023, UTC."""
DAYS = 366
PLACE = [source.name for source in STREAM_SOURCES].index("viewers")
EXPECTED = {
    "LAST": lambda values: values[-1],
    "AVERAGE": statistics.fmean,
    "MIN": min,
    "MAX": max,
}


class Hurried(Pipe):
    """Waits for the answers to some hundred updates in one go."""

    waiting = 0

    def ask(self, command: str) -> Output:
        assert self.process.stdin is not None
        if command.startswith("update"):
            self.process.stdin.write(command.encode() + b"\n")
            self.waiting += 1
            if self.waiting == 300:
                self.catch_up()
            return Output()
        self.catch_up()
        return super().ask(command)

    def catch_up(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.flush()
        for _ in range(self.waiting):
            line = self.process.stdout.readline()
            assert line.startswith(b"OK"), line
        self.waiting = 0


def done(work: Any) -> Any:
    result: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(result.append)
    assert len(result) == 1
    return result[0]


@needs_rrdtool
class YearTests(unittest.TestCase):
    def test_every_row_of_every_tier(self) -> None:
        chance = random.Random(7)
        folder = temporary_folder(self)
        files = Files(folder, DEFAULT_TIERS)
        pipe = Hurried(self, folder)
        shelf = Shelf(pipe, files, folder)
        subject = of_stream(1)
        values: dict[int, float | None] = {}
        end = BEGIN
        while end < BEGIN + DAYS * DAY:
            end += 300
            if chance.random() < 0.001:
                end += 300 * chance.randrange(400)  # tvmon did not run
            value = None if chance.random() < 0.02 else float(chance.randrange(1000))
            values[end] = value
            row: list[float | None] = [None] * len(STREAM_SOURCES)
            row[PLACE] = value
            self.assertTrue(done(shelf.write(subject, end, tuple(row))))
        file = files.file_of(subject)
        assert file is not None
        for tier in DEFAULT_TIERS:
            newest = end // tier.seconds * tier.seconds
            oldest = max(BEGIN, newest - tier.rows * tier.seconds)
            for function in tier.functions:
                with self.subTest(tier=tier.name, function=function):
                    found = pipe.rows(file, "viewers", function, tier.seconds, oldest, newest)
                    rows = range(oldest + tier.seconds, newest + 1, tier.seconds)
                    self.assertEqual(list(found), list(rows))
                    for time in rows:
                        expected = row_of(values, tier, function, time)
                        if expected is None or found[time] is None:
                            self.assertEqual(found[time], expected, time)
                        else:
                            self.assertAlmostEqual(found[time], expected, 6, time)


def row_of(values: dict[int, float | None], tier: Tier, function: str, time: int) -> float | None:
    """The row that ends then; unknown where more than half of it is."""
    parts = [values.get(end) for end in range(time - tier.seconds + 300, time + 1, 300)]
    known = [value for value in parts if value is not None]
    if len(parts) - len(known) > len(parts) / 2:
        return None
    return float(EXPECTED[function](known))
