"""txpostgres's connection, made to tell of its end once and quietly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from twisted.internet import error
from twisted.internet.base import ReactorBase
from twisted.python.failure import Failure
from txpostgres.txpostgres import Connection, Cursor


class _Cursor(Cursor):  # type: ignore[misc]  # txpostgres has no types
    """A txpostgres cursor that reports to its connection what goes wrong beside a result."""

    def doRead(self) -> None:  # noqa: N802
        with self._connection.reporting():
            super().doRead()

    def doWrite(self) -> None:  # noqa: N802
        with self._connection.reporting():
            super().doWrite()


class Link(Connection):  # type: ignore[misc]  # txpostgres has no types
    """
    A txpostgres connection that reports its end instead of raising into the reactor.

    libpq closes its socket by itself when it finds that the server is gone, and it may be in
    the middle of anything then; what txpostgres does next with the socket fails in many ways.
    In one of them Twisted's epoll reactor goes on believing that it watches a number that is no
    socket any more, and breaks whoever is given that number next: hence :meth:`_forget`, which
    leans on what the reactor keeps to itself.
    """

    cursorFactory = _Cursor  # noqa: N815

    def __init__(self, reactor: ReactorBase, ended: Callable[[Exception], None]) -> None:
        super().__init__(reactor)
        self._ended = ended
        self._numbers: set[int] = set()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Whatever is raised within is the end of the connection."""
        try:
            yield
        except psycopg2.Error as problem:
            self._ended(problem)
        except Exception:
            self._ended(error.ConnectionLost())

    def continuePolling(self, swallowErrors: bool = False) -> None:  # noqa: N802, N803
        """Look whether there is more to send or to read; called by txpostgres."""
        number = self.fileno()
        if number >= 0:
            self._numbers.add(number)
        super().continuePolling(swallowErrors)

    def doRead(self) -> None:  # noqa: N802
        """The server has sent something, or is gone."""
        with self.reporting():
            super().doRead()

    def doWrite(self) -> None:  # noqa: N802
        """There is room to send more."""
        with self.reporting():
            super().doWrite()

    def cursorFinished(self, cursor: Cursor) -> None:  # noqa: N802
        """A statement has been done; look out for the end of the connection again."""
        # The statement has its result by now, and keeps it, whatever becomes of the connection.
        with self.reporting():
            super().cursorFinished(cursor)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor found the socket closed."""
        with self.reporting():
            super().connectionLost(reason)
        self._ended(error.ConnectionLost())

    def hang_up(self) -> None:
        """Close, at whatever stage the connection is."""
        if self._connection is None:
            return
        try:
            self.close()
        except Exception:  # the socket was closed beneath the reactor
            self._forget()
            self.close()
        self._forget()

    def _forget(self) -> None:
        """Make the reactor watch none of our sockets' numbers that is nobody else's by now."""
        watched = getattr(self.reactor, "_selectables", {})
        for number in self._numbers:
            if watched.get(number) in (None, self, *self._cursors):
                watched.pop(number, None)
                for numbers in ("_reads", "_writes"):
                    getattr(self.reactor, numbers, set()).discard(number)
