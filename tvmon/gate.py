"""Requests wait here until the board has been filled, or that has taken too long."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Gate:
    """Shut until it is opened, or until so long after :meth:`limit`; then open for good."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._opened: Deferred[None] = Deferred()
        self._limit: IDelayedCall | None = None

    def limit(self, seconds: float) -> None:
        """Open by itself after so long."""
        self._limit = self._clock.callLater(seconds, self.open)

    def open(self) -> None:
        """Let everybody through, those who wait and those who come."""
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
        if not self._opened.called:
            self._opened.callback(None)

    async def passed(self) -> None:
        """Return once it is open; whoever is cancelled here holds up nobody else."""
        if self._opened.called:
            return
        waiting: Deferred[None] = Deferred()

        def go(_: Any) -> None:
            if not waiting.called:
                waiting.callback(None)

        self._opened.addCallback(go)
        await waiting
