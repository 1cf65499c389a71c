"""When garbage is searched for, and what is left out."""

from __future__ import annotations

import gc
import weakref

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.collector import (
    LOOK_SECONDS,
    MANY,
    SEARCH_SECONDS,
    SETTLED_SECONDS,
    Collector,
)


class Circle:
    """Garbage that nobody but the collector finds."""

    def __init__(self) -> None:
        self.itself = self


class CollectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.thresholds, self.callbacks = gc.get_threshold(), len(gc.callbacks)
        self.streams = 0
        self.collector = Collector(self.clock, self.registry, lambda: self.streams)
        self.collector.startService()

    def tearDown(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.collector.stopService()))
        self.assertEqual(gc.get_threshold(), self.thresholds)
        self.assertEqual(len(gc.callbacks), self.callbacks)
        self.assertEqual(gc.get_freeze_count(), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def wait(self, seconds: float) -> None:
        self.clock.pump([LOOK_SECONDS] * round(seconds / LOOK_SECONDS))

    def left_out(self) -> float:
        return self.registry.get_sample_value("tvmon_gc_left_out") or 0

    def circle(self) -> weakref.ref[Circle]:
        circle = Circle()
        return weakref.ref(circle)

    def test_what_is_new_is_searched_once_in_a_while(self) -> None:
        gone = self.circle()
        self.wait(SEARCH_SECONDS + LOOK_SECONDS)
        self.assertIsNone(gone())
        self.assertGreater(self.registry.get_sample_value("tvmon_gc_seconds_count") or 0, 0)

    def test_what_is_there_when_many_streams_came_is_left_out_at_once(self) -> None:
        before = self.left_out()
        kept = [Circle() for _ in range(100)]
        self.streams = MANY
        self.wait(LOOK_SECONDS)
        self.assertGreaterEqual(self.left_out() - before, len(kept))

    def test_a_few_more_streams_are_no_matter(self) -> None:
        self.streams = MANY - 1
        before = self.left_out()
        self.wait(5 * LOOK_SECONDS)
        self.assertEqual(self.left_out(), before)

    def test_what_they_make_later_is_left_out_once_they_have_settled(self) -> None:
        self.streams = MANY
        self.wait(LOOK_SECONDS)
        before = self.left_out()
        kept = [Circle() for _ in range(1000)]
        self.wait(SETTLED_SECONDS - LOOK_SECONDS)
        self.assertLess(self.left_out() - before, len(kept))
        self.wait(2 * LOOK_SECONDS)
        self.assertGreaterEqual(self.left_out() - before, len(kept) / 2)

    def test_all_is_searched_when_half_of_the_streams_have_gone(self) -> None:
        circle = Circle()
        gone = weakref.ref(circle)
        self.streams = MANY
        self.wait(LOOK_SECONDS)
        del circle
        self.wait(SEARCH_SECONDS + LOOK_SECONDS)
        self.assertIsNotNone(gone(), "it is left out")
        self.streams = MANY // 2 - 1
        self.wait(LOOK_SECONDS)
        self.assertIsNone(gone())
