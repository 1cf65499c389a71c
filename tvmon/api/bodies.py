"""
Large bodies: made in slices, once for all who ask, and sent no faster than they are read.

What is ready is kept until the board changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from weakref import WeakSet

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import TaskStopped
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from zope.interface import implementer

from tvmon.api.refusal import Refusal, busy
from tvmon.api.reply import abort, accepts_gzip, gzipped, set_head
from tvmon.api.slices import Slices
from tvmon.board import Board

KEPT_BYTES = 64 * 1024 * 1024
"""Bodies that are kept for the next who asks, while the board stays as it is."""

HELD_BYTES = 512 * 1024 * 1024
"""Bodies in memory, kept or being read by slow clients; beyond it no new one is made."""

MOST_IN_THE_MAKING = 8
"""Bodies that are made at a time; others wait, and take up nothing until then."""

SENDING_SECONDS = 300.0
"""How long a client may take to read one answer."""


Chunks = Iterator[bytes | None]
"""A body in the making: each item is one step of work, and ``None`` one that adds nothing."""


class Body:
    """
    The bytes of one answer, shared by all who read it.

    :ivar revision: the board's revision that it tells of
    """

    __slots__ = ("__weakref__", "chunks", "revision", "size")

    def __init__(self, chunks: list[bytes], revision: int) -> None:
        self.chunks = chunks
        self.revision = revision
        self.size = sum(map(len, chunks))


class Bodies:
    """Makes bodies, and keeps those that tell of the board as it is."""

    log = Logger()

    def __init__(self, clock: IReactorTime, slices: Slices, board: Board) -> None:
        self._clock, self._slices, self._board = clock, slices, board
        self._places = DeferredSemaphore(MOST_IN_THE_MAKING)
        self._waiting: dict[Hashable, list[Deferred[Body]]] = {}
        self._kept: OrderedDict[Hashable, Body] = OrderedDict()
        self._held: WeakSet[Body] = WeakSet()

    @property
    def held_bytes(self) -> int:
        """What all bodies in memory take up, kept or being read."""
        return sum(body.size for body in self._held)

    async def answer(
        self,
        request: Request,
        key: Hashable,
        chunks: Callable[[], Chunks],
        *,
        content_type: bytes,
        etag: Callable[[int], bytes] | None = None,
    ) -> None:
        """
        Answer with the chunks joined, compressed where the client likes that.

        :param key: names the body: whoever asks for the same gets the same
        :param chunks: begins to make the body, of the board as it is at the call
        :param etag: the tag of the body of a revision of the board; where there is one, the
            body is good until the board changes
        """
        gzip = accepts_gzip(request)
        body = await self._get(
            (key, gzip),
            lambda: gzipped(chunks()) if gzip else chunks(),
            keep=etag is not None,
        )
        if etag is not None:
            request.setHeader(b"ETag", etag(body.revision))
        set_head(request, content_type, gzip=gzip)
        await _send(request, body, self._clock)

    def _get(self, key: Hashable, chunks: Callable[[], Chunks], *, keep: bool) -> Deferred[Body]:
        """
        The body for a key: kept, in the making, or made now.

        A body in the making may be of a revision just before this one: it was begun some turns
        of the reactor ago, and to begin again for each who asks would let nobody finish.
        """
        kept = self._kept.get(key)
        waiter: Deferred[Body] = Deferred()
        if kept is not None and kept.revision == self._board.revision:
            self._kept.move_to_end(key)
            waiter.callback(kept)
        elif key in self._waiting:
            self._waiting[key].append(waiter)
        else:
            self._waiting[key] = [waiter]
            Deferred.fromCoroutine(self._make(key, chunks, keep)).addBoth(self._tell, key)
        return waiter

    async def _make(self, key: Hashable, chunks: Callable[[], Chunks], keep: bool) -> Body:
        async with self._places:
            if self.held_bytes > HELD_BYTES:
                raise busy("too many large answers are being read slowly", 10)
            made: list[bytes] = []
            revision = self._board.revision
            await self._slices.run(_gather(chunks(), made))
        body = Body(made, revision)
        self._held.add(body)
        if keep:
            self._keep(key, body)
        return body

    def _tell(self, result: Body | Failure, key: Hashable) -> None:
        # A client that went away has cancelled its Deferred.
        waiting = [waiter for waiter in self._waiting.pop(key) if not waiter.called]
        for waiter in waiting:
            waiter.callback(result)
        if isinstance(result, Failure) and not waiting and not result.check(TaskStopped, Refusal):
            self.log.failure("making the answer for {key} failed", result, key=key)

    def _keep(self, key: Hashable, body: Body) -> None:
        for old in [k for k, b in self._kept.items() if k == key or b.revision < body.revision]:
            del self._kept[old]
        self._kept[key] = body
        while sum(kept.size for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)


def _gather(chunks: Chunks, made: list[bytes]) -> Iterator[None]:
    """Each chunk is a step."""
    for chunk in chunks:
        if chunk:
            made.append(chunk)
        yield


@implementer(IPushProducer)
class _Sender:
    """Writes chunks for as long as the client's side of the connection takes them."""

    def __init__(self, request: Request, chunks: Iterable[bytes]) -> None:
        self._request = request
        self._chunks = iter(chunks)
        self._paused = False
        self.done: Deferred[None] = Deferred()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Enough for now."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Go on."""
        self._paused = False
        while not self._paused:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._request.unregisterProducer()
                self.done.callback(None)
                return
            self._request.write(chunk)

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone; the request's own notice of it ends the sending."""
        self._paused = True


async def _send(request: Request, body: Body, clock: IReactorTime) -> None:
    """Send a body whose head is set; a client that takes too long is cut off."""
    request.setHeader(b"Content-Length", b"%d" % body.size)
    if request.method == b"HEAD":
        request.write(b"")
        return
    sender = _Sender(request, body.chunks)
    limit = clock.callLater(SENDING_SECONDS, abort, request)
    try:
        request.registerProducer(sender, True)
        sender.resumeProducing()
        await sender.done
    finally:
        if limit.active():
            limit.cancel()
