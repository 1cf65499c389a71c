"""What the database can do to tvmon, under load: nothing is lost, doubled or held up."""

from __future__ import annotations

import os
import signal
import time

from twisted.internet.task import deferLater

from tests.store.common import StoreCase, in_thread, measurement, reactor, stream
from tests.waiting import until
from tvmon.store import Away, database, lock, writer
from tvmon.streams import Sample

STREAMS = [stream(number) for number in range(20)]

FROZEN_SECONDS = float(os.environ.get("TVMON_TEST_FROZEN_SECONDS", "6"))
"""How long a server is stopped: beyond the deadlines of the tests; 30 in the long run."""

RESTARTS = 20


class FaultTests(StoreCase):
    """Each with twenty streams, sampled twenty times a second."""

    async def test_down_at_the_start(self) -> None:
        server = self.server()
        server.stop()
        watch = self.watch()
        store = self.start(server.url())
        load = self.load(STREAMS)
        await until(lambda: load.noted > 20)
        trouble = store.trouble()
        assert trouble is not None
        self.assertIn("not loaded yet", trouble)
        self.assertEqual(self.metric("tvmon_database_up"), 0)
        self.assertEqual(self.metric("tvmon_pending_rows"), load.noted * len(STREAMS))
        await in_thread(server.start)
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_never_blocked(watch)
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.metric("tvmon_database_up"), 1)
        self.assertEqual(self.metric("tvmon_database_reconnects_total"), 0)

    async def test_killed_under_load(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        watch = self.watch()
        load = self.load(STREAMS)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        await in_thread(server.kill)
        await until(lambda: store.trouble() is not None)
        trouble = store.trouble()
        assert trouble is not None
        self.assertRegex(trouble, r"^database is away since 20\d\d-\d\d-\d\dT.*Z: ")
        noted = load.noted
        await until(lambda: load.noted > noted + 10)
        with self.assertRaises(Away):
            await store.history(STREAMS[0].mms_stream_id, 10)
        await in_thread(server.start)
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_never_blocked(watch)
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.metric("tvmon_database_reconnects_total"), 1)
        self.assertEqual(len(self.loaded), 1)

    async def test_restarted_twenty_times_under_load(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        watch = self.watch()
        # A sample each 0.2 s: the ring holds all of them, so that each one can be counted.
        load = self.load(STREAMS, 0.2)
        for _ in range(RESTARTS):
            await in_thread(server.restart)
            await self.more_is_written()
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_never_blocked(watch)
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 0)

    async def test_stopped_and_continued(self) -> None:
        """SIGSTOP: it accepts connections and never answers one."""
        self.patch(database, "STATEMENT_SECONDS", 1.0)
        self.patch(database, "GRACE_SECONDS", 0.5)
        self.patch(database, "CONNECT_SECONDS", 1.0)
        self.patch(lock, "PATIENCE_SECONDS", 1.0)
        server = self.server()
        store = await self.up(self.start(server.url()))
        watch = self.watch()
        # So slow that the whole outage fits into what is kept in memory for a stream.
        load = self.load(STREAMS, max(0.1, FROZEN_SECONDS / 100))
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        await in_thread(server.freeze)
        frozen = reactor.seconds()
        await until(lambda: store.trouble() is not None)
        await until(lambda: reactor.seconds() > frozen + FROZEN_SECONDS, FROZEN_SECONDS + 5)
        with self.assertRaises(Away):
            await store.history(STREAMS[0].mms_stream_id, 10)
        await in_thread(server.thaw)
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_never_blocked(watch)
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.refused, [])

    async def test_one_session_stopped(self) -> None:
        """
        The session that writes hangs with the writer lock in its hand.

        Its connection is given up, and the next one waits until the server lets go of the
        lock: never is this tvmon taken for another one.
        """
        self.patch(database, "STATEMENT_SECONDS", 1.0)
        self.patch(database, "GRACE_SECONDS", 0.5)
        self.patch(lock, "PATIENCE_SECONDS", 0.5)
        server = self.server()
        store = await self.up(self.start(server.url()))
        load = self.load(STREAMS, 0.1)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        ((pid,),) = server.sql("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: "earlier session" in (store.trouble() or ""), 20)
        os.kill(pid, signal.SIGCONT)
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.refused, [])

    async def test_an_outage_longer_than_the_ring(self) -> None:
        """The newest 200 are kept, the others let go and counted."""
        server = self.server()
        store = await self.up(self.start(server.url()))
        await in_thread(server.stop)
        await until(lambda: store.trouble() is not None)
        number = STREAMS[0].mms_stream_id
        self.board.put(STREAMS[0])
        for count in range(1, 251):
            self.board.note(number, Sample(time.time(), 3.0 * count, measurement(count)))
        self.assertEqual(self.metric("tvmon_pending_rows"), 200)
        self.assertEqual(self.metric("tvmon_rows_dropped_total"), 50)
        await in_thread(server.start)
        await self.up(store)
        await self.written()
        rows = server.sql("SELECT count(*), min(total_gops), max(total_gops) FROM mms_samples")
        self.assertEqual(rows, [(200, 51, 250)])

    async def test_sessions_ended_by_an_operator(self) -> None:
        server = self.server()
        await self.up(self.start(server.url()))
        load = self.load(STREAMS)
        for _ in range(5):
            await self.more_is_written()
            server.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'tvmon %'"
            )
        await until(lambda: (self.metric("tvmon_database_reconnects_total") or 0) >= 5)
        load.stop()
        await self.written()
        self.assert_all_there(server, load, len(STREAMS))

    async def test_the_database_was_made_anew(self) -> None:
        """An operator dropped everything: streams, samples and schema come again."""
        server = self.server()
        store = await self.up(self.start(server.url()))
        load = self.load(STREAMS)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        server.sql(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
            " SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'tvmon %'"
        )
        await until(lambda: (self.metric("tvmon_database_reconnects_total") or 0) >= 1)
        await self.up(store)
        load.stop()
        await self.written()
        rows = server.sql(
            "SELECT count(*), min(n), max(newest) FROM (SELECT count(*) n, max(total_gops) newest"
            " FROM mms_samples GROUP BY mms_stream_id) s"
        )
        ((streams, least, newest),) = rows
        self.assertEqual((streams, newest), (len(STREAMS), load.noted))
        self.assertGreater(least, 0)


