"""What streams of all kinds leave in the database, and what was learned of them."""

from __future__ import annotations

import time
from typing import Any

from tests import postgres
from tests.store.common import StoreCase, measurement, reactor, stream
from tests.waiting import until
from tvmon.store.migrations import migrate, migrations
from tvmon.streams import Level, Measurement, Pace, Presence, Sample, Stream, Timing

SEEN = (
    Measurement(
        upstream_bytes_received=1,
        media_received_ms=6000,
        uptime_seconds=93,
        video_codec="H265",
        audio_codec="Opus",
        pace=Pace(5.0, 5.5),
    ),
    Measurement(
        media_received_ms=12_000, remarks=("a fault", "another"), pace=Pace(9.0, 18.0, 18.0)
    ),
    Measurement(presence=Presence.ABSENT, clients_connected=1),
    Measurement(presence=Presence.UNSEEN, remarks=('worker "7" did not answer\\',)),
    Measurement(upstream_bytes_received=2),
)


@postgres.needs_postgres
class KindsTests(StoreCase):
    """Written and read again."""

    def note(self, one: Stream, ago: float, measured: Measurement) -> None:
        sample = Sample(time.time() - ago, reactor.seconds() - ago, measured)
        self.board.note(one.mms_stream_id, sample)

    async def test_what_is_needed_to_judge_a_sample_again_is_kept(self) -> None:
        url, one = self.database(), stream(1)
        store = await self.up(self.start(url))
        self.board.put(one)
        for index, measured in enumerate(SEEN):
            self.note(one, 30.0 - 3 * index, measured)
        await self.written()
        kept = await store.history(one.mms_stream_id, 200)
        self.assertEqual([sample.measured for sample in reversed(kept)], list(SEEN))

    async def test_how_long_answers_took_is_kept(self) -> None:
        url, one = self.database(), stream(1)
        store = await self.up(self.start(url))
        self.board.put(one)
        took = [Timing(0.1, 12.63), None, Timing(2399.987654321, 2400.0), None]
        for index, timing in enumerate(took):
            ago = 30.0 - 3 * index
            measured, why = (measurement(index), None) if index < 2 else (None, "HTTP 500")
            self.board.note(
                one.mms_stream_id,
                Sample(time.time() - ago, reactor.seconds() - ago, measured, why, timing),
            )
        await self.written()
        kept = [sample.timing for sample in reversed(await store.history(one.mms_stream_id, 200))]
        rounded = [timing and Timing(*(round(ms, 2) for ms in timing)) for timing in kept]
        self.assertEqual(rounded, [Timing(0.1, 12.63), None, Timing(2399.99, 2400.0), None])

    async def test_a_stream_that_is_absent_is_so_after_a_restart(self) -> None:
        url, one = self.database(), stream(1)
        store = await self.up(self.start(url))
        self.board.put(one)
        self.note(one, 3.0, measurement(1))
        self.note(one, 0.0, Measurement(presence=Presence.ABSENT))
        await self.written()
        await store.stopService()

        self.setUp()
        await self.up(self.start(url))
        entry = self.board.get(one.mms_stream_id)
        assert entry is not None
        self.assertEqual(entry.health.whole.level, Level.BAD)
        self.assertIn("nobody publishes it", entry.health.reasons[0])

    def play(self, one: Stream, samples: int, kbps: int) -> None:
        """Let a stream that declares nothing come at this rate, a sample each 3 s."""
        began, wall = reactor.seconds() - 3.0 * samples, time.time() - 3.0 * samples
        for count in range(samples):
            measured = Measurement(upstream_bytes_received=count * kbps * 375)
            sample = Sample(wall + 3.0 * count, began + 3.0 * count, measured)
            self.board.note(one.mms_stream_id, sample)

    async def test_what_was_learned_is_known_after_a_restart(self) -> None:
        url = self.database()
        store = await self.up(self.start(url))
        streams = [stream(number) for number in range(3)]
        for number, one in enumerate(streams[:2]):
            self.board.put(one)
            self.play(one, 150, 1000 * (number + 1))
        await self.written()
        await until(lambda: self.sql("SELECT count(*) FROM mms_learned") == [(2,)], 10)
        await store.stopService()

        self.setUp()
        await self.up(self.start(url))
        for number, one in enumerate(streams[:2]):
            expected = self.board.demand(one.mms_stream_id).learned
            self.assertApproximates(expected.kbps or 0, 1000 * (number + 1), 50 * (number + 1))
        self.assertIsNone(self.board.demand(streams[2].mms_stream_id).learned.kbps)

    async def test_it_goes_with_its_stream(self) -> None:
        url, one = self.database(), stream(1)
        await self.up(self.start(url))
        self.board.put(one)
        self.play(one, 30, 1000)
        await until(lambda: self.sql("SELECT count(*) FROM mms_learned") == [(1,)], 10)
        self.sql("DELETE FROM mms_stream")
        self.assertEqual(self.sql("SELECT count(*) FROM mms_learned"), [(0,)])
        # What is learned of a stream that somebody removed is of no use, and disturbs nobody.
        self.play(one, 150, 1000)
        await self.written()
        self.assertEqual(self.registry.get_sample_value("tvmon_rows_dropped_total"), 0)

    async def test_samples_of_the_first_schema_are_read(self) -> None:
        url = self.database()
        session = await self.session(url)
        await migrate(session, migrations()[:1])
        self.sql(
            "INSERT INTO mms_stream VALUES (7, 'media1', '1', 1, 'one', 'http://a/', now(), NULL)"
        )
        self.sql(
            "INSERT INTO mms_samples (mms_stream_id, slot, is_failed, sample_no, sample_time,"
            " total_gops) VALUES (7, 1, false, 1, now(), 42)"
        )
        session.close()
        store = await self.up(self.start(url))
        kept: list[Any] = await store.history(7, 200)
        self.assertEqual([sample.measured for sample in kept], [Measurement(total_gops=42)])
