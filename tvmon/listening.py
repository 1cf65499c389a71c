"""The open ports of the daemon: opened before anything else, so that a busy one ends the start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure


class CannotListen(Exception):  # noqa: N818 - it reads as the sentence that it is
    """An endpoint cannot be listened on; one line that names it."""


class Listening:
    """
    Ports on endpoint strings, all for one factory.

    :ivar ports: what is open now
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.ports: list[IListeningPort] = []

    def open(self, endpoints: Iterable[str], factory: IProtocolFactory) -> None:
        """Listen on all of them; on :class:`CannotListen` some are open, until they are closed."""
        for endpoint in endpoints:
            try:
                port = _listen(self._reactor, endpoint, factory)
            except Exception as error:
                raise CannotListen(f"cannot listen on {endpoint}: {_why(error)}") from error
            self.ports.append(port)
            address = _address(port, secure=endpoint.startswith("ssl:"))
            self.log.info("listening on {address}", address=address)

    async def close(self) -> None:
        """Take no more connections."""
        ports, self.ports = self.ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)


def _listen(reactor: Any, endpoint: str, factory: IProtocolFactory) -> IListeningPort:
    """Endpoints answer by a Deferred, but the ones that open a socket have it done at once."""
    results: list[IListeningPort | Failure] = []
    waiting: Deferred[IListeningPort] = serverFromString(reactor, endpoint).listen(factory)
    waiting.addBoth(results.append)
    if not results:
        waiting.cancel()
        raise ValueError("this kind of endpoint does not open at once")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def _why(error: Exception) -> str:
    """``Address already in use`` out of whatever Twisted wrapped it in."""
    inner = getattr(error, "socketError", error)
    return str(getattr(inner, "strerror", None) or inner)


def _address(port: IListeningPort, *, secure: bool) -> str:
    """A URL for a TCP port, the path of a unix socket."""
    host: Any = port.getHost()
    if not hasattr(host, "port"):
        return str(getattr(host, "name", host))
    name = f"[{host.host}]" if ":" in host.host else host.host
    return f"{'https' if secure else 'http'}://{name}:{host.port}/"
