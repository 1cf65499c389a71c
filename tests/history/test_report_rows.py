"""Reports of histories whose numbers are known, through rrdtool."""

from __future__ import annotations

import csv
import io
import json
import unittest
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from tests.history.reading import HARMLESS, KnownArchive, write_history
from tests.history.tools import needs_rrdtool, started_engine
from tvmon.history import report_rows
from tvmon.history.drawing import Span
from tvmon.history.reader import Reader
from tvmon.history.sources import STREAM_SOURCES
from tvmon.history.subjects import ALL, Subject, of_stream
from tvmon.tiers import DEFAULT_TIERS, Tier

FIVE, THIRTY, HOUR, *_ = DEFAULT_TIERS
START = 1_700_006_400
spans = st.builds(
    lambda start, steps: Span(300 * start, 300 * (start + steps)),
    st.integers(1_051_776, 13_000_000),
    st.integers(1, 600_000),
)
SERVER, ONE, OTHER = Subject("server", "ingest"), of_stream(1), of_stream(2)


class RowTests(unittest.TestCase):
    """What is asked, and read."""

    @given(
        st.sampled_from(DEFAULT_TIERS),
        spans,
    )
    def test_every_row_that_lies_in_the_period_in_part_is_asked_for(
        self, tier: Tier, span: Span
    ) -> None:
        command = report_rows.ask("3f/all.5b2c71.rrd", tier, span)
        self.assertRegex(command, f"^{HARMLESS.pattern}$")
        words = command.split()
        begins, ends = int(words[words.index("--start") + 1]), int(words[words.index("--end") + 1])
        self.assertEqual((begins % tier.seconds, ends % tier.seconds), (0, 0))
        self.assertLessEqual(begins, span.start)
        self.assertLess(span.start - begins, tier.seconds)
        self.assertLessEqual(span.end, ends)
        self.assertLess(ends - span.end, tier.seconds)

    @given(st.text())
    def test_what_is_none_is_said_to_be_none(self, text: str) -> None:
        with self.assertRaises(ValueError):
            report_rows.rows([text])


@needs_rrdtool
class ReportTests(TestCase):
    """Two hours of a server with two streams, of which one has no file."""

    async def setUp(self) -> None:
        self.rrd = started_engine(self)
        self.archive = KnownArchive({SERVER: "server.rrd", ONE: "stream-1.rrd"})
        self.archive.parts[SERVER] = [("cam1", ONE), ("=cam2", OTHER)]
        self.reader = Reader(rrd=self.rrd, archive=self.archive, now=lambda: START + 90_000)
        rows = [
            {
                "in_kbps": 1000,
                "out_kbps": 8000,
                "viewers": 10 if row != 17 else 30,
                "good_share": 100 if row < 12 else 50,
                "score": 90,
            }
            for row in range(24)
        ]
        for file in self.archive.files.values():
            await write_history(self.rrd, file, STREAM_SOURCES, START, rows)

    async def report(self, subject: Subject, tier: Tier, **more: Any) -> dict[str, Any]:
        answer = await self.reader.report(
            subject, "ingest", tier, Span(START, START + 7200), "json", **more
        )
        told: dict[str, Any] = json.loads(answer.body)
        return told

    async def test_every_number(self) -> None:
        for tier, peak in (
            (FIVE, START + 17 * 300),
            (THIRTY, START + 5400 - 1800),
            (HOUR, START + 3600),
        ):
            told = await self.report(SERVER, tier)
            self.assertEqual(
                told,
                {
                    "name": "ingest",
                    "start": START,
                    "end": START + 7200,
                    "step": tier.name,
                    "availability": 75.0,
                    "known_share": 100.0,
                    "viewer_hours": round((23 * 10 + 30) / 12, 6),
                    "gigabytes_in": 0.9,
                    "gigabytes_out": 7.2,
                    "peak_viewers": 30.0,
                    "peak_time": peak,
                    "worst_hour": {
                        "start": START + 3600,
                        "seconds": 3600,
                        "availability": 50.0,
                        "score": 90.0,
                    },
                },
            )

    async def test_each_part(self) -> None:
        told = await self.report(SERVER, FIVE, parts=self.archive.parts_of(SERVER))
        first, second = told["parts"]
        self.assertEqual(first, {key: told[key] for key in first} | {"name": "cam1"})
        self.assertEqual((second["name"], second["known_share"]), ("=cam2", 0.0))
        self.assertIsNone(second["availability"])
        answer = await self.reader.report(
            SERVER,
            "ingest",
            FIVE,
            Span(START, START + 7200),
            "csv",
            parts=self.archive.parts_of(SERVER),
        )
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        self.assertEqual([row["name"] for row in rows], ["ingest", "cam1", "'=cam2"])
        self.assertEqual(rows[0]["gigabytes_out"], "7.2")
        self.assertEqual(rows[2]["gigabytes_out"], "")

    async def test_of_whom_nothing_was_written_nothing_is_known(self) -> None:
        told = await self.report(ALL, HOUR)
        self.assertEqual((told["known_share"], told["worst_hour"]), (0.0, None))
        self.assertNotIn("parts", told)
