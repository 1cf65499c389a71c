"""The score on real recordings, on made-up streams, and its promises on anything at all."""

from __future__ import annotations

import random
import re
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.recordings import RUNS, body, needs_recordings, polls
from tvmon.health import Scoring, judge, judge_delay
from tvmon.servers.tvie import parse_sample
from tvmon.streams import Health, Level, Measurement, Sample
from tvmon.window import Window

SCORING = Scoring()


def replay(samples: list[Sample], scoring: Scoring = SCORING) -> list[Health]:
    """The health after each sample, as the board would have shown it."""
    window, healths = Window(), []
    for sample in samples:
        window.add(sample)
        healths.append(judge(sample, window, scoring))
    return healths


def recorded(run: str, first: int = 0, step: int = 1) -> list[tuple[float, Health]]:
    """A recording from its poll ``first`` on: (seconds since then, health)."""
    taken = polls(run)[first::step]
    samples = [Sample(time, time, parse_sample(body(raw))) for time, raw in taken]
    began = samples[0].at
    return [(s.at - began, h) for s, h in zip(samples, replay(samples), strict=True)]


def stream(
    shares: list[float],
    *,
    declared: int = 800,
    delay: float | None = None,
    seconds: float = 3.0,
    seed: int = 1,
) -> list[Sample]:
    """
    A stream of which this share of the declared rate came in before each sample.

    Its delay is reported afresh every fifth sample; ``delay`` is what it grows by per second.
    """
    chance = random.Random(seed)
    received, reported, samples = 0, 0, []
    for index, share in enumerate(shares):
        burst = chance.uniform(0.75, 1.25)
        received += int(declared * 125 * seconds * share * burst)
        if index % 5 == 0:
            reported = int((delay or 0.0) * index * seconds * 1000) + chance.randint(-250, 850)
        measured = Measurement(
            upstream_bytes_received=received,
            upstream_opened_count=1,
            live_delay_ms=reported,
            stream_info_audiodatarate=48,
            stream_info_videodatarate=declared - 48,
        )
        samples.append(Sample(index * seconds, index * seconds, measured))
    return samples


@needs_recordings
class RecordedTests(SynchronousTestCase):
    """What the recordings show, and a good score must tell apart."""

    def test_healthy_is_good_from_the_tenth_second_on_wherever_watching_starts(self) -> None:
        for first in range(90):
            for seconds, health in recorded("upstream_up", first):
                if seconds >= 10:
                    self.assertEqual(health.whole.level, Level.GOOD, (first, seconds, health))

    def test_healthy_is_good_at_slower_rhythms_too(self) -> None:
        for step in (2, 3, 5):
            for first in range(20):
                for seconds, health in recorded("upstream_up", first, step):
                    if seconds >= 10:
                        self.assertEqual(health.whole.level, Level.GOOD, (step, first, seconds))

    def test_the_more_comes_in_the_better_the_mean(self) -> None:
        order = [run for run in RUNS if run != "upstream_down"]
        means = [
            mean(h.whole.score for _, h in recorded(run) if h.whole.score is not None)
            for run in order
        ]
        self.assertEqual(means, sorted(means))
        self.assertEqual(len(set(means)), len(means))

    def test_starved_to_5_is_bad(self) -> None:
        for seconds, health in recorded("upstream_limit_5k"):
            if seconds > 0:
                self.assertEqual(health.whole.level, Level.BAD, (seconds, health))

    def test_starved_to_60_is_never_good_after_half_a_minute_wherever_watching_starts(self) -> None:
        for first in range(0, 85, 3):
            for seconds, health in recorded("upstream_limit_60k", first):
                if seconds > 30:
                    self.assertLess(health.whole.level or 0, Level.GOOD, (first, seconds, health))

    def test_no_upstream_is_zero_with_a_reason(self) -> None:
        for _, health in recorded("upstream_down"):
            self.assertEqual(health.whole.score, 0)
            self.assertEqual((health.upstream.score, health.live_delay.score), (0, 0))
            self.assertIn("no stream", health.reasons[0])


