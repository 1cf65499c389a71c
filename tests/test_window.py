"""Rates over a stream's last samples: which two are taken, and when none may be."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.streams import Measurement, Rates, Sample
from tvmon.window import (
    KEPT_SECONDS,
    WIDTH,
    Point,
    Window,
    downstream_rates,
    kbps,
    upstream_rates,
)


def window(*points: tuple[float, int | None]) -> Window:
    """A window over samples (at, bytes received = bytes sent)."""
    made = Window()
    for at, count in points:
        measured = Measurement(upstream_bytes_received=count, total_bytes_sent=count)
        made.add(Sample(at, at, measured))
    return made


class RateTests(SynchronousTestCase):
    """Kilobit a second, worked out by hand."""

    def test_three_distances(self) -> None:
        made = window(*((3.0 * n, 300_000 * n) for n in range(40)))
        self.assertEqual(upstream_rates(made), Rates(800.0, 800.0, 800.0))
        self.assertEqual(downstream_rates(made), Rates(800.0, 800.0, 800.0))

    def test_the_sample_nearest_to_the_distance_counts(self) -> None:
        made = window((0.0, 0), (2.9, 1000), (6.0, 2000), (9.1, 4000))
        rates = upstream_rates(made)
        self.assertAlmostEqual(rates.last_3 or 0, 2000 * 8 / 1000 / 3.1)
        self.assertAlmostEqual(rates.last_10 or 0, 4000 * 8 / 1000 / 9.1)
        self.assertAlmostEqual(rates.last_100 or 0, 4000 * 8 / 1000 / 9.1)

    def test_one_sample_tells_no_rate(self) -> None:
        self.assertEqual(upstream_rates(window((1.0, 5))), Rates())
        self.assertEqual(upstream_rates(window()), Rates())

    def test_a_reset_inside_the_window_hides_the_rate_until_it_is_outside(self) -> None:
        made = window((0, 900), (3, 1000), (6, 10), (9, 310))
        self.assertAlmostEqual(upstream_rates(made).last_3 or 0, 300 * 8 / 1000 / 3)
        self.assertIsNone(upstream_rates(made).last_10)

    def test_a_reset_of_either_counter_is_a_reset_of_the_server(self) -> None:
        made = Window()
        for at, received, sent in ((0, 100, 100), (3, 200, 5)):
            made.add(
                Sample(at, at, Measurement(upstream_bytes_received=received, total_bytes_sent=sent))
            )
        self.assertIsNone(upstream_rates(made).last_3)

    def test_an_outage_is_not_called_three_seconds(self) -> None:
        made = window((0, 0), (60, 6000))
        self.assertIsNone(upstream_rates(made).last_3)
        self.assertIsNone(upstream_rates(made).last_10)
        self.assertIsNotNone(upstream_rates(made).last_100)

    def test_what_the_server_does_not_tell_stays_unknown(self) -> None:
        self.assertEqual(upstream_rates(window((0, None), (3, None))), Rates())

    def test_failed_samples_add_nothing(self) -> None:
        made = window((0, 0), (3, 3000))
        made.add(Sample(6, 6, None, "connection refused"))
        self.assertEqual(len(made), 2)

    def test_two_samples_of_one_moment_are_one(self) -> None:
        made = window((0, 0), (3, 3000), (3, 3750))
        self.assertEqual(len(made), 2)
        self.assertEqual(upstream_rates(made).last_3, 10.0)

    def test_a_sample_takes_the_place_of_those_that_are_not_before_it(self) -> None:
        made = window((0, 0), (3, 3000), (6, 6000), (3, 6000), (9, 12_000))
        self.assertEqual(list(made.at), [0, 3, 9])
        self.assertEqual(upstream_rates(made).last_3, 8.0)

    def test_a_number_that_fits_nowhere_is_as_if_it_were_not_told(self) -> None:
        for number in (2**63, -(2**63), 2**200, 1.5):
            made = window((0, 1000))
            made.add(Sample(3, 3, Measurement(upstream_bytes_received=5, live_delay_ms=number)))  # type: ignore[arg-type]
            assert made.newest is not None
            self.assertEqual((made.newest.received, made.newest.delay_ms), (5, None))
            self.assertEqual(len(made.rows), 2 * WIDTH)

    def test_old_points_are_let_go(self) -> None:
        made = window(*((float(n), n) for n in range(1000)))
        self.assertLessEqual(len(made), KEPT_SECONDS + 1)

    def test_between_two_points_however_far_apart(self) -> None:
        old = Point(10.0, 1000, 0, None, None, 1)
        self.assertEqual(kbps(old, Point(510.0, 501_000, None, None, None, 1), "received"), 8.0)
        for new, counter in (
            (Point(510.0, 501_000, None, None, None, 1), "sent"),
            (Point(510.0, 501_000, 0, None, None, 2), "received"),
            (Point(10.0, 501_000, 0, None, None, 1), "received"),
        ):
            self.assertIsNone(kbps(old, new, counter), new)

    @given(
        st.lists(
            st.tuples(st.floats(0.5, 50), st.none() | st.integers(0, 10**12)),
            min_size=1,
            max_size=60,
        )
    )
    def test_a_rate_is_never_negative_and_always_between_two_of_the_samples(
        self, steps: list[tuple[float, int | None]]
    ) -> None:
        at, points = 0.0, []
        for step, count in steps:
            at += step
            points.append((at, count))
        rates = upstream_rates(window(*points))
        for rate in (rates.last_3, rates.last_10, rates.last_100):
            if rate is None:
                continue
            self.assertGreaterEqual(rate, 0)
            last_at, last = points[-1]
            assert last is not None
            candidates = [
                float(Fraction((last - count) * 8, 1000) / Fraction(last_at - earlier))
                for earlier, count in points[:-1]
                if count is not None
            ]
            self.assertTrue(any(abs(rate - c) <= 1e-6 * max(1, c) for c in candidates))
