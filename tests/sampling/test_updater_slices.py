"""An updater of very many streams: what it does with them in one turn of the reactor."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import lines, streams
from tests.sampling.updating import UpdaterCase, listing, running
from tvmon.sampling.slices import SLICE_SECONDS
from tvmon.servers import Listing


class SliceTests(UpdaterCase):
    """Many streams at once; to put one on the board or to drop it takes a millisecond here."""

    many = 500
    cost = 0.001

    def setUp(self) -> None:
        super().setUp()
        clock, cost = self.clock, self.cost
        self.longest = 0.0

        class Busy:
            def stream_put(self, entry: object) -> None:
                clock.rightNow += cost

            stream_dropped = stream_put

            def sample_noted(self, entry: object, sample: object) -> None:
                """Costs nothing here."""

        self.board.listen(Busy())

    def turn(self) -> None:
        """One turn of a reactor: what is due at its beginning, and nothing that is due since."""
        began = self.clock.seconds()
        for call in [call for call in self.clock.calls if call.getTime() <= began]:
            if call.active():
                self.clock.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)
        self.longest = max(self.longest, self.clock.seconds() - began)

    def turns_until(self, count: int) -> int:
        for turn in range(self.many):
            if len(running(self.updater)) == count:
                return turn
            self.turn()
        raise AssertionError(f"{len(running(self.updater))} streams, not {count}")

    def test_they_come_and_go_in_slices(self) -> None:
        self.start(Listing(tuple(streams(self.many))), listing("another"))
        self.assertGreater(self.turns_until(self.many), 40)
        self.assertGreater(len(self.notes.samples), 10, "polls go on between the slices")
        self.clock.rightNow += 60.0
        self.assertGreater(self.turns_until(1), 40)
        self.assertLess(self.longest, SLICE_SECONDS + 2 * self.cost)
        self.assertEqual(self.on_board(), {"another"})

    def test_stopped_between_two_slices_it_starts_no_more(self) -> None:
        self.start(Listing(tuple(streams(self.many))))
        self.turn()
        started = len(running(self.updater))
        self.assertLess(started, 30)
        stopping = Deferred.fromCoroutine(self.updater.stopService())
        for _ in range(5):
            self.turn()
        self.successResultOf(stopping)
        self.assertEqual(len(running(self.updater)), started)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_more_polls_in_flight_than_can_be_aborted_in_a_second(self) -> None:
        self.fetch.waiting.add("media1.example")
        self.start(Listing(tuple(streams(self.many))))
        self.turns_until(self.many)
        self.given.pass_time(2.0)
        in_flight = self.given.meters.in_flight
        self.assertGreater(in_flight, 300)
        self.fetch.abort_seconds = 0.02
        self.notes.samples.clear()
        self.longest, began = 0.0, self.clock.seconds()
        with capturedLogs() as captured:
            stopping = Deferred.fromCoroutine(self.updater.stopService())
            while not stopping.called:
                self.turn()
        self.assertLess(self.clock.seconds() - began, 1.1)
        self.assertLess(self.longest, SLICE_SECONDS + 2 * self.fetch.abort_seconds)
        left = self.given.meters.in_flight
        self.assertGreater(left, 100)
        self.assertIn(f"farm: {left} polls or listings are left", lines(captured)[0])
        self.fetch.abort_seconds = 0.0
        self.clock.advance(3.0)
        self.assertEqual(self.notes.samples, [], "those that are left note nothing")

    def test_an_adoption_and_a_listing_at_the_same_time(self) -> None:
        self.updater.adopt(streams(self.many))
        self.start(Listing(tuple(streams(self.many)[: self.many // 2])))
        self.assertLess(len(running(self.updater)), 30)
        for _ in range(self.many):
            self.turn()
        self.assertEqual(len(running(self.updater)), self.many // 2)
        self.assertEqual(len(self.notes.put), self.many, "the adoption was whole")
        self.assertEqual(len(self.board), self.many // 2)
        self.assertEqual(self.value("tvmon_samplers"), self.many / 2)
