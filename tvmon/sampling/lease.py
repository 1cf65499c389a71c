"""The connection for one request, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from tvmon.errors import NoAnswer
from tvmon.sampling.connection import Connection, Plain
from tvmon.sampling.connections import Connections
from tvmon.sampling.dialing import Step
from tvmon.sampling.plain import Reading
from tvmon.sampling.targets import Origin

HEAD_BYTES = 16 * 1024
"""The longest head of an answer; also Twisted's longest line."""


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
    :ivar waited: how many seconds it waited for a connection that others had
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
        "_waits_since",
        "answering_at",
        "connection",
        "encoding",
        "head_room",
        "lost_by",
        "origin",
        "received",
        "reused",
        "step",
        "waited",
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
        self.waited = self._waits_since = 0.0
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
            opened: Deferred[Any] = Deferred.fromCoroutine(self._opened())
            return opened.addCallback(self._ask_on, request, body_bytes)
        self.step = Step.HEAD
        self._asked = self._lent(connection)
        return connection.ask(request, body_bytes)

    async def _opened(self) -> Connection | Failure:
        """
        A connection; or why there is none, which a Deferred takes as a failure.

        An error that a Deferred throws into a coroutine, and that leaves it, refers to itself by
        the frames in its traceback: a server that hangs or refuses would fill the memory until
        the collector comes, and that then takes long.
        """
        try:
            return await self._open()
        except Exception as error:
            return Failure(error.with_traceback(None))

    def _ask_on(
        self, connection: Connection, request: bytes, body_bytes: int
    ) -> Deferred[Plain | None]:
        self._asked = connection
        return connection.ask(request, body_bytes)

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
        self.step = Step.HEAD
        return succeed(self._lent(connection))

    async def _open(self) -> Connection:
        opened = self._connections.open(self.origin, self._at, fresh=self._fresh)
        return self._lent(await opened)

    def _at(self, step: Step) -> None:
        if self.step is Step.TURN:
            self.waited += self._clock.seconds() - self._waits_since
        elif step is Step.TURN:
            self._waits_since = self._clock.seconds()
        self.step = step

    def _lent(self, connection: Connection) -> Connection:
        self.connection, self.reused = connection, connection.has_served
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
