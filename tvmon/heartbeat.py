"""
How long the reactor is busy at a stretch: what delays every poll and every answer.

A beat that comes late was held up by the turn before it, so its lateness is the length of that
turn but for at most one beat.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

BEAT_SECONDS = 0.01
LONG_SECONDS = 1.0
"""A turn that is worth a line in the log."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Heartbeat(Service):
    """Measures the reactor's turns, always."""

    log = Logger()

    def __init__(self, clock: IReactorTime, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._turns = Histogram(
            "tvmon_reactor_turn_seconds",
            "How long the reactor was busy at a stretch, seen from a beat every 10 ms",
            buckets=_BUCKETS,
            registry=registry,
        )
        self._longest = Gauge(
            "tvmon_reactor_longest_turn_seconds",
            "The longest stretch since the start",
            registry=registry,
        )
        self.longest = 0.0
        self._longest_lately = 0.0
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock
        self._due = 0.0
        self._done: Deferred[LoopingCall] | None = None

    def startService(self) -> None:
        """Begin to beat."""
        super().startService()
        self._due = self._clock.seconds()
        self._done = self._loop.start(BEAT_SECONDS)

    async def stopService(self) -> None:
        """Beat no more."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def longest_lately(self) -> float:
        """The longest turn since this was asked last, seconds."""
        longest, self._longest_lately = self._longest_lately, 0.0
        return longest

    def _beat(self) -> None:
        now = self._clock.seconds()
        late = max(0.0, now - self._due)
        self._due = now + BEAT_SECONDS
        self._turns.observe(late)
        self._longest_lately = max(self._longest_lately, late)
        if late > self.longest:
            self.longest = late
            self._longest.set(late)
        if late > LONG_SECONDS:
            self.log.warn("the daemon was busy or stopped for {late:.1f} s at a stretch", late=late)
