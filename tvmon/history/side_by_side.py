"""The same work done several times at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, FirstError, gatherResults


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
