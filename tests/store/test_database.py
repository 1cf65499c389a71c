"""One connection: what it promises, on a real server."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from operator import itemgetter

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.postgres import PASSWORD
from tests.store.common import StoreCase, in_thread, reactor
from tests.waiting import until
from tvmon.store import database
from tvmon.store.address import Address
from tvmon.store.database import Session, Transaction, integer, text
from tvmon.store.errors import Away, QueryTimeout, Refused
from tvmon.store.link import Link


class AddressTests(SynchronousTestCase):
    """libpq URLs and strings, and what must never be shown of them."""

    def dsn(self, url: str) -> str:
        return self.successResultOf(Deferred.fromCoroutine(Address(url, "me").resolved(reactor)))

    def test_what_tvmon_adds(self) -> None:
        dsn = self.dsn("postgresql://u@10.0.0.1:5433/db?options=-c%20work_mem%3D1MB")
        for part in (
            "hostaddr=10.0.0.1",
            "port=5433",
            "application_name=me",
            "-c work_mem=1MB -c statement_timeout=5000 -c lock_timeout=2000",
            "gssencmode=disable",
            "tcp_user_timeout=15000",
        ):
            self.assertIn(part, dsn)

    def test_what_an_operator_chose_stays(self) -> None:
        dsn = self.dsn("host=10.0.0.1 gssencmode=prefer keepalives_idle=7")
        self.assertIn("gssencmode=prefer", dsn)
        self.assertIn("keepalives_idle=7", dsn)

    def test_several_hosts_and_sockets(self) -> None:
        dsn = self.dsn("host=10.0.0.1,/run/pg,::1 port=1,2,3")
        self.assertIn("host=10.0.0.1,/run/pg,::1", dsn)
        self.assertIn("hostaddr=10.0.0.1,,::1", dsn)
        self.assertIn("port=1,2,3", dsn)

    def test_what_is_not_a_url_is_refused_without_repeating_it(self) -> None:
        for url in ("postgresql://u:geheim@[half/db", "host=x geheim", "pasword=geheim"):
            with self.assertRaises(ValueError) as caught:
                Address(url, "me")
            self.assertNotIn("geheim", str(caught.exception))
            self.assertIsNone(caught.exception.__cause__)
            self.assertTrue(caught.exception.__suppress_context__)

    def test_the_password_is_shown_nowhere(self) -> None:
        address = Address("postgresql://u:geheim@db.example:5432/tv?sslpassword=auch", "me")
        self.assertEqual(str(address), "u@db.example:5432/tv")
        self.assertNotIn("geheim", repr(address))
        self.assertEqual(
            address.clean("\n  FATAL: geheim is wrong, and auch too\nmore"),
            "FATAL: *** is wrong, and *** too",
        )


class SessionTests(StoreCase):
    """Queries, transactions, refusals, hangs, and the end."""

    async def test_names_are_looked_up(self) -> None:
        server = self.server(tcp=True)
        session = await self.session(server.url().replace("127.0.0.1", "localhost"))
        self.assertEqual(await session.query("SELECT 17", (), integer), [17])

    async def test_a_password_over_tcp(self) -> None:
        server = self.server(tcp=True)
        session = await self.session(server.url())
        self.assertEqual(await session.query("SELECT user", (), text), ["tvmon"])
        wrong = Session(reactor, Address(server.url().replace("tvmon:", "tvmon:x"), "me"))
        with self.assertRaises(Away) as caught:
            await wrong.open()
        self.assertIn("password authentication failed", str(caught.exception))
        self.assertNotIn(PASSWORD, str(caught.exception))

    async def test_a_name_that_does_not_resolve(self) -> None:
        session = Session(reactor, Address("host=nobody.invalid", "me"))
        with self.assertRaises(Away) as caught:
            await session.open()
        self.assertEqual(str(caught.exception), "host name nobody.invalid does not resolve")

    async def test_the_settings_are_in_force(self) -> None:
        session = await self.session(self.database(), "tvmon me")
        wanted = {
            "statement_timeout": "5s",
            "lock_timeout": "2s",
            "TimeZone": "UTC",
            "application_name": "tvmon me",
            "client_encoding": "UTF8",
        }
        for name, value in wanted.items():
            self.assertEqual(await session.query(f"SHOW {name}", (), text), [value])

    async def test_a_transaction_is_done_whole_or_not_at_all(self) -> None:
        session = await self.session(self.database())
        await session.execute("CREATE TABLE t (n integer)")

        async def good(transaction: Transaction) -> int:
            await transaction.execute("INSERT INTO t VALUES (%s)", (1,))
            return await transaction.execute("INSERT INTO t VALUES (2), (3)")

        async def bad(transaction: Transaction) -> None:
            await transaction.execute("INSERT INTO t VALUES (4)")
            await transaction.execute("SELECT 1 / 0")

        async def ours(transaction: Transaction) -> None:
            await transaction.execute("INSERT INTO t VALUES (5)")
            raise KeyError("ours")

        self.assertEqual(await session.transaction(good), 2)
        with self.assertRaises(Refused) as caught:
            await session.transaction(bad)
        self.assertEqual(caught.exception.sqlstate, "22012")
        with self.assertRaises(KeyError):
            await session.transaction(ours)
        self.assertEqual(await session.query("SELECT n FROM t ORDER BY 1", (), integer), [1, 2, 3])
        self.assertIsNone(session.end)

    async def test_a_transaction_may_have_more_time(self) -> None:
        session = await self.session(self.database())

        async def look(transaction: Transaction) -> list[str]:
            return await transaction.query("SHOW statement_timeout", (), text)

        self.assertEqual(await session.transaction(look, 33.0), ["33s"])
        self.assertEqual(await session.transaction(look), ["5s"])

    async def test_statements_of_several_callers_do_not_meet(self) -> None:
        session = await self.session(self.database())
        many = [Deferred.fromCoroutine(session.query("SELECT %s", (n,), integer)) for n in range(9)]
        self.assertEqual([await one for one in many], [[n] for n in range(9)])

    async def test_a_refused_statement_leaves_the_connection(self) -> None:
        session = await self.session(self.database())
        refused: Iterable[tuple[str, tuple[object, ...], str]] = (
            ("SELECT 1 / 0", (), "22012"),
            ("SELEKT", (), "42601"),
            ("SELECT * FROM nothing", (), "42P01"),
            ("SELECT %s", ("a\0b",), "22000"),
            ("SELECT %s", (object(),), "22000"),
            ("SELECT %s::smallint", (70_000,), "22003"),
        )
        for sql, parameters, sqlstate in refused:
            with self.assertRaises(Refused) as caught:
                await session.query(sql, parameters, text)
            self.assertEqual(caught.exception.sqlstate, sqlstate)
            self.assertNotIn("\n", str(caught.exception))
        self.assertEqual(await session.query("SELECT 1", (), integer), [1])

    async def test_a_statement_that_takes_too_long(self) -> None:
        session = await self.session(self.database() + "&options=-c%20geqo%3Don")
        await session.execute("SET statement_timeout = 100")
        with self.assertRaises(QueryTimeout):
            await session.query("SELECT pg_sleep(10)", (), text)
        self.assertEqual(await session.query("SELECT 1", (), integer), [1])

    async def test_a_caller_that_gives_up_disturbs_nobody(self) -> None:
        """A cancelled caller: the statement goes on, and nothing blocks."""
        session = await self.session(self.database())
        await session.execute("CREATE TABLE t (n integer)")

        async def slow(transaction: Transaction) -> None:
            await transaction.query("SELECT pg_sleep(0.2)", (), text)
            await transaction.execute("INSERT INTO t VALUES (1)")

        impatient = Deferred.fromCoroutine(session.transaction(slow))
        await deferLater(reactor, 0.05)
        watch = self.watch()
        impatient.cancel()
        self.failureResultOf(impatient, CancelledError)
        self.assertEqual(await session.query("SELECT n FROM t", (), integer), [1])
        self.assert_never_blocked(watch)

    async def test_a_server_that_hangs(self) -> None:
        self.patch(database, "STATEMENT_SECONDS", 0.3)
        self.patch(database, "GRACE_SECONDS", 0.2)
        self.patch(database, "CONNECT_SECONDS", 0.5)
        server = self.server()
        session = await self.session(server.url())
        await in_thread(server.freeze)
        watch = self.watch()
        several = [Deferred.fromCoroutine(session.query("SELECT 1", (), integer)) for _ in range(3)]
        for one in several:
            with self.assertRaises(Away) as caught:
                await one
            self.assertEqual(str(caught.exception), "no answer within 0.5 s")
        second = Session(reactor, Address(server.url(), "me"))
        with self.assertRaises(Away) as caught:
            await second.open()
        self.assertEqual(str(caught.exception), "no answer within 0.5 s")
        self.assert_never_blocked(watch)

    async def test_a_server_that_goes_while_nobody_asks(self) -> None:
        """The end is noticed at once, said once, and makes no noise."""
        server = self.server()
        session = await self.session(server.url())
        with capturedLogs() as said:
            ended = session.over()
            await in_thread(server.stop)
            why = await ended
            await deferLater(reactor, 0.1)
        self.assertTrue(why)
        self.assertNotIn("\n", why)
        self.assertEqual([event["log_format"] for event in said if "log_failure" in event], [])
        with self.assertRaises(Away):
            await session.query("SELECT 1", (), integer)
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_a_session_that_is_killed_over_a_statement(self) -> None:
        server = self.server()
        session = await self.session(server.url())
        (pid,) = await session.query("SELECT pg_backend_pid()", (), integer)
        asked = Deferred.fromCoroutine(session.query("SELECT pg_sleep(30)", (), text))
        sleeps = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
        await until(lambda: server.sql(sleeps, pid))
        os.kill(pid, signal.SIGTERM)
        with self.assertRaises(Away):
            await asked
        self.assertIsNotNone(session.end)

    async def test_close_ends_what_is_under_way(self) -> None:
        session = await self.session(self.database())
        asked = Deferred.fromCoroutine(session.query("SELECT pg_sleep(30)", (), text))
        ended = session.over()
        await deferLater(reactor, 0.05)
        session.close("enough")
        with self.assertRaises(Away) as caught:
            await asked
        self.assertEqual(str(caught.exception), "enough")
        self.assertEqual(await ended, "enough")
        self.assertEqual(await session.over(), "enough")

    async def test_a_socket_that_is_gone_beside_a_result(self) -> None:
        """
        libpq has closed its socket just when a statement was done.

        What was done counts as done, rows that cannot be read are asked for again, and the
        connection is over.
        """
        url = self.database()
        session = await self.session(url)
        gone = _Gone(session._link)
        await session.execute("CREATE TABLE t (n integer)")
        self.assertTrue(gone.was_asked)
        self.assertIsNotNone(session.end)
        self.assertEqual(self.sql("SELECT count(*) FROM t"), [(0,)])
        with self.assertRaises(Away):
            await session.query("SELECT 17", (), integer)
        session = await self.session(url)
        _Gone(session._link)
        with self.assertRaises(Away):
            await session.query("SELECT 17", (), integer)

    async def test_values_are_made_of_rows(self) -> None:
        session = await self.session(self.database())
        rows = await session.query("SELECT 1, '5 %%' WHERE %s", (True,), itemgetter(1, 0))
        self.assertEqual(rows, [("5 %", 1)])
        self.assertEqual(await session.query("SELECT '5 %'", (), text), ["5 %"])


class _Gone:
    """A reactor for one connection, that cannot watch its socket any more."""

    def __init__(self, link: Link) -> None:
        self.was_asked = False
        self._link = link
        link.reactor = self

    def __getattr__(self, name: str) -> object:
        return getattr(reactor, name)

    def addReader(self, reader: object) -> None:  # noqa: N802
        if reader is self._link:
            self.was_asked = True
            raise ValueError("file descriptor cannot be a negative integer (-1)")
        reactor.addReader(reader)  # type: ignore[arg-type]
