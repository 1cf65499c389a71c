"""The writer lock, and the schema's steps."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, gatherResults

from tests.store.common import StoreCase, measurement, reactor, stream
from tests.waiting import until
from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.store import Store, lock
from tvmon.store.errors import Refused, Unusable
from tvmon.store.lock import writer_name
from tvmon.store.migrations import Migration, migrate, migrations
from tvmon.streams import Sample


class LockTests(StoreCase):
    """One tvmon writes to a database."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(lock, "PATIENCE_SECONDS", 0.3)

    def other(self, url: str) -> Store:
        """A second store, as another process would have it; says in ``refused`` why not."""
        return self.start(url, board=Board(Scoring()), registry=CollectorRegistry())

    async def test_a_second_one_is_refused(self) -> None:
        url = self.database()
        first = await self.up(self.start(url))
        second = self.other(url)
        await until(lambda: self.refused)
        (reason,) = self.refused
        self.assertRegex(
            reason,
            r"^another tvmon writes to this database: application_name"
            r' "tvmon \S+ \d+ [0-9a-f]{8}", backend pid \d+, host local$',
        )
        self.assertEqual(second.trouble(), reason)
        self.assertIsNone(first.trouble())
        self.assertEqual(len(self.refused), 1)

    async def test_one_that_was_killed_is_waited_for(self) -> None:
        self.patch(lock, "PATIENCE_SECONDS", 20.0)
        url = self.database()
        killed = await self.session(url, writer_name())
        await lock.WriterLock(reactor, "killed").take(killed)
        store = self.start(url)
        await until(lambda: "0" in str(self.metric("tvmon_database_up")))
        killed.close()
        await self.up(store)
        self.assertEqual(self.refused, [])

    async def test_taken_by_another_one_over_an_outage(self) -> None:
        """Both have a right to it; the one that lost it stops to write, and says so."""
        url = self.database()
        store = await self.up(self.start(url))
        self.board.put(stream(1))
        await until(lambda: self.sql("SELECT 1 FROM mms_stream"))
        # The other one stands in the queue for the lock, and so is always quicker.
        other = await self.session(url, "tvmon elsewhere 17 00000000")
        await other.execute("SET lock_timeout = 0")
        waits = Deferred.fromCoroutine(
            other.query("SELECT pg_advisory_lock(1953918319, 2003986804)", (), len)
        )
        ask = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await until(lambda: self.sql(ask) == [(1,)])
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
        await waits
        await until(lambda: self.refused)
        self.assertIn('application_name "tvmon elsewhere 17 00000000"', self.refused[0])
        self.assertEqual(store.trouble(), self.refused[0])
        self.board.note(stream(1).mms_stream_id, Sample(time.time(), 1.0, measurement(1)))
        await store.stopService()
        self.assertEqual(self.sql("SELECT count(*) FROM mms_samples"), [(0,)])
        self.assertEqual(len(self.refused), 1)

    async def test_another_one_wrote_meanwhile(self) -> None:
        """It came over an outage, wrote, and went: the numbers go on after its rows."""
        server = self.server()
        first = await self.up(self.start(server.url()))
        self.board.put(stream(1))
        number = stream(1).mms_stream_id
        for count in range(1, 4):
            self.board.note(number, Sample(time.time(), 3.0 * count, measurement(count)))
        await self.written()
        server.sql(
            "INSERT INTO mms_samples (mms_stream_id, slot, is_failed, sample_no, sample_time,"
            " total_gops) SELECT %s, n %% 200, false, n, now(), n FROM generate_series(4, 9) n;"
            " UPDATE tvmon_writer SET writer = 'another'",
            number,
        )
        server.restart()
        await until(lambda: (self.metric("tvmon_database_reconnects_total") or 0) >= 1)
        await self.up(first)
        self.board.note(number, Sample(time.time(), 30.0, measurement(10)))
        await self.written()
        self.assertEqual(
            server.sql("SELECT sample_no, total_gops FROM mms_samples ORDER BY 1"),
            [(count, count) for count in range(1, 11)],
        )

    def test_names_differ_and_fit(self) -> None:
        names = {writer_name() for _ in range(100)}
        self.assertEqual(len(names), 100)
        self.assertTrue(all(len(name) <= 63 for name in names))


class MigrationTests(StoreCase):
    """Forward, one after the other, once."""

    async def test_a_newer_schema_is_refused(self) -> None:
        url = self.database()
        store = await self.up(self.start(url))
        await store.stopService()
        self.sql("INSERT INTO tvmon_schema (version, name) VALUES (99, '099_future.sql')")
        self.setUp()
        store = self.start(url)
        await until(lambda: self.refused)
        self.assertEqual(
            self.refused,
            [
                "the database's schema is of version 99, and this tvmon knows it up to"
                f" {len(migrations())}: a newer tvmon has used it"
            ],
        )
        self.assertEqual(self.loaded, [])

    async def test_two_at_once(self) -> None:
        url = self.database()
        sessions = [await self.session(url) for _ in range(4)]
        both = [Deferred.fromCoroutine(migrate(one, migrations())) for one in sessions]
        befores = await gatherResults(both)
        # Whoever came later found a step done, or all of them.
        self.assertEqual(min(befores), 0)
        rows = self.sql("SELECT version, name FROM tvmon_schema ORDER BY 1")
        self.assertEqual(rows, [(step.version, step.name) for step in migrations()])

    async def test_a_step_is_done_whole_or_not_at_all(self) -> None:
        url = self.database()
        session = await self.session(url)
        steps = [
            Migration(1, "001_a.sql", "CREATE TABLE a (n integer); INSERT INTO a VALUES (1)"),
            Migration(2, "002_b.sql", "CREATE TABLE b (n integer); SELECT 1 / 0"),
        ]
        with self.assertRaises(Refused):
            await migrate(session, steps)
        self.assertEqual(self.sql("SELECT version FROM tvmon_schema"), [(1,)])
        self.assertEqual(self.sql("SELECT to_regclass('b')"), [(None,)])
        steps[1] = Migration(2, "002_b.sql", "CREATE TABLE b (n integer) -- 5 % of it")
        self.assertEqual(await migrate(session, steps), 1)
        self.assertEqual(await migrate(session, steps), 2)
        self.assertEqual(self.sql("SELECT n FROM a"), [(1,)])
        with self.assertRaises(Unusable):
            await migrate(session, steps[:1])

    async def test_every_table_and_column_is_explained(self) -> None:
        await self.up(self.start(self.database()))
        rows = self.sql(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum >= 0"
            " AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL"
            " UNION ALL SELECT c.relname, '' FROM pg_class c WHERE c.relkind = 'r'"
            " AND c.relnamespace = 'public'::regnamespace"
            " AND obj_description(c.oid, 'pg_class') IS NULL"
        )
        self.assertEqual(rows, [])

    def test_the_files_are_numbered_without_a_gap(self) -> None:
        here = Path(__file__).parents[2] / "tvmon/store/schema"
        names = sorted(path.name for path in here.glob("*.sql"))
        self.assertEqual([step.name for step in migrations()], names)
        self.assertEqual([step.version for step in migrations()], list(range(1, len(names) + 1)))
