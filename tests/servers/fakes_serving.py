"""
What fakes of media servers have in common: streams that count bytes, HTTP, and a way to rule them.

A fake answers requests by :meth:`Fake.reply`, which needs no network: :meth:`Fake.fetch` is what
a conversation is handed in a test.  :func:`listen` puts it behind a real HTTP server, and
:func:`main` runs one by itself, for a running tvmon to watch::

    python -m tests.servers.fakes_srs --port 0        # prints the port that it listens on
    curl -d '{"do": "start", "name": "live/cam1", "kbps": 2000}' http://127.0.0.1:PORT/-/control
    curl -d '{"do": "stall", "name": "live/cam1"}' http://127.0.0.1:PORT/-/control
    curl -d '{"do": "lie", "what": "error_code", "how": 100}' http://127.0.0.1:PORT/-/control
    curl http://127.0.0.1:PORT/-/control              # what there is
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

import simplejson
from twisted.web.resource import Resource
from twisted.web.server import Site as HTTPSite

from tvmon.servers import Answer, Request

CONTROL = "/-/control"
PHRASES = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 500: "Oops"}


class Asked(NamedTuple):
    """A request that came."""

    path: str
    query: dict[str, str]
    authorization: str | None


class Reply(NamedTuple):
    """What is said to it."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def json(cls, value: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """A value as JSON, with some headers by their names in lower case."""
        given = {"content-type": "application/json"} | (headers or {})
        return cls(simplejson.dumps(value).encode(), status, given)


@dataclass
class FakeStream:
    """
    A stream that is published, and counts.

    :param kbps: what comes in, kbit/s
    :param viewers: each of them gets as much
    :param fps: frames of the picture a second
    :ivar since: when it was published, by the fake's clock
    :ivar began: the same moment by the wall clock
    :ivar publisher: its number; each publishing has one of its own
    """

    name: str
    kbps: float = 1000.0
    viewers: int = 0
    fps: float = 25.0
    publisher: int = 0
    since: float = 0.0
    began: float = 0.0
    is_published: bool = True
    is_stalled: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    _flown: float = 0.0
    _sent: float = 0.0
    _counted_at: float = 0.0

    def count(self, at: float) -> None:
        """Let the time pass."""
        seconds = max(0.0, at - self._counted_at)
        if self.flows:
            self._flown += seconds
            self._sent += seconds * self.viewers
        self._counted_at = at

    @property
    def flows(self) -> bool:
        return self.is_published and not self.is_stalled

    @property
    def received_bytes(self) -> int:
        return int(self._flown * self.kbps * 125)

    @property
    def sent_bytes(self) -> int:
        return int(self._sent * self.kbps * 125)

    @property
    def frames(self) -> int:
        return int(self._flown * self.fps)


class Fake:
    """
    A fake media server.

    :param seconds: its clock, monotonic
    :param now: the wall clock
    :ivar lies: what it does wrong, and how; the subclass says which there are
    :ivar asked: the paths that were asked for, with their queries
    """

    LIES: ClassVar[frozenset[str]] = frozenset()
    WORDS: ClassVar[frozenset[str]] = frozenset(
        {"start", "stall", "resume", "stop", "watch", "restart", "lie"}
    )
    """What the control can be told to do."""

    def __init__(
        self,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        *,
        user: str | None = None,
        password: str | None = None,
    ) -> None:
        self.seconds, self.now = seconds, now
        self.streams: dict[str, FakeStream] = {}
        self.lies: dict[str, Any] = {}
        self.asked: list[str] = []
        self.began = now()
        self.run = 1
        self._credentials = None if user is None else f"{user}:{password}"
        self._publishers = 0

    # What can be done to it; each is a word of the control.

    def start(self, name: str, **options: Any) -> None:
        """Publish a stream, or publish it anew."""
        self._publishers += 1
        stream = FakeStream(name, **options)
        stream.publisher, stream.since = self._publishers, self.seconds()
        stream._counted_at, stream.began = stream.since, self.now()
        self.streams[name] = stream

    def stall(self, name: str) -> None:
        """Nothing comes any more, and the server does not notice."""
        self._counted(name).is_stalled = True

    def resume(self, name: str) -> None:
        """It comes again."""
        self._counted(name).is_stalled = False

    def stop(self, name: str, *, lingers: bool = False) -> None:
        """The publisher leaves; the stream stays in the list where players wait for it."""
        stream = self._counted(name)
        stream.is_published = False
        if not lingers:
            del self.streams[name]

    def watch(self, name: str, viewers: int) -> None:
        """So many watch from now on."""
        self._counted(name).viewers = viewers

    def restart(self) -> None:
        """The process is another one, and nobody has come back yet."""
        self.run += 1
        self.began = self.now()
        self.streams.clear()

    def lie(self, what: str, how: Any = True) -> None:
        """Do something wrong from now on; ``how`` of false is the end of it."""
        if what not in self.LIES:
            raise ValueError(f"{what} is none of {sorted(self.LIES)}")
        if how is False:
            self.lies.pop(what, None)
        else:
            self.lies[what] = how

    def _counted(self, name: str) -> FakeStream:
        stream = self.streams[name]
        stream.count(self.seconds())
        return stream

    # What it says.

    def reply(self, asked: Asked) -> Reply:
        """The answer to a GET."""
        self.asked.append(f"{asked.path}?{'&'.join(f'{k}={v}' for k, v in asked.query.items())}")
        for stream in self.streams.values():
            stream.count(self.seconds())
        if "html" in self.lies:
            return Reply(b"<!doctype html><html>a captive portal</html>")
        if not self.is_welcome(asked):
            return self.refusal()
        return self.answer(asked)

    def is_welcome(self, asked: Asked) -> bool:
        """Whether the request may come in."""
        if self._credentials is None:
            return True
        wanted = base64.b64encode(self._credentials.encode()).decode()
        return asked.authorization == f"Basic {wanted}"

    def refusal(self) -> Reply:
        """What is said to who may not."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Reply:
        """What is said to who may."""
        raise NotImplementedError

    async def fetch(self, request: Request) -> Answer:
        """Ask it without a network, as a conversation does."""
        url = urlsplit(request.url)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        given = dict(request.headers).get("Authorization")
        reply = self.reply(Asked(url.path, query, given))
        headers = {key: reply.headers[key] for key in request.wanted if key in reply.headers}
        phrase = PHRASES.get(reply.status, "")
        return Answer(reply.status, phrase, reply.body, headers, self.seconds(), self.now())

    def control(self, command: dict[str, Any]) -> None:
        """Do what a command says: ``{"do": "start", "name": "live/cam1", "kbps": 2000}``."""
        word = command.pop("do", None)
        if word not in self.WORDS:
            raise ValueError(f"{word} is nothing that can be done")
        getattr(self, word)(**command)


