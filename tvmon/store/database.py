"""
One connection to PostgreSQL, from its connect to its end: txpostgres, wrapped once and typed.

What txpostgres and libpq leave open is closed here:

- a caller that is cancelled never cancels a statement: the driver's cancel is a blocking call
  that a stopped server holds up for minutes;
- a server that does not answer, at the connect or later, costs the connection, not the daemon:
  the server stops a statement at its ``statement_timeout``, and a deadline above that closes
  the connection of a server that does not even do that;
- a connection that ends, idle or not, says so once, quietly, and is never used again: whoever
  wants another makes a new one (:class:`tvmon.store.line.Line`);
- an error of a statement (a lock timeout, a refused value) leaves the connection as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import psycopg2
from twisted.internet import error
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.python.failure import Failure

from tvmon.store.address import STATEMENT_SECONDS, Address
from tvmon.store.errors import Away, DatabaseError, QueryTimeout, Refused
from tvmon.store.link import Link

CONNECT_SECONDS = 3.0
"""How long a connect may take, name lookup and login included."""

GRACE_SECONDS = 2.0
"""How much later than the server's own timeout the connection is given up."""

T = TypeVar("T")
Parameters = Sequence[object]

Values = tuple[Any, ...]
"""The columns of one row, as the driver has them; what makes a value of them ends the Any."""


def integer(values: Values) -> int:
    """The one column of a row."""
    return int(values[0])


def text(values: Values) -> str:
    """The one column of a row."""
    return str(values[0])


def truth(values: Values) -> bool:
    """The one column of a row."""
    return bool(values[0])


# Any ends in this module: it is a cursor of the driver.
_Run = Callable[[str, Parameters], Awaitable[Any]]


class Transaction:
    """The statements of one transaction; good until its ``work`` returns."""

    def __init__(self, run: _Run) -> None:
        self._run = run

    async def query(self, sql: str, parameters: Parameters, make: Callable[[Values], T]) -> list[T]:
        """As :meth:`Session.query`."""
        cursor = await self._run(sql, parameters)
        try:
            rows = cursor.fetchall()
        except psycopg2.InterfaceError:
            # Closed with its connection, which ended just when the answer was there.
            raise Away("the connection was lost over the answer") from None
        return list(map(make, rows))

    async def query_in_parts(
        self,
        sql: str,
        parameters: Parameters,
        make: Callable[[Values], T],
        rows: int,
        between: Callable[[], Awaitable[None]],
    ) -> list[T]:
        """
        As :meth:`query`, of which so many rows are made values of at a time.

        :param between: awaited between two parts
        """
        cursor = await self._run(sql, parameters)
        found: list[T] = []
        try:
            while part := cursor.fetchmany(rows):
                found += map(make, part)
                await between()
        except psycopg2.InterfaceError:
            raise Away("the connection was lost over the answer") from None
        return found

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """As :meth:`Session.execute`."""
        cursor = await self._run(sql, parameters)
        count: int = cursor.rowcount
        return count


