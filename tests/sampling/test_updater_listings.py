"""What an updater believes of a listing that failed, is empty, or lacks some of its streams."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import lines, refused, stream
from tests.sampling.updating import UpdaterCase, listing
from tvmon.errors import BadAnswer
from tvmon.sampling.listing import SHOWN
from tvmon.servers import Listing


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