class FakeResource(Resource):
    """A fake behind HTTP."""

    isLeaf = True

    def __init__(self, fake: Fake) -> None:
        super().__init__()
        self._fake = fake

    def render_GET(self, request: Any) -> bytes:
        path = request.path.decode()
        if path == CONTROL:
            streams = {name: vars(stream) for name, stream in self._fake.streams.items()}
            state = {"streams": streams, "lies": self._fake.lies, "asked": len(self._fake.asked)}
            return simplejson.dumps(state).encode()
        query = {key.decode(): values[-1].decode() for key, values in request.args.items()}
        reply = self._fake.reply(Asked(path, query, request.getHeader("authorization")))
        request.setResponseCode(reply.status)
        for name, value in reply.headers.items():
            request.setHeader(name, value)
        return reply.body

    def render_POST(self, request: Any) -> bytes:
        try:
            self._fake.control(simplejson.loads(request.content.read()))
        except (ValueError, TypeError, KeyError) as error:
            request.setResponseCode(400)
            return f"{type(error).__name__}: {error}\n".encode()
        return b"{}\n"


def listen(reactor: Any, fake: Fake, port: int = 0) -> Any:
    """Put a fake behind HTTP on this machine; the listening port, with ``stopListening``."""
    site = HTTPSite(FakeResource(fake), timeout=None)  # no timer that outlives a test
    return reactor.listenTCP(port, site, interface="127.0.0.1")


def main(make: Callable[..., Fake]) -> None:
    """Run a fake by itself, until it is stopped by a signal."""
    from twisted.internet import reactor

    parser = argparse.ArgumentParser(description="A fake media server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--version", help="of the server that it plays")
    given = parser.parse_args()
    more = {} if given.version is None else {"version": given.version}
    fake = make(user=given.user, password=given.password, **more)
    port = listen(reactor, fake, given.port)
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()
    reactor.run()  # type: ignore[attr-defined]
