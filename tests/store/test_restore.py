"""What was noted is on the board again after a restart."""

from __future__ import annotations

import math
import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.store.common import StoreCase, in_thread, measurement, reactor, stream
from tests.waiting import until
from tvmon.store.rows import Stored, samples, unbroken
from tvmon.streams import Measurement, Sample, Stream


class RestoreTests(StoreCase):
    """A second process on the same database."""

    def setUp(self) -> None:
        super().setUp()
        # Quarters of a second, which floats and the database's microseconds hold exactly: else
        # a distance of 30 s may be less or more than 30 s after its way through both, and a
        # sample in or out of a window, or a moment in the second before.
        now, at = time.time(), reactor.seconds()
        moment = math.floor(now) - 0.75
        self.moment = moment, math.floor((at - (now - moment)) * 4) / 4

    def note(self, one: Stream, count: int, ago: float, **other: object) -> Sample:
        # Both clocks at one moment: a distance by one of them is the distance by the other.
        moment, at = self.moment
        sample = Sample(moment - ago, at - ago, measurement(count, **other))
        self.board.note(one.mms_stream_id, sample)
        return sample

    async def test_an_entry_after_a_restart_says_the_same(self) -> None:
        url = self.database()
        store = await self.up(self.start(url))
        streams = [stream(number) for number in range(4)]
        for one in streams:
            self.board.put(one)
        # Healthy for 55 samples; one fails at last, one is reset, one has one sample.
        for count in range(55):
            ago = 3.0 * (54 - count) + 1
            self.note(streams[0], count, ago, stream_info_width=1280, live_delay_ms=count)
            self.note(streams[1], count, ago)
            self.note(streams[2], count if count < 50 else count - 50, ago)
        moment, at = self.moment
        failed = Sample(moment - 0.5, at - 0.5, None, "HTTP 502 Bad Gateway")
        self.board.note(streams[1].mms_stream_id, failed)
        self.note(streams[3], 1, 1.0)
        await self.written()
        before = {entry.stream: entry for entry in self.board.entries()}
        await store.stopService()

        self.setUp()
        await self.up(self.start(url))
        self.assertEqual(len(self.loaded), 1)
        self.assertEqual(set(self.loaded[0]), set(streams))
        after = {entry.stream: entry for entry in self.board.entries()}
        self.assertEqual(set(after), set(streams))
        for one in streams:
            old, new = before[one].as_dict(), after[one].as_dict()
            for rates in ("average_upstream_kbps", "average_downstream_kbps"):
                was_rates, now_rates = old.pop(rates), new.pop(rates)
                for last, rate in was_rates.items():
                    close_to = now_rates[last] if rate is None else round(now_rates[last], 1)
                    self.assertEqual(close_to, rate if rate is None else round(rate, 1), last)
            self.assertEqual(new, old)
            was, now = before[one].newest, after[one].newest
            assert was is not None
            assert now is not None
            self.assertEqual((now.measured, now.failed_reason), (was.measured, was.failed_reason))
            self.assertLess(abs(now.time - was.time), 1e-5)
            self.assertLess(abs(now.at - was.at), 0.5)

    async def test_what_is_seen_just_now_is_newer(self) -> None:
        """The database is back long after the start: it tells the old, and takes the new."""
        server = self.server()
        store = await self.up(self.start(server.url()))
        streams = [stream(number) for number in range(3)]
        for one in streams:
            self.board.put(one)
            self.note(one, 1, 60.0)
        await self.written()
        await store.stopService()
        server.stop()

        self.setUp()
        store = self.start(server.url())
        # The first is listed and sampled, the second was renamed, the third comes later.
        self.board.put(streams[0])
        self.note(streams[0], 2, 0.0)
        renamed = stream(1, unify_name="renamed")
        self.board.put(renamed)
        await until(lambda: "not loaded yet" in (store.trouble() or ""))
        self.assertEqual(self.metric("tvmon_database_up"), 0)
        server.start()
        await self.up(store)
        await self.written()
        counts = {}
        for entry in self.board.entries():
            assert entry.newest is not None
            assert entry.newest.measured is not None
            counts[entry.stream] = entry.newest.measured.total_gops
        self.assertEqual(counts, {streams[0]: 2, renamed: 1, streams[2]: 1})
        rows = server.sql("SELECT sample_no, total_gops FROM mms_samples ORDER BY 1, 2")
        self.assertEqual(rows, [(1, 1), (1, 1), (1, 1), (2, 2)])
        names = server.sql("SELECT unify_name FROM mms_stream WHERE unify_name = 'renamed'")
        self.assertEqual(names, [("renamed",)])

    async def test_when_it_was_good_is_known_of_one_that_has_failed_for_long(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        streams = [stream(number) for number in range(2)]
        moment, at = self.moment
        for one in streams:
            self.board.put(one)
            self.note(one, 1, 600.0)
            for count in range(60):
                ago = 3.0 * (60 - count)
                self.board.note(one.mms_stream_id, Sample(moment - ago, at - ago, None, "no"))
        await self.written()
        await store.stopService()
        await in_thread(server.stop)

        self.setUp()
        store = self.start(server.url())
        # The second fails again before the database tells of it.
        self.board.put(streams[1])
        self.board.note(streams[1].mms_stream_id, Sample(time.time(), 1.0, None, "no"))
        await in_thread(server.start)
        await self.up(store)
        self.board.note(streams[1].mms_stream_id, Sample(time.time(), 2.0, None, "no"))
        for one in streams:
            entry = self.board.get(one.mms_stream_id)
            assert entry is not None
            assert entry.good_time is not None
            self.assertLess(abs(entry.good_time - (moment - 600.0)), 1e-3)

    async def test_a_stream_that_goes_while_the_database_is_away(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        self.board.put(stream(1))
        self.board.put(stream(2))
        await until(lambda: server.sql("SELECT count(*) FROM mms_stream") == [(2,)])
        server.stop()
        self.board.drop(stream(1).mms_stream_id)
        await until(lambda: store.trouble() is not None)
        server.start()
        await self.up(store)
        gone = "SELECT mms_stream_id FROM mms_stream WHERE gone_at IS NOT NULL"
        await until(lambda: server.sql(gone) == [(stream(1).mms_stream_id,)])

    async def test_thousands_of_streams_are_restored_without_a_long_turn(self) -> None:
        url = self.database()
        store = await self.up(self.start(url))
        await store.stopService()
        self.sql(
            "INSERT INTO mms_stream SELECT g, 'media1', 'key ' || g, g, 'name ' || g, 'http://x/',"
            " now(), NULL FROM generate_series(1, 1000) g"
        )
        self.sql(
            "INSERT INTO mms_samples (mms_stream_id, slot, is_failed, sample_no, sample_time,"
            " total_gops, upstream_bytes_received, total_bytes_sent, live_delay_ms)"
            " SELECT g, n % 200, false, n, now() - (500 - n) * interval '3 s', n, n * 1000, 0, 5"
            " FROM generate_series(1, 1000) g, generate_series(441, 500) n"
        )
        self.setUp()
        watch = self.watch()
        await self.up(self.start(url), 60)
        self.assert_never_blocked(watch)
        self.assertEqual(len(self.board), 1000)
        for entry in self.board.entries():
            assert entry.newest is not None
            assert entry.newest.measured is not None
            self.assertEqual(entry.newest.measured.total_gops, 500)


class TimeTests(SynchronousTestCase):
    """Monotonic moments, worked out from wall times."""

    def rows(self, *times: float) -> list[Stored]:
        return [
            Stored(1, 1000 - index, moment, Measurement(), None)
            for index, moment in enumerate(times)
        ]

    def test_distances_are_kept(self) -> None:
        found = samples(self.rows(990.0, 987.0, 980.0), 50.0, 1000.0)
        self.assertEqual([sample.at for sample in found], [40.0, 37.0, 30.0])
        self.assertEqual([sample.time for sample in found], [990.0, 987.0, 980.0])

    def test_a_clock_put_back_over_the_restart(self) -> None:
        """All of them lie in the future: the newest is now, the distances hold."""
        found = samples(self.rows(87_400.0, 87_397.0), 50.0, 1000.0)
        self.assertEqual([sample.at for sample in found], [50.0, 47.0])

    def test_a_clock_put_back_between_two_samples(self) -> None:
        rows = self.rows(990.0, 987.0, 87_384.0, 87_381.0)
        self.assertEqual([sample.at for sample in samples(rows, 50.0, 1000.0)], [40, 37, 37, 37])
        self.assertEqual(list(unbroken(rows)), rows[:2])

    @given(st.lists(st.floats(0, 4e9), max_size=50), st.floats(0, 1e8), st.floats(0, 4e9))
    def test_never_in_the_future_and_never_the_wrong_way(
        self, times: list[float], clock_now: float, wall_now: float
    ) -> None:
        found = [sample.at for sample in samples(self.rows(*times), clock_now, wall_now)]
        self.assertEqual(found, sorted(found, reverse=True))
        self.assertTrue(all(at <= clock_now for at in found))
        kept = unbroken(self.rows(*times))
        self.assertTrue(all(a.time > b.time for a, b in pairwise(kept)))
