"""A board with streams, an API over it, and ways to ask: in memory, and over real sockets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any

from prometheus_client import CollectorRegistry
from treq import content
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http_headers import Headers

from tests.history.reading import KnownArchive, NotingRrd
from tests.waiting import until
from tvmon.api.access import Access
from tvmon.api.site import Api, make_api
from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.history.reader import Reader
from tvmon.report import ServerReport
from tvmon.streams import Measurement, Sample, Stream, Timing

NOW = 1_790_000_000.0
BOOT = "f00d"
HOSTILE = (
    "<script>alert(1)</script>",
    'quo"te\\back\nline\r\ttab',
    "nul\0 bell\a escape\x1b[31m",
    "lone \ud800 and \udfff",
    "right \u202eto\u202c left \u2028 \u2029",
    "emoji \U0001f4fa\u200d\U0001f525 é\u0301",
    "x" * 500,
    "{braces} %s %(x)s ${HOME}",
    "",
)


def stream(number: int, name: str | None = None, server: str = "edge1") -> Stream:
    """A stream of that number."""
    return Stream(
        server,
        str(number),
        number,
        f"{server}/Channel {number}" if name is None else name,
        f"http://10.0.0.{number % 250}/live/{number}",
        1000 + number,
    )


def good(at: float, received: int | None = 0, **fields: Any) -> Sample:
    """A good sample of a stream that declares 800 kbit/s."""
    measured = Measurement(
        upstream_bytes_received=received,
        total_bytes_sent=0,
        live_delay_ms=fields.pop("live_delay_ms", 0),
        stream_info_audiodatarate=48,
        stream_info_videodatarate=752,
        **fields,
    )
    return Sample(NOW + at, at, measured, timing=Timing(1.26, 20.0))


def failed(at: float, why: str = "connection refused") -> Sample:
    """A sample that failed."""
    return Sample(NOW + at, at, None, why)


def report(name: str, **more: Any) -> ServerReport:
    """What is told of a media server where nothing is wrong."""
    well = ServerReport(name, "tvie", None, NOW, {}, {})
    return well._replace(**more)


def filled_board(streams: Iterable[Stream]) -> Board:
    """
    A board of those streams in turn: healthy, starved, failed, without any sample.

    Two samples each, 3 s apart, the newest at 3 s on the clock.
    """
    board = Board(Scoring())
    for index, each in enumerate(streams):
        board.put(each)
        number = each.mms_stream_id
        if index % 4 == 0:
            board.note(number, good(0, 0, total_gops=index))
            board.note(number, good(3, 300_000, total_gops=index, clients_connected=index))
        elif index % 4 == 1:
            board.note(number, good(0, 0))
            board.note(number, good(3, 3_000, live_delay_ms=4000))
        elif index % 4 == 2:
            board.note(number, good(0, 0))
            board.note(number, failed(3, f"no answer within 2.{index} s"))
    return board


class Away(Exception):  # noqa: N818 - as the store calls it
    """The database cannot be asked."""


class World:
    """Everything that an API is made from, each part to be turned by a test."""

    def __init__(self, clock: IReactorTime, board: Board, web: Path) -> None:
        self.clock, self.board, self.web = clock, board, web
        self.registry = CollectorRegistry()
        self.access = Access()
        self.trouble: dict[str, str | None] = {"database": None}
        self.reports: list[ServerReport] = [report("edge1")]
        self.filled: Deferred[None] | None = None
        self.kept: dict[int, list[Sample] | Exception] = {}
        self.asked: list[tuple[int, int]] = []
        self.boot = BOOT
        self.event_clients = 200
        self.rrd = NotingRrd()
        self.archive = KnownArchive()
        self.now = NOW + 3
        self.reader = Reader(rrd=self.rrd, archive=self.archive, now=lambda: self.now)

    async def history(self, number: int, limit: int) -> list[Sample]:
        self.asked.append((number, limit))
        kept = self.kept.get(number)
        if kept is None:
            raise LookupError(number)
        if isinstance(kept, Exception):
            raise kept
        return kept[:limit]

    def until_filled(self) -> Awaitable[None]:
        async def wait() -> None:
            if self.filled is not None:
                await self.filled

        return wait()

    def make(self) -> Api:
        return make_api(
            clock=self.clock,
            now=lambda: self.now,
            board=self.board,
            history=self.history,
            away=Away,
            checks=lambda: self.trouble,
            reports=lambda: self.reports,
            registry=self.registry,
            access=self.access,
            web=self.web,
            filled=self.until_filled,
            boot=self.boot,
            event_clients=self.event_clients,
            reader=self.reader,
        )


def counted(api: Api, route: str, code: str) -> float:
    """How many requests were answered so."""
    for metric in api.root._requests.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total") and sample.labels == {"route": route, "code": code}:
                return sample.value
    return 0


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    code: int
    headers: Headers
    body: bytes
    length: object
    """What Content-Length says; another value where there is none."""

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return None if values is None else ", ".join(values)

    @property
    def json(self) -> Any:
        body = gzip.decompress(self.body) if self.header("Content-Encoding") else self.body
        return json.loads(body.decode("utf-8"))

    @property
    def error(self) -> dict[str, Any]:
        value = self.json
        assert set(value) == {"error"}, value
        error: dict[str, Any] = value["error"]
        return error


class MemoryCase(SynchronousTestCase):
    """Asks an API on a clock of its own, without sockets."""

    streams: Iterable[Stream] = tuple(stream(number) for number in range(8))

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(3)
        web = Path(self.mktemp())
        web.mkdir(parents=True)
        (web / "index.html").write_text("<!doctype html>\n")
        self.world = World(self.clock, filled_board(self.streams), web)
        self.board = self.world.board
        self.start()

    def start(self) -> None:
        """Make the API of the world as it is now."""
        self.api = self.world.make()
        self.agent = RequestTraversalAgent(self.api.root)

    def turn(self) -> None:
        self.clock.advance(0)
        self.agent.flush()

    def ask(self, path: str, method: str = "GET", **headers: str) -> Deferred[Any]:
        named = Headers({k.replace("_", "-"): [v] for k, v in headers.items()})
        url = b"http://tvmon" + path.encode("latin-1")
        return self.agent.request(method.encode(), url, named)

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        return self.end(self.ask(path, method, **headers))

    def end(self, asked: Deferred[Any]) -> Reply:
        response = self.wait(asked)
        return Reply(response.code, response.headers, self.wait(content(response)), response.length)

    def wait(self, waiting: Deferred[Any]) -> Any:
        """The result, after as many turns as it takes."""
        ended: list[Any] = []
        waiting.addBoth(ended.append)
        self.turns_until(lambda: ended)
        if isinstance(ended[0], Failure):
            ended[0].raiseException()
        return ended[0]

    def turns_until(self, condition: Callable[[], object]) -> None:
        for _ in range(2000):
            if condition():
                return
            self.turn()
        self.fail("nothing came")


class Wire(Protocol):
    """A client that keeps what it hears, and may stop reading."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason

    @property
    def tcp(self) -> Any:
        """The transport, which may be told to read no further, and to end at once."""
        return self.transport

    @property
    def port(self) -> int:
        """Its own port."""
        number: int = self.tcp.getHost().port
        return number


