"""A sleep that can be ended early."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime


class Alarm:
    """
    Wakes one sleeper, after a time or when somebody rings.

    A ring while nobody sleeps is kept, so that none is lost between two sleeps.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._sleeper: Deferred[None] | None = None
        self._rung = False

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as :meth:`ring` is called."""
        if self._rung:
            self._rung = False
            return
        sleeper = self._sleeper = Deferred[None]()
        call = self._clock.callLater(seconds, self.ring)
        try:
            await sleeper
        finally:
            if call.active():
                call.cancel()
            self._rung = False

    def ring(self) -> None:
        """End the sleep that is on, or the next one."""
        self._rung = True
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            sleeper.callback(None)
