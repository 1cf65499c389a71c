"""What the tests of server-sent events have in common."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from twisted.web.test.requesthelper import DummyRequest

from tests.api.support import BOOT, SocketCase, Wire, stream
from tests.waiting import until


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


class Request(DummyRequest):
    """A request that writes to memory."""

    def __init__(self) -> None:
        super().__init__([b"events"])
        self.transport = None
