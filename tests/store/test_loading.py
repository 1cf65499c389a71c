"""What is read at a start: of every stream the newest row, and the window before it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from tests.store.common import StoreCase, measurement, reactor, stream
from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.store.database import Session
from tvmon.store.loading import (
    MOST_SCANNED_SECONDS,
    End,
    Ends,
    ends,
    learned_rates,
    restore,
)
from tvmon.streams import Sample, Stream
from tvmon.window import KEPT_SECONDS

SECONDS = 3.0


class LoadingTests(StoreCase):
    """On a database that a tvmon has left behind."""

    async def filled(self, counts: Sequence[int]) -> Session:
        """A session with a database that holds so many good samples of each of these streams."""
        url = self.url = self.database()
        store = await self.up(self.start(url))
        self.streams = [stream(number) for number in range(len(counts))]
        self.wall, self.at = time.time(), reactor.seconds()
        for one, count in zip(self.streams, counts, strict=True):
            self.board.put(one)
            for number in range(1, count + 1):
                self.note(self.board, one, number, SECONDS * (count - number))
        await self.written()
        await store.stopService()
        return await self.session(url)

    def note(self, board: Board, one: Stream, count: int, ago: float) -> None:
        sample = Sample(self.wall - ago, self.at - ago, measurement(count))
        board.note(one.mms_stream_id, sample)

    async def restored(self, session: Session, found: Ends, board: Board | None = None) -> Board:
        board = board or Board(Scoring())
        learned = await learned_rates(session)
        await restore(session, board, self.streams, found, learned, reactor, time.time)
        return board

    def last_100(self, board: Board, one: Stream) -> float | None:
        entry = board.get(one.mms_stream_id)
        assert entry is not None
        rate = entry.upstream.last_100
        return rate and round(rate)

    async def test_it_ends_where_the_rows_end(self) -> None:
        session = await self.filled([60, 1, 150])
        found = await ends(session, reactor)
        for one, count in zip(self.streams, (60, 1, 150), strict=True):
            end = found.of[one.mms_stream_id]
            self.assertEqual(end.number, count)
            assert end.good_time is not None
            self.assertLess(abs(end.good_time - self.wall), 1e-3)

    async def test_what_the_scan_did_not_take_along_is_looked_up(self) -> None:
        session = await self.filled([60, 1, 150])
        found = await ends(session, reactor)
        whole = await self.restored(session, found)
        self.assertEqual(self.last_100(whole, self.streams[2]), 800)
        # As if others had rows that are younger by hours.
        bare = {number: End(end.number, end.good_time, b"") for number, end in found.of.items()}
        looked_up = await self.restored(session, Ends(time.time() + 7200, bare))
        for one in self.streams:
            was, now = whole.get(one.mms_stream_id), looked_up.get(one.mms_stream_id)
            assert was is not None
            assert now is not None
            self.assertEqual(now.health, was.health)
            self.assertEqual(self.last_100(looked_up, one), self.last_100(whole, one))

    async def test_the_scan_takes_no_more_along_than_it_is_told(self) -> None:
        session = await self.many("now() - (500 - n) * interval '3 s'")
        found = await ends(session, reactor)
        latest = time.time()
        for end in found.of.values():
            # The newest row is looked for in some pages of many: it may be older than it is, and
            # more is taken along then; all, where it was looked for in none.
            rows, wanted = len(end.points) // 56, (latest - found.since) / SECONDS
            self.assertLess(abs(rows - min(200, wanted)), 5)
            self.assertGreaterEqual(rows, 45)
        self.streams = [
            Stream("media1", f"key {n}", n, f"name {n}", "http://x/", n) for n in range(1, 301)
        ]
        board = await self.restored(session, found)
        self.assertEqual({self.last_100(board, one) for one in self.streams}, {800})

    async def many(self, time_of_n_and_g: str) -> Session:
        """300 streams g with 200 rows n each, the newest of number 500."""
        url = self.database()
        store = await self.up(self.start(url))
        await store.stopService()
        self.sql(
            "INSERT INTO mms_stream SELECT g, 'media1', 'key ' || g, g, 'name ' || g, 'http://x/',"
            " now(), NULL FROM generate_series(1, 300) g"
        )
        self.sql(
            "INSERT INTO mms_samples (mms_stream_id, slot, is_failed, sample_no, sample_time,"
            " upstream_bytes_received, total_bytes_sent, live_delay_ms)"
            f" SELECT g, n % 200, false, n, {time_of_n_and_g}, n * 300000, 0, 5"
            " FROM generate_series(301, 500) n, generate_series(1, 300) g"
        )
        return await self.session(url)

    async def test_streams_that_are_sampled_seldom_are_not_looked_up_one_by_one(self) -> None:
        session = await self.many("now() - (500 - n) * interval '60 s' - g % 60 * interval '1 s'")
        found = await ends(session, reactor)
        whole = [
            end
            for end in found.of.values()
            if end.good_time is not None and end.good_time - KEPT_SECONDS >= found.since
        ]
        self.assertGreater(len(whole), 150)
        for end in whole:
            self.assertGreaterEqual(len(end.points) // 56, 3)

    async def test_where_most_rest_for_long_the_scan_is_no_longer_for_them(self) -> None:
        session = await self.many(
            "now() - (500 - n) * interval '0.1 s'"
            " - CASE WHEN g % 5 = 0 THEN interval '0 s' ELSE interval '2 hours' END"
        )
        # It looks at some pages of many for the newest row, and at none once in a while.
        since = max([(await ends(session, reactor)).since for _ in range(10)])
        self.assertLess(abs(time.time() - MOST_SCANNED_SECONDS - since), 60)

    async def test_of_one_that_was_sampled_meanwhile_the_rates_are_known(self) -> None:
        session = await self.filled([60, 60, 60])
        found = await ends(session, reactor)
        once, twice, failed = self.streams
        board = Board(Scoring())
        for one in self.streams:
            board.put(one)
        self.note(board, once, 61, -SECONDS)
        self.note(board, twice, 61, -SECONDS)
        self.note(board, twice, 62, -2 * SECONDS)
        gone = Sample(self.wall + SECONDS, self.at + SECONDS, None, "no answer")
        board.note(failed.mms_stream_id, gone)
        seen = {one: board.get(one.mms_stream_id) for one in self.streams}
        await self.restored(session, found, board)
        entry = board.get(once.mms_stream_id)
        assert entry is not None
        assert entry.newest is not None
        assert entry.newest.measured is not None
        self.assertEqual((entry.newest.measured.total_gops, entry.health.whole.score), (61, 100))
        self.assertEqual(self.last_100(board, once), 800)
        # More than one is not put together again.
        self.assertIs(board.get(twice.mms_stream_id), seen[twice])
        entry = board.get(failed.mms_stream_id)
        assert entry is not None
        assert entry.good_time is not None
        self.assertIs(entry.newest, gone)
        self.assertLess(abs(entry.good_time - self.wall), 1e-3)
        self.note(board, failed, 62, -2 * SECONDS)
        self.assertEqual(self.last_100(board, failed), 800)

    async def test_they_are_judged_by_what_the_configuration_says(self) -> None:
        session = await self.filled([60])
        session.close()
        self.setUp()

        def configured(one: Stream) -> Stream:
            return replace(one, kind="tvie", expected_kbps=1600)

        await self.up(self.start(self.url, configured=configured))
        entry = self.board.get(self.streams[0].mms_stream_id)
        assert entry is not None
        self.assertEqual((entry.stream.kind, entry.expected.by), ("tvie", "configured"))
        self.assertIn("1600 kbit/s are expected, as configured", str(entry.health.reasons))
        # It is what its media server's updater puts there next, and so no news.
        self.board.put(configured(self.streams[0]))
        self.assertIs(self.board.get(entry.stream.mms_stream_id), entry)
