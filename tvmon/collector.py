"""
When Python looks for garbage, and at how much.

Nearly everything is freed at once when nobody refers to it any more.  What refers to itself in a
circle is not; the garbage collector finds it by walking through everything that may be garbage,
and with ten thousand streams even a walk through what came in the last second holds up the reactor
for some 30 ms, and one through everything for a third of a second.  Polls leave no circles, but
each request over HTTP does: Klein's closures refer to each other.  So what was there before a
request is left out of the search that follows it, which then takes about a millisecond.

What is missed so stays in memory: what an answer left that took long, as the metrics of so many
streams do, some 55 objects each.  That shows in time: everything is searched when there is far
more than the streams account for.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall

from tvmon.sampling.tally import Tally

SOON_SECONDS = 0.02
"""How long after a request what it left is searched."""

LONG_SECONDS = 0.1
"""After a longer request nothing is searched: too much has come meanwhile."""

COUNT_SECONDS = 1.0
"""How often is counted what there is, which takes a fraction of a millisecond."""

A_STREAM, MORE = 150, 400_000
"""
How many blocks of memory a stream accounts for, history included, and what else may come.  A block
is what one object takes, or a part of it, some dozen bytes: 400,000 are some 30 MB.  A stream of
TVie has 80 without history and 110 with it.
"""

_BUCKETS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Collector(Service):
    """
    Python's garbage collector, as a daemon with many streams can bear it.

    :param streams: how many there are
    """

    def __init__(
        self, clock: IReactorTime, registry: CollectorRegistry, streams: Callable[[], int]
    ) -> None:
        self._clock, self._streams = clock, streams
        self._spent = Tally(
            "tvmon_gc_seconds",
            "How long searches for garbage took, which hold up everything else.",
            _BUCKETS,
            registry,
        )
        Gauge(
            "tvmon_memory_blocks", "Blocks of memory that objects take.", registry=registry
        ).set_function(sys.getallocatedblocks)
        self._loop = LoopingCall(self._count)
        self._loop.clock = clock
        self._soon: IDelayedCall | None = None
        self._kept = self._kept_for = 0
        self._left_out_at = self._began = 0.0

    def startService(self) -> None:
        """From now on; what was there at the start is left out."""
        super().startService()
        gc.disable()
        gc.callbacks.append(self._watch)
        gc.freeze()
        self._keep()
        self._loop.start(COUNT_SECONDS, now=False)

    async def stopService(self) -> None:
        """Leave it as it was."""
        super().stopService()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._loop.running:
            self._loop.stop()
            gc.callbacks.remove(self._watch)
            gc.unfreeze()
            gc.enable()

    def request(self) -> Callable[[], None]:
        """To be called before a request is answered; what it returns, after that."""
        if self._soon is None:
            gc.freeze()
            self._left_out_at = self._clock.seconds()
        return self._answered

    def _answered(self) -> None:
        if self._soon is None and self.running:
            self._soon = self._clock.callLater(SOON_SECONDS, self._search)

    def _search(self) -> None:
        self._soon = None
        if self._clock.seconds() - self._left_out_at <= LONG_SECONDS:
            gc.collect(0)
        gc.freeze()

    def _count(self) -> None:
        come = max(0, self._streams() - self._kept_for)
        if sys.getallocatedblocks() > self._kept + come * A_STREAM + MORE:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._keep()

    def _keep(self) -> None:
        self._kept, self._kept_for = sys.getallocatedblocks(), self._streams()

    def _watch(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._began = self._clock.seconds()
        else:
            self._spent.observe(self._clock.seconds() - self._began)
