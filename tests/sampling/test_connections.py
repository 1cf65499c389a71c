"""The end of all connections, where one of them does not end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.connections import STOP_SECONDS, Connections


class Stuck:
    """A connection whose loss is never told, as by a TLS library that fails in the middle."""

    def __init__(self) -> None:
        self.aborted = 0

    def abort_now(self) -> None:
        self.aborted += 1


class Close(SynchronousTestCase):
    def test_is_held_up_by_nobody(self) -> None:
        clock, stuck = Clock(), Stuck()
        no_dialer: Any = None
        connections = Connections(clock, no_dialer)
        connections._all.add(stuck)  # type: ignore[arg-type]
        connections._closing.add(stuck)  # type: ignore[arg-type]
        closing = Deferred.fromCoroutine(connections.close())
        self.assertEqual(stuck.aborted, 0)
        clock.advance(STOP_SECONDS)
        self.assertEqual(stuck.aborted, 1)
        self.assertNoResult(closing)
        clock.advance(STOP_SECONDS)
        self.successResultOf(closing)
        self.assertEqual(clock.getDelayedCalls(), [])
