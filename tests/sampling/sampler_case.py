"""What the tests of a sampler have in common."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import Given
from tvmon.sampling.sampler import Sampler
from tvmon.streams import Stream


class SamplerCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.given = Given()
        self.clock, self.fetch = self.given.clock, self.given.fetch
        self.server, self.notes = self.given.server, self.given.notes
        self.running: list[Sampler] = []

    def tearDown(self) -> None:
        for sampler in self.running:
            sampler.stop()
        self.clock.advance(10.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.given.meters.in_flight, 0)

    def start(self, of: Stream, phase: float = 0.0, interval: float = 3.0) -> Sampler:
        sampler = self.given.sampler(of, interval)
        self.running.append(sampler)
        sampler.start(phase)
        self.clock.advance(0.0)
        return sampler

    def polls(self, outcome: str) -> float | None:
        return self.given.value("tvmon_polls_total", server="farm", outcome=outcome)
