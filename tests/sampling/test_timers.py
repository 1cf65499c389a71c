"""Many timers on one: each is made once, in time, in order, and nothing is left."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tvmon.sampling.timers import SLICE_SECONDS, TICKS, Timers

TICK_SECONDS = 1 / TICKS


class TimersCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.timers = Timers(self.clock)
        self.made: list[tuple[float, object]] = []

    def make(self, what: object = None) -> None:
        self.made.append((self.clock.seconds() - 1000.0, what))


class CallTests(TimersCase):
    def test_it_is_a_clock_like_the_reactors(self) -> None:
        verifyObject(IReactorTime, self.timers)
        verifyObject(IDelayedCall, self.timers.callLater(1.0, self.make))

    def test_a_call_is_never_early_and_soon_made(self) -> None:
        for wait in (0.5, 0.5049, 0.0001, 7.0):
            before = len(self.made)
            asked = self.clock.seconds()
            self.timers.callLater(wait, self.make, "a")
            (call,) = self.clock.getDelayedCalls()
            self.clock.advance(call.getTime() - self.clock.seconds())
            self.assertEqual(len(self.made), before + 1)
            late = self.clock.seconds() - asked - wait
            self.assertTrue(-1e-9 < late <= TICK_SECONDS, late)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_calls_that_are_due_within_a_tick_are_made_together(self) -> None:
        for number in range(8):
            self.timers.callLater(1.001 + number * TICK_SECONDS / 10, self.make, number)
        (call,) = self.clock.getDelayedCalls()
        self.clock.advance(call.getTime() - self.clock.seconds())
        self.assertEqual([what for _, what in self.made], list(range(8)))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_to_be_done_at_once_waits_for_no_tick(self) -> None:
        self.timers.callLater(0, self.make)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(0.0)
        self.assertEqual(self.made, [(0.0, None)])

    def test_one_that_fails_is_logged_and_holds_up_nobody(self) -> None:
        self.timers.callLater(1.0, lambda: 1 / 0)
        self.timers.callLater(1.0, self.make)
        self.clock.advance(1.01)
        self.assertEqual(len(self.made), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_after_a_standstill_the_reactor_has_its_turns(self) -> None:
        def slow() -> None:
            self.clock.rightNow += SLICE_SECONDS / 4
            self.make()

        for _ in range(20):
            self.timers.callLater(1.0, slow)
        self.timers.callLater(1.0, lambda: None)
        self.clock.callLater(1.0, self.others)
        self.clock.advance(30.0)
        numbers = [number for number, (_, what) in enumerate(self.made) if what == "another's"]
        gaps = [b - a for a, b in pairwise(numbers)]
        self.assertEqual(len(self.made), 20 + len(numbers))
        self.assertLessEqual(max(gaps), 5)

    def others(self) -> None:
        """What else the reactor has to do, as often as it gets to it."""
        self.make("another's")
        if sum(what is None for _, what in self.made) < 20:
            self.clock.callLater(0, self.others)

    def test_a_call_that_makes_calls_ends(self) -> None:
        def again() -> None:
            self.make()
            self.timers.callLater(1e-9, again)

        self.timers.callLater(1.0, again)
        self.clock.advance(1.01)
        self.assertEqual(len(self.made), 1)


class CancelTests(TimersCase):
    def test_a_cancelled_one_is_not_made_and_is_let_go(self) -> None:
        timer = self.timers.callLater(1.0, self.make)
        timer.cancel()
        self.assertFalse(timer.active())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.timers.getDelayedCalls(), [])
        self.assertRaises(AlreadyCancelled, timer.cancel)
        self.clock.advance(2.0)
        self.assertEqual(self.made, [])

    def test_one_that_was_made_cannot_be_cancelled(self) -> None:
        timer = self.timers.callLater(1.0, self.make)
        self.clock.advance(1.01)
        self.assertRaises(AlreadyCalled, timer.cancel)
        self.assertRaises(AlreadyCalled, timer.reset, 1.0)

    def test_one_cancels_another_of_the_same_moment(self) -> None:
        self.timers.callLater(1.0, lambda: second.cancel())
        second = self.timers.callLater(1.0, self.make)
        self.clock.advance(1.01)
        self.assertEqual(self.made, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled_ones_are_gone_when_their_time_comes(self) -> None:
        self.timers.callLater(100.0, self.make)
        for _ in range(50):
            self.timers.callLater(2.4, self.make).cancel()
        self.clock.advance(2.5)
        self.assertEqual(sum(map(len, self.timers._calls.values())), 1)
        self.assertEqual(self.made, [])

    def test_one_can_be_moved(self) -> None:
        sooner, later = (self.timers.callLater(5.0, self.make, n) for n in range(2))
        sooner.reset(1.0)
        later.delay(2.0)
        self.clock.pump([0.125] * 64)
        self.assertEqual(self.made, [(1.125, 0), (7.125, 1)])


actions = st.lists(
    st.tuples(st.sampled_from(("call", "cancel", "reset", "pass")), st.floats(0.0, 3.0)),
    max_size=60,
)


class AnyTests(SynchronousTestCase):
    @given(actions)
    def test_each_is_made_once_and_in_time(self, actions: list[tuple[str, float]]) -> None:
        clock = Clock()
        timers = Timers(clock)
        wanted: dict[int, float] = {}
        made: dict[int, float] = {}
        known: dict[int, Any] = {}
        for number, (what, amount) in enumerate(actions):
            live = [n for n, timer in known.items() if timer.active()]
            if what == "call":
                known[number] = timers.callLater(
                    amount, lambda n: made.setdefault(n, clock.seconds()), number
                )
                wanted[number] = clock.seconds() + amount
            elif what == "pass":
                clock.pump([amount / 50] * 50)
            elif live and what == "cancel":
                known[live[0]].cancel()
                del wanted[live[0]]
            elif live:
                known[live[-1]].reset(amount)
                wanted[live[-1]] = clock.seconds() + amount
            self.assertLessEqual(len(clock.getDelayedCalls()), 1 + len(live))
        clock.pump([0.001] * 6200)
        self.assertEqual(made.keys(), wanted.keys())
        for number, time in wanted.items():
            self.assertTrue(time - 1e-9 <= made[number], "early")
            self.assertTrue(made[number] <= time + TICK_SECONDS + 0.061, "late")
        self.assertEqual(clock.getDelayedCalls(), [])
