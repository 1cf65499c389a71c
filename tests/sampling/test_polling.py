"""The rhythm and the bounds of all polls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.polling import Polling


class PollingTests(SynchronousTestCase):
    def test_the_defaults_are_the_documented_ones(self) -> None:
        self.assertEqual(
            Polling(), Polling(60.0, 10.0, 3.0, 2.4, body_bytes=2**20, listing_body_bytes=2**26)
        )

    @given(st.floats(0.01, 1e5), st.floats(0.01, 0.999))
    def test_a_poll_that_is_ended_by_force_ends_before_the_next(
        self, interval: float, part: float
    ) -> None:
        polling = Polling(sampling_seconds=interval, deadline_seconds=interval * part)
        self.assertGreater(polling.grace_seconds, 0.0)
        self.assertLess(polling.deadline_seconds + polling.grace_seconds, interval)

    def test_what_makes_no_sense_is_refused_by_name(self) -> None:
        for wrong in ({"listing_seconds": 0.0}, {"body_bytes": -1}, {"sampling_seconds": 2.4}):
            with self.assertRaisesRegex(ValueError, "sampling_seconds|" + next(iter(wrong))):
                Polling(**wrong)  # type: ignore[arg-type] - a dict of mixed values
