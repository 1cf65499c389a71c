"""Answers that come many at once: none holds up a turn, none is lost, none overtakes another."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.turning import Turns
from tests.sampling.wires import Held
from tvmon.sampling.backlog import AT_ONCE_SECONDS, SLICE_SECONDS, Backlog
from tvmon.sampling.timers import CROWDED_SECONDS, Timers
from tvmon.sampling.timers import SLICE_SECONDS as POLLS_SECONDS

WORK = 0.00025
"""What one answer takes, seconds."""

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"


class BacklogCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Turns()
        self.clock.advance(1000.0)
        self.backlog = Backlog(self.clock)
        self.done: list[int] = []

    def come(self, number: int, work: float = WORK) -> Deferred[None]:
        """An answer has come."""

        async def work_through() -> None:
            turn = self.backlog.turn()
            if turn is not None:
                await turn
            self.clock.work(work)
            self.done.append(number)

        return Deferred.fromCoroutine(work_through())


class BacklogTests(BacklogCase):
    def test_few_answers_go_on_at_once(self) -> None:
        for number in range(20):
            self.successResultOf(self.come(number))
        self.assertEqual(len(self.backlog), 0)
        self.clock.run()
        self.assertEqual(self.done, list(range(20)))

    def test_many_in_one_turn_wait_in_their_order_and_hold_up_no_turn(self) -> None:
        began = self.clock.seconds()
        coming = [self.come(number) for number in range(1000)]
        self.assertLess(self.clock.seconds() - began, 2 * (AT_ONCE_SECONDS + WORK))
        self.assertGreater(len(self.backlog), 900)
        self.clock.run()
        for each in coming:
            self.successResultOf(each)
        self.assertEqual(self.done, list(range(1000)))
        self.assertLess(max(self.clock.turns), SLICE_SECONDS + WORK)
        self.assertEqual(len(self.backlog), 0)

    def test_who_comes_while_others_wait_waits_behind_them(self) -> None:
        for number in range(300):
            self.come(number)
        self.clock.turn()
        for number in range(300, 310):
            self.come(number)
        self.clock.run()
        self.assertEqual(self.done, list(range(310)))

    def test_two_bursts_may_meet_in_one_turn_and_no_more(self) -> None:
        for number in range(30):  # three quarters of what goes on at once
            self.come(number)
        self.clock.turn()
        began = self.clock.seconds()
        for number in range(30, 1000):
            self.come(number)
        self.assertLess(self.clock.seconds() - began, 2 * (AT_ONCE_SECONDS + WORK))

    def test_one_at_a_time_leaves_nothing_on_the_clock(self) -> None:
        for number in range(9):
            self.successResultOf(self.come(number))
            self.clock.work(0.05)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_hour_of_quiet_owes_nobody_anything(self) -> None:
        for number in range(100):
            self.come(number)
        self.clock.run()
        self.clock.work(3600.0)
        began = self.clock.seconds()
        for number in range(1000):
            self.come(number)
        self.assertLess(self.clock.seconds() - began, 2 * (AT_ONCE_SECONDS + WORK))

    def test_one_who_is_cancelled_leaves_and_the_others_stay(self) -> None:
        coming = [self.come(number) for number in range(100)]
        waits = len(self.backlog)
        coming[-2].cancel()
        self.failureResultOf(coming[-2], CancelledError)
        self.assertEqual(len(self.backlog), waits - 1)
        self.clock.run()
        self.assertEqual(self.done, [*range(98), 99])

    def test_released_all_go_on_and_nothing_is_left_on_the_clock(self) -> None:
        for number in range(100):
            self.come(number)
        self.backlog.release()
        self.assertEqual(self.done, list(range(100)))
        self.assertEqual((len(self.backlog), self.clock.getDelayedCalls()), (0, []))
        self.successResultOf(self.come(100))

    @given(st.lists(st.lists(st.floats(0.0, 0.002), max_size=80), max_size=12))
    def test_however_they_come(self, bursts: list[list[float]]) -> None:
        self.setUp()
        works = [work for burst in bursts for work in burst]
        for burst in bursts:
            began = self.clock.seconds()
            for work in burst:
                self.come(works.index(work), work)
            self.assertLess(self.clock.seconds() - began, 2 * (AT_ONCE_SECONDS + 0.002))
            self.clock.turn()
        self.clock.run()
        self.assertEqual(self.done, [works.index(work) for work in works])
        self.assertLess(max(self.clock.turns, default=0.0), SLICE_SECONDS + 0.002)


class PollsTests(BacklogCase):
    def begun_in_one_turn(self, answers: int) -> int:
        """How many polls that are all due, each of which takes a millisecond."""
        timers = Timers(self.clock, self.backlog)
        for _ in range(100):
            timers.callLater(0.5, self.clock.work, 0.001)
        self.clock.work(0.6)
        for number in range(answers):
            self.come(number)
        self.clock.turn()
        return 100 - len(timers.getDelayedCalls())

    def test_fewer_polls_are_begun_while_answers_wait(self) -> None:
        for answers, seconds in ((0, POLLS_SECONDS), (1000, CROWDED_SECONDS)):
            self.setUp()
            fit = round(seconds / 0.001)
            self.assertIn(self.begun_in_one_turn(answers), (fit, fit + 1))

    def test_where_more_comes_than_can_be_done_answers_are_not_put_off_for_ever(self) -> None:
        """Each call begins a poll of 0.1 ms, and its answer takes three times that."""
        timers = Timers(self.clock, self.backlog)
        came: list[int] = []

        def poll(number: int) -> None:
            self.clock.work(0.0001)
            came.append(number)
            timers.callLater(0.1, poll, number)

        for number in range(2000):  # eight times what can be done
            timers.callLater(0.1, poll, number)
        most = 0
        for _ in range(500):
            waits = len(self.backlog)
            self.clock.work(0.001)
            self.clock.turn()
            for number in came:
                self.come(number, 0.0003)
            came.clear()
            most = max(most, waits)
        self.assertGreater(most, 0)
        self.assertLess(most, 300)
        self.assertLess(max(self.clock.turns), SLICE_SECONDS + POLLS_SECONDS)


class Full(Backlog):
    """One where everybody waits until he is called."""

    def __init__(self) -> None:
        super().__init__(Turns())
        self.callers: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self.callers)

    def turn(self) -> Deferred[None]:
        self.callers.append(Deferred())
        return self.callers[-1]

    def release(self) -> None:
        for caller in self.callers:
            caller.callback(None)


class FetchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.backlog = Full()
        self.held = Held(backlog=self.backlog)

    def came(self, data: bytes = ANSWER) -> Deferred[Any]:
        asked = self.held.ask()
        self.held.comes(data)
        self.assertNoResult(asked)
        return asked

    def test_an_answer_that_waits_has_the_moment_at_which_it_came(self) -> None:
        asked = self.came()
        at = self.held.clock.seconds()
        self.assertEqual(self.held.fetcher.figures.backlog, 1)
        self.held.clock.advance(100.0)  # and no deadline is in force any more
        self.assertNoResult(asked)
        self.backlog.release()
        answer = self.successResultOf(asked)
        self.assertEqual((answer.body, answer.at, answer.time), (b"ab", at, at))

    def test_its_connection_serves_others_meanwhile(self) -> None:
        self.came()
        self.came()
        self.assertEqual(len(self.held.wires), 1)

    def test_failures_wait_too(self) -> None:
        asked = self.came(b"SSH-2.0-OpenSSH\r\n")
        self.backlog.release()
        self.assertEqual(self.held.outcome(asked).answer, ("not an HTTP answer", "connection"))

    def test_cancelled_it_waits_no_more(self) -> None:
        asked = self.came()
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        (silent,) = [self.held.ask()]
        silent.cancel()
        self.failureResultOf(silent, CancelledError)
        self.assertEqual(len(self.backlog), 1)

    def test_a_fetcher_that_is_closed_lets_all_go(self) -> None:
        asked, silent = self.came(), self.held.ask()
        closed = Deferred.fromCoroutine(self.held.fetcher.close())
        self.assertEqual(self.successResultOf(asked).body, b"ab")
        self.assertEqual(self.held.outcome(silent).answer, ("tvmon is stopping", "connection"))
        self.held.clock.advance(0.0)
        self.successResultOf(closed)
