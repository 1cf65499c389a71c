"""When byte counters begin anew, and why: no rate is ever negative or absurd."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.streams import Measurement, Sample, Session
from tvmon.window import MOST_RECEIVED_KBPS, Window, downstream_rates, upstream_rates

A, B = Session("server 1", "publisher 1"), Session("server 1", "publisher 2")
RESTARTED = Session("server 2", "publisher 1")


def resets(samples: Sequence[tuple[int | None, Session]], window: Window | None = None) -> list:
    """Why the counters began anew at each sample, 3 s apart."""
    window = window or Window()
    return [
        window.add(Sample(3.0 * i, 3.0 * i, Measurement(upstream_bytes_received=n, session=s)))
        for i, (n, s) in enumerate(samples)
    ]


class ResetTests(SynchronousTestCase):
    """A restart, another publisher, and a counter that is wrong are told apart."""

    def test_a_counter_that_falls_at_a_server_that_tells_nothing_is_a_restart(self) -> None:
        nothing = Session()
        self.assertEqual(resets([(5, nothing), (9, nothing), (2, nothing)])[2], "restarted")

    def test_a_counter_that_falls_under_one_publisher_is_an_error(self) -> None:
        self.assertEqual(resets([(5, A), (9, A), (2, A)]), [None, None, "error"])

    def test_a_new_publisher(self) -> None:
        self.assertEqual(resets([(5, A), (9, A), (2, B)]), [None, None, "republished"])

    def test_a_new_publisher_whose_counter_is_higher_already(self) -> None:
        window = Window()
        self.assertEqual(resets([(5, A), (9, A), (20, B)], window)[2], "republished")
        self.assertIsNone(upstream_rates(window).last_3)

    def test_a_new_server(self) -> None:
        self.assertEqual(resets([(5, A), (9, A), (20, RESTARTED)]), [None, None, "restarted"])

    def test_a_server_that_does_not_tell_this_once_is_the_same(self) -> None:
        self.assertEqual(resets([(5, A), (9, Session()), (20, A)]), [None, None, None])

    def test_a_leap_that_no_stream_makes_is_an_error(self) -> None:
        leap = MOST_RECEIVED_KBPS * 125 * 3 + 10
        window = Window()
        self.assertEqual(resets([(5, A), (5 + leap, A)], window)[1], "error")
        self.assertIsNone(upstream_rates(window).last_3)

    def test_a_reset_is_seen_behind_a_sample_that_told_nothing(self) -> None:
        self.assertEqual(resets([(5, A), (None, A), (2, A)]), [None, None, "error"])

    def test_media_that_falls_is_a_reset_too(self) -> None:
        window = Window()
        for at, media in ((0.0, 6000), (3.0, 12_000), (6.0, 0)):
            reset = window.add(Sample(at, at, Measurement(media_received_ms=media)))
        self.assertEqual(reset, "restarted")

    @given(
        st.lists(
            st.tuples(
                st.none() | st.integers(0, 2**63 - 1),
                st.none() | st.integers(0, 2**63 - 1),
                st.builds(
                    Session, st.none() | st.sampled_from("ab"), st.none() | st.sampled_from("ab")
                ),
                st.floats(0.001, 100),
            ),
            max_size=30,
        )
    )
    def test_no_rate_is_negative_or_absurd(self, taken: list) -> None:
        window, at = Window(), 0.0
        for received, sent, session, step in taken:
            at += step
            measured = Measurement(
                upstream_bytes_received=received, total_bytes_sent=sent, session=session
            )
            window.add(Sample(at, at, measured))
            for rates, most in (
                (upstream_rates(window), MOST_RECEIVED_KBPS),
                (downstream_rates(window), 10**9),
            ):
                for rate in (rates.last_3, rates.last_10, rates.last_100):
                    # Of two samples within a second the later one may bring a second's worth.
                    self.assertTrue(rate is None or 0 <= rate <= most * 1000)
