"""What the tests of the updater have in common."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import Given, stream
from tvmon.polling import Polling
from tvmon.sampling.updater import Updater
from tvmon.servers import Listing
from tvmon.servers.watched import Watched
from tvmon.streams import Stream


def listing(*keys: str) -> Listing:
    return Listing(tuple(stream(key) for key in keys))


def running(updater: Updater) -> list[Stream]:
    """What is sampled now."""
    return [sampler.stream for sampler in updater._crew._samplers.values()]


class UpdaterCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.given = Given()
        self.clock, self.fetch = self.given.clock, self.given.fetch
        self.server, self.notes, self.board = (
            self.given.server,
            self.given.notes,
            self.given.board,
        )
        self.updater = self.new_updater()

    def tearDown(self) -> None:
        stopping = Deferred.fromCoroutine(self.updater.stopService())
        self.clock.pump([0.0] * 5 + [1.0])
        self.successResultOf(stopping)
        self.clock.advance(10.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.given.meters.in_flight, 0)

    def new_updater(self, **polling: Any) -> Updater:
        given = self.given
        return Updater(
            clock=given.clock,
            now=given.now,
            random=given.random,
            server=Watched(given.server),
            fetch=given.fetch,
            board=given.board,
            meters=given.meters,
            polling=Polling(**polling),
        )

    def start(self, *listings: Any) -> None:
        self.server.listings = list(listings)
        self.updater.startService()

    def sampled(self) -> set[str]:
        return {of.key for of in running(self.updater)}

    def on_board(self) -> set[str]:
        return {entry.stream.key for entry in self.board.entries()}

    def value(self, name: str, **labels: str) -> float | None:
        return self.given.value(name, server="farm", **labels)
