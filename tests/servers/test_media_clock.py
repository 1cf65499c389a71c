"""How far a stream runs behind, by two clocks."""

from __future__ import annotations

from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from tvmon.servers.media_clock import MediaClock, moved


def delays(*times: tuple[int, int], publisher: str = "7") -> list[int]:
    clock: MediaClock | None = None
    found = []
    for time_ms, timestamp_ms in times:
        clock = moved(clock, publisher, time_ms, timestamp_ms)
        found.append(clock.delay_ms)
    return found


class MediaClockTests(TestCase):
    def test_where_it_begins_is_no_delay(self) -> None:
        self.assertEqual(delays((1000, 90_000_000), (4000, 90_003_000)), [0, 0])

    def test_a_stall_is_a_delay_that_grows(self) -> None:
        self.assertEqual(delays((0, 5), (10_000, 10_005), (13_000, 10_005)), [0, 0, 2999])

    def test_a_backlog_that_came_is_none(self) -> None:
        self.assertEqual(delays((0, 5), (9000, 5), (9500, 9505))[-1], 0)

    def test_a_stream_that_begins_with_a_backlog_has_it_behind_it(self) -> None:
        self.assertEqual(delays((0, 5), (1000, 5005), (2000, 6005), (3000, 6005)), [0, 0, 0, 1000])

    def test_the_media_time_wraps(self) -> None:
        wrap = 2**32
        self.assertEqual(delays((0, wrap - 1000), (3000, 2000), (6000, 4000)), [0, 0, 999])

    def test_a_new_clock_in_the_encoder_begins_anew(self) -> None:
        back = delays((0, 500_000), (3000, 503_000), (6000, 1000), (9000, 4000))
        self.assertEqual(back, [0, 0, 0, 0])
        forth = delays((0, 1000), (3000, 4000), (6000, 907_000), (9000, 910_000))
        self.assertEqual(forth, [0, 0, 0, 0])

    def test_a_leap_there_and_back_leaves_no_delay(self) -> None:
        self.assertEqual(
            delays((0, 1000), (3000, 64_000), (6000, 7000), (9000, 10_000)), [0, 0, 0, 0]
        )

    def test_a_slow_clock_is_no_delay(self) -> None:
        times = [(ms, round(ms * 0.9999)) for ms in range(0, 86_400_000, 60_000)]
        self.assertLessEqual(max(delays(*times)), 1)

    def test_a_new_publisher_begins_anew(self) -> None:
        clock = moved(moved(None, "7", 0, 5), "7", 9000, 5)
        self.assertGreater(clock.delay_ms, 8000)
        self.assertEqual(moved(clock, "8", 100, 77).delay_ms, 0)
        self.assertEqual(moved(clock, "7", 100, 77).delay_ms, 0)  # the number is used again

    @given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**32 - 1)), max_size=20))
    def test_it_is_never_negative(self, times: list[tuple[int, int]]) -> None:
        self.assertTrue(all(delay >= 0 for delay in delays(*times)))
