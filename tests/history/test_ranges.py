"""Boundaries, windows of the older addresses, and from which tier a period is shown."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.history.ranges import (
    MOST_ROWS,
    STANDARD_SECONDS,
    WINDOWS,
    UnknownStep,
    floored,
    tier_for,
)
from tvmon.history.times import parse_times
from tvmon.tiers import DEFAULT_TIERS, Tier

DAY = 86_400
NOW = 1_700_000_123.0
MOMENTS = st.floats(1e9, 4e9)


def moment(hour: int, minute: int, second: int = 0) -> float:
    return datetime(2017, 7, 1, hour, minute, second, tzinfo=UTC).timestamp()


class FlooredTests(SynchronousTestCase):
    """Boundaries of five minutes."""

    def test_examples(self) -> None:
        for seconds, boundary in (
            (moment(17, 22), moment(17, 20)),
            (moment(17, 25), moment(17, 25)),
            (moment(17, 24, 59), moment(17, 20)),
            (1_499_999_999, 1_499_999_700),
            (1_499_999_999.999, 1_499_999_700),
        ):
            self.assertEqual(floored(seconds), boundary)

    @given(MOMENTS)
    def test_it_is_the_last_one(self, seconds: float) -> None:
        boundary = floored(seconds)
        self.assertEqual(boundary % 300, 0)
        self.assertTrue(boundary <= seconds < boundary + 300)
        self.assertEqual(floored(boundary), boundary)


class WindowTests(SynchronousTestCase):
    """The older addresses: ``_week`` and the like."""

    def test_what_they_show(self) -> None:
        self.assertEqual(
            {
                ending: (window.seconds / DAY, window.step, window.width, window.height)
                for ending, window in WINDOWS.items()
            },
            {
                "dash": (0.5, "5m", 205, 175),
                "day": (2, "5m", 580, 203),
                "week": (14, "30m", 580, 203),
                "month": (49, "1h", 580, 203),
                "year": (270, "6h", 580, 203),
                "year2": (540, "1d", 580, 203),
            },
        )

    def test_nothing_given_ends_five_minutes_ago(self) -> None:
        begins, ends = WINDOWS["week"].period(None, None, moment(17, 22, 10))
        self.assertEqual((begins, ends), (moment(17, 15) - 14 * DAY, moment(17, 15)))

    def test_a_start_alone_is_as_long_as_the_window(self) -> None:
        start, end = parse_times("201707011722", None, NOW)
        period = WINDOWS["week"].period(start, end, NOW)
        self.assertEqual(period, (moment(17, 20), moment(17, 20) + 14 * DAY))

    def test_an_end_alone_is_as_long_as_the_window(self) -> None:
        start, end = parse_times(None, "201707011722", NOW)
        period = WINDOWS["dash"].period(start, end, NOW)
        self.assertEqual(period, (moment(5, 20), moment(17, 20)))

    def test_both_are_as_they_are_given(self) -> None:
        start, end = parse_times("201707011722", "201707011744", NOW)
        period = WINDOWS["day"].period(start, end, NOW)
        self.assertEqual(period, (moment(17, 20), moment(17, 40)))

    def test_a_period_has_at_least_five_minutes(self) -> None:
        period = WINDOWS["day"].period(moment(17, 21), moment(17, 24), NOW)
        self.assertEqual(period, (moment(17, 20), moment(17, 25)))

    def test_each_fits_into_what_its_tier_keeps(self) -> None:
        for window in WINDOWS.values():
            begins, ends = window.period(None, None, NOW)
            tier = tier_for(DEFAULT_TIERS, window.step, begins, ends, NOW)
            self.assertEqual(tier.name, window.step)


class TierTests(SynchronousTestCase):
    """From which tier a period is shown."""

    def name(self, step: str | None, days: float, ago: float | None = None) -> str:
        """The tier of so many days that began so many days ago; that end now, else."""
        start = NOW - (days if ago is None else ago) * DAY
        return tier_for(DEFAULT_TIERS, step, start, start + days * DAY, NOW).name

    def test_the_finest_with_few_enough_rows(self) -> None:
        for days, name in (
            (1, "5m"),
            (MOST_ROWS / 288, "5m"),
            (6, "30m"),
            (MOST_ROWS / 48, "30m"),
            (32, "1h"),
            (63, "6h"),
            (365, "6h"),
            (366, "1d"),
            (3000, "1d"),
        ):
            self.assertEqual(self.name(None, days), name, days)

    def test_the_finest_that_reaches_back(self) -> None:
        for ago, name in ((90, "5m"), (91, "30m"), (121, "1h"), (181, "6h"), (366, "1d")):
            self.assertEqual(self.name(None, 1, ago), name, ago)
            self.assertEqual(self.name("5m", 1, ago), name, ago)

    def test_a_step_is_never_finer_than_asked_for(self) -> None:
        self.assertEqual(self.name("1d", 1), "1d")
        self.assertEqual(self.name("6h", 60, 400), "1d")

    def test_a_step_that_is_asked_for_may_have_many_rows(self) -> None:
        self.assertEqual(self.name("5m", 90), "5m")

    def test_a_standard_step_that_is_not_kept(self) -> None:
        kept = (Tier("5m", 300, 10), Tier("2h", 7200, 100))
        for step, name in {"5m": "5m", "30m": "2h", "1h": "2h", "2h": "2h", "1d": "2h"}.items():
            self.assertEqual(tier_for(kept, step, NOW - DAY, NOW, NOW).name, name)

    def test_a_step_that_there_is_not(self) -> None:
        kept = (Tier("5m", 300, 10), Tier("2h", 7200, 100))
        for step in ("", "7m", "5M", "300", "x" * 10_000, "\n"):
            with self.assertRaises(UnknownStep) as caught:
                tier_for(kept, step, NOW - DAY, NOW, NOW)
            self.assertEqual(caught.exception.allowed, ("5m", "2h", "30m", "1h", "6h", "1d"))
            self.assertTrue(str(caught.exception).isprintable())

    @given(st.sampled_from([None, *STANDARD_SECONDS]), st.floats(0, 5000), st.floats(0.001, 5000))
    def test_it_reaches_back_wherever_one_does(
        self, step: str | None, ago: float, days: float
    ) -> None:
        start = NOW - ago * DAY
        tier = tier_for(DEFAULT_TIERS, step, start, start + days * DAY, NOW)
        finer = DEFAULT_TIERS[: DEFAULT_TIERS.index(tier)]
        self.assertTrue(tier.days >= ago or tier is DEFAULT_TIERS[-1])
        if step is not None:
            self.assertGreaterEqual(tier.seconds, STANDARD_SECONDS[step])
        for other in finer:
            too_many = step is None and days * DAY / other.seconds > MOST_ROWS * 0.999_999
            too_fine = step is not None and other.seconds < STANDARD_SECONDS[step]
            self.assertTrue(other.days < ago * 1.000_001 or too_many or too_fine)
