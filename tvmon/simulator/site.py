"""What is served where, and every connection that is open."""

from __future__ import annotations

import weakref
from typing import Any

import simplejson
from twisted.internet.interfaces import IAddress
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from tvmon.simulator.control import is_local

IDLE_SECONDS = 60.0
"""How long a kept connection may be idle."""


class SimulatorSite(Site):
    """A site that can end all its connections, so that a stop leaves nothing behind."""

    def __init__(self, root: Resource, reactor: Any) -> None:
        # A body is read by whoever wants it; taken for a form, JSON would be parsed in vain.
        super().__init__(root, timeout=IDLE_SECONDS, reactor=reactor, parsePOSTFormSubmission=False)
        self._channels: weakref.WeakSet[Any] = weakref.WeakSet()

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802 - Twisted calls it
        """A connection, remembered as long as it lives."""
        channel = super().buildProtocol(addr)
        self._channels.add(channel)
        return channel

    def log(self, request: http.Request) -> None:
        """No line for each poll; ``polls`` of a stream counts them."""

    def end_connections(self) -> None:
        """End every connection at once."""
        for channel in list(self._channels):
            if channel.transport is not None:
                channel.transport.abortConnection()


class Tree(Resource):
    """A folder that has what it was given, and plain words for everything else."""

    def __init__(self, **children: IResource) -> None:
        super().__init__()
        for name, child in children.items():
            self.putChild(name.encode(), child)

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: ARG002 - all alike
        """Nothing else is here."""
        return NOWHERE

    def render(self, request: Request) -> bytes:
        """The folder itself is nothing either."""
        return NOWHERE.render(request)


class Gate(Resource):
    """
    The way to the control.

    :param is_open: whether it lets others in than this machine
    """

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, inner: IResource, *, is_open: bool) -> None:
        super().__init__()
        self._inner = inner
        self._is_open = is_open

    def render(self, request: Request) -> Any:
        """The answer of what is inside, or a refusal."""
        if not self._is_open and not is_local(request):
            refusal = _Plain(403, "the control answers only this machine; see --remote-control")
            return refusal.render(request)
        request.postpath = request.postpath or [b""]  # /control is /control/
        return self._inner.render(request)


class _Plain(Resource):
    """One sentence."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, status: int, words: str) -> None:
        super().__init__()
        self._status = status
        self._words = words

    def render(self, request: Request) -> bytes:
        """The same for every method."""
        request.setResponseCode(self._status)
        request.setHeader(b"content-type", b"application/json")
        return simplejson.dumps({"error": self._words}).encode() + b"\n"


NOWHERE = _Plain(404, "nothing is here; GET /control says what there is")
