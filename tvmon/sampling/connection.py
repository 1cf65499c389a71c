"""
One connection to a media server.

The only place that leans on what Twisted keeps to itself: the class of its HTTP/1.1 client
protocol.  Its pool makes nothing else and takes no other class; with our own we know how many
bytes came, can end a head that does not end, and can tell a body that was cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IHandshakeListener, ITCPTransport
from twisted.python.failure import Failure
from twisted.web._newclient import HTTP11ClientProtocol
from zope.interface import implementer

from tvmon.sampling.targets import Origin

_HTTP = b"HTTP/"


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
        self.open = False
        self._aborted = False

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

    def dataReceived(self, data: bytes) -> None:
        """Count, look whether it can be an answer, and hand it on in bounds."""
        borrower = self.borrower
        if borrower is None:
            # It would be taken for the start of the next answer.
            self.abort_now()
            return
        first = not borrower.received
        if first:
            borrower.answering()
        borrower.received += len(data)
        if borrower.head_room < 0:
            super().dataReceived(data)
        elif first and not _HTTP.startswith(data[: len(_HTTP)]):
            borrower.garbled(data[:16])
        else:
            self._head_received(borrower, data)

    def _head_received(self, borrower: Borrower, data: bytes) -> None:
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
        if self.borrower is not None:
            self.borrower.lost(reason)
            self.borrower = None
        self._on_lost(self)
        super().connectionLost(reason)

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