class Session:
    """
    One connection.  Statements of several callers run one after the other.

    Every method raises :class:`DatabaseError` and nothing else of the database.
    """

    def __init__(self, reactor: ReactorBase, address: Address) -> None:
        self._reactor = reactor
        self._address = address
        self._link = Link(reactor, self._failed)
        self._turn = DeferredLock()
        self._resolving: Deferred[str] | None = None
        self._end: str | None = None
        self._waiting: list[Deferred[str]] = []

    @property
    def end(self) -> str | None:
        """Why the connection is over; ``None`` while it is good."""
        return self._end

    async def open(self) -> None:
        """Connect and log in."""
        call = self._reactor.callLater(CONNECT_SECONDS, self._hung, CONNECT_SECONDS)
        try:
            self._resolving = Deferred.fromCoroutine(self._address.resolved(self._reactor))
            dsn = await self._resolving
            self._resolving = None
            await self._link.connect(dsn)
        except Exception as problem:
            self._failed(problem)
        finally:
            if call.active():
                call.cancel()
        if self._end is not None:
            raise Away(self._end)

    def close(self, why: str = "closed") -> None:
        """Hang up; a statement in flight fails with :class:`Away`."""
        if self._end is not None:
            return
        self._end = why
        if self._resolving is not None:
            self._resolving.cancel()
        self._link.hang_up()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(why)

    def over(self) -> Deferred[str]:
        """Why the connection is over, as soon as it is."""
        waiter = Deferred[str]()
        if self._end is None:
            self._waiting.append(waiter)
        else:
            waiter.callback(self._end)
        return waiter

    async def query(
        self,
        sql: str,
        parameters: Parameters,
        make: Callable[[Values], T],
    ) -> list[T]:
        """
        The rows of one statement.

        :param make: makes a value of a row's columns
        """

        async def work(transaction: Transaction) -> list[T]:
            return await transaction.query(sql, parameters, make)

        return await _shielded(self._alone(work))

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Do one statement, a transaction of its own, and say how many rows it touched."""

        async def work(transaction: Transaction) -> int:
            return await transaction.execute(sql, parameters)

        return await _shielded(self._alone(work))

    async def transaction(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        seconds: float | None = None,
    ) -> T:
        """
        Do all of ``work``, or nothing of it.

        :param seconds: how long each of its statements may take, and wait for a lock, where
            that is not what all statements may
        """

        async def whole(transaction: Transaction) -> T:
            await transaction.execute("BEGIN")
            try:
                if seconds is not None:
                    for name in ("statement_timeout", "lock_timeout"):
                        await transaction.execute(f"SET LOCAL {name} = {seconds * 1000:.0f}")
                result = await work(transaction)
                await transaction.execute("COMMIT")
            except Exception:
                if self._end is None:
                    await self._roll_back(transaction)
                raise
            return result

        return await _shielded(self._alone(whole, seconds))

    async def _roll_back(self, transaction: Transaction) -> None:
        try:
            await transaction.execute("ROLLBACK")
        except DatabaseError:
            # In a state that nobody knows, so not to be used again.
            self.close("a transaction could not be rolled back")

    async def _alone(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        seconds: float | None = None,
    ) -> T:
        async def run(sql: str, parameters: Parameters) -> Any:
            return await self._statement(sql, parameters, seconds)

        async with self._turn:
            return await work(Transaction(run))

    async def _statement(self, sql: str, parameters: Parameters, seconds: float | None) -> Any:
        if self._end is not None:
            raise Away(self._end)
        limit = (STATEMENT_SECONDS if seconds is None else seconds) + GRACE_SECONDS
        call = self._reactor.callLater(limit, self._hung, limit)
        try:
            cursor = self._link.cursor()
            # Without parameters a % in the statement is a %.
            await cursor.execute(sql, tuple(parameters) or None)
        except Exception as problem:
            raise self._translated(problem) from None
        finally:
            if call.active():
                call.cancel()
        return cursor

    def _hung(self, seconds: float) -> None:
        self.close(f"no answer within {seconds:g} s")

    def _failed(self, problem: Exception) -> None:
        self.close(self._address.clean(str(problem)) or type(problem).__name__)

    def _translated(self, problem: Exception) -> DatabaseError:
        if self._end is not None:
            return Away(self._end)
        if isinstance(problem, CancelledError):
            # txpostgres's word for sqlstate 57014; nothing here ever cancels a statement.
            return QueryTimeout("the statement took longer than it may")
        if self._link.closed or _is_death(problem):
            self._failed(problem)
            return Away(self._end or "lost")
        if isinstance(problem, psycopg2.Error) and problem.pgcode:
            primary = problem.diag.message_primary or str(problem)
            return Refused(problem.pgcode, self._address.clean(primary))
        if isinstance(problem, _UNFIT):
            # The driver could not put the values into the statement: a NUL in a text.
            return Refused("22000", self._address.clean(f"{type(problem).__name__}: {problem}"))
        # In a state that nobody knows.
        self._failed(problem)
        return Away(self._end or "lost")


_UNFIT = (ValueError, TypeError, OverflowError, psycopg2.ProgrammingError, psycopg2.DataError)


def _is_death(problem: Exception) -> bool:
    if isinstance(problem, (psycopg2.InterfaceError, error.ConnectionDone, error.ConnectionLost)):
        return True
    if isinstance(problem, psycopg2.OperationalError):
        code = problem.pgcode
        return code is None or code.startswith(("08", "57P"))
    # "lost synchronization", "server closed the connection": no code of the server's, no level.
    return (
        isinstance(problem, psycopg2.DatabaseError)
        and problem.pgcode is None
        and not isinstance(problem, (psycopg2.ProgrammingError, psycopg2.DataError))
    )


def _shielded(work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """The result of ``work``, which goes on to its end whatever becomes of who waits for it."""
    waiter = Deferred[T]()

    def relay(result: T | Failure) -> None:
        if not waiter.called:
            waiter.callback(result)  # a Failure goes to the errbacks

    Deferred.fromCoroutine(work).addBoth(relay)
    return waiter
