"""The measure of the reactor's turns."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tvmon.heartbeat import BEAT_SECONDS, Heartbeat


class HeartbeatTests(SynchronousTestCase):
    """Beats that come late are turns that were long."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.heartbeat = Heartbeat(self.clock, self.registry)
        self.heartbeat.startService()

    def tearDown(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.heartbeat.stopService()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def counted(self, bucket: str) -> float | None:
        return self.registry.get_sample_value("tvmon_reactor_turn_seconds_bucket", {"le": bucket})

    def test_on_time(self) -> None:
        before = self.counted("0.001") or 0
        self.clock.pump([BEAT_SECONDS] * 10)
        self.assertEqual((self.counted("0.001") or 0) - before, 10)
        self.assertLess(self.heartbeat.longest, 1e-6)

    def test_a_long_turn_is_counted_remembered_and_said(self) -> None:
        with capturedLogs() as said:
            self.clock.advance(3.0 + BEAT_SECONDS)
            self.clock.pump([BEAT_SECONDS] * 3)
        self.assertAlmostEqual(self.heartbeat.longest, 3.0)
        self.assertEqual(
            self.registry.get_sample_value("tvmon_reactor_longest_turn_seconds"),
            self.heartbeat.longest,
        )
        self.assertEqual(len(said), 1)
