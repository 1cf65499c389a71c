"""
One writer for a database: an advisory lock that a session holds as long as it lives.

The lock is taken on the very session that writes.  So nothing can be written by a session
that lost it, and whatever an earlier session left unfinished at the server is over when the
next one gets the lock.
"""

from __future__ import annotations

import os
import secrets
import socket

from twisted.internet.base import ReactorBase
from twisted.internet.task import deferLater

from tvmon.store import queries
from tvmon.store.database import Session, Values, truth
from tvmon.store.errors import Away, Refused, Unusable

PATIENCE_SECONDS = 3.0
"""How long somebody else may hold the lock: a tvmon that was killed just now is over by then."""

RETRY_SECONDS = 0.2


def writer_name() -> str:
    """
    What this process calls its sessions, the same for none other: ``tvmon host pid token``.

    It is cut to the 63 bytes that PostgreSQL keeps.
    """
    host = socket.gethostname().encode("ascii", "replace").decode()[:32]
    return f"tvmon {host} {os.getpid()} {secrets.token_hex(4)}"


class WriterLock:
    """
    The writer lock of one process.

    :param name: what this process calls its sessions
    """

    def __init__(self, reactor: ReactorBase, name: str) -> None:
        self._reactor = reactor
        self._name = name

    async def take(self, session: Session) -> None:
        """
        Hold the lock with this session, until it ends.

        :raises Unusable: another tvmon holds it
        :raises Away: an earlier session of this process holds it still, as its end has not
            reached the server
        """
        give_up = self._reactor.seconds() + PATIENCE_SECONDS
        while True:
            if await session.query(queries.TRY_LOCK, (), truth) == [True]:
                return
            holders = await session.query(queries.LOCK_HOLDERS, (), _Holder)
            for holder in holders:
                if holder.name == self._name:
                    await self._end(session, holder)
            if holders and self._reactor.seconds() >= give_up:
                if any(holder.name == self._name for holder in holders):
                    raise Away("an earlier session of this tvmon still holds the writer lock")
                raise Unusable(f"another tvmon writes to this database: {holders[0]}")
            await deferLater(self._reactor, RETRY_SECONDS)

    async def _end(self, session: Session, holder: _Holder) -> None:
        try:
            await session.query(queries.TERMINATE, (holder.pid,), truth)
        except Refused:
            # Not allowed to this role; the server finds out itself that the session is dead.
            return


class _Holder:
    """A session that holds the writer lock."""

    def __init__(self, values: Values) -> None:
        self.pid: int
        self.name: str
        self.host: str
        self.pid, self.name, self.host = values

    def __str__(self) -> str:
        return f'application_name "{self.name}", backend pid {self.pid}, host {self.host}'
