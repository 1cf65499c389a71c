"""How many requests a media server is sent at a time."""

from __future__ import annotations

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.interfaces import IReactorTime

from tvmon.errors import NoAnswer
from tvmon.sampling.asking import TimedFetch
from tvmon.servers import Answer, Request


class Limit:
    """
    A fetch that lets only so many requests be under way; the others wait, in their own time.

    :param at_once: 1 or more
    """

    def __init__(self, clock: IReactorTime, fetch: TimedFetch, at_once: int) -> None:
        self._clock, self._fetch, self._at_once = clock, fetch, at_once
        self._free = DeferredSemaphore(at_once)

    async def __call__(self, request: Request, seconds: float) -> Answer:
        """Ask, within so many seconds; raises NoAnswer."""
        until = self._clock.seconds() + seconds
        turn = self._free.acquire()
        turn.addTimeout(seconds, self._clock)
        try:
            await turn
        except TookTooLong:
            raise NoAnswer(
                f"no answer within {seconds:g} s (waiting for its turn: the server is sent"
                f" {self._at_once} requests at a time)",
                "timeout",
            ) from None
        try:
            return await self._fetch(request, until - self._clock.seconds())
        finally:
            self._free.release()


def limited(clock: IReactorTime, fetch: TimedFetch, at_once: int) -> TimedFetch:
    """The fetch within that bound; 0 is no bound."""
    return Limit(clock, fetch, at_once) if at_once else fetch
