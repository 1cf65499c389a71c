"""
``GET /events``: server-sent events, an entry each time one changes.

A client is told of one stream at most once a second.  What it has been told is one number, the
board's revision up to which it has heard; a client that reads slowly is therefore told less
often, never of more at a time than there are streams, and nothing piles up for it.

Once a second what is new is written, and compressed for those who like that: once for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import islice

from klein import Klein
from prometheus_client import CollectorRegistry, Counter, Gauge
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall, TaskStopped
from twisted.logger import Logger
from twisted.web.server import Request

from tvmon.api.ahead import Ahead
from tvmon.api.edition import Edition
from tvmon.api.feed import Feed
from tvmon.api.listener import EVERY_SECONDS, PACKED_STEP, STEP, Listener
from tvmon.api.query import parse_arguments
from tvmon.api.refusal import busy
from tvmon.api.reply import GZIP_HEAD, accepts_gzip, packed, set_head
from tvmon.api.rooms import arguments, json_klein, shielded
from tvmon.api.slices import Slices
from tvmon.board import Board
from tvmon.entry import utc

KEEP_ALIVE_SECONDS = 15.0
"""A comment so often, for proxies that close silent connections and pages that reconnect."""

STALLED_SECONDS = 60.0
"""A client that has read nothing for so long is dropped."""

CLIENTS = 200
"""How many may listen at a time where nothing else is said."""

PAGES = 4
"""How many pages fill the connection of a client that reads again."""

RETRY_MS = 2000
"""When a browser connects again after the stream has ended."""


class Events:
    """
    The event streams of all clients.

    :param most_clients: how many clients there may be at a time
    """

    log = Logger()
    app: Klein = json_klein()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        now: Callable[[], float],
        board: Board,
        registry: CollectorRegistry,
        filled: Callable[[], Awaitable[None]],
        boot: str,
        slices: Slices,
        ahead: Ahead,
        most_clients: int = CLIENTS,
    ) -> None:
        self._clock, self._now, self._board = clock, now, board
        self._filled, self._boot = filled, boot
        self._slices, self._ahead, self._most_clients = slices, ahead, most_clients
        self._listeners: set[Listener] = set()
        self._boundary = board.revision
        self._told_at = clock.seconds() - EVERY_SECONDS
        self._next: IDelayedCall | None = None
        self._telling = False
        self._keep_alive = LoopingCall(self._keep_all_alive)
        self._keep_alive.clock = clock
        self._count = Gauge(
            "tvmon_event_clients", "Clients that listen to events", registry=registry
        )
        self._dropped = Counter(
            "tvmon_event_clients_dropped",
            f"Clients that were dropped because they read nothing for {STALLED_SECONDS:.0f} s",
            registry=registry,
        )
        self._feed = Feed(board, self._wake)

    def stop(self) -> None:
        """End every stream."""
        self._feed.stop()
        for listener in tuple(self._listeners):
            listener.end()

    @app.route("/events", methods=["GET"])
    async def events(self, request: Request) -> None:
        """Events until the client goes away."""
        given = parse_arguments(arguments(request), ["last_event_id"])
        header = request.requestHeaders.getRawHeaders(b"Last-Event-ID", [b""])[-1]
        last = header.decode("utf-8", "replace") or given.get("last_event_id", "")
        await shielded(self._filled())
        if len(self._listeners) >= self._most_clients:
            raise busy(f"as many clients listen as there may be: {self._most_clients}", 30)
        gzip = accepts_gzip(request)
        set_head(request, b"text/event-stream; charset=utf-8", gzip=gzip)
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Accel-Buffering", b"no")
        retry = b"retry: %d\n\n" % RETRY_MS
        request.write(GZIP_HEAD + packed(retry) if gzip else retry)
        if request.method == b"HEAD":
            return
        follows, heard = self._place(last)
        listener = Listener(
            request,
            feed=self._feed,
            board=self._board,
            clock=self._clock,
            boot=self._boot,
            heard=heard,
            waiting=self._wake,
            gzip=gzip,
        )
        self._join(listener, follows)
        try:
            await listener.done
        finally:
            self._leave(listener)

    def _place(self, last_event_id: str) -> tuple[str, int]:
        """What a new client is to be told, and after which revision."""
        if not last_event_id:
            return "changes", self._board.revision
        boot, _, revision = last_event_id.rpartition("-")
        if boot == self._boot and revision.isascii() and revision.isdecimal():
            heard = int(revision[:20])
            if self._feed.knows(heard):
                return "missed", heard
        return "everything", 0

    def _join(self, listener: Listener, follows: str) -> None:
        self._listeners.add(listener)
        self._count.set(len(self._listeners))
        listener.begin(self._hello(follows))
        if not self._keep_alive.running:
            self._keep_alive.start(KEEP_ALIVE_SECONDS, now=False)
        if not listener.gzip:
            self._offer(listener, self._clock.seconds())
        if listener.waits:
            self._wake()

    def _hello(self, follows: str) -> dict[str, object]:
        return {
            "boot": self._boot,
            "revision": self._board.revision,
            "streams": len(self._board),
            "time": utc(self._now()),
            "follows": follows,
        }

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        self._count.set(len(self._listeners))
        if self._listeners:
            return
        # No timer runs while nobody listens.
        self._keep_alive.stop()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _wake(self) -> None:
        """Tell the clients as soon as a second has passed since they were told."""
        if self._listeners and self._next is None and not self._telling:
            wait = self._told_at + EVERY_SECONDS - self._clock.seconds()
            self._next = self._clock.callLater(max(0.0, wait), self._tell)

    def _tell(self) -> None:
        self._next = None
        self._told_at = self._clock.seconds()
        self._telling = True
        self._ahead.asked()
        Deferred.fromCoroutine(self._tell_all(self._told_at))

    async def _tell_all(self, now: float) -> None:
        try:
            await self._slices.run(self._offers(now))
        except TaskStopped:
            return  # nobody is told any more
        except Exception:
            self.log.failure("the event clients could not be told")
        self._telling = False
        if any(listener.waits for listener in self._listeners):
            self._wake()

    def _offers(self, now: float) -> Iterator[None]:
        boundary, self._boundary = self._boundary, self._board.revision
        for listener in tuple(self._listeners):
            with self._apart(listener):
                self._catch_up(listener)
        yield from self._publish(now, gzip=False, since=boundary)
        yield from self._publish(now, gzip=True, since=0)

    def _publish(self, now: float, *, gzip: bool, since: int) -> Iterator[None]:
        """
        Offer the news to those who read them compressed, or plain.

        :param since: who has heard less far than this is told on his own
        """
        due = [each for each in self._listeners if each.gzip is gzip and each.is_due(now)]
        places = {each.heard for each in due if each.heard >= since}
        edition: Edition | None = None
        if places:
            step, pack = (PACKED_STEP, packed) if gzip else (STEP, bytes)
            edition = Edition(
                self._feed, self._board, self._boot, places=places, step=step, pack=pack
            )
            yield
            yield from self._make(edition, due)
        for listener in due:
            if not listener.done.called:
                self._offer(listener, now, edition)
            yield

    def _make(self, edition: Edition, due: Collection[Listener]) -> Iterator[None]:
        """
        Make pages before they are read, so that a turn in which many read makes none.

        Of those who do not read at the moment only the next pages, as they may never come to
        the others.
        """
        those = [each for each in due if each.heard >= edition.since]
        reading = [each.heard for each in those if each.stalled_since is None]
        for _ in edition.after(min(reading, default=edition.revision)):
            yield
        for place in {each.heard for each in those}:
            for _ in islice(edition.after(place), PAGES):
                yield

    def _offer(self, listener: Listener, now: float, edition: Edition | None = None) -> None:
        with self._apart(listener):
            self._catch_up(listener)
            if edition is not None and edition.is_for(listener.heard):
                listener.offer(now, edition)
            elif not listener.gzip:
                listener.offer(now)

    def _catch_up(self, listener: Listener) -> None:
        """Begin anew with one who has missed what nobody can tell him any more."""
        if listener.is_lost:
            listener.begin_anew(self._hello("everything"))

    def _keep_all_alive(self) -> None:
        now = self._clock.seconds()
        for listener in tuple(self._listeners):
            with self._apart(listener):
                since = listener.stalled_since
                if since is None:
                    listener.comment()
                elif now - since >= STALLED_SECONDS:
                    self._dropped.inc()
                    self.log.info("dropped an event client that did not read")
                    listener.abort()

    @contextmanager
    def _apart(self, listener: Listener) -> Iterator[None]:
        """One that fails is cut off and disturbs no other."""
        try:
            yield
        except Exception:
            self.log.failure("an event client failed and is cut off")
            listener.abort()
