"""What a stream needs: configured, declared, or learned of its own good past."""

from __future__ import annotations

from statistics import median

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.expected import (
    LEARN_SECONDS,
    LEARNED_RATES,
    NEW_NORMAL_RATES,
    Demand,
    Expected,
    Learned,
)
from tvmon.streams import Measurement

DECLARED = Measurement(stream_info_audiodatarate=64, stream_info_videodatarate=800)
LEARNED = Expected(700.0, "learned", 60.0)


def learn(learned: Learned, rates: list[float], *, good: bool = True, at: float = 0.0) -> float:
    """Take in rates, one each half minute; when the last one was, monotonic seconds."""
    for rate in rates:
        at += LEARN_SECONDS
        learned.take(at, rate, good=good)
    return at


class DemandTests(SynchronousTestCase):
    """Which of them counts."""

    def test_what_is_configured_comes_before_what_is_declared_and_that_before_the_learned(
        self,
    ) -> None:
        demand = Demand(1000, LEARNED)
        self.assertEqual(demand.expected(DECLARED), Expected(1000, "configured"))
        self.assertEqual(Demand(None, LEARNED).expected(DECLARED), Expected(864, "declared"))
        self.assertEqual(Demand(None, LEARNED).expected(Measurement()), LEARNED)
        self.assertEqual(Demand(None, LEARNED).expected(None), LEARNED)
        self.assertEqual(Demand().expected(Measurement()), Expected())

    def test_a_declared_rate_of_0_declares_nothing(self) -> None:
        nothing = Measurement(stream_info_audiodatarate=0, stream_info_videodatarate=0)
        self.assertEqual(Demand(None, LEARNED).expected(nothing), LEARNED)


class LearnedTests(SynchronousTestCase):
    """The stream's own past."""

    def test_nothing_is_expected_of_a_stream_without_a_past(self) -> None:
        self.assertEqual(Learned().expected, Expected())

    def test_one_rate_of_each_half_minute(self) -> None:
        learned = Learned()
        self.assertTrue(learned.is_due(5.0))
        learned.take(5.0, 100.0, good=True)
        self.assertFalse(learned.is_due(33.0))
        self.assertTrue(learned.is_due(35.0))

    def test_the_median_of_good_half_minutes(self) -> None:
        learned = Learned()
        learn(learned, [100.0, 110.0, 90.0, 400.0, 20.0])
        self.assertEqual(learned.expected, Expected(100.0, "learned", 5 * LEARN_SECONDS))

    def test_a_first_half_minute_with_a_backlog_in_it_is_not_the_measure_of_the_others(
        self,
    ) -> None:
        learned = Learned()
        at = learn(learned, [1300.0])
        learn(learned, [1000.0, 1000.0], good=False, at=at)
        self.assertEqual(learned.expected.kbps, 1000.0)

    def test_what_was_not_good_is_not_learned_for_a_day(self) -> None:
        learned = Learned()
        at = learn(learned, [100.0] * 10)
        at = learn(learned, [50.0] * (NEW_NORMAL_RATES - 1), good=False, at=at)
        self.assertEqual(learned.expected.kbps, 100.0)
        learn(learned, [50.0], good=False, at=at)
        self.assertEqual(learned.expected.kbps, 50.0)

    def test_a_good_half_minute_ends_what_might_have_become_normal(self) -> None:
        learned = Learned()
        at = learn(learned, [100.0] * 10)
        at = learn(learned, [50.0] * (NEW_NORMAL_RATES - 1), good=False, at=at)
        at = learn(learned, [100.0], at=at)
        learn(learned, [50.0] * (NEW_NORMAL_RATES - 1), good=False, at=at)
        self.assertEqual(learned.expected.kbps, 100.0)

    def test_what_was_kept_over_a_restart_counts_on(self) -> None:
        before = Learned()
        learn(before, [100.0, 101.0, 102.5])
        after = Learned(before.rates)
        self.assertEqual(after.expected, before.expected)
        learn(after, [103.0])
        self.assertEqual(after.rates, (100.0, 101.0, 102.5, 103.0))

    @given(st.lists(st.floats(0.1, 1e7), min_size=1, max_size=300))
    def test_the_median_of_the_last_hour_and_no_more_memory(self, rates: list[float]) -> None:
        learned = Learned()
        learn(learned, rates)
        last = rates[-LEARNED_RATES:]
        self.assertEqual(len(learned.rates), len(last))
        found = learned.expected.kbps
        assert found is not None
        self.assertAlmostEqual(found / median(last), 1.0, places=5)
