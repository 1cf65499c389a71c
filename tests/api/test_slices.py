"""Long work, cut into slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, TaskStopped
from twisted.trial.unittest import SynchronousTestCase

from tvmon.api.slices import SLICE_SECONDS, Slices


class SlowClock(Clock):
    """Each look at it takes a millisecond; calls wait until they are made by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[Callable[[], object]] = []

    def seconds(self) -> float:
        self.rightNow += 0.001
        return self.rightNow

    def callLater(self, delay: float, callable: Any, *args: Any, **kw: Any) -> Any:  # noqa: A002, N802
        self.due.append(callable)
        return super().callLater(delay, callable, *args, **kw)


class SliceTests(SynchronousTestCase):
    """Work is cut into slices."""

    def test_no_turn_is_longer_than_a_slice(self) -> None:
        clock, done = SlowClock(), []
        work = (done.append(n) for n in range(100))  # type: ignore[func-returns-value] # on purpose
        running = Deferred.fromCoroutine(Slices(clock).run(work))
        turns = 0
        while clock.due:
            began = clock.rightNow
            clock.due.pop()()
            self.assertLessEqual(clock.rightNow - began, SLICE_SECONDS + 0.005)
            turns += 1
        self.assertEqual(done, [*range(100)])
        self.assertGreater(turns, 8)
        self.successResultOf(running)

    def test_all_work_shares_one_slice(self) -> None:
        clock = Clock()
        slices, order = Slices(clock), []

        def steps(name: str) -> Iterator[None]:
            for _ in range(3):
                order.append(name)
                yield

        running = [Deferred.fromCoroutine(slices.run(steps(name))) for name in "ab"]
        clock.advance(0)
        self.assertEqual("".join(order), "ababab")
        for each in running:
            self.successResultOf(each)

    def test_a_failure_ends_that_work_alone(self) -> None:
        clock = Clock()
        slices = Slices(clock)

        def broken() -> Iterator[None]:
            yield
            raise ValueError("broken")

        failing = Deferred.fromCoroutine(slices.run(broken()))
        other = Deferred.fromCoroutine(slices.run(iter([None] * 5)))
        clock.advance(0)
        self.failureResultOf(failing, ValueError)
        self.successResultOf(other)

    def test_a_stop_ends_all_of_it(self) -> None:
        clock = Clock()
        slices = Slices(clock)
        running = [Deferred.fromCoroutine(slices.run(iter([None] * 5))) for _ in range(5)]
        slices.stop()
        running.append(Deferred.fromCoroutine(slices.run(iter([None]))))
        for each in running:
            self.failureResultOf(each, TaskStopped)
        self.assertEqual(clock.getDelayedCalls(), [])
        slices.stop()
