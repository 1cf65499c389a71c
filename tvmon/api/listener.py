"""One client of the event stream: what it has been told, and when it can take more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.web.server import Request
from zope.interface import implementer

from tvmon.api.feed import Feed, Item
from tvmon.api.reply import abort, encode
from tvmon.board import Board

EVERY_SECONDS = 1.0
"""How often a client is told of one stream."""

STEP = 50
"""How many entries are written at once: about 64 kB, what a connection buffers before it says
that it is enough."""


def frame(event: bytes, event_id: str, data: bytes) -> bytes:
    """One server-sent event; the data is JSON, which holds no line end."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), event, data)


@implementer(IPushProducer)
class Listener:
    """
    One connection.

    It is told of streams in the order of their revisions, each as it is at that moment.  The id
    of an event is the place in that order, so whoever resumes there misses nothing.

    :param waiting: called when it has taken its news slowly, and there are newer ones
    :ivar heard: the board's revision up to which it has been told
    :ivar stalled_since: since when it does not read, on the clock; ``None`` while it does
    :ivar done: fires when it is to have no more events, and when it has gone away
    """

    def __init__(
        self,
        request: Request,
        *,
        feed: Feed,
        board: Board,
        clock: IReactorTime,
        boot: str,
        heard: int,
        waiting: Callable[[], None],
    ) -> None:
        self._request, self._feed, self._board = request, feed, board
        self._clock, self._boot, self._waiting = clock, boot, waiting
        self.heard = heard
        self.stalled_since: float | None = None
        self.done: Deferred[None] = Deferred(lambda done: done.callback(None))
        self._given_at = -EVERY_SECONDS
        self._news: Iterator[Item] | None = None
        self._upto = heard
        # Streams that had moved on when their turn came, by the revision they were told at:
        # in these news, and in the ones before.
        self._ahead: dict[int, int] = {}
        self._told: dict[int, int] = {}

    @property
    def waits(self) -> bool:
        """Whether there are news that it has not been given."""
        return self._news is None and self.heard < self._feed.revision

    def begin(self, hello: dict[str, object]) -> None:
        """Greet it, and write from now on as fast as it reads."""
        transport = self._request.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpKeepAlive(True)
        self._request.registerProducer(self, True)
        self.greet(hello)

    def greet(self, hello: dict[str, object]) -> None:
        """Say what follows."""
        self._request.write(frame(b"hello", self._id(self.heard), encode(hello)))

    def offer(self, now: float) -> None:
        """Give it the news, unless it is still at the last ones or had some just before."""
        # The margin: what is given every second may be given a little late and then in time.
        if self.waits and now - self._given_at >= 0.95 * EVERY_SECONDS:
            self._given_at = now
            self._upto = self._feed.revision
            self._news = iter(self._feed.since(self.heard))
            self._told, self._ahead = self._ahead, {}
            self._go_on()

    def comment(self) -> None:
        """Send something that means nothing, to one that reads."""
        if self.stalled_since is None:
            self._request.write(b": keep-alive\n\n")

    def end(self) -> None:
        """No more events; what was written is still delivered to a client that reads."""
        if not self.done.called:
            self._request.unregisterProducer()
            if self.stalled_since is not None:
                self.abort()
            self.done.callback(None)

    def abort(self) -> None:
        """Cut the connection."""
        abort(self._request)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It does not read as fast as we write."""
        if self.stalled_since is None:
            self.stalled_since = self._clock.seconds()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It has read what was written."""
        self.stalled_since = None
        self._go_on()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone; the request's own notice of that ends the listener."""

    def _go_on(self) -> None:
        while self._news is not None and self.stalled_since is None:
            items = list(islice(self._news, STEP))
            if not items:
                self._news = None
                self.heard = self._upto
                if self.waits:
                    self._waiting()
                return
            self.heard = items[-1].revision
            text = b"".join(map(self._event, items))
            if text:
                self._request.write(text)

    def _event(self, item: Item) -> bytes:
        """
        What is said of a stream: how it is now, which may be newer than the item.

        Nothing, where this connection has told it already, and where the stream has gone or
        come back since: that is an item of its own, and still to come.
        """
        entry = self._board.get(item.mms_stream_id)
        if item.gone != (entry is None):
            return b""
        place = self._id(item.revision)
        if entry is None:
            return frame(b"gone", place, encode({"mms_stream_id": item.mms_stream_id}))
        if self._told.get(item.mms_stream_id) == entry.revision:
            return b""
        if entry.revision > self._upto:
            self._ahead[item.mms_stream_id] = entry.revision
        return frame(b"sample", place, entry.json)

    def _id(self, revision: int) -> str:
        return f"{self._boot}-{revision}"
