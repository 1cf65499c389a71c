"""
Very many timers on one timer of the reactor.

Ten thousand streams begin some three thousand polls a second, and each of those has two deadlines
that hardly ever pass.  A timer of the reactor takes some microseconds to make and to cancel, and
to wake the process up for one poll takes more than the poll.  So all these timers wait in one
heap here, and whatever falls due within a hundredth of a second is done in one go: polls leave
together, and their answers come together.  Nothing is early, and nothing is late by more.

What a process that was busy, or stopped, has missed is made up for in slices, so that a thousand
polls that are due at once do not hold up the answers to the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

TICK_SECONDS = 0.01
"""How long after one wake-up the next one comes at the earliest."""

SLICE_SECONDS = 0.01
"""How long the reactor is held in one go, when many are due."""

LEAST_DEAD, MOST_DEAD = 1_000, 5
"""Cancelled timers lie about until their time comes, and are looked for only where that takes very
long: where there are some more of all timers than so many for each that is to be made."""


@implementer(IDelayedCall)
class Timer:
    """A call that is to be made."""

    __slots__ = ("_args", "_do", "_of", "_time", "_was_cancelled")

    def __init__(
        self, of: Timers, time: float, do: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self._of, self._time, self._args = of, time, args
        self._do: Callable[..., object] | None = do
        self._was_cancelled = False

    def getTime(self) -> float:  # noqa: N802 - Twisted's name
        """When it is to be made, on the clock."""
        return self._time

    def active(self) -> bool:
        """Whether it is still to be made."""
        return self._do is not None

    def cancel(self) -> None:
        """Do not make it; AlreadyCalled or AlreadyCancelled where there is nothing to cancel."""
        self.release()
        self._was_cancelled = True
        self._of.one_less()

    def reset(self, seconds: float) -> None:
        """Make it so many seconds from now instead."""
        self._move(self._of.seconds() + seconds)

    def delay(self, seconds: float) -> None:
        """Make it so many seconds later than it was to be made."""
        self._move(self._time + seconds)

    def _move(self, time: float) -> None:
        do, args = self.release()
        self._do, self._args, self._time = do, args, time
        self._of.wait_for(self)

    def active_at(self, time: float) -> bool:
        """Whether it is still to be made, and at this time."""
        return self._do is not None and self._time == time

    def release(self) -> tuple[Callable[..., object], tuple[Any, ...]]:
        """What it would have done, which it holds no longer."""
        do, args = self._do, self._args
        if do is None:
            raise AlreadyCancelled if self._was_cancelled else AlreadyCalled
        self._do, self._args = None, ()
        return do, args


@implementer(IReactorTime)
class Timers:
    """
    A clock whose timers cost little.

    :param clock: the reactor's
    """

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._live = 0
        self._woke_at = float("-inf")
        self._wakes_at = float("inf")
        self._wake_up: IDelayedCall | None = None
        self.seconds: Callable[[], float] = clock.seconds

    def callLater(  # noqa: N802 - Twisted's name
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002
        *args: Any,
        **more: Any,
    ) -> IDelayedCall:
        """Make a call in so many seconds, or up to :data:`TICK_SECONDS` later."""
        if delay <= 0 or more:
            # What is to be done at once, in slices for one, has no time to wait for company.
            return self._clock.callLater(delay, callable, *args, **more)
        timer = Timer(self, self.seconds() + delay, callable, args)
        self._live += 1
        self.wait_for(timer)
        return timer

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:  # noqa: N802 - Twisted's name
        """Those that are to be made."""
        return [timer for time, _, timer in self._waiting if timer.active_at(time)]

    def wait_for(self, timer: Timer) -> None:
        """For timers: this one has a time."""
        time = timer.getTime()
        heappush(self._waiting, (time, next(self._order), timer))
        if time < self._wakes_at:
            self._plan(time)

    def _plan(self, time: float) -> None:
        """Wake up for what is due then, but not too soon after the last time."""
        time = max(time, self._woke_at + TICK_SECONDS)
        if time >= self._wakes_at:
            return
        if self._wake_up is not None:
            self._wake_up.cancel()
        self._wakes_at = time
        self._wake_up = self._clock.callLater(max(0.0, time - self.seconds()), self._wake)

    def _wake(self) -> None:
        now = self.seconds()
        # Nothing that comes in meanwhile needs to be planned for by itself.
        self._wake_up, self._wakes_at = None, float("-inf")
        waiting, newest = self._waiting, next(self._order)
        while waiting and waiting[0][0] <= now and waiting[0][1] < newest:
            time, _, timer = heappop(waiting)
            if timer.active_at(time):
                self._live -= 1
                self._make(timer)
                if self.seconds() >= now + SLICE_SECONDS:
                    break
        while waiting and not waiting[0][2].active_at(waiting[0][0]):
            heappop(waiting)
        self._wakes_at = float("inf")
        if waiting:
            is_behind = waiting[0][0] <= now
            self._woke_at = float("-inf") if is_behind else now
            self._plan(waiting[0][0])

    def _make(self, timer: Timer) -> None:
        do, args = timer.release()
        try:
            do(*args)
        except Exception:
            self.log.failure("a timer failed")

    def one_less(self) -> None:
        """For timers: one of them was cancelled."""
        self._live -= 1
        if not self._live and self._wake_up is not None:
            self._waiting.clear()
            self._wake_up.cancel()
            self._wake_up, self._wakes_at = None, float("inf")
        elif len(self._waiting) > LEAST_DEAD + MOST_DEAD * self._live:
            # In its place: whoever is at work with the list goes on with it.
            self._waiting[:] = [each for each in self._waiting if each[2].active_at(each[0])]
            heapify(self._waiting)
