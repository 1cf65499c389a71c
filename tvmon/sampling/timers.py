"""
Very many timers on one timer of the reactor.

Ten thousand streams begin some three thousand polls a second, and each of those has two deadlines
that hardly ever pass.  A timer of the reactor takes some microseconds to make and to cancel, and
to wake the process up for one poll takes more than the poll.  So time is cut into hundredths of a
second here, and all that falls due within one of them is done together when it is over: polls
leave together, and their answers come together.  Nothing is early, and nothing is late by more.

What a process that was busy, or stopped, has missed is made up for in slices, so that a thousand
polls that are due at once do not hold up the answers to the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

TICKS = 100
"""Into how many parts a second is cut."""

SLICE_SECONDS = 0.01
"""How long the reactor is held in one go, when many are due."""

CROWDED_SECONDS = 0.002
"""The same while more is under way than can be worked through."""


@implementer(IDelayedCall)
class Timer:
    """
    A call that is to be made.

    :ivar tick: in which part of time
    """

    __slots__ = ("_args", "_do", "_of", "_time", "_was_cancelled", "tick")

    def __init__(
        self, of: Timers, time: float, do: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        self._of, self._time, self._args = of, time, args
        self._do: Callable[..., object] | None = do
        self._was_cancelled = False
        self.tick = int(time * TICKS)

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
        self._do, self._args, self._time, self.tick = do, args, time, int(time * TICKS)
        self._of.wait_for(self)

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
    :param under_way: what the calls have brought about and what still is to be worked through;
        while there is any of it, few calls are made in one go
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, under_way: Sized = ()) -> None:
        self._clock, self._under_way = clock, under_way
        # What is to be made, by its tick, and those ticks, the next one first.
        self._calls: dict[int, list[Timer]] = {}
        self._ticks: list[int] = []
        self._live = 0
        self._wakes_after: float = float("inf")
        self._wake_up: IDelayedCall | None = None
        self.seconds: Callable[[], float] = clock.seconds

    def callLater(  # noqa: N802 - Twisted's name
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002
        *args: Any,
        **more: Any,
    ) -> IDelayedCall:
        """Make a call in so many seconds, or a little later."""
        if delay <= 0 or more:
            # What is to be done at once, in slices for one, has no time to wait for company.
            return self._clock.callLater(delay, callable, *args, **more)
        timer = Timer(self, self.seconds() + delay, callable, args)
        self._live += 1
        self.wait_for(timer)
        return timer

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:  # noqa: N802 - Twisted's name
        """Those that are to be made."""
        return [
            timer
            for tick, timers in self._calls.items()
            for timer in timers
            if timer.tick == tick and timer.active()
        ]

    def wait_for(self, timer: Timer) -> None:
        """For timers: this one has a time."""
        tick = timer.tick
        timers = self._calls.get(tick)
        if timers is not None:
            timers.append(timer)
            return
        self._calls[tick] = [timer]
        heappush(self._ticks, tick)
        if tick < self._wakes_after:
            self._plan(tick)

    def one_less(self) -> None:
        """For timers: one of them was cancelled."""
        self._live -= 1
        if not self._live and self._wake_up is not None:
            self._wake_up.cancel()
            self._rest()

    def _plan(self, tick: int) -> None:
        """Wake up when this tick is over."""
        if self._wake_up is not None:
            self._wake_up.cancel()
        self._wakes_after = tick
        wait = max(0.0, (tick + 1) / TICKS - self.seconds())
        self._wake_up = self._clock.callLater(wait, self._wake)

    def _wake(self) -> None:
        # Nothing that comes in meanwhile needs to be planned for by itself.
        self._wake_up, self._wakes_after = None, float("-inf")
        now = self.seconds()
        until = now + (CROWDED_SECONDS if len(self._under_way) else SLICE_SECONDS)
        while self._ticks and (self._ticks[0] + 1) / TICKS <= now and self.seconds() < until:
            tick = heappop(self._ticks)
            timers = self._calls.pop(tick)
            done = self._make(tick, timers, until)
            if done < len(timers):
                self._calls[tick] = list(islice(timers, done, None))
                heappush(self._ticks, tick)
        self._rest()

    def _rest(self) -> None:
        """Until the next tick with anything in it that is to be made, if there is one."""
        self._wake_up, self._wakes_after = None, float("inf")
        if self._live:
            self._plan(self._ticks[0])
        else:
            self._calls.clear()
            self._ticks.clear()

    def _make(self, tick: int, timers: Sequence[Timer], until: float) -> int:
        """Make the calls of a tick until then; how many of them."""
        done = 0
        for timer in timers:
            done += 1
            if timer.tick == tick and timer.active():
                self._live -= 1
                do, args = timer.release()
                try:
                    do(*args)
                except Exception:
                    self.log.failure("a timer failed")
                if self.seconds() >= until:
                    break
        return done
