"""One store after another in one process, and the end of a store."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThread

from tests import postgres
from tests.store.common import StoreCase, in_thread, measurement, reactor, stream
from tests.waiting import until
from tvmon.store import Store, lock, store, writer_name
from tvmon.store.address import Address
from tvmon.store.database import Session
from tvmon.store.line import Line
from tvmon.streams import Sample

ROWS = "SELECT total_gops FROM mms_samples ORDER BY sample_no"


class TakeOverTests(StoreCase):
    """Another database, or another address of it, while samples come in."""

    def setUp(self) -> None:
        super().setUp()
        self.writer = writer_name()

    def next_store(self, url: str, **other: Any) -> Store:
        self.registry = CollectorRegistry()
        following = self.store(url, writer=self.writer, **other)
        self.addCleanup(lambda: following.stopService() if following.running else None)
        return following

    def note(self, *counts: int) -> None:
        self.board.put(stream(1))
        for count in counts:
            self.board.note(
                stream(1).mms_stream_id, Sample(time.time(), 3.0 * count, measurement(count))
            )

    async def test_another_database(self) -> None:
        """The old one gets what it can take; from then on the new one gets all."""
        one, two = self.server(), self.server()
        old = await self.up(self.start(one.url(), writer=self.writer))
        self.note(1, 2)
        new = self.next_store(two.url())
        done = Deferred.fromCoroutine(new.take_over(old))
        self.note(3)
        await done
        self.note(4)
        await self.up(new)
        await self.written()
        self.assertEqual(one.sql(ROWS), [(1,), (2,)])
        self.assertEqual(two.sql(ROWS), [(3,), (4,)])
        self.assertEqual(two.sql("SELECT unify_name FROM mms_stream"), [(stream(1).unify_name,)])
        self.assertEqual(old.trouble(), "stopped")

    async def test_the_old_one_is_away(self) -> None:
        """What waits for it comes into the new one: rows, streams, and their ends."""
        one, two = self.server(), self.server()
        old = await self.up(self.start(one.url(), writer=self.writer))
        self.note(1)
        await self.written()
        await in_thread(one.stop)
        await until(lambda: old.trouble() is not None)
        self.note(2, 3)
        self.board.put(stream(2))
        self.board.drop(stream(2).mms_stream_id)
        new = self.next_store(two.url())
        done = Deferred.fromCoroutine(new.take_over(old))
        self.note(4)
        await done
        await self.up(new)
        await self.written()
        self.assertEqual(two.sql(ROWS), [(2,), (3,), (4,)])
        gone = two.sql("SELECT mms_stream_id FROM mms_stream WHERE gone_at IS NOT NULL")
        self.assertEqual(gone, [(stream(2).mms_stream_id,)])

    async def test_the_same_database_again_and_again(self) -> None:
        """The lock of our own former session is not another tvmon's; none is lost or doubled."""
        self.patch(lock, "PATIENCE_SECONDS", 0.3)
        url = self.database()
        new = await self.up(self.start(url, writer=self.writer))
        load = self.load([stream(1)], 0.05)
        for _ in range(5):
            noted = load.noted
            await until(lambda noted=noted: load.noted > noted + 2)
            old, new = new, self.next_store(url)
            await new.take_over(old)
        await self.up(new)
        load.stop()
        await self.written()
        counts = [count for (count,) in self.sql(ROWS)]
        self.assertEqual(counts, list(range(1, load.noted + 1))[-200:])
        self.assertEqual(self.refused, [])

    async def test_one_that_cannot_start_changes_nothing(self) -> None:
        old = await self.up(self.start(self.database(), writer=self.writer))
        new = self.next_store("no url")
        with self.assertRaises(SystemExit):
            await new.take_over(old)
        self.assertIsNone(old.trouble())
        self.assertEqual(new.trouble(), "not started")

    async def test_stopped_in_the_middle(self) -> None:
        url = self.database()
        old = await self.up(self.start(url, writer=self.writer))
        self.note(1)
        new = self.next_store(url)
        taken = Deferred.fromCoroutine(new.take_over(old))
        await new.stopService()
        await taken
        self.assertEqual((old.trouble(), new.trouble()), ("stopped", "stopped"))
        self.assertEqual(self.sql(ROWS), [(1,)])
        self.assert_nothing_left()

    async def test_streams_gone_for_longer_than_is_kept_now(self) -> None:
        running = await self.up(self.start(self.database()))
        running.keep_gone_seconds = 5.0
        self.assertEqual(running.keep_gone_seconds, 5.0)
        self.assertEqual(running._writer.keep_gone_seconds, 5.0)


