"""What the tests of server-sent events have in common."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from tests.api.support import BOOT, SocketCase, Wire, filled_board, stream
from tests.waiting import until
from tvmon.api.edition import Edition
from tvmon.api.events import Events
from tvmon.api.feed import Feed
from tvmon.api.listener import EVERY_SECONDS, Listener


class Event(NamedTuple):
    """One event as a client reads it."""

    id: int
    type: str
    data: Any


def read(text: bytes) -> list[Event]:
    """The events of an event stream, comments left out."""
    found = []
    for block in text.decode("utf-8").split("\n\n")[:-1]:
        lines = [line.partition(": ") for line in block.split("\n")]
        fields = {name: value for name, _, value in lines if name}
        if "data" in fields:
            boot, _, revision = fields["id"].rpartition("-")
            assert boot == BOOT, block
            found.append(Event(int(revision), fields["event"], json.loads(fields["data"])))
    return found


def dechunked(heard: bytes) -> bytes:
    """The body so far of a chunked answer."""
    body, rest = b"", heard.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length or len(rest) < length + 2:
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


class EventCase(SocketCase):
    """Clients that listen."""

    streams = tuple(stream(number) for number in range(3))

    async def listen(self, *headers: str, path: str = "/events") -> Wire:
        wire = await self.send(path, *headers)
        await self.hear(wire, b"event: hello")
        return wire

    def events(self, wire: Wire) -> list[Event]:
        return read(dechunked(wire.heard))

    def hellos(self, wire: Wire) -> list[str]:
        return [event.data["follows"] for event in self.events(wire) if event.type == "hello"]

    def told(self, wire: Wire) -> list[tuple[str, int]]:
        """What came after the hello: (type, stream)."""
        return [
            (event.type, event.data["mms_stream_id"])
            for event in self.events(wire)
            if event.type != "hello"
        ]

    async def until_told(self, wire: Wire, *told: tuple[str, int]) -> None:
        await until(lambda: self.told(wire) == [*told], why=f"{told} in {wire.heard[-500:]!r}")

    def gone(self, wire: Wire) -> None:
        wire.tcp.abortConnection()

    def the_events(self) -> Events:
        return self.api.root._rooms[b"events"]._app._instance  # type: ignore[attr-defined, no-any-return]

    def listeners(self) -> list[Listener]:
        return [*self.the_events()._listeners]

    def listener_of(self, wire: Wire) -> Listener:
        """The server's side of a connection."""

        def peer(each: Listener) -> int:
            transport: Any = each._request.transport
            port: int = transport.getPeer().port
            return port

        return next(each for each in self.listeners() if peer(each) == wire.port)

    def waiting_bytes(self) -> int:
        """What is written to connections, and not sent yet."""
        total = 0
        for each in self.reactor.getWriters():
            total += len(getattr(each, "dataBuffer", b"")) + getattr(each, "_tempDataLen", 0)
        return total


class Request(DummyRequest):
    """A request that writes to memory."""

    def __init__(self) -> None:
        super().__init__([b"events"])
        self.transport = None


class ListenerCase(SynchronousTestCase):
    """A listener to a board of three streams, without a connection."""

    gzip = False

    def setUp(self) -> None:
        self.board = filled_board(stream(number) for number in range(3))
        self.feed = Feed(self.board, lambda: None)
        self.clock = Clock()
        self.clock.advance(100)
        self.request = Request()
        self.calls: list[None] = []
        self.listener = Listener(
            self.request,  # type: ignore[arg-type] # all that is used of one
            feed=self.feed,
            board=self.board,
            clock=self.clock,
            boot=BOOT,
            heard=0,
            waiting=lambda: self.calls.append(None),
            gzip=self.gzip,
        )

    def text(self) -> bytes:
        """What was written since it was last looked at."""
        text = b"".join(self.request.written)
        self.request.written.clear()
        return text

    def take(self) -> list[tuple[str, int]]:
        """The events of that: (type, stream)."""
        return [(event.type, event.data["mms_stream_id"]) for event in read(self.text())]

    def offer(self, edition: Edition | None = None) -> None:
        """A while later, what is new."""
        self.clock.advance(EVERY_SECONDS)
        self.listener.offer(self.clock.seconds(), edition)
