"""
Answers that have come, and wait for their turn to be worked through.

The reactor hands on all that has come since it looked last, in one turn: after a standstill, or
where there is more to do than the machine can, the answers of a thousand streams.  To read and
judge each of them at once would hold up whatever else is due, for a fifth of a second and more.
So what is in the sockets is read at once, which takes little and tells when an answer was
complete; and beyond some milliseconds of a turn, answers wait for the next one.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

AT_ONCE_SECONDS = 0.01
"""For how long answers are worked through as they come; twice that may fall into one turn."""

SLICE_SECONDS = 0.015
"""
For how long a turn works through those that waited.

Longer than the slice in which new polls are begun: answers first, or ever more of them wait.
"""


class Backlog:
    """Who has an answer asks for a turn, and works it through when he has it."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until = float("-inf")
        self._waiting: deque[Deferred[None]] = deque()
        # Comes when the turn is over in which it was made.
        self._next_turn: IDelayedCall | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def turn(self) -> Deferred[None] | None:
        """``None`` to go on at once, or what fires when it is the caller's turn."""
        now = self._clock.seconds()
        if now < self._until and not self._waiting:
            return None
        if self._next_turn is None:
            # This may be the turn in which the last answers were worked through, unless that was
            # some time ago: so in this turn there will be no more than this.
            if now < self._until + AT_ONCE_SECONDS:
                self._next_turn = self._clock.callLater(0, self._go_on)
            self._until = now + AT_ONCE_SECONDS
            return None
        waiter: Deferred[None] = Deferred(self._leave)
        self._waiting.append(waiter)
        return waiter

    def release(self) -> None:
        """All that wait have their turn now."""
        while self._waiting:
            self._waiting.popleft().callback(None)
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None

    def _go_on(self) -> None:
        self._next_turn = None
        if not self._waiting:
            return
        self._next_turn = self._clock.callLater(0, self._go_on)
        self._until = self._clock.seconds() + SLICE_SECONDS
        while self._waiting and self._clock.seconds() < self._until:
            self._waiting.popleft().callback(None)

    def _leave(self, waiter: Deferred[None]) -> None:
        self._waiting.remove(waiter)
