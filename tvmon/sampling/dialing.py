"""
Opening connections: the name, the addresses, TCP and TLS.

Twisted's endpoint for host names would do, but it takes 0.3 s to say that a connection is
refused, asks the resolver of the whole process, and costs much; and where a server closes
after each answer, every poll pays for it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from twisted.internet import tcp
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IConnector,
    IDelayedCall,
    IProtocolFactory,
    IReactorFromThreads,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.protocol import ClientFactory, Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.client import HostnameCachingHTTPSPolicy
from twisted.web.iweb import IPolicyForHTTPS

from tvmon.sampling.connection import Connection
from tvmon.sampling.names import Names
from tvmon.sampling.targets import Origin

STAGGER_SECONDS = 0.25
"""How long one address is tried alone before the next one is tried beside it (RFC 8305)."""

TLS_HOSTS_KEPT = 256
"""How many hosts' TLS settings are kept; reading the trusted roots anew takes ms."""


class Step(Enum):
    """How far a request has come; the value says what it waits for."""

    TURN = "waiting for a connection"
    NAME = "looking up the host name"
    CONNECT = "connecting"
    TLS = "TLS handshake"
    HEAD = "waiting for the head"
    BODY = "reading the body"


class Reactor(IReactorTCP, IReactorTime, IReactorFromThreads):
    """What connections and lookups are made with."""


Wrap = Callable[[Factory], IProtocolFactory]


class Dialer:
    """
    Opens connections.

    :param tls: says which certificates are trusted
    """

    def __init__(self, reactor: Reactor, names: Names, tls: IPolicyForHTTPS) -> None:
        self._reactor, self._names = reactor, names
        self._tls = HostnameCachingHTTPSPolicy(tls, TLS_HOSTS_KEPT)

    async def dial(
        self, origin: Origin, make: Callable[[], Connection], at: Callable[[Step], None]
    ) -> Connection:
        """
        A new connection.  The TLS handshake is begun and not waited for; it fails with the
        request.  May be cancelled.

        Raises :class:`~tvmon.sampling.names.UnresolvedError`, and what Twisted says of connecting.

        :param at: is told how far it is
        """
        wrap = self._tls_around(origin)
        at(Step.NAME)
        addresses = await self._names.addresses(origin.host)
        at(Step.CONNECT)

        def attempt(address: str) -> Deferred[Connection]:
            factory = _Attempt(make, wrap)
            # No time limit of its own, since the request has one; the interface knows no None.
            connector = self._reactor.connectTCP(address, origin.port, factory, None)  # type: ignore[arg-type]
            factory.socket = getattr(connector, "transport", None)
            return factory.connected

        if len(addresses) == 1:
            connection = await attempt(addresses[0])
        else:
            connection = await _Race(self._reactor, addresses, attempt).won
        at(Step.TLS if origin.secure else Step.HEAD)
        return connection

    def _tls_around(self, origin: Origin) -> Wrap | None:
        if not origin.secure:
            return None
        creator = self._tls.creatorForNetloc(origin.host.encode("ascii"), origin.port)
        return lambda inner: TLSMemoryBIOFactory(creator, True, inner, clock=self._reactor)


class _Inner(Factory):
    """Hands out the connection that is to be wrapped in TLS, once: it refers back to us."""

    noisy = False

    def __init__(self, connection: Connection) -> None:
        self._connections = [connection]

    def buildProtocol(self, addr: IAddress | None) -> Connection:  # noqa: ARG002, N802
        return self._connections.pop()


class _Attempt(ClientFactory):
    """
    One TCP connection on its way.

    :ivar connected: the connection, or why there is none; cancelling it closes the socket
    :ivar socket: until it is connected, or is not
    """

    noisy = False

    def __init__(self, make: Callable[[], Connection], wrap: Wrap | None) -> None:
        self._make, self._wrap = make, wrap
        self._connector: IConnector | None = None
        self.socket: object = None
        self.connected: Deferred[Connection] = Deferred(self._cancel)

    def startedConnecting(self, connector: IConnector) -> None:  # noqa: N802
        self._connector = connector

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        self._connector = self.socket = None
        connection = self._make()
        connection.on_made = self.connected.callback
        if self._wrap is None:
            return connection
        return self._wrap(_Inner(connection)).buildProtocol(addr)

    def clientConnectionFailed(  # noqa: N802
        self,
        connector: IConnector,  # noqa: ARG002
        reason: Failure,
    ) -> None:
        self._connector = None
        if isinstance(self.socket, tcp.Client):
            # It refers to itself by these for good, and would be there until it is looked for.
            vars(self.socket).update(doRead=_nothing, doWrite=_nothing)
        self.socket = None
        if not self.connected.called:
            self.connected.errback(reason)

    def clientConnectionLost(
        self,
        connector: Any,
        reason: Failure,  # noqa: ARG002
    ) -> None:
        # Twisted's two refer to each other for good, and would be there until they are looked for.
        connector.transport = None

    def _cancel(self, connected: Deferred[Connection]) -> None:
        connected.errback(CancelledError())
        if self._connector is not None:
            self._connector.stopConnecting()


def _nothing() -> None:
    """What a socket does that could not be connected, as before."""


class _Race:
    """
    Several addresses of one host, each tried a little later than the one before, or as soon as
    that one has failed; the first that connects wins, and the others are dropped.
    """

    def __init__(
        self,
        clock: IReactorTime,
        addresses: tuple[str, ...],
        attempt: Callable[[str], Deferred[Connection]],
    ) -> None:
        self._clock, self._attempt = clock, attempt
        self._left = iter(addresses)
        self._running: list[Deferred[Connection]] = []
        self._timer: IDelayedCall | None = None
        self._first_failure: Failure | None = None
        self.won: Deferred[Connection] = Deferred(lambda _: self._drop())
        self._next()

    def _next(self) -> None:
        """Try the next address; where there is none, wait for those under way."""
        self._timer = None
        address = next(self._left, None)
        if address is not None:
            self._timer = self._clock.callLater(STAGGER_SECONDS, self._next)
            running = self._attempt(address)
            self._running.append(running)
            running.addCallbacks(self._connected, self._failed, errbackArgs=(running,))
        elif not self._running and self._first_failure is not None:
            self.won.errback(self._first_failure)

    def _connected(self, connection: Connection) -> None:
        self._running = [running for running in self._running if not running.called]
        self._drop()
        self.won.callback(connection)

    def _failed(self, failure: Failure, running: Deferred[Connection]) -> None:
        if running not in self._running:
            return  # dropped
        self._running.remove(running)
        self._first_failure = self._first_failure or failure
        if self._timer is not None:
            self._timer.cancel()
        self._next()

    def _drop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        running, self._running = self._running, []
        for each in running:
            each.cancel()