class SocketCase(TestCase):
    """An API on the real reactor and a port of its own on loopback."""

    streams: Iterable[Stream] = ()

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        web = Path(self.mktemp())
        web.mkdir(parents=True)
        self.world = World(self.reactor, filled_board(self.streams), web)
        self.board = self.world.board
        self.wires: list[Wire] = []
        self.start()

    def start(self) -> None:
        self.api = self.world.make()
        self.port = self.reactor.listenTCP(0, self.api.site, interface="127.0.0.1")
        # Small, so that a client that does not read is felt before megabytes are in the kernel.
        self.port.socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 65536)
        self.addCleanup(self.end, self.api, self.port)

    def end(self, api: Api, port: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(self._end(api, port))

    async def _end(self, api: Api, port: Any) -> None:
        await port.stopListening()
        await api.stop()
        for wire in self.wires:
            if wire.lost is None:
                wire.tcp.abortConnection()
        await until(lambda: all(w.lost for w in self.wires), why="every connection is closed")
        await until(
            lambda: not [r for r in self.reactor.getReaders() if "HTTPChannel" in repr(r)],
            why="the server's side is closed too",
        )

    async def connect(self) -> Wire:
        from twisted.internet.endpoints import TCP4ClientEndpoint

        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.port.getHost().port)
        wire = Wire()
        await endpoint.connect(Factory.forProtocol(lambda: wire))
        wire.tcp.socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 65536)
        self.wires.append(wire)
        return wire

    async def send(self, path: str, *headers: str, method: str = "GET") -> Wire:
        wire = await self.connect()
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
        wire.tcp.write("\r\n".join(lines).encode("latin-1"))
        return wire

    async def hear(self, wire: Wire, text: bytes) -> None:
        await until(lambda: text in wire.heard, why=f"{text!r} in {wire.heard[-300:]!r}")
