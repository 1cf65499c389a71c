"""
One connection to a media server.

The only place that leans on what Twisted keeps to itself: the class of its HTTP/1.1 client
protocol.  Its pool makes nothing else and takes no other class; with our own we know how many
bytes came, can end a head that does not end, and can tell a body that was cut off.

It can be asked in two ways.  :meth:`Connection.ask` reads a plain answer by itself.  Whatever is
not plain, be it a rare form of HTTP, a fault or the end of the connection, it hands over: the
same request is then made by Twisted, which sends nothing and reads what came from its first
byte.  So of all that can go wrong there is one reading, and one set of words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import tcp
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IHandshakeListener, ITCPTransport
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.iweb import IResponse
from zope.interface import implementer

from tvmon.sampling.plain import Head, Reading
from tvmon.sampling.queue import Queue
from tvmon.sampling.targets import Origin

_HTTP = b"HTTP/"

Plain = tuple[Head, bytes]
"""A plain answer: its head and its body."""


class Borrower(Protocol):
    """Who uses a connection for one request, and is told what happens to it."""

    head_room: int
    """How many more bytes the head of the answer may have; -1 once it is complete."""

    received: int
    """How many bytes came since the request was sent."""

    def handshaken(self) -> None:
        """The TLS handshake is done."""

    def answering(self) -> None:
        """The first bytes of the answer have come."""

    def garbled(self, start: bytes) -> None:
        """What comes is not HTTP; the bytes that it starts with."""

    def endless(self) -> None:
        """The head is longer than a head may be."""

    def lost(self, reason: Failure) -> None:
        """The connection is gone."""

    def returned(self) -> None:
        """The answer is complete, and the connection has been taken back."""


@implementer(IHandshakeListener)
class Connection(HTTP11ClientProtocol):
    """
    One connection; serves one borrower after the other.

    :ivar origin: where it leads
    :ivar borrower: who uses it now; what comes while nobody does is nobody's answer
    :ivar on_made: called once, when the transport is there
    :ivar queue: of those that it is lent from, while it is lent
    :ivar has_served: whether it has given a whole answer
    :ivar until: when whoever keeps it wants it closed, on the keeper's clock
    """

    transport: ITCPTransport

    def __init__(
        self,
        origin: Origin,
        on_idle: Callable[[Connection], None],
        on_lost: Callable[[Connection], None],
    ) -> None:
        super().__init__(on_idle)
        self.origin = origin
        self._on_lost = on_lost
        self.on_made: Callable[[Connection], None] | None = None
        self.borrower: Borrower | None = None
        self.until = 0.0
        self.queue: Queue | None = None
        self.has_served = False
        self.open = False
        self._aborted = False
        self._reading: Reading | None = None
        self._asked: Deferred[Plain | None] | None = None
        self._lost_by: Failure | None = None

    def connectionMade(self) -> None:
        """Usable from now on; for TLS the handshake is still to come."""
        super().connectionMade()
        self.open = True
        if self.on_made is not None:
            made, self.on_made = self.on_made, None
            made(self)

    def handshakeCompleted(self) -> None:  # noqa: N802 - Twisted calls it
        """TLS is up."""
        if self.borrower is not None:
            self.borrower.handshaken()

    def ask(self, request: bytes, body_bytes: int) -> Deferred[Plain | None]:
        """
        Send a whole GET request, and read its answer where that is plain.

        ``None`` is said at the moment when it turns out not to be plain: :meth:`request` and
        :meth:`read_on` must be called before anything else happens.  Cancelling it closes the
        connection.

        :param body_bytes: how long the body may be
        """
        assert self.borrower is not None
        self._reading = Reading(self.borrower.head_room, body_bytes)
        asked = self._asked = Deferred(self._give_up)
        self._send(request)
        return asked

    def _send(self, data: bytes) -> None:
        """
        Send at once, as far as the system takes it.

        Nothing else is under way on this connection, and the system takes a small request as a
        whole; to be told by the reactor that it does costs two more of its calls.
        """
        transport: Any = self.transport
        sent = transport.writeSomeData(data) if isinstance(transport, tcp.Connection) else 0
        if sent != len(data):
            # What is no number says that the connection is lost, and so the reactor will.
            transport.write(data[sent:] if isinstance(sent, int) else data)

    @property
    def reading(self) -> Reading | None:
        """The answer to :meth:`ask`, as far as it has come."""
        return self._reading

    def request(self, request: Request) -> Deferred[IResponse]:
        """Send a request; where :meth:`ask` has sent it, :meth:`read_on` is to follow."""
        if self._reading is not None:
            request = _Sent(request)
        asked: Deferred[IResponse] = super().request(request)
        return asked

    def read_on(self) -> None:
        """Let Twisted read what came in answer to :meth:`ask`, to its end if it has ended."""
        reading, self._reading = self._reading, None
        if reading is not None and reading.held and self.borrower is not None:
            self._read(self.borrower, bytes(reading.held), True)
        if self._lost_by is not None:
            self.borrower = None
            super().connectionLost(self._lost_by)

    def _end(self, answer: Plain | None) -> None:
        asked, self._asked = self._asked, None
        assert asked is not None
        asked.callback(answer)

    def _give_up(self, _: Deferred[Plain | None]) -> None:
        self._asked = self._reading = None
        self.abort_now()

    def dataReceived(self, data: bytes) -> None:
        """Count, and hand on to whoever reads the answer."""
        borrower = self.borrower
        if borrower is None:
            # It would be taken for the start of the next answer.
            self.abort_now()
            return
        first = not borrower.received
        if first:
            borrower.answering()
        borrower.received += len(data)
        if self._asked is None:
            self._read(borrower, data, first)
            return
        reading = self._reading
        assert reading is not None
        body = reading.take(data)
        if body is not None and reading.head is not None:
            self._reading = None
            if not reading.head.closes:
                self._quiescentCallback(self)
            self._end((reading.head, body))
        elif not reading.is_plain:
            self._end(None)

    def _read(self, borrower: Borrower, data: bytes, first: bool) -> None:
        """Look whether it can be an answer, and hand it on to Twisted in bounds."""
        if borrower.head_room < 0:
            super().dataReceived(data)
        elif first and not _HTTP.startswith(data[: len(_HTTP)]):
            borrower.garbled(data[:16])
        else:
            self._read_head(borrower, data)

    def _read_head(self, borrower: Borrower, data: bytes) -> None:
        room = borrower.head_room
        borrower.head_room -= len(data)
        if len(data) <= room:
            super().dataReceived(data)
            return
        # Most heads end within their room, whatever came along behind them.
        borrower.head_room = 0
        super().dataReceived(data[:room])
        if self.borrower is not borrower:
            self.abort_now()  # that was all of the answer, and there is more
        elif borrower.head_room >= 0:
            borrower.endless()
        else:
            super().dataReceived(data[room:])

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Tell, before the answer is ended by it."""
        assert reason is not None
        self.open = False
        borrower = self.borrower
        if borrower is not None:
            borrower.lost(reason)
        self._on_lost(self)
        if self._asked is not None:
            # Read what came, and only then the end.
            self._lost_by = reason
            self._end(None)
            return
        self.borrower = None
        super().connectionLost(reason)

    def _disconnectParser(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        parser = self._parser
        super()._disconnectParser(reason)
        if parser is not None:
            # The two refer to each other for good, and would be there until they are looked for.
            parser.bodyDecoder = None

    @property
    def usable(self) -> bool:
        """Whether a request may be sent."""
        return self.open and not self._aborted and self.state == "QUIESCENT"

    def abort_now(self) -> None:
        """
        Close at once, whatever the other side does.

        Closing in order waits for the other side in TLS, and for what is still to be sent.
        """
        if self.open and not self._aborted:
            self._aborted = True
            self.transport.abortConnection()


class _Sent(Request):
    """A request that needs not be sent any more."""

    def __init__(self, request: Request) -> None:
        self.__dict__.update(request.__dict__)

    def writeTo(self, transport: ITCPTransport) -> Deferred[None]:  # noqa: ARG002, N802
        return succeed(None)
