"""Several addresses of one host: which is tried when, and that the losers are dropped."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.dialing import STAGGER_SECONDS, _Race

ADDRESSES = ("::1", "10.0.0.1", "10.0.0.2")


class Race(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.attempts: dict[str, Deferred[Any]] = {}
        self.dropped: list[str] = []
        self.race = _Race(self.clock, ADDRESSES, self.attempt)

    def attempt(self, address: str) -> Deferred[Any]:
        self.attempts[address] = Deferred(lambda _: self.dropped.append(address))
        return self.attempts[address]

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_first_connects(self) -> None:
        self.attempts["::1"].callback("connection")
        self.assertEqual(self.successResultOf(self.race.won), "connection")
        self.assertEqual(list(self.attempts), ["::1"])

    def test_second_begins_a_little_later(self) -> None:
        self.clock.advance(STAGGER_SECONDS)
        self.assertEqual(list(self.attempts), ["::1", "10.0.0.1"])
        self.attempts["10.0.0.1"].callback("connection")
        self.assertEqual(self.successResultOf(self.race.won), "connection")
        self.assertEqual(self.dropped, ["::1"])

    def test_first_wins_in_the_end(self) -> None:
        self.clock.advance(STAGGER_SECONDS)
        self.clock.advance(STAGGER_SECONDS)
        self.clock.advance(STAGGER_SECONDS)
        self.attempts["::1"].callback("connection")
        self.assertEqual(self.successResultOf(self.race.won), "connection")
        self.assertEqual(self.dropped, ["10.0.0.1", "10.0.0.2"])

    def test_next_begins_at_once_after_a_failure(self) -> None:
        self.attempts["::1"].errback(Refused())
        self.attempts["10.0.0.1"].errback(RuntimeError())
        self.attempts["10.0.0.2"].callback("connection")
        self.assertEqual(self.successResultOf(self.race.won), "connection")

    def test_all_fail(self) -> None:
        """What the best address said counts."""
        self.attempts["::1"].errback(Refused())
        self.clock.advance(STAGGER_SECONDS)
        self.attempts["10.0.0.2"].errback(RuntimeError())
        self.assertNoResult(self.race.won)
        self.attempts["10.0.0.1"].errback(RuntimeError())
        self.failureResultOf(self.race.won, Refused)

    def test_all_fail_late(self) -> None:
        for _ in range(5):
            self.clock.advance(STAGGER_SECONDS)
        for attempt in self.attempts.values():
            self.assertNoResult(self.race.won)
            attempt.errback(Refused())
        self.failureResultOf(self.race.won, Refused)

    def test_cancelled(self) -> None:
        self.clock.advance(STAGGER_SECONDS)
        self.race.won.cancel()
        self.failureResultOf(self.race.won, CancelledError)
        self.assertEqual(self.dropped, ["::1", "10.0.0.1"])
