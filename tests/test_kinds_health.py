"""The score of streams that do not declare what they need, or are not there, or tell of media."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.expected import NO_DEMAND, Demand, Expected
from tvmon.health import Scoring, flow_kbps, judge
from tvmon.streams import Health, Level, Measurement, Pace, Presence, Sample
from tvmon.window import Window

SCORING = Scoring()
LEARNED = Demand(learned=Expected(100.0, "learned", 600.0))
ICECAST = Pace(5.0, 5.5)
HLS = Pace(9.0, 18.0)  # of segments of 6 s


def replay(
    measured: Sequence[Measurement], demand: Demand = NO_DEMAND, seconds: float = 3.0
) -> list[Health]:
    """The health after each sample, taken at this interval."""
    window, healths = Window(), []
    for index, one in enumerate(measured):
        sample = Sample(index * seconds, index * seconds, one)
        window.add(sample)
        healths.append(judge(sample, window, SCORING, demand))
    return healths


def flow(kbps: Sequence[float], pace: Pace = Pace()) -> list[Measurement]:  # noqa: B008
    """A stream that came at these rates, in one interval of 3 s each."""
    received, found = 1000, []
    for rate in kbps:
        received += int(rate * 3 * 125)
        found.append(Measurement(upstream_bytes_received=received, pace=pace))
    return found


class ExpectedTests(SynchronousTestCase):
    """Bytes, against what is expected of them; the reasons say which that was."""

    def test_without_any_expectation_it_is_good_while_it_flows(self) -> None:
        healths = replay(flow([100.0] * 20))
        self.assertEqual({h.whole.score for h in healths[1:]}, {100})
        self.assertIn("no rate is configured, declared or learned yet", healths[-1].reasons[0])

    def test_a_learned_rate(self) -> None:
        healths = replay(flow([50.0] * 20), LEARNED)
        self.assertTrue(45 <= (healths[-1].whole.score or 0) <= 60, healths[-1])
        self.assertIn("50 of 100 kbit/s came in over the last 30 s", healths[-1].reasons[0])
        self.assertEqual(
            healths[-1].reasons[1],
            "upstream: 100 kbit/s are expected, learned from 10 min of its own past",
        )

    def test_a_configured_rate_comes_before_a_declared_one(self) -> None:
        declared = [
            Measurement(upstream_bytes_received=i * 37_500, stream_info_videodatarate=1000)
            for i in range(20)
        ]
        self.assertTrue((replay(declared)[-1].whole.score or 0) < 20)
        health = replay(declared, Demand(100))[-1]
        self.assertEqual(health.whole.score, 100)
        self.assertEqual(health.reasons, ("upstream: 100 kbit/s are expected, as configured",))

    def test_without_bytes_and_media_there_is_no_score(self) -> None:
        health = replay([Measurement(clients_connected=3)] * 3)[-1]
        self.assertIsNone(health.whole.score)
        self.assertIn("does not tell what comes in", health.reasons[0])


class StallTests(SynchronousTestCase):
    """How long counters may rest depends on the kind, and on the stream's own rhythm."""

    def test_one_silent_interval_of_a_steady_counter_is_a_stall(self) -> None:
        healths = replay(flow([100.0] * 20 + [0.0]), LEARNED)
        self.assertEqual(healths[-2].whole.level, Level.GOOD)
        self.assertEqual(healths[-1].whole.score, 0)
        self.assertIn("no byte for 3.0 s", healths[-1].reasons[0])

    def test_a_counter_that_moves_each_five_seconds_is_no_stall_while_it_does(self) -> None:
        # Moved at 0, 5, 10 ...; looked at each 3 s.
        rates = [(int((i + 1) * 3 / 5) - int(i * 3 / 5)) * 100 * 5 / 3 for i in range(40)]
        self.assertIn(0.0, rates)
        healths = replay(flow(rates, ICECAST), LEARNED)
        for health in healths[3:]:
            self.assertNotEqual(health.whole.level, Level.BAD, health)

    def test_and_is_unknown_until_it_moves_for_the_first_time(self) -> None:
        healths = replay(flow([100.0, 0.0, 200.0], ICECAST))
        self.assertEqual([health.whole.level for health in healths], [None, None, Level.GOOD])
        self.assertIn("not known before more has come in", healths[1].reasons[0])
        healths = replay(flow([100.0, 0.0, 0.0], ICECAST), LEARNED)
        self.assertEqual([health.whole.level for health in healths], [None, None, Level.BAD])

    def test_and_has_stalled_at_the_second_silent_interval(self) -> None:
        healths = replay(flow([100.0] * 20 + [0.0, 0.0], ICECAST), LEARNED)
        self.assertNotEqual(healths[-2].whole.score, 0)
        self.assertEqual(healths[-1].whole.score, 0)

    def test_a_stream_that_comes_in_bursts_is_allowed_its_rhythm(self) -> None:
        # Ten seconds of media at once, each ten seconds: a relay of a playlist.
        rates = [333.0 if i % 3 == 0 else 0.0 for i in range(60)]
        healths = replay(flow(rates), LEARNED)
        for health in healths[12:]:
            self.assertNotEqual(health.whole.level, Level.BAD, health)

    def test_and_has_stalled_when_it_rests_longer_than_that(self) -> None:
        rates = [333.0 if i % 3 == 0 else 0.0 for i in range(31)] + [0.0] * 3
        healths = replay(flow(rates), LEARNED)
        self.assertEqual(healths[-1].whole.score, 0)

    def test_one_stall_does_not_excuse_the_next(self) -> None:
        rates = [100.0] * 10 + [0.0] * 4 + [100.0] * 10 + [0.0]
        self.assertEqual(replay(flow(rates), LEARNED)[-1].whole.score, 0)


