"""A value that the database cannot hold costs its own row, and nobody else's."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests import postgres
from tests.store.common import StoreCase, measurement, stream
from tests.waiting import until
from tvmon.entry import Entry
from tvmon.store import writer
from tvmon.store.columns import COLUMNS, Unfit
from tvmon.store.migrations import migrations
from tvmon.store.queries import RING
from tvmon.store.rows import LONGEST_REASON, Row, batch, fits
from tvmon.streams import MEASURED, Measurement, Sample, Timing

TOO_LARGE = 2**63

BAD: dict[str, Any] = {
    "too large": measurement(1, total_bytes_sent=TOO_LARGE),
    "too small": measurement(1, live_delay_ms=-TOO_LARGE - 1),
    "thousands of digits": measurement(1, total_gops=10**5000),
    "a text": measurement(1, total_gops="17"),
    "a text that looks like two": measurement(1, total_gops="1,2"),
    "a fraction": measurement(1, total_gops=1.5),
    "truth": measurement(1, total_gops=True),
}


class BadSampleTests(StoreCase):
    """Bad ones among good ones."""

    async def test_each_kind_costs_its_own_row(self) -> None:
        await self.up(self.start(self.database()))
        bad = {stream(100 + index): kind for index, kind in enumerate(BAD)}
        good = [stream(number) for number in range(30)]
        for one in (*good, *bad):
            self.board.put(one)
        with capturedLogs() as said:
            for count in range(1, 4):
                for one in (*bad, *good):
                    measured = BAD[bad[one]] if one in bad else measurement(count)
                    # The board cannot judge some of these; the store hears of them all the same.
                    entry = self.board.get(one.mms_stream_id)
                    assert entry is not None
                    sample = Sample(time.time(), 3.0 * count, measured)
                    for listener in self.board._listeners:
                        listener.sample_noted(entry, sample)
                await self.written()
        rows = self.sql(
            "SELECT mms_stream_id, count(*), max(total_gops) FROM mms_samples GROUP BY 1 ORDER BY 1"
        )
        numbers = sorted(one.mms_stream_id for one in good)
        self.assertEqual(rows, [(number, 3, 3) for number in numbers])
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 3 * len(bad))
        self.assertEqual(self.metric("tvmon_rows_written_total"), 3 * len(good))
        # Once for each stream, not once for each row.
        told = [event for event in said if "cannot hold" in event["log_format"]]
        self.assertEqual(len(told), len(bad))

    async def test_a_fault_that_only_the_server_sees(self) -> None:
        """A time beyond the calendar: found by halving."""
        await self.up(self.start(self.database()))
        streams = [stream(number) for number in range(64)]
        for one in streams:
            self.board.put(one)
        await until(lambda: self.sql("SELECT count(*) FROM mms_stream") == [(64,)])
        for index, one in enumerate(streams):
            moment = 1e30 if index in {17, 40} else time.time()
            self.board.note(one.mms_stream_id, Sample(moment, 1.0, measurement(index)))
        await self.written()
        rows = self.sql("SELECT total_gops FROM mms_samples ORDER BY 1")
        self.assertEqual([n for (n,) in rows], [n for n in range(64) if n not in {17, 40}])
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 2)

    async def test_texts_are_stored_as_they_are(self) -> None:
        await self.up(self.start(self.database()))
        texts = [
            'he said "no", \\ and {so} on, NULL',
            "zeile\nzwei\ttab",
            "Ünïcødé 频道 🎥",
            "NULL",
            "",
        ]
        self.board.put(stream(1, unify_name=texts[0]))
        for count, words in enumerate(texts):
            sample = Sample(time.time(), 3.0 * count, None, words)
            self.board.note(stream(1).mms_stream_id, sample)
        await self.written()
        rows = self.sql("SELECT failed_reason FROM mms_samples ORDER BY sample_no")
        self.assertEqual([row[0] for row in rows], texts)
        self.assertEqual(self.sql("SELECT unify_name FROM mms_stream"), [(texts[0],)])

    async def test_what_no_text_column_holds_is_replaced(self) -> None:
        await self.up(self.start(self.database()))
        self.board.put(stream(1, unify_name="nul \0 surrogate \ud800", key="k\0"))
        reason = "x" * (LONGEST_REASON + 7)
        self.board.note(stream(1, key="k\0").mms_stream_id, Sample(time.time(), 1.0, None, reason))
        await self.written()
        self.assertEqual(
            self.sql("SELECT unify_name, stream_key FROM mms_stream"),
            [("nul \ufffd surrogate ?", "k\ufffd")],
        )
        self.assertEqual(self.sql("SELECT failed_reason FROM mms_samples"), [("x" * 1000,)])


class BadStreamTests(StoreCase):
    """Streams that cannot be stored, and streams that somebody removed."""

    async def test_a_bad_stream_costs_itself(self) -> None:
        await self.up(self.start(self.database()))
        bad = stream(99, stream_id=TOO_LARGE)
        streams = [stream(number) for number in range(10)]
        for one in (bad, *streams):
            self.board.put(one)
            self.board.note(one.mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
        await self.written()
        self.assertEqual(self.sql("SELECT count(*) FROM mms_stream"), [(10,)])
        self.assertEqual(self.sql("SELECT count(*) FROM mms_samples"), [(10,)])
        self.board.note(bad.mms_stream_id, Sample(time.time(), 2.0, measurement(2)))
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 2)
        # The media server puts it right.
        good = stream(99)
        self.board.put(good)
        self.board.note(good.mms_stream_id, Sample(time.time(), 3.0, measurement(3)))
        await self.written()
        self.assertEqual(self.sql("SELECT count(*) FROM mms_stream"), [(11,)])
        self.assertEqual(
            self.sql(
                "SELECT total_gops FROM mms_samples WHERE mms_stream_id = %s", good.mms_stream_id
            ),
            [(3,)],
        )

    async def test_a_key_too_long_for_an_index(self) -> None:
        await self.up(self.start(self.database()))
        noise = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(5000))
        self.board.put(stream(1, key=noise))
        self.board.put(stream(2))
        await until(lambda: self.sql("SELECT 1 FROM mms_stream"))
        await self.written()
        self.assertEqual(
            self.sql("SELECT mms_stream_id FROM mms_stream"), [(stream(2).mms_stream_id,)]
        )

    async def test_streams_that_somebody_removed_are_put_back(self) -> None:
        await self.up(self.start(self.database()))
        streams = [stream(number) for number in range(10)]
        for one in streams:
            self.board.put(one)
        await until(lambda: self.sql("SELECT count(*) FROM mms_stream") == [(10,)])
        self.sql("TRUNCATE mms_stream CASCADE")
        for one in streams:
            self.board.note(one.mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
        self.board.drop(streams[0].mms_stream_id)
        await self.written()
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 0)
        self.assertEqual(self.sql("SELECT count(*) FROM mms_samples"), [(10,)])


NUMBERS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
RATES = st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**53), 2**53))
TEXTS = st.one_of(st.none(), st.text(max_size=50))
CODECS = st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)
MEASUREMENTS = st.builds(
    Measurement,
    **{
        name: RATES if name.startswith("average_") else CODECS if "_codec" in name[-6:] else NUMBERS
        for name in MEASURED
    },
)


def row(sample: Sample, number: int) -> Row:
    made = Row(Entry(stream(1), 1), sample)
    made.number = number
    return made


@postgres.needs_postgres
class ColumnTests(SynchronousTestCase):
    """What goes into a batch comes out of it."""

    def read(self, text: str) -> list[Any]:
        (made,) = (step.sql for step in migrations() if "CREATE TYPE tvmon_row" in step.sql)
        return postgres.shared().sql(f"{made}; SELECT * FROM unnest(%s::tvmon_row[])", text)

    def test_the_type_of_a_row(self) -> None:
        self.read("{}")
        found = postgres.shared().sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute a"
            " JOIN pg_type t ON t.typrelid = a.attrelid WHERE typname = 'tvmon_row'"
            " ORDER BY attnum"
        )
        self.assertEqual(tuple(found), COLUMNS)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.one_of(MEASUREMENTS, TEXTS), min_size=1, max_size=20))
    def test_the_server_reads_what_was_meant(
        self, contents: list[Measurement | str | None]
    ) -> None:
        rows = [
            row(Sample(1e9 + index, 1.0, content, timing=Timing(0.5, index)), index)
            if isinstance(content, Measurement)
            else row(Sample(1e9 + index, 1.0, None, content), index)
            for index, content in enumerate(contents)
        ]
        found = self.read(batch(rows, RING))
        self.assertEqual(len(found), len(rows))
        for got, one in zip(found, rows, strict=True):
            wanted = one.sample.measured or Measurement()
            self.assertEqual(got[9:14], (None, None, None, None, None))
            self.assertEqual(got[14:16], one.sample.timing or (None, None))
            self.assertEqual(got[16:], tuple(getattr(wanted, name) for name in MEASURED))
            reason = one.sample.failed_reason
            if reason is not None:
                reason = reason.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            self.assertEqual(
                got[1:6], (one.number, one.number, one.sample.time, one.sample.is_failed, reason)
            )

    def test_what_fits(self) -> None:
        self.assertTrue(fits(row(Sample(1.0, 1.0, measurement(1)), 1), RING))
        self.assertTrue(fits(row(Sample(1, 1.0, None, None), 1), RING))
        for kind, measured in BAD.items():
            self.assertFalse(fits(row(Sample(1.0, 1.0, measured), 1), RING), kind)

    def test_no_value_can_pose_as_two(self) -> None:
        for name in ("a text", "a text that looks like two", "a fraction", "truth"):
            with self.assertRaises(Unfit):
                batch([row(Sample(1.0, 1.0, BAD[name]), 1)], RING)

    def test_a_row_that_was_written_down_is_the_same(self) -> None:
        rows = [row(Sample(1.0, 1.0, measurement(1), "why"), number) for number in (1, 201)]
        rows[0].write_down()
        self.assertEqual(rows[0].text, rows[1].text)
        unfit = row(Sample(1.0, 1.0, BAD["a text"]), 3)
        unfit.write_down()  # says nothing before it is sent
        with self.assertRaises(Unfit):
            batch([*rows, unfit], RING)


class WriteErrorTests(StoreCase):
    """What is nobody's fault is tried again, and told once."""

    async def test_a_refusal_is_said_once(self) -> None:
        self.patch(writer, "RETRY_SECONDS", 0.05)
        url = self.database()
        store = await self.up(self.start(url))
        self.board.put(stream(1))
        await until(lambda: self.sql("SELECT 1 FROM mms_stream"))
        with capturedLogs() as said:
            self.sql("ALTER TABLE mms_samples RENAME TO elsewhere")
            self.board.note(stream(1).mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
            await until(lambda: "refuses samples" in (store.trouble() or ""))
            for count in range(2, 5):
                self.board.note(
                    stream(1).mms_stream_id, Sample(1.0, 3.0 * count, measurement(count))
                )
            self.sql("ALTER TABLE elsewhere RENAME TO mms_samples")
            await self.up(store)
        await self.written()
        self.assertEqual(self.sql("SELECT count(*) FROM mms_samples"), [(4,)])
        formats = [event["log_format"] for event in said if "log_format" in event]
        self.assertEqual(len([words for words in formats if "refuses" in words]), 1)
        self.assertEqual(len([words for words in formats if "takes samples again" in words]), 1)
