"""How late turns are, held against a real LoopingCall."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, LoopingCall
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.turns import Turns


class TurnsTests(SynchronousTestCase):
    def test_turns_on_time(self) -> None:
        turns = Turns(3.0, first=10.0)
        for at in (10.0, 13.0, 16.0, 19.0):
            self.assertEqual(turns.begin(at), (0.0, 0))
            turns.end(at + 0.1)

    def test_a_late_start_shifts_none_of_the_turns_that_follow(self) -> None:
        turns = Turns(3.0, first=10.0)
        self.assertEqual(turns.begin(10.5), (0.5, 0))
        turns.end(10.6)
        self.assertEqual(turns.due, 13.0)
        self.assertEqual(turns.begin(13.5), (0.5, 0))

    def test_a_start_that_is_later_than_an_interval_leaves_turns_out(self) -> None:
        turns = Turns(3.0, first=10.0)
        self.assertEqual(turns.begin(17.0), (7.0, 2))

    def test_a_busy_reactor_makes_a_turn_late_and_leaves_others_out(self) -> None:
        turns = Turns(3.0, first=10.0)
        turns.begin(10.0)
        turns.end(10.1)
        self.assertEqual(turns.begin(20.0), (7.0, 2))  # due at 13; 16 and 19 are left out
        turns.end(20.1)
        self.assertEqual(turns.begin(22.0), (0.0, 0))

    def test_a_long_turn_leaves_others_out_and_makes_none_late(self) -> None:
        turns = Turns(3.0, first=10.0)
        turns.begin(10.0)
        turns.end(17.0)
        self.assertEqual(turns.begin(19.0), (0.0, 2))  # 13 and 16 are left out

    @given(
        st.sampled_from((3.0, 0.1, 1 / 3, 7.7)),
        st.floats(0.0, 1e6),
        st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 3.0)), max_size=20),
    )
    def test_every_turn_of_a_looping_call_is_counted_and_none_twice(
        self, interval: float, start: float, spans: list[tuple[float, float]]
    ) -> None:
        """However long turns take and however late they are, in parts of the interval."""
        clock = Clock()
        clock.advance(start)
        turns = Turns(interval, clock.seconds())
        seen: list[tuple[float, int]] = []
        running: list[Deferred[None]] = []

        def turn() -> Deferred[None]:
            seen.append(turns.begin(clock.seconds()))
            running.append(Deferred())
            return running[-1]

        loop = LoopingCall(turn)
        loop.clock = clock
        began = clock.seconds()
        loop.start(interval)
        for busy, idle in spans:
            if running:
                clock.advance(busy * interval)
                turns.end(clock.seconds())
                running.pop().callback(None)
            clock.advance(idle * interval)
        for late, left_out in seen:
            self.assertTrue(0.0 <= late <= 3 * interval + 1e-6, late)
            self.assertTrue(0 <= left_out <= 7, left_out)
        last = sum(1 + left_out for _, left_out in seen) - 1
        # No turn can lie in the future, and the last one that ran is what they add up to.
        self.assertTrue(began + last * interval <= clock.seconds() + 1e-6)
        self.assertEqual(last, turns._last)
