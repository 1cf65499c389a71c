"""One media server's updater: its rhythm, what becomes of its streams, and its stop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import ANSWER, lines, never, refused, stream, streams
from tests.sampling.updating import UpdaterCase, listing
from tvmon.polling import Polling
from tvmon.sampling.updater import Updater
from tvmon.servers import Listing, Request
from tvmon.servers.watched import Watched


class ListingTests(UpdaterCase):
    def test_the_first_listing_is_asked_for_at_once_and_then_one_each_minute(self) -> None:
        self.start(listing("a"))
        self.assertEqual(self.server.listed, 1)
        self.given.pass_time(59.0)
        self.assertEqual(self.server.listed, 1)
        self.given.pass_time(122.0)
        self.assertEqual(self.server.listed, 4)
        self.assertEqual(self.value("tvmon_listings_total", outcome="ok"), 4.0)

    def test_what_is_listed_is_on_the_board_and_sampled(self) -> None:
        self.start(listing("a", "b"))
        self.assertEqual(self.on_board(), {"a", "b"})
        self.assertEqual(self.value("tvmon_samplers"), 2.0)
        self.given.pass_time(9.0)
        self.assertEqual([len(self.notes.of(key)) for key in "ab"], [3, 3])

    def test_samplers_start_at_phases_of_their_own(self) -> None:
        self.start(Listing(tuple(streams(300))))
        self.given.pass_time(3.0)
        at = sorted(sample.at - 1000.0 for _, sample in self.notes.samples)
        self.assertEqual(len(at), 300)
        for third in range(3):
            self.assertTrue(60 < sum(third <= time < third + 1 for time in at) < 140, at)

    def test_what_is_new_comes_and_what_is_gone_goes(self) -> None:
        with capturedLogs() as captured:
            self.start(listing("a", "b"), listing("b", "c"))
            self.given.pass_time(70.0)
        self.assertEqual(self.on_board(), {"b", "c"})
        self.assertEqual(self.sampled(), {"b", "c"})
        self.assertEqual([gone.key for gone in self.notes.dropped], ["a"])
        self.assertEqual(self.value("tvmon_samplers"), 2.0)
        self.assertEqual(
            lines(captured),
            [
                "farm: 2 streams are new, 0 are gone, 0 are changed; 2 are sampled",
                "farm: 1 streams are new, 1 are gone, 0 are changed; 2 are sampled",
            ],
        )
        self.assertLessEqual(max(s.at for s in self.notes.of("a")), 1060.0)

    def test_what_is_gone_may_come_back_as_the_same_stream(self) -> None:
        self.start(listing("a"), listing("b"), listing("a"))
        self.given.pass_time(125.0)
        self.assertEqual(self.sampled(), {"a"})
        late = [sample for sample in self.notes.of("a") if sample.at > 1120.0]
        self.assertTrue(late)

    def test_a_new_name_and_address_go_on_without_a_gap(self) -> None:
        moved = replace(
            stream("a"), unify_name="new name", sample_interface="http://media2.example/a"
        )
        self.start(listing("a"), Listing((moved,)))
        self.given.pass_time(66.0)
        at = [sample.at for sample in self.notes.of("a")]
        self.assertEqual(len(at), 22)
        for before, after in pairwise(at):
            self.assertLessEqual(after - before, 3.0 + 1 / 16)
        entry = self.board.get(moved.mms_stream_id)
        assert entry is not None
        self.assertEqual(entry.stream, moved)
        self.assertEqual(self.fetch.urls[-1], "http://media2.example/a")
        self.assertEqual(self.notes.dropped, [])

    def test_a_listing_that_takes_its_time_overlaps_no_other(self) -> None:
        self.updater = self.new_updater(listing_seconds=5.0, listing_deadline_seconds=12.0)
        slow: Deferred[Listing] = Deferred()
        self.start(slow, listing("a"))
        self.given.pass_time(11.0)
        self.assertEqual(self.server.listed, 1)
        slow.callback(listing("a", "b"))
        self.assertEqual(self.sampled(), {"a", "b"})
        self.given.pass_time(4.5)
        self.assertEqual(self.server.listed, 2)
        self.assertEqual(self.sampled(), {"a"})

    def test_listings_have_a_fetch_of_their_own_where_one_is_given(self) -> None:
        asked: list[tuple[Request, float]] = []

        async def listing_fetch(request: Request, seconds: float) -> Any:
            asked.append((request, seconds))
            return ANSWER

        self.updater = Updater(
            clock=self.clock,
            now=self.given.now,
            random=self.given.random,
            server=Watched(self.server),
            fetch=self.fetch,
            listing_fetch=listing_fetch,
            board=self.board,
            meters=self.given.meters,
            polling=Polling(),
        )
        self.start("http://control.example/find")
        self.assertEqual(asked, [(Request("http://control.example/find"), 10.0)])
        self.assertEqual(self.fetch.asked, [])


class InFlightTests(UpdaterCase):
    def test_a_stream_that_goes_while_its_poll_is_in_flight(self) -> None:
        self.fetch.waiting.add("/a")
        self.start(listing("a", "b"), listing("b"))
        self.given.pass_time(59.0)
        count = len(self.notes.of("a"))
        self.given.pass_time(1.5)
        self.assertEqual(self.sampled(), {"b"})
        last = [asked for asked in self.fetch.asked if asked.request.url.endswith("/a")][-1]
        self.given.pass_time(10.0)
        self.assertLessEqual(len(self.notes.of("a")), count + 1)
        self.assertTrue(last.answer.called)

    def test_a_stream_that_is_renamed_while_its_poll_is_in_flight(self) -> None:
        self.fetch.waiting.add("media1.example/a")
        renamed = replace(stream("a"), unify_name="renamed")
        slow: Deferred[Listing] = Deferred()
        self.start(listing("a"), slow)
        self.given.pass_time(60.0)
        while not self.given.meters.in_flight:
            self.given.pass_time(1 / 16)
        before = len(self.notes.of("a"))
        slow.callback(Listing((renamed,)))
        self.fetch.asked[-1].answer.callback(ANSWER)
        self.assertEqual(len(self.notes.of("a")), before + 1)
        entry = self.board.get(renamed.mms_stream_id)
        assert entry is not None
        self.assertEqual(entry.stream.unify_name, "renamed")
        self.assertFalse(entry.newest is None or entry.newest.is_failed)

    def test_a_stream_that_goes_and_comes_back_while_its_old_poll_does_not_end(self) -> None:
        self.server.behaviours["a"] = never
        slow: Deferred[Listing] = Deferred()
        slower: Deferred[Listing] = Deferred()
        self.start(listing("a"), slow, slower)
        self.given.pass_time(60.0)
        while not self.given.meters.in_flight:
            self.given.pass_time(1 / 16)
        slow.callback(listing("b"))
        noted = len(self.notes.of("a"))
        self.given.pass_time(2.7)
        self.assertEqual(len(self.notes.of("a")), noted)
        self.given.pass_time(60.0)
        del self.server.behaviours["a"]
        slower.callback(listing("a"))
        self.given.pass_time(3.0)
        self.assertIsNone(self.notes.reasons("a")[-1])


class StopTests(UpdaterCase):
    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.updater.stopService())

    def test_while_listing_it_aborts_the_listing(self) -> None:
        self.fetch.waiting.add("control")
        self.start("http://control.example/find")
        with capturedLogs() as captured:
            self.successResultOf(self.stop())
        self.assertTrue(self.fetch.asked[0].is_aborted)
        self.assertEqual(lines(captured), [])
        self.assertEqual(self.value("tvmon_listings_total", outcome="internal"), 0.0)

    def test_while_it_waits_to_list_again(self) -> None:
        self.start(refused())
        self.given.pass_time(1.0)
        self.successResultOf(self.stop())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_with_a_thousand_polls_in_flight_it_aborts_them_all_and_notes_nothing(self) -> None:
        self.fetch.waiting.add("media1.example")
        self.start(Listing(tuple(streams(1_000))))
        self.given.pass_time(2.0)
        in_flight = self.given.meters.in_flight
        self.assertGreater(in_flight, 600)
        with capturedLogs() as captured:
            self.successResultOf(self.stop())
        self.assertEqual(self.given.meters.in_flight, 0)
        self.assertEqual(sum(asked.is_aborted for asked in self.fetch.asked), in_flight)
        self.assertEqual(self.notes.samples, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(lines(captured), [])
        self.assertEqual(len(self.board), 1_000, "what is watched stays on the board")

    def test_it_waits_at_most_a_second_for_polls_that_do_not_end(self) -> None:
        self.server.behaviours["s0"] = never
        self.start(Listing(tuple(streams(5))))
        while not self.given.meters.in_flight:
            self.given.pass_time(1 / 16)
        stopping = self.stop()
        self.assertNoResult(stopping)
        with capturedLogs() as captured:
            self.clock.advance(1.0)
        self.successResultOf(stopping)
        self.assertIn("1 polls or listings are left", lines(captured)[0])

    def test_twice_and_unstarted_it_is_nothing(self) -> None:
        self.successResultOf(self.stop())
        self.start(listing("a"))
        self.successResultOf(self.stop())
        self.successResultOf(self.stop())

    def test_it_is_a_service_among_others(self) -> None:
        parent = MultiService()
        self.server.listings = [listing("a")]
        self.updater.setServiceParent(parent)
        parent.startService()
        self.assertEqual(self.sampled(), {"a"})
        self.successResultOf(parent.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_its_gauges_go_and_its_counters_stay(self) -> None:
        self.start(listing("a"))
        self.given.pass_time(3.0)
        self.successResultOf(self.stop())
        for gauge in ("samplers", "listing_age_seconds", "listing_skipped"):
            self.assertIsNone(self.value(f"tvmon_{gauge}"))
        self.assertEqual(self.value("tvmon_polls_total", outcome="ok"), 1.0)
