"""
Long work, cut into slices.

With ten thousand streams the answer to one request is a third of a second of work.  It is done
some milliseconds at a time, so that polls and other answers go on in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator, TaskStopped

SLICE_SECONDS = 0.01
"""How long all work in slices goes on before the reactor has its turn."""


class Slices:
    """Long work, done some milliseconds at a time."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._cooperator = Cooperator(self._begin, lambda tick: clock.callLater(0, tick))
        self._tasks: set[CooperativeTask[Iterator[None]]] = set()
        self._stopped = False

    async def run(self, steps: Iterator[None]) -> None:
        """Take every step; raises TaskStopped when the slices are stopped before the last."""
        if self._stopped:
            raise TaskStopped
        task = self._cooperator.cooperate(steps)
        self._tasks.add(task)
        try:
            await task.whenDone()
        finally:
            self._tasks.discard(task)

    def stop(self) -> None:
        """End all work that is under way, and begin no more."""
        self._stopped = True
        # Not the cooperator itself: its stop() skips every second task.
        for task in tuple(self._tasks):
            task.stop()

    def _begin(self) -> Callable[[], bool]:
        end = self._clock.seconds() + SLICE_SECONDS
        return lambda: self._clock.seconds() >= end
