"""One stream's sampler: its rhythm, what it notes, and how it changes and stops."""

from __future__ import annotations

from typing import cast

from hypothesis import given as for_any
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.sampling.fakes import ANSWER, EPOCH, GOOD, Given, lines, never, raising, stream
from tests.sampling.sampler_case import SamplerCase
from tvmon.errors import BadAnswer, Outcome
from tvmon.servers import Fetch, Request
from tvmon.streams import Measurement, Sample, Stream


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
