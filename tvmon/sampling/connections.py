"""
The connections of the daemon: kept open between polls, lent to one request at a time.

The one that was used last is lent first, so a quiet server's spare connections grow old and are
closed, and those in use are seldom closed by the server at the wrong moment.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from tvmon.errors import NoAnswer
from tvmon.sampling.connection import Connection, Plain
from tvmon.sampling.dialing import Dialer, Step
from tvmon.sampling.plain import Reading
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

HEAD_BYTES = 16 * 1024
"""The longest head of an answer; also Twisted's longest line."""


class Connections:
    """
    All connections, lent or idle or being closed.

    :ivar opened: how many were ever opened
    :ivar reused: how often one served again
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
        self._idle: dict[Origin, list[Connection]] = {}
        self._closing: set[Connection] = set()
        self._sweeping: IDelayedCall | None = None
        self._closed: Deferred[None] | None = None
        self.opened = self.reused = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def idle(self) -> int:
        """How many are open and lent to nobody."""
        return sum(map(len, self._idle.values()))

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection, the freshest first."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not idle:
                del self._idle[origin]
            if connection.usable:  # or it is on its way out
                self.reused += 1
                return connection
        return None

    async def open(self, origin: Origin, at: Callable[[Step], None]) -> Connection:
        """A new connection; raises as :meth:`~tvmon.sampling.dialing.Dialer.dial`."""

        def make() -> Connection:
            connection = Connection(origin, self._idled, self._lost)
            self._all.add(connection)
            return connection

        connection = await self._dialer.dial(origin, make, at)
        self.opened += 1
        return connection

    def distrust(self, origin: Origin) -> None:
        """
        Close the idle connections to an origin.

        A server that was cut off does not answer on any of them, and each would fail a poll.
        """
        for connection in self._idle.pop(origin, ()):
            connection.abort_now()

    def part(self, connection: Connection) -> None:
        """Close in order, and by force where that takes long."""
        if connection in self._all:
            connection.until = self._clock.seconds() + CLOSE_SECONDS
            self._closing.add(connection)
            connection.transport.loseConnection()
            self._sweep_later()

    async def close(self) -> None:
        """Abort what is lent and close what is idle; takes twice STOP_SECONDS at most."""
        self._closed = Deferred()
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
        if not connection.open:
            return  # what came before its end was read after it
        if self._closed is not None:
            self.part(connection)
            return
        connection.until = self._clock.seconds() + self._idle_seconds
        idle = self._idle.setdefault(connection.origin, [])
        if len(idle) >= self._idle_per_origin:
            self.part(idle.pop(0))
        idle.append(connection)
        self._sweep_later()

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._closing.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle is not None and connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle[connection.origin]
        if not self._all:
            self._end_close()

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


@implementer(IAgent, IAgentEndpointFactory)
class Lease:
    """
    The connection for one request, and what is known of it.

    Twisted's Agent asks its pool for a connection and says nobody which one it got.  So each
    request has an Agent of its own, which costs next to nothing, and this as its pool.

    :ivar connection: while it is lent; ``None`` before, and when it has been given back
    :ivar reused: whether it had served before
    :ivar step: how far the request is
    :ivar head_room: see :class:`~tvmon.sampling.connection.Borrower`
    :ivar received: see there
    :ivar answering_at: when the first byte of the answer came, on the clock; 0 before
    :ivar lost_by: why the connection was lost, when it was
    :ivar encoding: the Content-Encoding of the answer
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_connections",
        "_fresh",
        "_head_bytes",
        "_headers",
        "_refuse",
        "answering_at",
        "connection",
        "encoding",
        "head_room",
        "lost_by",
        "origin",
        "received",
        "reused",
        "step",
    )  # fmt: skip
    persistent = True

    def __init__(
        self,
        clock: IReactorTime,
        connections: Connections,
        origin: Origin,
        headers: Headers,
        *,
        fresh: bool,
        head_bytes: int,
        refuse: Callable[[NoAnswer], None],
    ) -> None:
        self._clock, self._connections, self.origin = clock, connections, origin
        self._headers, self._fresh, self._refuse = headers, fresh, refuse
        self.connection: Connection | None = None
        self.reused = False
        self.step = Step.NAME
        self._head_bytes = self.head_room = head_bytes
        self.received = 0
        self.answering_at = 0.0
        self.lost_by: Failure | None = None
        self.encoding = ""
        self._asked: Connection | None = None

    @property
    def unanswered(self) -> bool:
        """Whether nothing at all came back on a connection that had served before."""
        return self.reused and not self.received

    @property
    def found_closed(self) -> bool:
        """Whether the server had closed an idle connection before it saw the request."""
        return self.unanswered and self.lost_by is not None

    def ask(self, request: bytes, body_bytes: int) -> Deferred[Plain | None]:
        """
        Ask by a whole GET request; the answer, where that is plain.

        ``None``: it is not, and :meth:`request` reads it, with nothing awaited in between.
        """
        connection = None if self._fresh else self._connections.take(self.origin)
        if connection is None:
            return Deferred.fromCoroutine(self._open_and_ask(request, body_bytes))
        self.reused, self.step = True, Step.HEAD
        self._asked = self._lent(connection)
        return connection.ask(request, body_bytes)

    async def _open_and_ask(self, request: bytes, body_bytes: int) -> Plain | None:
        connection = self._asked = await self._open()
        return await connection.ask(request, body_bytes)

    @property
    def reading(self) -> Reading | None:
        """The answer to :meth:`ask`, as far as it has come."""
        return None if self._asked is None else self._asked.reading

    # What treq asks of an agent.

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,  # noqa: ARG002 - treq's; it adds that gzip is welcome
        bodyProducer: IBodyProducer | None = None,  # noqa: N803 - Twisted's name
    ) -> Deferred[IResponse]:
        """Ask; the head of the answer."""
        agent = Agent.usingEndpointFactory(self._clock, self, self)
        asked: Deferred[IResponse] = agent.request(method, uri, self._headers, bodyProducer)
        asked.addCallback(self._arrived)
        if self._asked is not None:
            self._asked.read_on()
        return asked

    def _arrived(self, response: IResponse) -> IResponse:
        self.step, self.head_room = Step.BODY, -1
        encodings = response.headers.getRawHeaders(b"content-encoding")
        if encodings is not None:
            # Hidden from treq, whose decoder makes a gigabyte of a megabyte without asking.
            response.headers.removeHeader(b"content-encoding")
            self.encoding = b",".join(encodings).decode("latin-1").strip().lower()
        return response

    # What Agent asks of its endpoint factory and its pool.

    def endpointForURI(self, uri: URI) -> Lease:  # noqa: ARG002
        """Agent hands it back to :meth:`getConnection`."""
        return self

    def getConnection(self, key: object, endpoint: object) -> Deferred[Connection]:  # noqa: ARG002
        """A connection for the request: the one that was asked, an idle one, or else a new one."""
        if self._asked is not None:
            return succeed(self._asked)
        connection = None if self._fresh else self._connections.take(self.origin)
        if connection is None:
            return Deferred.fromCoroutine(self._open())
        self.reused, self.step = True, Step.HEAD
        return succeed(self._lent(connection))

    async def _open(self) -> Connection:
        return self._lent(await self._connections.open(self.origin, self._at))

    def _at(self, step: Step) -> None:
        self.step = step

    def _lent(self, connection: Connection) -> Connection:
        self.connection = connection
        connection.borrower = self
        return connection

    # What the connection tells.

    def handshaken(self) -> None:
        """The TLS handshake is done."""
        self.step = Step.HEAD

    def answering(self) -> None:
        """The answer begins."""
        self.answering_at = self._clock.seconds()

    def garbled(self, start: bytes) -> None:
        """What comes is not HTTP."""
        tls = start[:2] == b"\x15\x03"
        what = "not an HTTP answer: the server speaks TLS there" if tls else "not an HTTP answer"
        self._refuse(NoAnswer(what, "connection"))

    def endless(self) -> None:
        """The head is too long."""
        self._refuse(NoAnswer(f"head of the answer larger than {self._head_bytes} bytes", "size"))

    def lost(self, reason: Failure) -> None:
        """The connection is gone."""
        self.connection, self.lost_by = None, reason

    def returned(self) -> None:
        """The answer is complete, and the connection is no longer ours."""
        self.connection = None

    # What the fetcher says.

    def end(self, whole: bool) -> None:
        """Nothing more is wanted; what was not given back by then is closed."""
        connection, self.connection = self.connection, None
        self._asked = None
        if connection is None:
            return
        connection.borrower = None
        if whole:
            self._connections.part(connection)
        else:
            connection.abort_now()
