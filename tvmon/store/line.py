"""A connection that is made again whenever it is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from tvmon.alarm import Alarm
from tvmon.store.address import Address
from tvmon.store.database import Session
from tvmon.store.errors import DatabaseError, Unusable

FIRST_DELAY_SECONDS = 0.1
DELAY_FACTOR = 1.7
LONGEST_DELAY_SECONDS = 1.0
"""Between two attempts: 0.1 s at first, 1 s at last.  One client, so no herd to spread."""

GOOD_SECONDS = 5.0
"""A session that held so long was a good one: the next attempt is made soon."""


class Line:
    """
    Keeps one session up, and lets ``use`` have it.

    :param use: called with each new session; returns or raises when it is done with it, and
        the line connects again.  :class:`Unusable` ends the line
    :param failed: told each time a session could not be made or was lost, and why
    :ivar session: the session that is up
    """

    log = Logger()

    def __init__(
        self,
        reactor: ReactorBase,
        address: Address,
        use: Callable[[Session], Awaitable[None]],
        failed: Callable[[str], None],
    ) -> None:
        self.session: Session | None = None
        self._reactor = reactor
        self._address = address
        self._use = use
        self._failed = failed
        self._alarm = Alarm(reactor)
        self._stopping = False
        self._opening: Session | None = None
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Connect, and keep connecting."""
        self._running = Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """Hang up and come to an end; nothing is left."""
        self._stopping = True
        self._alarm.ring()
        if self._opening is not None:
            self._opening.close("tvmon stops")
        running, self._running = self._running, None
        if running is not None:
            await running

    async def _run(self) -> None:
        delay = FIRST_DELAY_SECONDS
        while not self._stopping:
            session = self._opening = Session(self._reactor, self._address)
            began = self._reactor.seconds()
            try:
                await session.open()
                self.session = session
                await self._use(session)
            except Unusable:
                self._stopping = True
            except CancelledError:
                # Somebody wants an end of it; nothing here is cancelled to go on.
                self._stopping = True
                raise
            except DatabaseError as problem:
                self._tell(str(problem))
            except Exception as problem:
                # A fault of ours; the next attempt may go better, and must not be kept waiting.
                self.log.failure("the session with the database failed")
                self._tell(f"{type(problem).__name__} in tvmon")
            finally:
                self.session = self._opening = None
                session.close("no longer needed")
            if not self._stopping:
                if self._reactor.seconds() - began > GOOD_SECONDS:
                    delay = FIRST_DELAY_SECONDS
                await self._alarm.sleep(delay)
                delay = min(delay * DELAY_FACTOR, LONGEST_DELAY_SECONDS)

    def _tell(self, why: str) -> None:
        if not self._stopping:
            self._failed(why)
