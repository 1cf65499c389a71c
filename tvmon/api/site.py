"""
The site: everything mounted, and what holds for every request.

Before any room is asked: the headers that every answer has, the length of the address, who may
read, and whether the address can be decoded at all.  Afterwards the request is counted, by its
route and code; there is no access log, since a page alone would write a line every second.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

from prometheus_client import CollectorRegistry, Counter
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from tvmon.api.access import Access
from tvmon.api.ahead import Ahead
from tvmon.api.bodies import Bodies
from tvmon.api.events import CLIENTS, Events
from tvmon.api.graph_list import GraphList
from tvmon.api.graphs import Graphs
from tvmon.api.health import Health
from tvmon.api.metrics import Metrics
from tvmon.api.openapi import Description
from tvmon.api.page import Page
from tvmon.api.query import decoded, parse_samples
from tvmon.api.refusal import STOPPED, Refusal, not_allowed
from tvmon.api.reply import HEADERS, Refused
from tvmon.api.report import Reports
from tvmon.api.samples import Samples
from tvmon.api.servers import Servers
from tvmon.api.slices import Slices
from tvmon.board import Board
from tvmon.history.reader import Reader
from tvmon.report import ServerReport
from tvmon.streams import Sample

LONGEST_ADDRESS = 4096
IDLE_SECONDS = 60
"""A connection without a request is closed after so long."""

ROOMS = (
    *(b"events", b"servers", b"metrics", b"api"),
    *(b"graph", b"graph_global", b"graph_vhost", b"report"),
)
"""The rooms of one route each, which is counted by its name."""

DENIED = (401, 403)
"""The codes of requests that are refused for who asks."""

FREE = b"/-/healthy"
"""Answered to everybody: a supervisor has no password, and it tells nothing but "alive".  All
else names streams and hosts, the metrics and the page included."""


class Api:
    """
    Everything that is asked over HTTP.

    :ivar site: to listen with
    :ivar root: the same without sockets
    """

    def __init__(self, root: _Root, stops: tuple[Callable[[], None], ...], clock: Any) -> None:
        self.root = root
        self.site = _Site(root, timeout=IDLE_SECONDS, reactor=clock)
        self._stops = stops

    @property
    def denied(self) -> int:
        """How many requests were refused for want of a password."""
        return self.root.denied

    async def stop(self) -> None:
        """End the event streams and what is being made, and close every connection."""
        self.root.close()
        for stop in self._stops:
            stop()
        self.site.close()


def make_api(
    *,
    clock: IReactorTime,
    now: Callable[[], float],
    board: Board,
    history: Callable[[int, int], Awaitable[list[Sample]]],
    away: type[Exception],
    checks: Callable[[], Mapping[str, str | None]],
    reports: Callable[[], Sequence[ServerReport]],
    registry: CollectorRegistry,
    access: Access,
    web: Path,
    filled: Callable[[], Awaitable[None]],
    boot: str,
    event_clients: int = CLIENTS,
    reader: Reader | None = None,
    noted: Callable[[], Callable[[], None]] = lambda: lambda: None,
) -> Api:
    """
    The API over a board.

    :param now: seconds since 1970, UTC
    :param history: the kept samples of a stream, newest first, at most so many; LookupError for
        one that it does not know, ``away`` where it cannot be asked
    :param checks: what is ready: ``None``, or a sentence that says what is not
    :param reports: what is to be told of each media server, in the order of the configuration
    :param registry: the metrics of the other rooms; those of this one are kept apart, so that
        an API of other settings can take the place of this one in the same process
    :param web: the folder of the page
    :param filled: done when the board tells what was known before the last restart
    :param boot: differs from start to start
    :param event_clients: how many clients may listen to events at a time
    :param reader: of the histories; without it there are no graphs
    :param noted: called before each request; what it returns, after that
    """
    own = CollectorRegistry()
    slices = Slices(clock)
    bodies = Bodies(clock, slices, board)
    ahead = Ahead(clock, board)
    samples = Samples(
        board=board,
        bodies=bodies,
        ahead=ahead,
        history=history,
        away=away,
        filled=filled,
        boot=boot,
    )
    events = Events(
        clock=clock,
        now=now,
        board=board,
        registry=own,
        filled=filled,
        boot=boot,
        slices=slices,
        ahead=ahead,
        most_clients=event_clients,
    )
    metrics = Metrics(clock=clock, board=board, bodies=bodies, registries=(registry, own))
    rooms: dict[bytes, IResource] = {
        b"samples": samples.app.resource(),
        b"events": events.app.resource(),
        b"servers": Servers(board=board, reports=reports, filled=filled).app.resource(),
        b"metrics": metrics.app.resource(),
        b"-": Health(checks).app.resource(),
        b"api": Description().app.resource(),
    }
    if reader is not None:
        graphs = Graphs(reader=reader, board=board, reports=reports, filled=filled).app.resource()
        rooms |= dict.fromkeys((b"graph", b"graph_global", b"graph_vhost"), graphs)
        rooms[b"history"] = GraphList(reader).app.resource()
        rooms[b"report"] = Reports(reader=reader, filled=filled).app.resource()
    root = _Root(rooms, Page(web), access, own, noted)
    return Api(root, (events.stop, slices.stop, ahead.stop), clock)


class _Root(Resource):
    """Looks at every request first, and leads it to its room."""

    def __init__(
        self,
        rooms: Mapping[bytes, IResource],
        page: Page,
        access: Access,
        registry: CollectorRegistry,
        noted: Callable[[], Callable[[], None]],
    ) -> None:
        super().__init__()
        self._rooms, self._page, self._access = rooms, page, access
        self._noted = noted
        self._closed = False
        self.denied = 0
        self._requests = Counter(
            "tvmon_http_requests",
            "Requests answered; code 499 is a client that went away before",
            ["route", "code"],
            registry=registry,
        )

    def close(self) -> None:
        """Refuse every request from now on, and end the connection that it comes over."""
        self._closed = True

    def getChildWithDefault(  # noqa: N802 - Twisted's name
        self, path: bytes, request: Request
    ) -> IResource:
        """The room that answers, or a refusal."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        # A room needs no host, and Klein cannot read any that is not a name.
        request.requestHeaders.setRawHeaders(b"Host", [b"tvmon"])
        self._count(request, route(path, request.path))
        try:
            self._admit(request)
        except Refusal as refusal:
            return Refused(refusal)
        # Whole paths are the routes of a room.
        request.prepath, request.postpath = [], [path, *(request.postpath or ())]
        return self._rooms.get(path, self._page)

    def _admit(self, request: Request) -> None:
        if self._closed:
            request.setHeader(b"Connection", b"close")
            # Twisted goes by what the client asked for, and not by what we answer.
            request.channel.persistent = False
            raise STOPPED
        if len(request.uri) > LONGEST_ADDRESS:
            raise Refusal(f"the address is longer than {LONGEST_ADDRESS} bytes", code=414)
        authorization = request.requestHeaders.getRawHeaders(b"Authorization", [None])[-1]
        if request.path != FREE and not self._access.admits(authorization):
            raise Refusal(
                "a token, or a user and a password, is needed",
                code=401,
                headers=[(b"WWW-Authenticate", value) for value in self._access.challenges()],
            )
        try:
            decoded(request.path, "path")
        except Refusal:
            if request.path.startswith(b"/samples/"):
                parse_samples(request.path)  # names the part that is wrong
            raise
        if request.method != request.method.upper():
            raise not_allowed(["GET", "HEAD"])  # Klein would take "get" for "GET"

    def _count(self, request: Request, name: str) -> None:
        after = self._noted()

        def answered(result: Failure | None) -> None:
            gone = result is not None and name != "events"
            self.denied += request.code in DENIED
            self._requests.labels(name, "499" if gone else str(request.code)).inc()
            after()

        request.notifyFinish().addBoth(answered)


