"""
Who waits for a connection to one origin, and how many are open to it at a time.

A server that hangs is asked on as many connections as there are polls under way, and that is
right: one bad stream must not hold up the others.  But when tvmon itself was held up, thousands of
polls are due at once, and as many connections would be opened to a server that could answer all
of them on a few; opening them holds tvmon up again, and so on.  So beyond some connections a
request waits for one that comes back, which takes a millisecond where the server answers at all;
and where none comes back for a while, more are opened, a few at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

AT_ONCE = 64
"""Requests to one origin that get a connection of their own at once."""

PATIENCE_SECONDS = 0.05
"""How long one more waits for a connection that comes back."""

MORE_AT_ONCE = 32
"""How many of those that waited in vain get a connection of their own at a time."""


class Queue:
    """
    The requests to one origin that have a connection, and those that wait for one.

    :param serve: called in a turn of its own when there may be something for those who wait
    :ivar lent: connections that serve a request, or are being opened for one
    """

    __slots__ = ("_allowed", "_clock", "_serve", "_serving", "_timer", "_waiting", "lent")

    def __init__(self, clock: IReactorTime, serve: Callable[[], None]) -> None:
        self._clock, self._serve = clock, serve
        self._allowed = AT_ONCE
        self._waiting: deque[tuple[float, Deferred[None]]] = deque()
        self._timer: IDelayedCall | None = None
        self._serving: IDelayedCall | None = None
        self.lent = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether one more has to wait."""
        return bool(self._waiting) or not self.may_open

    @property
    def may_open(self) -> bool:
        """Whether one more may be opened."""
        return self.lent < self._allowed

    def wait(self) -> Deferred[None]:
        """Fires when there is a connection to be had, or one may be opened."""
        waiter: Deferred[None] = Deferred(self._leave)
        self._waiting.append((self._clock.seconds(), waiter))
        if self._timer is None:
            self._timer = self._clock.callLater(PATIENCE_SECONDS, self._lose_patience)
        return waiter

    def returned(self) -> None:
        """A connection that was lent is idle, or gone."""
        self.lent -= 1
        if not self.lent:
            self._allowed = AT_ONCE
        if self._waiting and self._serving is None:
            self._serving = self._clock.callLater(0, self._serve_now)

    def next(self) -> None:
        """It is the turn of the one that waits for longest."""
        _, waiter = self._waiting.popleft()
        if not self._waiting:
            self._rest()
        waiter.callback(None)

    def close(self) -> None:
        """Nothing is waited for any more."""
        self._rest()
        for _, waiter in list(self._waiting):
            waiter.cancel()

    def _serve_now(self) -> None:
        self._serving = None
        self._serve()

    def _lose_patience(self) -> None:
        self._timer = None
        over = self._clock.seconds() - PATIENCE_SECONDS
        for _ in range(MORE_AT_ONCE):
            if not self._waiting or self._waiting[0][0] > over:
                break
            self._allowed = max(self._allowed, self.lent + 1)
            self.next()
        if self._waiting and self._timer is None:
            self._timer = self._clock.callLater(PATIENCE_SECONDS, self._lose_patience)

    def _leave(self, waiter: Deferred[None]) -> None:
        self._waiting = deque(each for each in self._waiting if each[1] is not waiter)
        if not self._waiting:
            self._rest()

    def _rest(self) -> None:
        for call in (self._timer, self._serving):
            if call is not None:
                call.cancel()
        self._timer = self._serving = None
