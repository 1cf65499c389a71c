"""One question under one deadline, whatever happens."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import ANSWER, FakeFetch
from tvmon.errors import NoAnswer
from tvmon.sampling.asking import Question, Terms, ended_within
from tvmon.servers import Request

HERE = Request("http://media1.example/here")
SLOW = Request("http://media1.example/slow")


class QuestionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.fetch = FakeFetch(self.clock, waiting={"slow"})
        self.question: Question[str] = Question(Terms(self.clock, self.fetch, 2.4, 0.25))

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def once(self) -> str:
        await self.question.fetch(SLOW)
        return "answer"

    def reason(self, asked: Deferred[str]) -> str:
        return self.failureResultOf(asked, NoAnswer).value.reason

    def test_the_result_is_the_coroutines(self) -> None:
        asked = self.question.ask(self.once())
        self.clock.advance(1.0)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.assertEqual(self.successResultOf(asked), "answer")

    def test_the_moment_is_that_of_the_answer_and_not_of_the_end(self) -> None:
        more: Deferred[None] = Deferred()

        async def asks_and_thinks() -> str:
            await self.question.fetch(SLOW)
            await more
            return "answer"

        asked = self.question.ask(asks_and_thinks())
        self.clock.advance(1.0)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.clock.advance(0.5)
        more.callback(None)
        self.successResultOf(asked)
        self.assertEqual(self.question.answered_at, 1.0)

    def test_the_fetch_has_the_whole_deadline_and_its_own_words(self) -> None:
        asked = self.question.ask(self.once())
        self.assertEqual(self.fetch.asked[0].seconds, 2.4)
        self.clock.advance(2.4)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")

    def test_a_second_fetch_gets_what_is_left_and_the_whole_deadline_is_named(self) -> None:
        async def twice() -> str:
            await self.question.fetch(SLOW)
            await self.question.fetch(SLOW)
            return "answer"

        asked = self.question.ask(twice())
        self.clock.advance(1.5)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.assertAlmostEqual(self.fetch.asked[1].seconds, 0.9)
        self.clock.advance(0.9)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")

    def test_other_failures_of_a_later_fetch_keep_their_words(self) -> None:
        self.fetch.refused = {"here"}

        async def twice() -> str:
            await self.question.fetch(SLOW)
            await self.question.fetch(HERE)
            return "answer"

        asked = self.question.ask(twice())
        self.clock.advance(1.5)
        self.fetch.asked[0].answer.callback(ANSWER)
        self.assertEqual(self.reason(asked), "connection refused")

    def test_a_fetch_that_forgets_its_deadline_is_aborted_after_the_grace(self) -> None:
        self.fetch.is_deaf = True
        asked = self.question.ask(self.once())
        self.clock.advance(2.64)
        self.assertNoResult(asked)
        self.clock.advance(0.02)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")
        self.assertTrue(self.fetch.asked[0].is_aborted)

    def test_a_coroutine_that_does_not_end_when_cancelled_is_left_behind(self) -> None:
        later: Deferred[None] = Deferred()

        async def deaf() -> str:
            try:
                await Deferred()
            except Exception:
                await later
            await self.question.fetch(HERE)
            return "too late"

        asked = self.question.ask(deaf())
        self.clock.advance(2.65)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")
        later.callback(None)
        self.assertEqual(self.fetch.asked, [], "a question that is over fetches nothing")

    def test_nothing_is_fetched_after_the_deadline(self) -> None:
        later: Deferred[None] = Deferred()

        async def thinks_first() -> str:
            await later
            await self.question.fetch(HERE)
            return "answer"

        asked = self.question.ask(thinks_first())
        self.clock.advance(2.5)
        later.callback(None)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")
        self.assertEqual(self.fetch.asked, [])

    def test_stopped_it_aborts_the_fetch(self) -> None:
        asked = self.question.ask(self.once())
        self.question.stop()
        self.failureResultOf(asked, CancelledError)
        self.assertTrue(self.fetch.asked[0].is_aborted)
        self.question.stop()

    def test_stopped_and_deaf_it_ends_at_its_deadline(self) -> None:
        async def deaf() -> str:
            while True:
                try:
                    await Deferred()
                except CancelledError:
                    continue

        asked = self.question.ask(deaf())
        self.question.stop()
        self.assertNoResult(asked)
        self.clock.advance(2.65)
        self.reason(asked)

    def test_a_canceller_that_raises_keeps_no_question_from_its_end(self) -> None:
        def broken(_: object) -> None:
            raise RuntimeError("no")

        async def waits() -> str:
            await Deferred(broken)
            return "answer"

        asked = self.question.ask(waits())
        self.clock.advance(2.65)
        self.assertEqual(self.reason(asked), "no answer within 2.4 s")

    def test_it_is_asked_once(self) -> None:
        again = self.once()
        self.question.ask(self.once())
        self.assertRaises(AssertionError, self.question.ask, again)
        self.fetch.asked.pop().answer.callback(ANSWER)
        self.assertRaises(AssertionError, self.question.ask, again)
        again.close()

    def test_a_question_is_freed_without_the_garbage_collector(self) -> None:
        class Watched(Question[str]):
            __slots__ = ("__weakref__",)

        self.question = Watched(Terms(self.clock, self.fetch, 2.4, 0.25))
        asked = self.question.ask(self.once())
        self.fetch.asked.pop().answer.callback(ANSWER)
        self.successResultOf(asked)
        gone = weakref.ref(self.question)
        gc.disable()
        try:
            del self.question, asked
            self.assertIsNone(gone())
        finally:
            gc.enable()


class EndedWithinTests(SynchronousTestCase):
    def test_it_waits_for_all_and_no_longer(self) -> None:
        clock = Clock()
        endings: list[Deferred[None]] = [Deferred(), Deferred()]
        waiting = Deferred.fromCoroutine(ended_within(clock, 1.0, endings))
        endings[0].callback(None)
        self.assertNoResult(waiting)
        endings[1].errback(RuntimeError())
        self.assertIs(self.successResultOf(waiting), True)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_it_gives_up_and_cancels_nothing(self) -> None:
        clock = Clock()
        ending: Deferred[None] = Deferred()
        waiting = Deferred.fromCoroutine(ended_within(clock, 1.0, [ending]))
        clock.advance(1.0)
        self.assertIs(self.successResultOf(waiting), False)
        self.assertFalse(ending.called)
        ending.callback(None)
