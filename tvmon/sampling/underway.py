"""A fetch under way: what it waits for, how far it is, and why it is given up where it is."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from tvmon.errors import NoAnswer
from tvmon.sampling.body import Body
from tvmon.sampling.dialing import Step
from tvmon.sampling.lease import Lease
from tvmon.sampling.reasons import Progress, late
from tvmon.sampling.targets import Origin
from tvmon.servers import Request

T = TypeVar("T")


class UnderWay:
    """
    One fetch under way: what it waits for, and why it was given up if it was.

    :ivar began: when, on the fetcher's clock
    :ivar request: what is asked, :attr:`method` its method in upper case
    :ivar most: the largest body that is taken
    :ivar trouble: why it was given up
    :ivar lease: of the connection it uses now
    :ivar length: of the body, as the head promises it
    """

    __slots__ = (
        "_body", "_origin", "_seconds", "_waiting", "began", "lease", "length", "method", "most",
        "request", "trouble",
    )  # fmt: skip

    def __init__(self, began: float, seconds: float, request: Request, most: int) -> None:
        self.began, self.request, self.most = began, request, most
        self.method = request.method.upper()
        self._seconds = seconds
        self._waiting: Deferred[Any] | None = None
        self._origin: Origin | None = None
        self._body: Body | None = None
        self.trouble: NoAnswer | None = None
        self.lease: Lease | None = None
        self.length: int | None = None

    def begin(self, origin: Origin, lease: Lease) -> None:
        """A request begins."""
        self._origin, self.lease = origin, lease
        self._body = self.length = None

    def reading(self, body: Body, length: object) -> None:
        """Its head has come."""
        self._body = body
        self.length = length if isinstance(length, int) else None

    def on(self, waiting: Deferred[T]) -> Deferred[T]:
        """To be awaited: it is cancelled when the fetch is given up."""
        self._waiting = waiting
        if self.trouble is not None:
            waiting.cancel()
        return waiting

    def refuse(self, trouble: NoAnswer) -> None:
        """Give up, for this reason."""
        if self.trouble is None:
            self.trouble = trouble
            if self._waiting is not None:
                self._waiting.cancel()

    def expire(self) -> None:
        """The time is over."""
        self.refuse(late(self._seconds, self.progress()))

    def progress(self) -> Progress:
        """How far it is."""
        lease, host = self.lease, self._origin.host if self._origin else ""
        reading = lease.reading if lease else None
        if lease is not None and reading is not None and reading.head is not None:
            body, length = reading.body_bytes, reading.head.length
            return Progress(host, Step.BODY, lease.received, body, length)
        return Progress(
            host,
            lease.step if lease else Step.NAME,
            lease.received if lease else 0,
            len(self._body.content) if self._body else 0,
            self.length,
        )

    def over(self) -> None:
        """Let go of everything; a raised trouble refers to this by its traceback."""
        self._waiting = self.lease = self._body = self.trouble = None
