"""One client of the event stream: what it has been told, and when it can take more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.web.server import Request
from zope.interface import implementer

from tvmon.api.edition import Edition, Page
from tvmon.api.feed import Feed, Item, News
from tvmon.api.frames import KEEP_ALIVE, frame, gone_frame, sample_frame
from tvmon.api.reply import abort, encode, packed
from tvmon.board import Board

EVERY_SECONDS = 1.0
"""How often a client is told of one stream."""

STEP = 50
"""How many entries are written at once: about 64 kB, what a connection buffers before it says
that it is enough."""

PACKED_STEP = 250
"""How many are written at once where they are compressed: about 25 kB, and 3 ms of work."""

_PACKED_KEEP_ALIVE = packed(KEEP_ALIVE)


@implementer(IPushProducer)
class Listener:
    """
    One connection.

    It is told of streams in the order of their revisions.  The id of an event is the place in
    that order, so whoever resumes there misses nothing.

    Those who keep up read the same :class:`Edition`, and leave it for the next one where they
    have not come to its end.  One that does not keep up is told on its own, of each stream as it
    is when its turn comes.  What is compressed is always an edition: to compress anew for each
    who is slow would take more work the slower they are.

    :param waiting: called when it has taken its news slowly, and there are newer ones
    :param gzip: what it is sent is compressed; the gzip stream has begun
    :ivar heard: the board's revision up to which it has been told
    :ivar gzip: whether what it is sent is compressed
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
        gzip: bool = False,
    ) -> None:
        self._request, self._feed, self._board = request, feed, board
        self._clock, self._boot, self._waiting = clock, boot, waiting
        self.heard = heard
        self.stalled_since: float | None = None
        self.done: Deferred[None] = Deferred(lambda done: done.callback(None))
        self.gzip = gzip
        self._given_at = -EVERY_SECONDS
        self._news: Iterator[Page] | None = None
        self._reads_edition = False
        self._upto = heard
        self._anew_at = 0
        # Streams that had moved on when their turn came, by the revision they were told at:
        # in these news, and in the ones before.
        self._ahead: dict[int, int] = {}
        self._told: dict[int, int] = {}

    @property
    def waits(self) -> bool:
        """Whether there are news that it has not been given."""
        return self._news is None and self.heard < self._feed.revision

    @property
    def is_free(self) -> bool:
        """Whether it may be given other news: it has none, or reads what all read."""
        return self._news is None or self._reads_edition

    @property
    def is_lost(self) -> bool:
        """Whether it lacks what nobody can tell it any more, and must begin anew."""
        # What was gone before it was told everything is no news for it.
        place = max(self.heard, self._anew_at)
        return self.heard > 0 and self.is_free and not self._feed.knows(place)

    def is_due(self, now: float) -> bool:
        """Whether it is to be given the news: those before are a second old."""
        # The margin: what is given every second may be given a little late and then in time.
        due = now - self._given_at >= 0.95 * EVERY_SECONDS
        return due and self.is_free and self.heard < self._feed.revision

    def begin(self, hello: dict[str, object]) -> None:
        """Greet it, and write from now on as fast as it reads."""
        transport = self._request.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpKeepAlive(True)
        self._request.registerProducer(self, True)
        self.greet(hello)

    def greet(self, hello: dict[str, object]) -> None:
        """Say what follows."""
        self._write(frame(b"hello", self._id(self.heard), encode(hello)))

    def begin_anew(self, hello: dict[str, object]) -> None:
        """Tell it everything: what it has missed is not known any more."""
        self.heard, self._news = 0, None
        self.greet(hello)

    def offer(self, now: float, edition: Edition | None = None) -> None:
        """
        Give it the news, unless it is still at its own or had some just before.

        :param edition: what it is to read, from its own place on; without one it has its own news
        """
        if not self.is_due(now):
            return
        self._given_at = now
        self._told, self._ahead = self._ahead, {}
        # What its own news told ahead of their time, an edition tells again.
        self._reads_edition = edition is not None
        if edition is None:
            self._upto = self._feed.revision
            self._news = self._own(self._feed.since(self.heard))
        else:
            self._upto = edition.revision
            self._news = edition.after(self.heard)
        if not self.heard:
            self._anew_at = self._upto
        self._go_on()

    def comment(self) -> None:
        """Send something that means nothing, to one that reads."""
        if self.stalled_since is None:
            self._request.write(_PACKED_KEEP_ALIVE if self.gzip else KEEP_ALIVE)

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
            page = next(self._news, None)
            if page is None:
                self._news = None
                self.heard = self._upto
                if self.waits:
                    self._waiting()
                return
            self.heard, text = page
            if text:
                self._request.write(text)

    def _write(self, text: bytes) -> None:
        self._request.write(packed(text) if self.gzip else text)

    def _own(self, news: News) -> Iterator[Page]:
        items = iter(news)
        while some := list(islice(items, STEP)):
            yield some[-1].revision, b"".join(map(self._event, some))

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
            return gone_frame(place, item.mms_stream_id)
        if self._told.get(item.mms_stream_id) == entry.revision:
            return b""
        if entry.revision > self._upto:
            self._ahead[item.mms_stream_id] = entry.revision
        return sample_frame(place, entry)

    def _id(self, revision: int) -> str:
        return f"{self._boot}-{revision}"
