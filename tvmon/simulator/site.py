"""What is served where, and every connection that is open."""

from __future__ import annotations

from typing import Any

from twisted.protocols.policies import WrappingFactory
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from tvmon.simulator.control import is_local
from tvmon.simulator.leaf import sentence

IDLE_SECONDS = 60.0
"""How long a kept connection may be idle."""


class QuietSite(Site):
    """A site without an access log, as a media server is polled all the time."""

    noisy = False

    def __init__(self, root: Resource, reactor: Any) -> None:
        # A body is read by whoever wants it; taken for a form, JSON would be parsed in vain.
        super().__init__(root, timeout=IDLE_SECONDS, reactor=reactor, parsePOSTFormSubmission=False)

    def log(self, request: http.Request) -> None:
        """No line for each poll; ``polls`` of a stream counts them."""


class Connections(WrappingFactory):
    """Every connection to a site, so that a stop leaves none behind."""

    noisy = False

    def end_all(self) -> None:
        """End them at once."""
        for protocol in list(self.protocols):
            protocol.abortConnection()


class Tree(Resource):
    """A folder that has what it was given, and plain words for everything else."""

    def __init__(self, **children: IResource) -> None:
        super().__init__()
        for name, child in children.items():
            self.putChild(name.encode(), child)

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: ARG002 - all alike
        """Nothing else is here."""
        return Tree()

    def render(self, request: Request) -> bytes:
        """The folder itself is nothing either."""
        return sentence(request, 404, "nothing is here; GET /control says what there is")


class Gate(Resource):
    """
    The way to the control.

    :param is_open: whether it lets others in than this machine
    """

    isLeaf = True

    def __init__(self, inner: IResource, *, is_open: bool) -> None:
        super().__init__()
        self._inner = inner
        self._is_open = is_open

    def render(self, request: Request) -> Any:
        """The answer of what is inside, or a refusal."""
        if not self._is_open and not is_local(request):
            words = "the control answers only this machine; see --remote-control"
            return sentence(request, 403, words)
        request.postpath = request.postpath or [b""]  # /control is /control/
        return self._inner.render(request)