class MadeUpTests(SynchronousTestCase):
    """Streams that no recording holds."""

    def test_a_light_scene_whose_delay_stays_is_good_once_the_delay_has_been_seen(self) -> None:
        for seed in range(50):
            healths = replay(stream([0.35] * 60, seed=seed))
            for health in healths[16:]:
                self.assertEqual(health.whole.level, Level.GOOD, (seed, health))

    def test_a_scene_that_turns_light_costs_some_points_for_45_seconds(self) -> None:
        for seed in range(50):
            healths = replay(stream([1.0] * 30 + [0.4] * 40, seed=seed))
            for health in healths[30:]:
                self.assertGreaterEqual(health.whole.score or 0, 60, (seed, health))
            for health in healths[46:]:
                self.assertEqual(health.whole.level, Level.GOOD, (seed, health))

    def test_the_same_bytes_with_a_growing_delay_are_starvation(self) -> None:
        for seed in range(50):
            healths = replay(stream([0.5] * 40, delay=0.5, seed=seed))
            for health in healths[11:]:
                self.assertLess(health.whole.level or 0, Level.GOOD, (seed, health))

    def test_starvation_of_a_healthy_stream_shows_within_fifteen_seconds(self) -> None:
        for seed in range(50):
            healths = replay(stream([1.0] * 30 + [0.4] * 6, seed=seed))
            self.assertLess(healths[35].whole.level or 0, Level.GOOD, (seed, healths[35]))

    def test_a_stall_is_bad_at_the_second_sample_without_a_byte(self) -> None:
        healths = replay(stream([1.0] * 30 + [0.0] * 3))
        self.assertEqual(healths[29].whole.level, Level.GOOD)
        self.assertEqual(healths[31].whole.level, Level.BAD)
        self.assertIn("no byte for 6.0 s", healths[31].reasons[0])

    def test_one_sample_is_not_enough_to_judge_flow(self) -> None:
        (health,) = replay(stream([1.0]))
        self.assertIsNone(health.whole.score)
        self.assertIsNone(health.whole.level)
        self.assertIn("second good sample", health.reasons[0])

    def test_a_restart_of_the_counters_is_no_starvation(self) -> None:
        before, after = stream([1.0] * 20), stream([1.0] * 20)
        moved = [Sample(s.time + 60, s.at + 60, s.measured) for s in after]
        healths = replay(before + moved)
        self.assertIsNone(healths[20].whole.score)
        for health in healths[21:]:
            self.assertNotEqual(health.whole.level, Level.BAD)
        for health in healths[24:]:
            self.assertEqual(health.whole.level, Level.GOOD)

    def test_a_failed_poll_is_zero_in_its_own_words(self) -> None:
        failed = Sample(90.0, 90.0, None, "connection refused")
        healths = replay([*stream([1.0] * 30), failed])
        self.assertEqual(healths[-1].whole.score, 0)
        self.assertEqual(healths[-1].reasons, ("connection refused: takes all 100 points",))

    def test_a_stream_good_again_after_an_outage_is_not_blamed_for_it(self) -> None:
        good = stream([1.0] * 60)
        outage = [Sample(s.time, s.at, None, "HTTP 502 Bad Gateway") for s in good[20:40]]
        healths = replay(good[:20] + outage + good[40:])
        for health in healths[41:]:
            self.assertEqual(health.whole.level, Level.GOOD)

    def test_what_the_server_does_not_tell_is_unknown_and_costs_nothing(self) -> None:
        samples = [
            Sample(
                float(i),
                float(i),
                Measurement(upstream_bytes_received=i * 100_000, stream_info_videodatarate=800),
            )
            for i in range(10)
        ]
        health = replay(samples)[-1]
        self.assertEqual(health.whole.score, 100)
        self.assertIsNone(health.live_delay.score)

    def test_only_one_delay_means_that_there_is_no_picture(self) -> None:
        for delay, words in ((999_999, "no picture"), (1_561_173, "1561 s behind")):
            finding = judge_delay(Measurement(live_delay_ms=delay), Scoring())
            self.assertEqual(finding.score, 0)
            self.assertIn(words, finding.why)

    def test_weights_and_thresholds_count(self) -> None:
        scoring = Scoring(0.5, 0.5, 10, 95, 30.0, 4000)
        samples = stream([1.0] * 20, delay=0.1)
        delayed = samples[-1].measured
        assert delayed is not None
        health = replay(samples, scoring)[-1]
        expected = int((4000 - (delayed.live_delay_ms or 0)) / 4000 * 100)
        self.assertEqual(health.live_delay.score, max(0, expected))
        self.assertEqual(health.whole.score, int(0.5 * 100 + 0.5 * max(0, expected)))


counters = st.none() | st.integers(0, 2**63 - 1)
measurements = st.builds(
    Measurement,
    upstream_bytes_received=counters,
    total_bytes_sent=counters,
    upstream_opened_count=st.none() | st.integers(0, 5),
    live_delay_ms=st.none() | st.integers(-(2**63), 2**63 - 1),
    stream_info_audiodatarate=st.none() | st.integers(0, 10**6),
    stream_info_videodatarate=st.none() | st.integers(0, 2**63 - 1),
)
steps = st.tuples(st.just(0.0) | st.floats(1e-9, 1e5), st.none() | measurements)


class PromiseTests(SynchronousTestCase):
    """What holds for any samples whatever."""

    @given(st.lists(steps, max_size=40), st.booleans())
    def test_range_and_explanation(self, taken: list, jumps: bool) -> None:
        at, samples = 0.0, []
        for step, measured in taken:
            at += step
            why = None if measured else "connection refused"
            samples.append(Sample(-at if jumps else at, at, measured, why))
        for sample, health in zip(samples, replay(samples), strict=True):
            for part in (health.whole, health.upstream, health.live_delay):
                self.assertEqual(part.score is None, part.level is None)
                if part.score is not None:
                    self.assertTrue(0 <= part.score <= 100)
                    self.assertEqual(part.level, SCORING.level(part.score))
            if health.whole.score is None:
                self.assertTrue(health.reasons)
            else:
                taken_points = re.findall(r"takes (?:all )?(\d+) point", " ".join(health.reasons))
                self.assertEqual(sum(map(int, taken_points)), 100 - health.whole.score)
            if sample.is_failed:
                self.assertEqual(health.whole.score, 0)
