"""A coroutine on its way to its end, beside what Twisted makes of the same one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.running import Running
from tvmon.servers.steps import in_steps

Script = Callable[[list[Deferred[Any]]], Coroutine[Any, Any, Any]]


def told(result: object) -> object:
    """What a coroutine ended with, so that two can be compared."""
    return repr(result.value) if isinstance(result, Failure) else result


class RunningTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.ends: list[Any] = []

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> Running[Any]:
        running = Running(coroutine, self.ends.append)
        running.begin()
        return running

    def test_it_may_end_at_once(self) -> None:
        async def at_once() -> str:
            return await succeed("a") + await succeed("b")

        self.begin(at_once())
        self.assertEqual(self.ends, ["ab"])

    def test_it_ends_when_what_it_waits_for_came(self) -> None:
        waits: Deferred[str] = Deferred()

        async def waiting() -> str:
            return await waits

        self.begin(waiting())
        self.assertEqual(self.ends, [])
        waits.callback("came")
        self.assertEqual(self.ends, ["came"])

    def test_whatever_leaves_it_is_its_end(self) -> None:
        for error in (ValueError("no"), SystemExit(3), CancelledError(), GeneratorExit()):

            async def leaves(error: BaseException = error) -> None:
                try:
                    await succeed(None)
                finally:
                    raise error

            self.begin(leaves())
            self.assertIs(self.ends.pop().value, error)

    def test_pauses_that_nobody_takes_are_none(self) -> None:
        def steps() -> Any:
            for _ in range(10_000):
                yield
            return "done"

        self.begin(in_steps(steps()))
        self.assertEqual(self.ends, ["done"])

    def test_cancelled_it_may_go_on(self) -> None:
        async def deaf() -> str:
            try:
                await Deferred()
            except CancelledError:
                return await self.second
            return "never"

        self.second: Deferred[str] = Deferred()
        running = self.begin(deaf())
        running.cancel()
        self.assertEqual(self.ends, [])
        self.second.callback("went on")
        running.cancel()
        self.assertEqual(self.ends, ["went on"])

    def test_a_canceller_that_fails_is_told_of_and_it_waits_on(self) -> None:
        def wrong(_: object) -> None:
            raise RuntimeError("no canceller")

        waits: Deferred[str] = Deferred(wrong)

        async def waiting() -> str:
            return await waits

        running = self.begin(waiting())
        with capturedLogs() as logs:
            running.cancel()
        self.assertEqual([repr(event["error"]) for event in logs], ["RuntimeError('no canceller')"])
        self.assertEqual(self.ends, [])
        waits.callback("came")
        self.assertEqual(self.ends, ["came"])

    def test_it_leaves_nothing_for_the_garbage_collector(self) -> None:
        async def fails(waits: Deferred[Any]) -> None:
            await waits

        def one() -> None:
            waits: Deferred[Any] = Deferred()
            self.begin(fails(waits))
            waits.errback(Failure(ValueError("no")))
            end = self.ends.pop()
            end.value.__traceback__ = None
            end.cleanFailure()

        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                one()
            self.assertEqual(gc.collect(), 0)
        finally:
            gc.enable()

    @given(st.lists(st.sampled_from(["came", "fails", "later", "fails later", "cancel"])))
    def test_it_is_what_twisted_makes_of_it(self, script: list[str]) -> None:
        def play(begin: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
            waits: list[Deferred[Any]] = []
            heard: list[object] = []

            async def plays() -> list[object]:
                for what in script:
                    try:
                        if what == "came":
                            heard.append(await succeed(1))
                        elif what == "fails":
                            await fail(ValueError("a"))
                        else:
                            waits.append(Deferred())
                            heard.append(await waits[-1])
                    except (ValueError, CancelledError) as error:
                        heard.append(repr(error))
                        if len(heard) % 3 == 0:
                            raise
                return heard

            running = begin(plays())
            for what in script:
                if len(waits) and not waits[-1].called:
                    if what == "cancel":
                        running.cancel()
                    elif what == "fails later":
                        waits[-1].errback(ValueError("b"))
                    else:
                        waits[-1].callback(what)

        ours: list[Any] = []
        theirs: list[Any] = []

        def as_twisted_does(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
            return Deferred.fromCoroutine(coroutine).addBoth(theirs.append)

        self.setUp()
        play(self.begin)
        ours = self.ends
        play(as_twisted_does)
        self.assertEqual([told(end) for end in ours], [told(end) for end in theirs])
