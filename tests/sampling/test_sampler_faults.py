"""One stream's sampler, and whatever can go wrong with a poll."""

from __future__ import annotations

import asyncio
from typing import cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import ANSWER, EPOCH, GOOD, giving, lines, never, raising, stream, streams
from tests.sampling.sampler_case import SamplerCase
from tvmon.errors import BadAnswer
from tvmon.servers import Fetch, Request
from tvmon.streams import Measurement, Sample, Stream


class FaultTests(SamplerCase):
    """A sampler whose kind of media server, or fetch, does what it must not do."""

    def others_are_fine(self, wrong: str) -> None:
        """One stream goes wrong in some way, beside twenty good ones, for a minute."""
        fine = streams(20)
        self.start(stream(wrong))
        for number, one in enumerate(fine):
            self.start(one, phase=number / 20)
        self.given.pass_time(60.5)
        for one in fine:
            self.assertIn(len(self.notes.of(one.key)), (20, 21))
            self.assertEqual(set(self.notes.reasons(one.key)), {None})
        count = cast(float, self.given.value("tvmon_poll_lateness_seconds_count"))
        soon = self.given.value("tvmon_poll_lateness_seconds_bucket", le="0.1")
        self.assertEqual(soon, count, "somebody was late")
        self.assertEqual(self.given.value("tvmon_polls_skipped_total", server="farm"), 0.0)

    def test_a_silent_server_costs_its_own_stream_alone(self) -> None:
        self.fetch.waiting.add("/silent")
        self.others_are_fine("silent")
        reasons = self.notes.reasons("silent")
        self.assertEqual(reasons, ["no answer within 2.4 s"] * 20)

    def test_a_fetch_that_never_ends(self) -> None:
        self.fetch.waiting.add("/silent")
        self.fetch.is_deaf = True
        self.others_are_fine("silent")
        self.assertEqual(self.notes.reasons("silent"), ["no answer within 2.4 s"] * 20)
        silent = [asked for asked in self.fetch.asked if "silent" in asked.request.url]
        self.assertTrue(all(asked.is_aborted for asked in silent[:20]))

    def test_a_kind_that_never_ends_even_when_cancelled(self) -> None:
        self.server.behaviours["deaf"] = never
        self.others_are_fine("deaf")
        self.assertEqual(self.notes.reasons("deaf"), ["no answer within 2.4 s"] * 20)

    def test_a_kind_that_raises(self) -> None:
        self.server.behaviours["bug"] = raising(KeyError("user_key"))
        with capturedLogs() as captured:
            self.others_are_fine("bug")
        self.assertEqual(set(self.notes.reasons("bug")), {"internal error: KeyError"})
        self.assertEqual(self.polls("internal"), len(self.notes.of("bug")))
        said = lines(captured)
        self.assertEqual(len(said), 2, said)
        self.assertTrue(said[0].startswith("name of bug (farm): internal error\nTraceback"))
        self.assertEqual(said[1], "name of bug (farm): polls fail: internal error: KeyError")

    def test_a_kind_that_raises_what_only_we_may_raise(self) -> None:
        for number, error in enumerate(
            (CancelledError(), asyncio.CancelledError(), SystemExit(1), StopIteration())
        ):
            key = f"bug{number}"
            self.server.behaviours[key] = raising(error)
            self.start(stream(key))
        self.clock.advance(3.0)
        for number in range(4):
            reasons = self.notes.reasons(f"bug{number}")
            self.assertEqual(len(reasons), 2, f"bug{number}")
            self.assertTrue(str(reasons[0]).startswith("internal error: "), reasons)

    def test_a_kind_that_gives_something_else(self) -> None:
        for number, value in enumerate(({}, "total_gops: 1", 7)):
            key = f"odd{number}"
            self.server.behaviours[key] = giving(value)
            self.start(stream(key))
            self.assertEqual(self.notes.reasons(key), ["internal error: TypeError"])

    def test_a_kind_that_is_no_coroutine(self) -> None:
        self.server.behaviours["odd"] = lambda of, fetch: cast("Deferred[Measurement]", 7)
        self.start(stream("odd"))
        self.assertEqual(self.notes.reasons("odd"), ["internal error: TypeError"])

    def test_a_board_that_raises_stops_no_sampler_and_is_shown_once(self) -> None:
        noted = []

        def broken(number: int, sample: Sample) -> None:
            noted.append(sample)
            if len(noted) < 4:
                raise ZeroDivisionError

        self.patch(self.given.board, "note", broken)
        with capturedLogs() as captured:
            self.start(stream("a"))
            self.given.pass_time(15.0)
        self.assertEqual(len(noted), 6)
        self.assertEqual(len(lines(captured)), 1)
        self.assertIn("ZeroDivisionError", lines(captured)[0])

    def test_a_moment_is_not_taken_from_an_answer_that_came_too_late(self) -> None:
        """A poll that was given up answers while the next one is under way."""
        self.fetch.waiting.add("/a")
        self.fetch.is_deaf = True
        first: Deferred[None] = Deferred()
        times = 0

        async def slow_at_first(of: Stream, fetch: Fetch) -> Measurement:
            nonlocal times
            times += 1
            if times == 1:
                try:
                    await Deferred()
                except Exception:
                    await first
            await fetch(Request(of.sample_interface))
            return GOOD

        self.server.behaviours["a"] = slow_at_first
        self.start(stream("a"))
        self.clock.advance(2.65)
        self.clock.advance(0.35)
        first.callback(None)
        self.assertEqual(len(self.fetch.asked), 1, "only the second poll fetches")
        self.clock.advance(0.5)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.assertEqual(
            self.notes.of("a"),
            [
                Sample(EPOCH + 1002.65, 1002.65, None, "no answer within 2.4 s"),
                Sample(EPOCH + 1003.5, 1003.5, GOOD),
            ],
        )


class LogTests(SamplerCase):
    def test_one_line_when_polls_begin_to_fail_and_one_when_they_are_good_again(self) -> None:
        with capturedLogs() as captured:
            self.start(stream("a"))
            self.given.pass_time(10.0)
            self.fetch.refused.add("/a")
            self.given.pass_time(30.0)
            self.fetch.refused.clear()
            self.given.pass_time(10.0)
        self.assertEqual(
            lines(captured),
            [
                "name of a (farm): polls fail: connection refused",
                "name of a (farm): polls are good again, after 10 failed ones in 30 s",
            ],
        )

    def test_a_mistake_is_shown_again_after_a_good_poll(self) -> None:
        bug = raising(KeyError())
        with capturedLogs() as captured:
            self.server.behaviours["a"] = bug
            self.start(stream("a"))
            self.clock.advance(3.0)
            del self.server.behaviours["a"]
            self.clock.advance(3.0)
            self.server.behaviours["a"] = bug
            self.clock.advance(3.0)
        self.assertEqual(sum("Traceback" in line for line in lines(captured)), 2)

    def test_no_secret_of_a_url_is_logged(self) -> None:
        url = "http://joe:hunter2@media1.example/a?token=hunter2"
        self.server.behaviours["a"] = raising(BadAnswer(f"odd answer from {url}", "body"))
        self.server.behaviours["b"] = raising(ValueError(f"cannot parse {url}"))
        with capturedLogs() as captured:
            self.start(stream("a"))
            self.start(stream("b"))
        said = "\n".join(lines(captured))
        self.assertIn("http://media1.example/a?...", said)
        self.assertNotIn("hunter2", said)
        self.assertEqual(self.notes.reasons("b"), ["internal error: ValueError"])