class MediaTests(SynchronousTestCase):
    """A playlist tells of media and of no bytes: it must come as fast as it plays."""

    def media(self, segments: Sequence[int], pace: Pace = HLS) -> list[Health]:
        """So many new segments of 6 s in each interval of 3 s."""
        total, found = 0, []
        for count in segments:
            total += count * 6000
            found.append(Measurement(media_received_ms=total, pace=pace))
        return replay(found)

    def test_a_segment_each_six_seconds_is_good(self) -> None:
        for first in (0, 1):
            healths = self.media([(i + first) % 2 for i in range(40)])
            for health in healths[6:]:
                self.assertEqual(health.whole.level, Level.GOOD, health)
            self.assertEqual(healths[-1].reasons, ())

    def test_silence_for_three_target_durations_is_a_stall(self) -> None:
        healths = self.media([i % 2 for i in range(21)] + [0] * 6)
        self.assertEqual(healths[20].whole.level, Level.GOOD)
        self.assertEqual(healths[-1].whole.score, 0)
        self.assertIn("no segment for", healths[-1].reasons[0])
        levels = [health.whole.level for health in healths[21:]]
        self.assertEqual(levels, sorted(levels, key=lambda level: -(level or 0)))

    def test_half_as_much_media_as_plays_is_a_problem(self) -> None:
        healths = self.media([1 if i % 4 == 0 else 0 for i in range(40)])
        self.assertEqual(healths[-1].whole.level, Level.PROBLEM)
        self.assertIn("media for", healths[-1].reasons[0])

    def test_what_comes_in_segments_runs_behind_by_nature(self) -> None:
        pace = Pace(9.0, 18.0, 18.0)
        for delay_ms, wanted in ((17_000, 100), (23_000, 50), (40_000, 0)):
            found = [
                Measurement(media_received_ms=i * 3000, live_delay_ms=delay_ms, pace=pace)
                for i in range(20)
            ]
            self.assertEqual(replay(found)[-1].live_delay.score, wanted)

    def test_each_fault_takes_points_and_is_said(self) -> None:
        found = [Measurement(media_received_ms=i * 3000, pace=HLS) for i in range(20)]
        faulty = Measurement(
            media_received_ms=60_000, pace=HLS, remarks=("the sequence went back from 9 to 3",)
        )
        health = replay([*found, faulty])[-1]
        self.assertEqual(health.whole.score, 75)
        self.assertEqual(
            health.reasons[0], "upstream: the sequence went back from 9 to 3: takes 25 points"
        )


