"""Long work in slices, of which each turn of the reactor has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.turning import PART, Turns
from tvmon.sampling.slices import SLICE_SECONDS, Slices
from tvmon.servers.steps import Steps, in_steps


class SlicesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Turns()
        self.slices = Slices(self.clock)
        self.done: list[str] = []

    def start(self, work: Callable[[], Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(work())

    async def parts(self, name: str, count: int) -> str:
        self.slices.begin()
        for _ in range(count):
            self.clock.work()
            self.done.append(name)
            await self.slices.pause()
        return name

    def steps(self, name: str, count: int) -> Steps[str]:
        for _ in range(count):
            self.clock.work()
            self.done.append(name)
            yield
        return name

    async def reading(self, name: str, count: int, first: Awaitable[Any] | None = None) -> str:
        if first is not None:
            await first
        return await in_steps(self.steps(name, count))

    def test_short_work_has_no_pause(self) -> None:
        self.assertEqual(self.successResultOf(self.start(lambda: self.parts("a", 3))), "a")
        self.clock.work(1.0)
        reading = self.start(lambda: self.slices.run(self.reading("b", 3, _came())))
        self.assertEqual(self.successResultOf(reading), "b")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_long_work_is_done_a_slice_in_each_turn(self) -> None:
        for work in (
            lambda: self.parts("a", 100),
            lambda: self.slices.run(self.reading("a", 100)),
        ):
            self.clock.turns.clear()
            result = self.start(work)
            self.assertNoResult(result)
            self.clock.run()
            self.assertEqual(self.successResultOf(result), "a")
            self.assertGreater(len(self.clock.turns), 20)
            self.assertLess(max(self.clock.turns), SLICE_SECONDS + PART)

    def test_all_share_the_slice_of_a_turn_and_nobody_waits_for_the_end_of_another(self) -> None:
        results = [
            self.start(lambda name=name: self.parts(name, 40))
            for name in "abcd"  # type: ignore[misc]
        ] + [
            self.start(lambda name=name: self.slices.run(self.reading(name, 40)))  # type: ignore[misc]
            for name in "efgh"
        ]
        self.clock.run()
        self.assertEqual([self.successResultOf(result) for result in results], [*"abcdefgh"])
        self.assertLess(max(self.clock.turns), SLICE_SECONDS + PART)
        self.assertEqual(set(self.done[:100]), set("abcdefgh"))

    def test_work_that_follows_in_the_same_turn_has_no_second_slice(self) -> None:
        async def one_after_the_other() -> None:
            for name in "abc":
                await self.parts(name, 4)

        self.start(one_after_the_other)
        self.start(lambda: self.parts("d", 4))
        self.clock.run()
        self.assertEqual(len(self.done), 16)
        self.assertLess(max(self.clock.turns), SLICE_SECONDS + PART)

    def test_what_else_is_awaited_is_handed_through(self) -> None:
        came: Deferred[str] = Deferred()
        failed: Deferred[str] = Deferred()

        async def work() -> tuple[str, str]:
            said = await came
            await in_steps(self.steps("a", 9))
            try:
                await failed
            except LookupError as error:
                return said, str(error)
            return said, ""

        result = self.start(lambda: self.slices.run(work()))
        came.callback("it came")
        self.clock.run()
        failed.errback(LookupError("it failed"))
        self.assertEqual(self.successResultOf(result), ("it came", "it failed"))

    def test_work_that_is_cancelled_in_a_pause_ends_and_leaves_nothing(self) -> None:
        for work in (
            lambda: self.parts("a", 100),
            lambda: self.slices.run(self.reading("a", 100)),
        ):
            result = self.start(work)
            other = self.start(lambda: self.parts("b", 9))
            result.cancel()
            self.failureResultOf(result, CancelledError)
            self.clock.run()
            self.assertEqual(self.successResultOf(other), "b")
            result = self.start(work)
            result.cancel()
            self.failureResultOf(result, CancelledError)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_work_that_fails_disturbs_nobody(self) -> None:
        def broken() -> Steps[None]:
            yield from self.steps("a", 9)
            raise LookupError("no more")

        async def reading() -> None:
            await in_steps(broken())

        result = self.start(lambda: self.slices.run(reading()))
        other = self.start(lambda: self.parts("b", 20))
        self.clock.run()
        self.failureResultOf(result, LookupError)
        self.assertEqual(self.successResultOf(other), "b")

    @given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.0, 0.05)), max_size=8))
    def test_whatever_begins_when_all_is_done_and_no_turn_is_long(
        self, works: list[tuple[int, float]]
    ) -> None:
        self.setUp()
        results: list[Deferred[str]] = []
        for number, (count, later) in enumerate(works):
            name = str(number)
            begin = self.parts if number % 2 else lambda n, c: self.slices.run(self.reading(n, c))
            self.clock.callLater(
                later, lambda b=begin, n=name, c=count: results.append(self.start(lambda: b(n, c)))
            )
        for _ in range(10_000):
            if not self.clock.getDelayedCalls():
                break
            before = len(self.done)
            self.clock.turn()
            if len(self.done) == before:
                self.clock.work(0.001)
        self.assertEqual(len(self.done), sum(count for count, _ in works))
        self.assertEqual(len(results), len(works))
        for result in results:
            self.successResultOf(result)


async def _came() -> None:
    came: Deferred[None] = Deferred()
    came.callback(None)
    await came
