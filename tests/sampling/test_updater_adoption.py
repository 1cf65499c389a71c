"""Streams of before a restart, which an updater takes over."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import GOOD, lines, refused, stream, streams
from tests.sampling.updating import UpdaterCase, listing, running
from tvmon.servers import Listing
from tvmon.streams import Sample


class AdoptionTests(UpdaterCase):
    def test_adopted_streams_are_sampled_at_once_while_the_listing_fails(self) -> None:
        self.start(refused())
        self.updater.adopt(streams(50))
        self.given.pass_time(3.0)
        self.assertEqual({key for key, _ in self.notes.samples}, {s.key for s in streams(50)})

    def test_they_may_come_before_the_start(self) -> None:
        self.updater.adopt([stream("a")])
        self.start(refused())
        self.assertEqual(self.sampled(), {"a"})

    def test_only_those_that_come_after_the_start_are_said_to_be_from_before(self) -> None:
        with capturedLogs() as captured:
            self.updater.adopt([stream("a")])
            self.start(refused())
            self.updater.adopt([stream("a")])
            self.updater.adopt([stream("a"), stream("b"), stream("c")])
        self.assertEqual(
            [line for line in lines(captured) if "from before" in line],
            ["farm: 2 streams are known from before"],
        )

    def test_those_of_other_servers_are_left_alone(self) -> None:
        self.start(refused())
        self.updater.adopt([stream("a"), stream("b", server="another")])
        self.assertEqual(self.sampled(), {"a"})

    def test_those_that_run_already_go_on_as_they_are(self) -> None:
        self.start(refused())
        self.updater.adopt([stream("a")])
        self.updater.adopt([stream("a", where="old.example"), stream("b")])
        self.assertEqual(self.sampled(), {"a", "b"})
        self.given.pass_time(3.0)
        self.assertEqual(sorted(self.fetch.urls)[0], "http://media1.example/a")

    def test_the_first_listing_changes_and_ends_them(self) -> None:
        self.updater.adopt([stream("a", where="old.example"), stream("b")])
        self.start(listing("a", "c"))
        self.given.pass_time(3.0)
        self.assertEqual(self.sampled(), {"a", "c"})
        self.assertEqual(self.on_board(), {"a", "c"})
        self.assertEqual(
            {s.sample_interface for s in running(self.updater)},
            {s.sample_interface for s in (stream("a"), stream("c"))},
        )

    def test_after_a_believed_listing_they_come_too_late_and_leave_the_board(self) -> None:
        """The database came up late and put on the board what is gone meanwhile."""
        self.start(listing("a"))
        sample = Sample(self.given.now(), self.clock.seconds(), GOOD)
        for of in (stream("a"), stream("b")):
            self.board.restore(of, [sample])
        self.updater.adopt([stream("a"), stream("b")])
        self.assertEqual(self.sampled(), {"a"})
        self.assertEqual(self.on_board(), {"a"})
        self.assertEqual([gone.key for gone in self.notes.dropped], ["b"])

    def test_after_an_empty_listing_that_is_not_believed_they_do_not(self) -> None:
        self.start(Listing(()))
        self.updater.adopt([stream("a")])
        self.assertEqual(self.sampled(), {"a"})

    def test_a_successor_goes_on_with_the_streams_of_its_predecessor(self) -> None:
        """As on a reload with another interval."""
        self.start(listing("a", "b"), refused())
        self.given.pass_time(2.0)
        self.successResultOf(Deferred.fromCoroutine(self.updater.stopService()))
        self.updater = self.new_updater(sampling_seconds=1.0, deadline_seconds=0.8)
        self.updater.startService()
        self.updater.adopt([entry.stream for entry in self.board.entries()])
        self.assertEqual(self.sampled(), {"a", "b"})
        self.assertEqual(self.notes.dropped, [])
        self.assertEqual(self.value("tvmon_samplers"), 2.0)
        self.notes.samples.clear()
        self.given.pass_time(10.0)
        self.assertEqual(len(self.notes.samples), 20)
