"""The gate that requests wait at."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.gate import Gate


class GateTests(SynchronousTestCase):
    """Open, by hand or by itself."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.gate = Gate(self.clock)

    def waiting(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.gate.passed())

    def test_all_who_wait_go_on_when_it_is_opened(self) -> None:
        self.gate.limit(5)
        both = self.waiting(), self.waiting()
        self.assertNoResult(both[0])
        self.gate.open()
        self.gate.open()
        for each in (*both, self.waiting()):
            self.successResultOf(each)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_opens_by_itself(self) -> None:
        self.gate.limit(5)
        waiting = self.waiting()
        self.clock.advance(5)
        self.successResultOf(waiting)

    def test_one_who_gives_up_holds_up_nobody(self) -> None:
        first, second = self.waiting(), self.waiting()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.gate.open()
        self.successResultOf(second)
