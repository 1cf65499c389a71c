"""
When Python looks for garbage, and at how much.

Nearly everything is freed at once when nobody refers to it any more.  What refers to itself in a
circle is not, as a little of what a failed poll leaves behind; the garbage collector finds it by
walking through everything that lives, which with ten thousand streams holds up the reactor for a
tenth of a second.  Most of that lives for days: samplers, rows of the board, histories.  So what
is there when many streams have come is left out of all searches from then on, and a search walks
through what has come since: the newest sample of each stream, above all.

What is left out and falls out of use in a circle stays in memory.  That is little where streams
stay; when half of them have gone, everything is looked through again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tvmon.sampling.tally import Tally

LOOK_SECONDS = 1.0
"""How often is looked whether streams have come."""

SEARCH_SECONDS = 3600.0
"""How often what is new is searched, which with ten thousand streams may take a tenth of a second:
hardly anything is there to be found, since even a failed poll leaves next to nothing."""

SETTLED_SECONDS = 900.0
"""How long after the last streams came what they had left to make is there, too: histories."""

MANY, MORE = 500, 1.1
"""How many streams, and how much more of them than before, are worth leaving out at once."""

YOUNG, OLDER, NEVER = 50_000, 20, 1_000_000
"""
After how many more objects the youngest are searched, and after how many of such searches the
older ones, too; everything is searched when we say so.
"""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


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
            "tvmon_gc_left_out", "Objects that searches for garbage leave out.", registry=registry
        ).set_function(gc.get_freeze_count)
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._before = gc.get_threshold()
        self._known = 0
        self._grew_at: float | None = None
        self._searched_at = self._began = 0.0

    def startService(self) -> None:
        """From now on; what was there at the start is left out."""
        super().startService()
        self._before = gc.get_threshold()
        gc.callbacks.append(self._watch)
        gc.set_threshold(YOUNG, OLDER, NEVER)
        gc.freeze()
        self._searched_at = self._clock.seconds()
        self._loop.start(LOOK_SECONDS, now=False)

    async def stopService(self) -> None:
        """Leave it as it was."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
            gc.callbacks.remove(self._watch)
            gc.set_threshold(*self._before)
            gc.unfreeze()

    def _look(self) -> None:
        now, streams = self._clock.seconds(), self._streams()
        if streams >= self._known * MORE + MANY:
            gc.freeze()
            self._known, self._grew_at = streams, now
        elif streams < self._known / 2:
            gc.unfreeze()
            self._search(now)
            gc.freeze()
            self._known = streams
        elif self._grew_at is not None and now - self._grew_at >= SETTLED_SECONDS:
            gc.freeze()
            self._grew_at = None
        elif now - self._searched_at >= SEARCH_SECONDS:
            self._search(now)

    def _search(self, now: float) -> None:
        gc.collect()
        self._searched_at = now

    def _watch(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start":
            self._began = self._clock.seconds()
        else:
            self._spent.observe(self._clock.seconds() - self._began)
