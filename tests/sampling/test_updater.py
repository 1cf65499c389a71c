"""One media server's updater: what it believes of a listing, and what becomes of its streams."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import (
    ANSWER,
    GOOD,
    Given,
    lines,
    never,
    refused,
    stream,
    streams,
)
from tvmon.errors import BadAnswer
from tvmon.polling import Polling
from tvmon.sampling.listing import SHOWN
from tvmon.sampling.slices import SLICE_SECONDS
from tvmon.sampling.updater import Updater
from tvmon.servers import Listing, Request
from tvmon.servers.watched import Watched
from tvmon.streams import Sample, Stream


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


class FailedListingTests(UpdaterCase):
    def test_it_stops_no_sampler(self) -> None:
        self.start(listing("a", "b"), BadAnswer("HTTP 502 Bad Gateway", "http"))
        self.given.pass_time(300.0)
        self.assertEqual(self.sampled(), {"a", "b"})
        self.assertEqual(len(self.notes.of("a")), 100)

    def test_it_is_asked_for_again_after_2_4_8_and_at_most_60_seconds(self) -> None:
        times: list[float] = []
        self.start(refused())
        for _ in range(400):
            if len(times) < self.server.listed:
                times.append(self.clock.seconds() - 1000.0)
            self.clock.advance(0.5)
        self.assertEqual(times, [0.0, 2.0, 6.0, 14.0, 30.0, 62.0, 122.0, 182.0])

    def test_it_is_asked_for_no_less_often_than_without_failing(self) -> None:
        self.updater = self.new_updater(listing_seconds=5.0)
        self.start(refused())
        self.given.pass_time(60.0)
        self.assertTrue(12 <= self.server.listed <= 14, self.server.listed)

    def test_after_success_the_rhythm_is_the_old_one(self) -> None:
        self.start(refused(), refused(), listing("a"))
        self.given.pass_time(7.0)
        self.assertEqual(self.server.listed, 3)
        self.assertEqual(self.sampled(), {"a"})
        self.given.pass_time(52.5)
        self.assertEqual(self.server.listed, 3)
        self.given.pass_time(1.0)
        self.assertEqual(self.server.listed, 4)
        self.server.listings = [refused()]
        self.given.pass_time(60.0)
        self.assertEqual(self.server.listed, 5)
        self.given.pass_time(2.5)
        self.assertEqual(self.server.listed, 6, "the back-off begins anew")

    def test_it_has_a_deadline_of_its_own(self) -> None:
        self.fetch.waiting.add("control")
        self.start("http://control.example/find")
        self.assertEqual(self.fetch.asked[0].seconds, 10.0)
        self.given.pass_time(10.1)
        self.assertEqual(self.value("tvmon_listings_total", outcome="timeout"), 1.0)
        self.assertEqual(
            self.updater.trouble(),
            "listing failed once, at 2023-11-14T22:30:10Z: no answer within 10 s",
        )

    def test_a_kind_that_never_ends_is_given_up(self) -> None:
        self.start(Deferred(), listing("a"))
        self.given.pass_time(12.5)
        self.assertEqual(self.sampled(), {"a"})

    def test_a_kind_that_raises_or_lists_nonsense_fails_and_is_asked_again(self) -> None:
        nonsense: list[Any] = [
            KeyError("channels"),
            SystemExit(1),
            None,
            [stream("a")],
            Listing(("a",)),  # type: ignore[arg-type] - a kind that is wrong
        ]
        with capturedLogs() as captured:
            self.start(*nonsense, listing("b"))
            self.given.pass_time(63.0)
        self.assertEqual(self.value("tvmon_listings_total", outcome="internal"), 5.0)
        self.assertEqual(self.sampled(), {"b"})
        said = lines(captured)
        self.assertEqual(sum("Traceback" in line for line in said), 3, said)
        self.assertIn("farm: listing failed: internal error: KeyError", said)

    def test_one_line_when_it_begins_to_fail_and_one_when_it_is_good_again(self) -> None:
        with capturedLogs() as captured:
            self.start(refused(), refused(), refused(), Listing(()))
            self.given.pass_time(20.0)
        self.assertEqual(
            lines(captured),
            [
                "farm: listing failed: connection refused",
                "farm: listing is good again, after 3 failed ones; 0 streams listed",
            ],
        )

    def test_no_secret_of_a_url_is_told(self) -> None:
        url = "http://joe:hunter2@control.example/find?token=hunter2"
        with capturedLogs() as captured:
            self.start(BadAnswer(f"odd answer from {url}", "body"), ValueError(url))
            self.given.pass_time(3.0)
        said = "\n".join((*lines(captured), str(self.updater.trouble())))
        self.assertIn("odd answer from http://control.example/find?...", said)
        self.assertNotIn("hunter2", said)

    def test_a_plan_that_cannot_be_followed_ends_no_loop(self) -> None:
        put = self.board.put
        self.patch(self.board, "put", lambda _: 1 / 0)
        with capturedLogs() as captured:
            self.start(listing("a"))
            self.given.pass_time(59.0)
        self.assertEqual(len(lines(captured)), 1)
        self.assertIn("ZeroDivisionError", lines(captured)[0])
        self.patch(self.board, "put", put)
        self.given.pass_time(2.0)
        self.assertEqual(self.sampled(), {"a"})


class TroubleTests(UpdaterCase):
    def test_it_is_told_until_the_listing_is_good(self) -> None:
        slow: Deferred[Listing] = Deferred()
        self.start(slow, refused(), refused(), listing("a"))
        self.assertEqual(self.updater.trouble(), "not listed yet")
        slow.errback(BadAnswer("HTTP 502 Bad Gateway", "http"))
        self.assertEqual(
            self.updater.trouble(),
            "listing failed once, at 2023-11-14T22:30:00Z: HTTP 502 Bad Gateway",
        )
        self.given.pass_time(7.0)
        self.assertEqual(
            self.updater.trouble(),
            "listing failed 3 times since 2023-11-14T22:30:00Z: connection refused",
        )
        self.given.pass_time(8.0)
        self.assertIsNone(self.updater.trouble())

    def test_the_age_of_the_listing_grows_until_a_good_one(self) -> None:
        self.start(refused(), refused(), listing("a"), refused())
        self.given.pass_time(5.0)
        self.assertEqual(self.value("tvmon_listing_age_seconds"), 5.0)
        self.given.pass_time(1.5)
        self.assertLess(self.value("tvmon_listing_age_seconds") or 99.0, 1.0)
        self.given.pass_time(100.0)
        self.assertGreater(self.value("tvmon_listing_age_seconds") or 0.0, 99.0)


class EmptyListingTests(UpdaterCase):
    empty = Listing(())

    def test_once_it_is_not_believed(self) -> None:
        with capturedLogs() as captured:
            self.start(listing("a", "b"), self.empty, listing("a", "b"))
            self.given.pass_time(70.0)
            self.assertEqual(
                self.updater.trouble(),
                "listing was empty; its 2 streams are kept until it is so again",
            )
            self.given.pass_time(60.0)
        self.assertEqual(self.sampled(), {"a", "b"})
        self.assertIsNone(self.updater.trouble())
        self.assertEqual(
            lines(captured)[1:],
            ["farm: listing is empty; 2 streams are kept until it is so again"],
        )
        self.assertEqual(self.notes.dropped, [])

    def test_twice_in_a_row_it_is_and_the_second_comes_a_whole_interval_later(self) -> None:
        self.start(listing("a"), self.empty)
        self.given.pass_time(119.5)
        self.assertEqual(self.server.listed, 2)
        self.assertEqual(self.sampled(), {"a"})
        self.given.pass_time(1.0)
        self.assertEqual(self.sampled(), set())
        self.assertEqual(self.on_board(), set())
        self.assertIsNone(self.updater.trouble())

    def test_a_failure_between_two_begins_the_count_anew(self) -> None:
        self.start(listing("a"), self.empty, refused(), self.empty, listing("a"))
        self.given.pass_time(200.0)
        self.assertEqual(self.sampled(), {"a"})
        self.assertEqual(self.notes.dropped, [])

    def test_after_adopted_streams_it_is_not_believed_once_either(self) -> None:
        self.updater.adopt([stream("a")])
        self.start(self.empty, listing("a", "b"))
        self.given.pass_time(30.0)
        self.assertEqual(self.sampled(), {"a"})
        self.given.pass_time(60.0)
        self.assertEqual(self.sampled(), {"a", "b"})

    def test_where_nothing_is_watched_it_is_no_trouble(self) -> None:
        self.start(self.empty)
        self.assertIsNone(self.updater.trouble())


class SkippedTests(UpdaterCase):
    def test_they_are_counted_and_logged_when_they_change(self) -> None:
        one = Listing((stream("a"),), ('channel "b" has no "streams"',))
        two = Listing((stream("a"),), (*one.skipped, 'channel "c" has no "server"'))
        with capturedLogs() as captured:
            self.start(one, one, two, two, listing("a"), listing("a"))
            self.given.pass_time(30.0)
            self.assertEqual(self.value("tvmon_listing_skipped"), 1.0)
            self.given.pass_time(120.0)
            self.assertEqual(self.value("tvmon_listing_skipped"), 2.0)
            self.given.pass_time(180.0)
            self.assertEqual(self.value("tvmon_listing_skipped"), 0.0)
        self.assertEqual(
            [line for line in lines(captured) if "entr" in line],
            [
                'farm: 1 entries of the listing cannot be used: channel "b" has no "streams"',
                'farm: 2 entries of the listing cannot be used: channel "c" has no "server"',
                "farm: every entry of the listing is used",
            ],
        )

    def test_those_of_the_plan_are_among_them(self) -> None:
        with capturedLogs() as captured:
            self.start(Listing((stream("a"), stream("a"))))
            self.given.pass_time(121.0)
        self.assertEqual(self.value("tvmon_listing_skipped"), 1.0)
        self.assertEqual(sum("listed twice" in line for line in lines(captured)), 1)

    def test_those_of_a_listing_without_a_usable_stream_are_told_at_once(self) -> None:
        with capturedLogs() as captured:
            self.start(Listing((), ("channel 1 has no name",)))
        self.assertIn("channel 1 has no name", lines(captured)[0])

    def test_ten_thousand_of_them_make_no_endless_line(self) -> None:
        with capturedLogs() as captured:
            self.start(Listing((), tuple(f"channel {n} has no name" for n in range(10_000))))
        self.assertLess(len(lines(captured)[0]), 100 * SHOWN)
        self.assertTrue(lines(captured)[0].endswith("; and 9980 more"))


class PartialListingTests(UpdaterCase):
    """A listing with entries that cannot be used may lack streams that are there."""

    def partial(self, *keys: str) -> Listing:
        return replace(listing(*keys), skipped=('channel "b" has no "server"',))

    def test_a_stream_that_it_lacks_once_goes_on(self) -> None:
        with capturedLogs() as captured:
            self.start(listing("a", "b"), self.partial("a", "c"), listing("a", "b", "c"))
            self.given.pass_time(70.0)
            self.assertEqual(self.sampled(), {"a", "b", "c"})
            self.assertEqual(
                self.updater.trouble(),
                "listing had entries that cannot be used and lacked 1 streams, which are kept"
                " until it lacks them again",
            )
            self.given.pass_time(60.0)
        self.assertEqual(self.sampled(), {"a", "b", "c"})
        self.assertIsNone(self.updater.trouble())
        self.assertEqual(self.notes.dropped, [])
        said = [line for line in lines(captured) if "lacks" in line]
        self.assertEqual(
            said,
            [
                "farm: listing lacks 1 streams, and has entries that cannot be used; the streams"
                " are kept until it lacks them again"
            ],
        )

    def test_one_that_it_lacks_twice_in_a_row_is_gone(self) -> None:
        self.start(listing("a", "b"), self.partial("a"))
        self.given.pass_time(119.0)
        self.assertEqual(self.sampled(), {"a", "b"})
        self.given.pass_time(2.0)
        self.assertEqual(self.sampled(), {"a"})
        self.assertEqual(self.on_board(), {"a"})
        self.assertIsNone(self.updater.trouble())

    def test_each_stream_has_its_own_count(self) -> None:
        self.start(listing("a", "b", "c"), self.partial("a", "b"), self.partial("a"))
        self.given.pass_time(125.0)
        self.assertEqual(self.sampled(), {"a", "b"})

    def test_a_good_one_is_believed_at_once(self) -> None:
        self.start(listing("a", "b", "c"), self.partial("a", "b"), listing("a"))
        self.given.pass_time(125.0)
        self.assertEqual(self.sampled(), {"a"})

    def test_one_that_failed_or_had_it_begins_the_count_anew(self) -> None:
        for between in (refused(), self.partial("a", "b")):
            with self.subTest(between):
                self.notes.dropped.clear()
                self.updater = self.new_updater()
                self.start(listing("a", "b"), self.partial("a"), between, self.partial("a"))
                self.given.pass_time(130.0)
                self.assertEqual(self.sampled(), {"a", "b"})
                self.assertEqual(self.notes.dropped, [])
                self.successResultOf(Deferred.fromCoroutine(self.updater.stopService()))

    def test_adopted_streams_are_kept_by_it_too(self) -> None:
        self.updater.adopt([stream("a"), stream("b")])
        self.start(self.partial("a"))
        self.assertEqual(self.sampled(), {"a", "b"})


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
