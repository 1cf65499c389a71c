"""Long work that holds nobody up: some of it at a time, with pauses for everybody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

TURN_SECONDS = 0.01
"""How long the reactor is held at a stretch."""


class Pause:
    """Lets everybody else have a turn whenever the own one has become long."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._began = clock.seconds()

    async def now_and_then(self) -> None:
        """To be called between two small parts of the work."""
        if self._clock.seconds() - self._began > TURN_SECONDS:
            await deferLater(self._clock, 0)
            self._began = self._clock.seconds()


async def side_by_side(work: Callable[[], Awaitable[None]], count: int) -> None:
    """
    Do the same work so many times at once, as where each takes from what they share.

    The first failure ends the others, and is raised.
    """

    async def one() -> None:
        await work()

    all_of_it = [Deferred.fromCoroutine(one()) for _ in range(count)]
    try:
        await gatherResults(all_of_it, consumeErrors=True)
    except BaseException as problem:
        for part in all_of_it:
            part.cancel()
        if isinstance(problem, FirstError):
            problem.subFailure.raiseException()
        raise