class PresenceTests(SynchronousTestCase):
    """Streams that are not there, and streams that cannot be seen."""

    def test_a_stream_that_nobody_publishes_is_bad(self) -> None:
        health = replay([*flow([100.0] * 5), Measurement(presence=Presence.ABSENT)])[-1]
        self.assertEqual((health.whole.score, health.whole.level), (0, Level.BAD))
        self.assertEqual(health.reasons, ("no stream: nobody publishes it: takes all 100 points",))

    def test_one_that_may_sleep_is_grey(self) -> None:
        measured = Measurement(presence=Presence.ABSENT, remarks=("the publisher is gone",))
        health = replay([measured], Demand(may_sleep=True))[-1]
        self.assertEqual((health.whole.score, health.whole.level), (None, None))
        self.assertEqual(health.reasons, ("asleep: the publisher is gone, and it may sleep",))

    def test_one_that_may_sleep_and_stalls_is_bad(self) -> None:
        self.assertEqual(
            replay(flow([100.0] * 9 + [0.0]), Demand(may_sleep=True))[-1].whole.score, 0
        )

    def test_an_incomplete_view_is_grey_and_says_so(self) -> None:
        unseen = Measurement(presence=Presence.UNSEEN, remarks=("worker 7 did not answer",))
        health = replay([*flow([100.0] * 5), unseen])[-1]
        self.assertEqual((health.whole.score, health.whole.level), (None, None))
        self.assertEqual(health.reasons, ("worker 7 did not answer",))

    def test_flow_is_known_again_after_it(self) -> None:
        unseen = Measurement(presence=Presence.UNSEEN)
        seen = flow([100.0] * 20)
        healths = replay([*seen[:10], unseen, *seen[11:]], LEARNED)
        self.assertEqual(healths[11].whole.level, Level.GOOD)

    @given(
        st.lists(
            st.builds(
                Measurement,
                upstream_bytes_received=st.none() | st.integers(0, 2**63 - 1),
                media_received_ms=st.none() | st.integers(0, 2**40),
                presence=st.sampled_from(Presence),
                remarks=st.lists(st.text(max_size=9), max_size=6).map(tuple),
                pace=st.builds(Pace, st.floats(0, 100), st.floats(0, 100)),
            ),
            min_size=1,
            max_size=30,
        ),
        st.builds(
            Demand,
            st.none() | st.integers(1, 10**7),
            st.builds(Expected, st.none() | st.floats(0.1, 1e7), st.just("learned")),
            st.booleans(),
        ),
    )
    def test_whatever_comes_has_a_score_in_range_or_a_reason(
        self, measured: list[Measurement], demand: Demand
    ) -> None:
        for health in replay(measured, demand):
            if health.whole.score is None:
                self.assertTrue(health.reasons)
                self.assertIsNone(health.whole.level)
            else:
                self.assertTrue(0 <= health.whole.score <= 100)


class LearningTests(SynchronousTestCase):
    """What is learned of a stream is never more than it has, however its bytes come."""

    @given(
        st.sampled_from([Pace(), Pace(3.0, 4.5), ICECAST]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.integers(10, 43),
    )
    def test_a_counter_that_moves_in_steps_is_good_by_what_was_learned_of_it(
        self, pace: Pace, phase: float, jitter: float, samples: int
    ) -> None:
        step = pace.burst_seconds
        window, learned = Window(), None
        for index in range(samples):
            at = index * 3.0 + phase * step + 0.1 * jitter * (index % 3)
            moved = int(at / step)
            measured = Measurement(upstream_bytes_received=int(moved * step * 12_500), pace=pace)
            sample = Sample(at, at, measured)
            window.add(sample)
            learned = learned or flow_kbps(window, SCORING)
            if learned is not None:
                self.assertLessEqual(learned, 100.5)
                demand = Demand(learned=Expected(learned, "learned", 30.0))
                health = judge(sample, window, SCORING, demand)
                self.assertEqual(health.whole.level, Level.GOOD, (at, learned, health))