class PrepareTests(StoreCase):
    """What may block is done before, in a thread."""

    @postgres.needs_postgres
    async def test_in_a_thread_and_only_once(self) -> None:
        where = self.directory() / "state"
        first = self.store("embedded", directory=where)
        await deferToThread(first.prepare)
        second = self.store("embedded", directory=where, registry=CollectorRegistry())
        with self.assertRaises(SystemExit):
            await deferToThread(second.prepare)
        first.prepare()
        # One that is never started lets go of the directory, too.
        await first.stopService()
        await deferToThread(second.prepare)
        second.startService()
        await self.up(second, 60)
        await second.stopService()
        self.assert_nothing_left()


class EndTests(StoreCase):
    """A store that is stopped, in good order and in time."""

    def test_the_bounds_fit_into_what_the_daemon_has(self) -> None:
        self.assertLessEqual(store.STOP_SECONDS, 3.2)
        self.assertGreaterEqual(store.STOP_SECONDS - store.FLUSH_SECONDS, 1.2)

    async def test_it_says_whether_it_runs(self) -> None:
        one = self.store(self.database())
        self.assertEqual(one.trouble(), "not started")
        self.assertEqual(self.metric("tvmon_database_up"), 0)
        one.startService()
        await self.up(one)
        self.assertEqual(self.metric("tvmon_database_up"), 1)
        await one.stopService()
        self.assertEqual(one.trouble(), "stopped")
        self.assertEqual(self.metric("tvmon_database_up"), 0)

    async def test_whose_stop_is_cancelled(self) -> None:
        """The database hangs over the last samples, and nobody wants to wait for them."""
        server = self.server()
        one = await self.up(self.start(server.url()))
        await in_thread(server.freeze)
        self.board.put(stream(1))
        stopped = one.stopService()
        self.assertFalse(stopped.called)
        stopped.cancel()
        # Nothing else had to be waited for.
        await stopped
        self.assertEqual(one._lines, ())
        await in_thread(server.thaw)
        self.assert_nothing_left()

    @postgres.needs_postgres
    async def test_whose_stop_is_cancelled_with_a_server_of_its_own(self) -> None:
        one = self.start("embedded", directory=self.directory() / "state")
        await self.up(one, 60)
        assert one._embedded is not None
        pid = one._embedded.pid
        assert pid is not None
        # It cannot follow at once: the samples' time runs out, and its own does not.
        os.kill(pid, signal.SIGSTOP)
        self.board.put(stream(1))
        stopped = one.stopService()
        stopped.cancel()
        os.kill(pid, signal.SIGCONT)
        with self.assertRaises(CancelledError):
            await stopped
        await until(lambda: not Path(f"/proc/{pid}").exists(), 10, "the server has ended")
        await until(lambda: one._embedded is not None and one._embedded._cluster is None)

    async def test_a_line_that_is_cancelled_ends(self) -> None:
        told: list[str] = []

        async def use(session: Session) -> None:
            await session.over()

        line = Line(reactor, Address(self.database(), "test"), use, told.append)
        line.start()
        await until(lambda: line.session is not None)
        running = line._running
        assert running is not None
        running.cancel()
        with self.assertRaises(CancelledError):
            await running
        self.assertIsNone(line.session)
        self.assertEqual(told, [])
