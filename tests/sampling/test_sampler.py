"""One stream's sampler: its rhythm, its deadline, what it notes, and what it survives."""

from __future__ import annotations

import asyncio
from typing import cast

from hypothesis import given as for_any
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import (
    ANSWER,
    EPOCH,
    GOOD,
    Given,
    giving,
    lines,
    never,
    raising,
    stream,
    streams,
)
from tvmon.errors import BadAnswer, Outcome
from tvmon.sampling.sampler import Sampler
from tvmon.servers import Fetch, Request
from tvmon.streams import Measurement, Sample, Stream


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


class RhythmTests(SamplerCase):
    def test_the_first_poll_comes_at_its_phase_and_then_one_each_interval(self) -> None:
        self.start(stream("a"), phase=0.5)
        self.given.pass_time(10.0)
        times = [sample.at - 1000.0 for sample in self.notes.of("a")]
        self.assertEqual(times, [1.5, 4.5, 7.5])

    @for_any(st.floats(0.0, 1.0, exclude_max=True), st.sampled_from((0.5, 3.0, 20.0)))
    def test_any_phase_lies_within_the_first_interval(self, phase: float, interval: float) -> None:
        given = Given()
        sampler = given.sampler(stream("a"), interval, seconds=0.4)
        sampler.start(phase)
        given.clock.advance(interval)
        self.assertEqual(len(given.notes.of("a")), 1)
        sampler.stop()

    def test_a_poll_that_takes_longer_than_an_interval_is_not_overlapped(self) -> None:
        later: Deferred[None] = Deferred()

        async def slow(of: Stream, fetch: Fetch) -> Measurement:
            await later
            return GOOD

        self.server.behaviours["a"] = slow
        sampler = self.given.sampler(stream("a"), interval=3.0, seconds=20.0)
        self.running.append(sampler)
        sampler.start(0.0)
        self.given.pass_time(10.0)
        self.assertEqual(self.given.meters.in_flight, 1)
        later.callback(None)
        self.given.pass_time(2.1)
        self.assertEqual(len(self.notes.of("a")), 2)
        left_out = self.given.value("tvmon_polls_skipped_total", server="farm")
        self.assertEqual(left_out, 3.0)  # those of the seconds 3, 6 and 9

    def test_a_reactor_that_comes_late_is_measured(self) -> None:
        self.start(stream("a"))
        self.clock.advance(3.4)
        self.assertAlmostEqual(
            cast(float, self.given.value("tvmon_poll_lateness_seconds_sum")), 0.4
        )
        self.clock.advance(2.6)  # on time again: the next turn is where it always was
        self.assertEqual(len(self.notes.of("a")), 3)
        self.assertAlmostEqual(
            cast(float, self.given.value("tvmon_poll_lateness_seconds_sum")), 0.4
        )

    def test_a_clock_that_jumps_costs_the_turns_between_and_no_more(self) -> None:
        self.start(stream("a"))
        self.clock.advance(3000.5)
        self.assertEqual(len(self.notes.of("a")), 2, "missed turns are not made up for")
        self.assertEqual(self.given.value("tvmon_polls_skipped_total", server="farm"), 999.0)
        self.clock.advance(2.5)
        self.assertEqual(len(self.notes.of("a")), 3)


