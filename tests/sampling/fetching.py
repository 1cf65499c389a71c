"""What the tests of the fetcher have in common."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet import tcp
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import TestCase
from twisted.web._newclient import HTTPClientParser

from tests.upstream import Identity, Upstream
from tests.waiting import until
from tvmon.errors import NoAnswer
from tvmon.sampling import dialing
from tvmon.sampling.body import Body
from tvmon.sampling.connection import Connection
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.lease import Lease
from tvmon.sampling.reasons import late
from tvmon.sampling.underway import UnderWay
from tvmon.servers import Answer, Request

LONG = 10.0
"""Seconds that no fetch takes which is not meant to run into its deadline."""

PATIENCE = 5.0
"""How many seconds later than its time a deadline passes at the latest."""

_IDENTITIES: dict[str, Identity] = {}


def identity(name: str = "trusted", **more: Any) -> Identity:
    """A key and certificate; made once for each name, since that takes a while."""
    if name not in _IDENTITIES:
        _IDENTITIES[name] = Identity(**more)
    return _IDENTITIES[name]


class FetchCase(TestCase):
    """
    A fetcher, and servers that misbehave.  Afterwards nothing of them may be left.

    :ivar upstream: speaks HTTP
    """

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.trust(identity())
        # Twisted logs each 1xx answer with all that is behind it, and a test run keeps its log.
        self.patch(HTTPClientParser, "_log", Logger(observer=lambda event: None))
        self.upstreams: list[Upstream] = []
        self.fetchers: list[Fetcher] = []
        self.upstream = self.serve()
        self.fetcher = self.new_fetcher()

    async def tearDown(self) -> None:
        for fetcher in self.fetchers:
            await fetcher.close()
            self.assertEqual(fetcher.figures.connections, 0)
            self.assertEqual(fetcher.figures.in_flight, 0)
        self.assertEqual(self.client_sockets(), [])
        for upstream in self.upstreams:
            await upstream.stop()
        self.assertEqual(self.delayed_calls(), [])

    def serve(self, *args: Any, **more: Any) -> Upstream:
        """One more server."""
        self.upstreams.append(Upstream(self.reactor, *args, **more))
        return self.upstreams[-1]

    def serve_tls(self, name: str = "trusted", **more: Any) -> Upstream:
        """One more server, with TLS."""
        return self.serve(identity(name, **more))

    def trust(self, who: Identity) -> None:
        """For what is left of the test, the system trusts nobody but this one."""
        path = Path(self.mktemp())
        path.write_bytes(who.certificate)
        self.enterContext(patch.dict(os.environ, SSL_CERT_FILE=str(path), SSL_CERT_DIR="/nowhere"))

    def new_fetcher(self, **more: Any) -> Fetcher:
        """One more fetcher."""
        more.setdefault("body_bytes", 65536)
        self.fetchers.append(Fetcher(self.reactor, **more))
        return self.fetchers[-1]

    async def get(self, url: str, seconds: float = LONG, **more: Any) -> Answer:
        """Ask the fetcher."""
        return await self.fetcher.fetch(Request(url, **more), seconds)

    async def trouble(self, fetching: Awaitable[Answer]) -> NoAnswer:
        """Why there is no answer."""
        try:
            answer = await fetching
        except NoAnswer as trouble:
            return trouble
        raise AssertionError(f"an answer: {answer}")

    def client_sockets(self) -> list[Any]:
        """Sockets of ours that the reactor knows of, connected or about to be."""
        known = {*self.reactor.getReaders(), *self.reactor.getWriters()}
        return [each for each in known if isinstance(each, tcp.Client)]

    def delayed_calls(self) -> list[Any]:
        """What the reactor is to do later; the test's own time limit left aside."""
        calls = self.reactor.getDelayedCalls()
        return [call for call in calls if getattr(call.func, "__name__", "") != "onTimeout"]

    async def pause(self, seconds: float) -> None:
        """For what has no event to wait for: that something does not happen."""
        await deferLater(self.reactor, seconds, lambda: None)

    async def until(self, condition: Callable[[], object], why: str = "") -> None:
        """Wait for something, at most ten seconds."""
        await until(condition, why=why)


def running(fetching: Awaitable[Answer]) -> Deferred[Answer]:
    """A fetch that is under way; what it comes to is looked at later, or never."""
    fetch: Any = fetching
    return Deferred.fromCoroutine(fetch)


async def held() -> dict[str, int]:
    """How many objects there are of the kinds that a fetch is made of."""
    from twisted.internet import reactor

    # In a turn of its own: whoever waits for a fetch runs on top of what it was made of.
    await deferLater(reactor, 0, gc.collect)
    wanted = (Connection, Lease, Body, tcp.Client, TLSMemoryBIOProtocol)
    counts = dict.fromkeys((kind.__name__ for kind in wanted), 0)
    for each in gc.get_objects():
        # Not isinstance: that asks objects for their class, and some are proxies that object.
        for kind in wanted:
            if issubclass(type(each), kind) and _is_ours(each):
                counts[kind.__name__] += 1
    return counts


def _is_ours(each: Any) -> bool:
    """Whether it is of a fetch, and not a client of another test that is not gone yet."""
    if not issubclass(type(each), tcp.Client):
        return True
    return type(each.connector.factory).__module__ == dialing.__name__


def patiently(reason: str, seconds: float, waited: list[float]) -> Callable[[UnderWay], None]:
    """
    What :meth:`UnderWay.expire` is to be: a deadline that passes no earlier than it can be met.

    On a busy machine a TLS handshake, or twenty, may take longer than the deadline, and a fetch
    that is cut off in one of them says so, rightly.  One that gets nowhere is cut off in any case.

    :param reason: a regular expression of what is to be said at the deadline of so many seconds
    :param waited: is told how many seconds later than its time a deadline passed
    """
    expire = UnderWay.expire

    def expire_there(fetch: UnderWay, patience: float = PATIENCE) -> None:
        from twisted.internet import reactor

        waited.append(PATIENCE - patience)
        if patience < 0 or re.fullmatch(reason, late(seconds, fetch.progress()).reason):
            expire(fetch)
        elif fetch.trouble is None:
            reactor.callLater(0.05, expire_there, fetch, patience - 0.05)

    return expire_there
