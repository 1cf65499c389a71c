"""
The connections of the daemon: kept open between polls, lent to one request at a time.

The one that was used last is lent first, so a quiet server's spare connections grow old and are
closed, and those in use are seldom closed by the server at the wrong moment.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tvmon.sampling.connection import Connection
from tvmon.sampling.dialing import Dialer, Step
from tvmon.sampling.queue import Queue
from tvmon.sampling.targets import Origin

IDLE_PER_ORIGIN = 64
"""How many connections to one origin are kept open while nobody uses them."""

IDLE_SECONDS = 15.0
"""How long a connection is kept open unused: some polls long, and less than servers keep it."""

CLOSE_SECONDS = 2.0
"""How long a server may take to close its side in order; then the connection is aborted."""

STOP_SECONDS = 0.5
"""The same when tvmon stops."""

SWEEP_SECONDS = 1.0
"""How often is looked for connections whose time is over."""


class Connections:
    """
    All connections, lent or idle or being closed.

    :ivar opened: how many were ever opened
    :ivar reused: how often one served again
    :ivar awaited: how often a request waited for one
    """

    def __init__(
        self,
        clock: IReactorTime,
        dialer: Dialer,
        *,
        idle_per_origin: int = IDLE_PER_ORIGIN,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._clock, self._dialer = clock, dialer
        self._idle_per_origin, self._idle_seconds = idle_per_origin, idle_seconds
        self._all: set[Connection] = set()
        self._queues: dict[Origin, Queue] = {}
        self._idle: dict[Origin, list[Connection]] = {}
        self._closing: set[Connection] = set()
        self._sweeping: IDelayedCall | None = None
        self._closed: Deferred[None] | None = None
        self.opened = self.reused = self.awaited = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def idle(self) -> int:
        """How many are open and lent to nobody."""
        return sum(map(len, self._idle.values()))

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection, the freshest first; ``None`` where there is none at once."""
        queue = self._queues.get(origin)
        if queue is None or len(queue):
            return None
        return self._take(origin, queue)

    async def open(
        self, origin: Origin, at: Callable[[Step], None], *, fresh: bool = False
    ) -> Connection:
        """
        A new connection, or one that comes back soon where there are many; may be cancelled.

        Raises as :meth:`~tvmon.sampling.dialing.Dialer.dial`.

        :param at: is told what it waits for
        :param fresh: a new one in any case
        """
        queue = self._queues.get(origin)
        if queue is None:
            queue = self._queues[origin] = Queue(self._clock, lambda: self._serve(origin))
        if queue.is_full and not fresh:
            at(Step.TURN)
            self.awaited += 1
            await queue.wait()
            connection = self._take(origin, queue)
            if connection is not None:
                at(Step.HEAD)
                return connection

        def make() -> Connection:
            connection = Connection(origin, self._idled, self._lost)
            self._all.add(connection)
            return connection

        queue.lent += 1
        try:
            connection = await self._dialer.dial(origin, make, at)
        except BaseException:
            queue.returned()
            self._forget(origin)
            raise
        self.opened += 1
        connection.queue = queue
        return connection

    def _take(self, origin: Origin, queue: Queue) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not idle:
                del self._idle[origin]
            if connection.usable:  # or it is on its way out
                self.reused += 1
                queue.lent += 1
                connection.queue = queue
                return connection
        return None

    def _serve(self, origin: Origin) -> None:
        """Let those go on who wait, as far as there are connections for them."""
        queue = self._queues[origin]
        while len(queue) and (origin in self._idle or queue.may_open):
            queue.next()

    def distrust(self, origin: Origin) -> None:
        """
        Close the idle connections to an origin.

        A server that was cut off does not answer on any of them, and each would fail a poll.
        """
        for connection in self._idle.pop(origin, ()):
            connection.abort_now()

    def part(self, connection: Connection) -> None:
        """Close in order, and by force where that takes long."""
        self._returned(connection)
        if connection in self._all:
            connection.until = self._clock.seconds() + CLOSE_SECONDS
            self._closing.add(connection)
            connection.transport.loseConnection()
            self._sweep_later()

    async def close(self) -> None:
        """Abort what is lent and close what is idle; takes twice STOP_SECONDS at most."""
        self._closed = Deferred()
        for queue in self._queues.values():
            queue.close()
        idle = [connection for idle in self._idle.values() for connection in idle]
        self._idle.clear()
        for connection in self._all.difference(idle, self._closing):
            connection.abort_now()
        for connection in idle:
            self.part(connection)
        if self._all:
            forces = [
                self._clock.callLater(STOP_SECONDS, self._abort_all),
                # So that a fault of the TLS library holds up no stop.
                self._clock.callLater(2 * STOP_SECONDS, self._end_close),
            ]
            await self._closed
            for force in forces:
                if force.active():
                    force.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    def _abort_all(self) -> None:
        for connection in self._all:
            connection.abort_now()

    def _idled(self, connection: Connection) -> None:
        """An answer is complete, and the connection can serve again."""
        if connection.borrower is not None:
            connection.borrower.returned()
            connection.borrower = None
        self._returned(connection)
        if not connection.open:
            return  # what came before its end was read after it
        if self._closed is not None:
            self.part(connection)
            return
        connection.has_served = True
        connection.until = self._clock.seconds() + self._idle_seconds
        idle = self._idle.setdefault(connection.origin, [])
        if len(idle) >= self._idle_per_origin:
            self.part(idle.pop(0))
        idle.append(connection)
        self._sweep_later()

    def _returned(self, connection: Connection) -> None:
        """It is lent to nobody any more."""
        queue, connection.queue = connection.queue, None
        if queue is not None:
            queue.returned()

    def _lost(self, connection: Connection) -> None:
        self._returned(connection)
        self._all.discard(connection)
        self._closing.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle is not None and connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle[connection.origin]
        self._forget(connection.origin)
        if not self._all:
            self._end_close()

    def _forget(self, origin: Origin) -> None:
        """Keep nothing of an origin that nobody asks, as one that was redirected to once."""
        queue = self._queues.get(origin)
        if queue is not None and not queue.lent and not len(queue):
            del self._queues[origin]

    def _end_close(self) -> None:
        if self._closed is not None and not self._closed.called:
            self._closed.callback(None)

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            self._sweeping = self._clock.callLater(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what was idle for long, abort what is long in closing."""
        self._sweeping = None
        now = self._clock.seconds()
        for connection in [each for each in self._closing if each.until <= now]:
            self._closing.discard(connection)
            connection.abort_now()
        for origin, idle in list(self._idle.items()):
            old = [connection for connection in idle if connection.until <= now]
            if old:
                # They lie in the order in which they became idle.
                del idle[: len(old)]
                if not idle:
                    del self._idle[origin]
            for connection in old:
                self.part(connection)
        if self._idle or self._closing:
            self._sweep_later()
