"""When garbage is searched for, and what is left out."""

from __future__ import annotations

import gc
import weakref

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.collector import A_STREAM, COUNT_SECONDS, LONG_SECONDS, MORE, SOON_SECONDS, Collector


class Circle:
    """Garbage that nobody but the collector finds."""

    def __init__(self) -> None:
        self.itself = self


class CollectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.registry = Clock(), CollectorRegistry()
        self.callbacks = len(gc.callbacks)
        self.streams = 0
        self.collector = Collector(self.clock, self.registry, lambda: self.streams)
        self.collector.startService()

    def tearDown(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.collector.stopService()))
        self.assertTrue(gc.isenabled())
        self.assertEqual(len(gc.callbacks), self.callbacks)
        self.assertEqual(gc.get_freeze_count(), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def searches(self) -> float:
        return self.registry.get_sample_value("tvmon_gc_seconds_count") or 0

    def blocks(self) -> float:
        return self.registry.get_sample_value("tvmon_memory_blocks") or 0

    def request(self) -> weakref.ref[Circle]:
        """A request, and the circle that it left."""
        after = self.collector.request()
        circle = Circle()
        after()
        return weakref.ref(circle)

    def test_what_a_request_left_is_found_soon(self) -> None:
        circle = self.request()
        self.assertIsNotNone(circle())
        self.clock.advance(SOON_SECONDS)
        self.assertIsNone(circle())

    def test_requests_one_after_the_other_need_one_search(self) -> None:
        circles = [self.request() for _ in range(10)]
        self.clock.advance(SOON_SECONDS)
        self.assertEqual([circle() for circle in circles], 10 * [None])
        self.assertEqual(self.searches(), 1)

    def test_after_a_long_request_nothing_is_searched(self) -> None:
        after = self.collector.request()
        self.clock.advance(LONG_SECONDS)
        after()
        self.clock.advance(SOON_SECONDS)
        self.assertEqual(self.searches(), 0)
        circle = self.request()
        self.clock.advance(SOON_SECONDS)
        self.assertIsNone(circle())

    def test_nothing_is_searched_that_was_there_before(self) -> None:
        old = weakref.ref(Circle())
        self.request()
        self.clock.advance(SOON_SECONDS)
        self.assertIsNotNone(old())

    def test_nothing_is_searched_where_nobody_asks(self) -> None:
        kept = [Circle() for _ in range(10_000)]
        self.clock.pump(10 * [COUNT_SECONDS])
        self.assertEqual(self.searches(), 0)
        del kept

    def test_all_is_searched_when_there_is_more_than_anything_accounts_for(self) -> None:
        old = weakref.ref(Circle())
        before = self.blocks()
        kept = [[number] for number in range(MORE // 2 + 1000)]
        self.assertGreater(self.blocks(), before + MORE)
        self.clock.advance(COUNT_SECONDS)
        self.assertIsNone(old())
        self.assertEqual(self.searches(), 1)
        self.clock.pump(10 * [COUNT_SECONDS])
        self.assertEqual(self.searches(), 1, "as much as before is no reason to search again")
        kept += [[number] for number in range(MORE // 2 + 1000)]
        self.clock.advance(COUNT_SECONDS)
        self.assertEqual(self.searches(), 2)

    def test_streams_account_for_what_they_keep(self) -> None:
        self.streams = 500
        kept = [[number] for number in range((self.streams * A_STREAM + MORE // 2) // 2)]
        self.clock.advance(COUNT_SECONDS)
        self.assertEqual(self.searches(), 0)
        kept += [[number] for number in range(MORE // 2)]
        self.clock.advance(COUNT_SECONDS)
        self.assertEqual(self.searches(), 1)

    def test_a_stop_forgets_a_search_that_waits(self) -> None:
        self.request()  # tearDown looks for what is left
