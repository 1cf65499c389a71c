"""Long work that holds nobody up: some of it at a time, with pauses for everybody else."""

from __future__ import annotations

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