class NoteTests(SamplerCase):
    def test_a_sample_is_of_the_moment_that_its_answer_was_complete(self) -> None:
        self.fetch.waiting.add("/a")
        self.start(stream("a"))
        self.clock.advance(0.7)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.assertEqual(self.notes.of("a"), [Sample(EPOCH + 1000.7, 1000.7, GOOD)])

    def test_what_is_done_after_the_answer_does_not_move_the_sample(self) -> None:
        more: Deferred[None] = Deferred()

        async def thinks(of: Stream, fetch: Fetch) -> Measurement:
            await fetch(Request(of.sample_interface))
            await more
            return GOOD

        self.server.behaviours["a"] = thinks
        self.start(stream("a"))
        self.clock.advance(0.5)
        more.callback(None)
        self.assertEqual(self.notes.of("a"), [Sample(EPOCH + 1000.0, 1000.0, GOOD)])

    def test_without_a_fetch_of_its_own_it_is_of_the_end(self) -> None:
        shared: Deferred[None] = Deferred()

        async def waits(of: Stream, fetch: Fetch) -> Measurement:
            await shared
            return GOOD

        self.server.behaviours["a"] = waits
        self.start(stream("a"))
        self.clock.advance(0.5)
        shared.callback(None)
        self.assertEqual(self.notes.of("a")[0].at, 1000.5)

    def test_a_wall_clock_that_jumps_moves_the_time_and_not_the_moment(self) -> None:
        self.start(stream("a"))
        self.given.wall_offset -= 86_400.0
        self.clock.advance(3.0)
        first, second = self.notes.of("a")
        self.assertEqual(second.at - first.at, 3.0)
        self.assertEqual(second.time - first.time, 3.0 - 86_400.0)

    def test_a_failure_is_noted_with_its_reason_and_counted_by_its_outcome(self) -> None:
        cases: dict[str, tuple[Outcome, str]] = {
            "a": ("http", "HTTP 502 Bad Gateway"),
            "b": ("body", 'line 4: "total_gops" is not a number'),
        }
        for key, (outcome, reason) in cases.items():
            self.server.behaviours[key] = raising(BadAnswer(reason, outcome))
            self.start(stream(key))
            self.assertEqual(self.notes.of(key), [Sample(EPOCH + 1000.0, 1000.0, None, reason)])
            self.assertEqual(self.polls(outcome), 1.0)

    def test_every_poll_is_timed(self) -> None:
        self.fetch.waiting.add("/a")
        self.start(stream("a"))
        self.clock.advance(2.4)
        self.assertEqual(self.given.value("tvmon_poll_duration_seconds_count"), 1.0)
        self.assertAlmostEqual(
            cast(float, self.given.value("tvmon_poll_duration_seconds_sum")), 2.4
        )
        self.assertEqual(self.polls("timeout"), 1.0)


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


class ChangeAndStopTests(SamplerCase):
    def test_a_new_address_is_asked_from_the_next_turn_on_at_the_same_phase(self) -> None:
        sampler = self.start(stream("a"))
        self.clock.advance(1.0)
        sampler.change(stream("a", where="media2.example"))
        self.clock.advance(2.0)
        self.assertEqual(self.fetch.urls, ["http://media1.example/a", "http://media2.example/a"])
        self.assertEqual([sample.at for sample in self.notes.of("a")], [1000.0, 1003.0])

    def test_a_poll_in_flight_survives_the_change(self) -> None:
        self.fetch.waiting.add("media1.example")
        sampler = self.start(stream("a"))
        sampler.change(stream("a", where="media2.example"))
        self.clock.advance(0.5)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.clock.advance(2.5)
        self.assertEqual([sample.at for sample in self.notes.of("a")], [1000.5, 1003.0])

    def test_stopped_before_its_phase_it_asks_nothing(self) -> None:
        sampler = self.start(stream("a"), phase=0.5)
        self.assertIsNone(sampler.stop())
        self.clock.advance(10.0)
        self.assertEqual(self.fetch.asked, [])

    def test_stopped_between_polls_it_asks_no_more(self) -> None:
        sampler = self.start(stream("a"))
        self.assertIsNone(sampler.stop())
        self.assertIsNone(sampler.stop())
        self.clock.advance(10.0)
        self.assertEqual(len(self.fetch.asked), 1)

    def test_stopped_in_a_poll_it_aborts_it_and_notes_nothing(self) -> None:
        self.fetch.waiting.add("/a")
        sampler = self.start(stream("a"))
        with capturedLogs() as captured:
            self.assertIsNone(sampler.stop())
        self.assertTrue(self.fetch.asked[0].is_aborted)
        self.assertEqual(self.notes.samples, [])
        self.assertEqual(lines(captured), [])
        self.assertEqual(self.given.value("tvmon_poll_duration_seconds_count"), 0.0)

    def test_stopped_in_a_poll_that_does_not_end_it_tells_when_it_has(self) -> None:
        self.server.behaviours["a"] = never
        sampler = self.start(stream("a"))
        ended = sampler.stop()
        assert ended is not None
        self.assertFalse(ended.called)
        self.clock.advance(2.65)
        self.assertTrue(ended.called)
        self.assertEqual(self.notes.samples, [])

    def test_stopped_by_its_own_sample(self) -> None:
        """Whoever is told of a sample may take the stream away in the same turn."""
        sampler = self.start(stream("a"), phase=0.5)
        noted = []

        def take_away(number: int, sample: Sample) -> None:
            noted.append(sample)
            self.assertIsNone(sampler.stop())

        self.patch(self.given.board, "note", take_away)
        self.clock.advance(20.0)
        self.assertEqual(len(noted), 1)
