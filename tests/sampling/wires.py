"""A fetcher on a wire that a test holds in its hands: what is sent, what comes, how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from tvmon.errors import NoAnswer
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.timers import Timers
from tvmon.servers import Answer, Request

SECONDS = 2.4
BODY_BYTES = 2_000


class Wire(StringTransport):
    """Our side of one connection; loses it in a turn of its own, as a real one does."""

    def __init__(self, clock: Any, protocol: Any) -> None:
        super().__init__()
        self.clock, self.protocol = clock, protocol
        self.is_open = True

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        self._lose(ConnectionDone())

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self._lose(ConnectionLost())

    def ends(self, reason: Exception) -> None:
        """The other side ends it."""
        if self.is_open:
            self.is_open = False
            self.protocol.connectionLost(Failure(reason))

    def _lose(self, reason: Exception) -> None:
        self.clock.callLater(0, self.ends, reason)


@dataclass(frozen=True)
class Outcome:
    """
    What became of a fetch.

    :param answer: the answer, or the reason why there is none, and its kind
    :param connections: how many the fetcher has then, and how many of them are idle
    :param retried: how often it was asked again, since a connection was found closed
    """

    answer: Answer | tuple[str, str] | None
    connections: int
    idle: int
    retried: int


class Held:
    """
    A fetcher, its clock, and the connections that it opened.

    :param more: of the fetcher's parameters
    """

    def __init__(self, **more: Any) -> None:
        self.clock: Any = MemoryReactorClock()
        self.clock.advance(50.0)
        self.wires: list[Wire] = []
        self.fetcher = Fetcher(
            self.clock,
            body_bytes=BODY_BYTES,
            timers=Timers(self.clock),
            lookup=lambda _: succeed(("192.0.2.1",)),
            **more,
        )

    @property
    def wire(self) -> Wire:
        """The newest connection."""
        return self.wires[-1]

    def ask(self, url: str = "http://media.example/stat", **more: Any) -> Deferred[Answer]:
        """Begin a fetch; connections that it wants are there at once."""
        asked = Deferred.fromCoroutine(self.fetcher.fetch(Request(url, **more), SECONDS))
        self.connect()
        return asked

    def connect(self) -> None:
        """Make the connections that are tried."""
        for _, _, factory, _, _ in self.clock.tcpClients[len(self.wires) :]:
            protocol = factory.buildProtocol(None)
            self.wires.append(Wire(self.clock, protocol))
            protocol.makeConnection(self.wires[-1])

    def comes(self, data: bytes) -> None:
        """Something arrives on the newest connection."""
        if self.wire.is_open:
            self.wire.protocol.dataReceived(data)
            self.clock.advance(0.0)

    def outcome(self, asked: Deferred[Answer]) -> Outcome:
        """What became of it so far."""
        results: list[Any] = []
        asked.addBoth(results.append)
        answer = results[0] if results else None
        if isinstance(answer, Failure):
            answer.trap(NoAnswer)
            answer = answer.value.reason, answer.value.outcome
        figures = self.fetcher.figures
        return Outcome(answer, figures.connections, figures.idle, figures.retried)