def route(first: bytes, path: bytes) -> str:
    """What a request is counted as: a closed set, whatever the address holds."""
    if first == b"samples":
        return "history" if path.endswith(b"/history") else "samples"
    if first == b"history":
        return "graph_list"  # "history" is that of the samples
    if first == b"-":
        return {b"/-/healthy": "healthy", b"/-/ready": "ready"}.get(path, "page")
    return first.decode() if first in ROOMS else "page"


class _Site(Site):
    """Keeps no access log, and no body that a client sends: nothing here reads one."""

    noisy = False
    protocol: Any = HTTPChannel  # without the wrapper that would speak HTTP/2 over TLS

    def __init__(self, root: _Root, **settings: Any) -> None:
        super().__init__(root, parsePOSTFormSubmission=False, **settings)
        self._channels: WeakSet[HTTPChannel] = WeakSet()

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted's name
        """A connection, noted before anything is asked over it."""
        channel: Any = super().buildProtocol(addr)
        self._channels.add(channel)
        return channel

    def close(self) -> None:
        """Close every connection, after what is written to it."""
        for channel in tuple(self._channels):
            channel.loseConnection()

    def getContentFile(self, length: int | None) -> io.BytesIO:  # noqa: ARG002, N802
        """Where a request's body goes."""
        return _Nowhere()

    def log(self, request: Any) -> None:
        """Requests are counted, not logged."""


class _Nowhere(io.BytesIO):
    """Takes everything and keeps nothing, so that nobody fills our memory or disk."""

    def write(self, data: Any) -> int:
        """Forget it."""
        return len(data)
