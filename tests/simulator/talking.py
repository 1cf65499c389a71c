"""Talking to a simulator over a real connection, and seeing exactly what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import simplejson
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.waiting import until
from tvmon.simulator.behaviours import behaviour
from tvmon.simulator.live import LiveStream
from tvmon.simulator.mix import read_mix
from tvmon.simulator.service import Simulator
from tvmon.simulator.settings import Settings

LISTEN = ("tcp:0:interface=127.0.0.1",)
FIND = "/api/service/media/channels/find"


class Talk(Protocol):
    """One connection: what has come, and whether and how it has ended."""

    def __init__(self) -> None:
        self.received = b""
        self.ended: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.ended = reason

    @property
    def head(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.received.split(b" ", 2)[1])

    def hang_up(self) -> None:
        if self.ended is None and self.transport is not None:
            self.transport.abortConnection()


class SimulatorTestCase(TestCase):
    """A simulator that listens on a free port, and is stopped at the end."""

    async def simulator(
        self, seconds: Callable[[], float] = time.monotonic, **more: Any
    ) -> Simulator:
        given: dict[str, Any] = {"listen": LISTEN, "mix": read_mix("healthy=1")} | more
        simulator = Simulator(reactor, time.time, Settings(**given), seconds)
        simulator.startService()
        self.addCleanup(simulator.stopService)
        return simulator

    async def talk(self, simulator: Simulator, request: bytes) -> Talk:
        """A connection on which this has been said; it is hung up at the end of the test."""
        port = int(simulator.addresses[0].rpartition(":")[2])
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        talk = await connectProtocol(endpoint, Talk())
        self.addCleanup(self._hang_up, talk)
        talk.transport.write(request)
        return talk

    async def _hang_up(self, talk: Talk) -> None:
        talk.hang_up()
        await until(lambda: talk.ended, why="the connection ends")

    async def ask(
        self, simulator: Simulator, method: str, path: str, body: object = None, **headers: str
    ) -> Talk:
        """A whole answer; a body that is not bytes is sent as JSON."""
        raw = (
            b""
            if body is None
            else body
            if isinstance(body, bytes)
            else simplejson.dumps(body).encode()
        )
        lines = [f"{method} {path} HTTP/1.1", "Connection: close", f"Content-Length: {len(raw)}"]
        lines += [
            f"{name}: {value}" for name, value in ({"Host": "sim.example:81"} | headers).items()
        ]
        talk = await self.talk(simulator, "\r\n".join([*lines, "", ""]).encode() + raw)
        await until(lambda: talk.ended, why=f"an answer to {method} {path}")
        return talk

    async def control(
        self, simulator: Simulator, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:
        """Status and JSON of a request to the control."""
        talk = await self.ask(simulator, method, f"/control{path}", body)
        raw = talk.body
        if b"transfer-encoding: chunked" in talk.head.lower():
            raw = unchunked(raw)
        return talk.status, simplejson.loads(raw)

    async def poll(self, simulator: Simulator, stream: LiveStream) -> Talk:
        """The connection of one poll, its answer not waited for."""
        request = f"GET {path_of(stream)} HTTP/1.1\r\nHost: sim.example\r\n\r\n"
        return await self.talk(simulator, request.encode())


def path_of(stream: LiveStream) -> str:
    channel = stream.channel
    parts = (channel.customer_name, channel.name, stream.name)
    return "/tag_live_monitor/" + "/".join(quote(part, safe="") for part in parts)


def unchunked(raw: bytes) -> bytes:
    """The body of an answer that was sent in chunks."""
    whole = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        whole, raw = whole + raw[: int(size, 16)], raw[int(size, 16) + 2 :]
    return whole


def first(simulator: Simulator, name: str = "healthy", number: float | None = None) -> LiveStream:
    """The first stream, told what to do."""
    stream = simulator.media.streams[1]
    simulator.media.change([stream], behaviour(name, number))
    return stream