class RefusalTests(StoreCase):
    """A statement that the server refuses costs itself and nothing else."""

    async def test_a_lock_that_is_not_given(self) -> None:
        """Somebody holds the table: the connection stays, and the rows are written later."""
        self.patch(writer, "RETRY_SECONDS", 0.1)
        server = self.server()
        url = server.url()
        store = await self.up(self.start(url))
        load = self.load(STREAMS)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        other = await self.session(url)
        await other.execute("BEGIN; LOCK TABLE mms_samples IN ACCESS EXCLUSIVE MODE")
        await until(lambda: "lock timeout" in (store.trouble() or ""), 20)
        self.assertEqual(self.metric("tvmon_database_up"), 0)
        await other.execute("ROLLBACK")
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.metric("tvmon_database_reconnects_total"), 0)

    async def test_a_privilege_that_was_revoked(self) -> None:
        self.patch(writer, "RETRY_SECONDS", 0.1)
        server = self.server()
        server.sql("CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain")
        store = await self.up(self.start(server.url().replace("user=tvmon", "user=plain")))
        load = self.load(STREAMS)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        server.sql("REVOKE INSERT ON mms_samples FROM plain")
        await until(lambda: "permission denied" in (store.trouble() or ""))
        server.sql("GRANT INSERT ON mms_samples TO plain")
        await self.up(store)
        load.stop()
        await self.written()
        self.assert_all_there(server, load, len(STREAMS))
        self.assertEqual(self.metric("tvmon_database_reconnects_total"), 0)

    async def test_a_role_that_may_not_make_tables(self) -> None:
        server = self.server()
        server.sql("CREATE ROLE plain LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        store = self.start(server.url().replace("user=tvmon", "user=plain"))
        await until(lambda: "permission denied" in (store.trouble() or ""))
        server.sql("GRANT ALL ON SCHEMA public TO plain")
        await self.up(store)


class StopTests(StoreCase):
    """The end of a store leaves nothing."""

    async def test_what_waits_is_written(self) -> None:
        store = await self.up(self.start(self.database()))
        for one in STREAMS:
            self.board.put(one)
            self.board.note(one.mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
        await store.stopService()
        self.assertEqual(self.sql("SELECT count(*) FROM mms_samples"), [(len(STREAMS),)])
        self.assert_nothing_left()

    async def test_while_the_database_is_down(self) -> None:
        server = self.server()
        store = await self.up(self.start(server.url()))
        load = self.load(STREAMS)
        await until(lambda: load.noted > 3)
        server.stop()
        await until(lambda: store.trouble() is not None)
        load.stop()
        began = reactor.seconds()
        await store.stopService()
        self.assertLess(reactor.seconds() - began, 2.0)
        await deferLater(reactor, 0)
        self.assert_nothing_left()

    async def test_while_it_was_never_up(self) -> None:
        store = self.start(f"postgresql:///none?host={self.directory()}")
        await until(lambda: "No such file" in (store.trouble() or ""))
        await store.stopService()
        await deferLater(reactor, 0)
        self.assert_nothing_left()

    async def test_while_the_server_hangs(self) -> None:
        self.patch(database, "CONNECT_SECONDS", 30.0)
        server = self.server()
        store = await self.up(self.start(server.url()))
        load = self.load(STREAMS, 0.1)
        await until(lambda: (self.metric("tvmon_rows_written_total") or 0) > 100)
        server.freeze()
        load.stop()
        self.board.note(STREAMS[0].mms_stream_id, Sample(1.0, 1.0, measurement(1)))
        began = reactor.seconds()
        await store.stopService()
        self.assertLess(reactor.seconds() - began, 5.0)
        # And in the middle of a connect that nobody answers.
        self.setUp()
        store = self.start(server.url())
        await deferLater(reactor, 0.05)
        await store.stopService()
        await deferLater(reactor, 0)
        self.assert_nothing_left()
