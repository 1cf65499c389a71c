"""How many requests a server is sent at a time."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tvmon.errors import NoAnswer
from tvmon.sampling.limit import Limit, limited
from tvmon.servers import Answer, Request

REQUEST = Request("http://edge.example/1.m3u8")


class LimitTests(SynchronousTestCase):
    """Two at a time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[tuple[float, Deferred[Answer]]] = []

        async def fetch(request: Request, seconds: float) -> Answer:
            answer: Deferred[Answer] = Deferred()
            self.asked.append((seconds, answer))
            return await answer

        self.fetch = fetch
        self.limit = Limit(self.clock, fetch, 2)

    def ask(self, seconds: float = 2.0) -> Deferred[Answer]:
        return Deferred.fromCoroutine(self.limit(REQUEST, seconds))

    def test_the_third_waits_for_one_of_the_first_two_and_has_less_time(self) -> None:
        asked = [self.ask() for _ in range(3)]
        self.assertEqual(len(self.asked), 2)
        self.clock.advance(0.5)
        self.asked[0][1].callback(Answer(200, "OK", b""))
        self.successResultOf(asked[0])
        self.assertEqual([seconds for seconds, _ in self.asked], [2.0, 2.0, 1.5])

    def test_who_waits_too_long_is_told_why_and_leaves_its_place(self) -> None:
        asked = [self.ask() for _ in range(3)]
        self.clock.advance(2.0)
        trouble = self.failureResultOf(asked[2], NoAnswer).value
        self.assertEqual(trouble.outcome, "timeout")
        self.assertIn("2 requests at a time", trouble.reason)
        for _, answer in self.asked:
            answer.errback(NoAnswer("connection refused", "refused"))
        for one in asked[:2]:
            self.failureResultOf(one, NoAnswer)
        self.ask(), self.ask()
        self.assertEqual(len(self.asked), 4)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_is_cancelled_gives_back_what_it_held(self) -> None:
        asked = [self.ask() for _ in range(3)]
        asked[2].cancel()
        self.failureResultOf(asked[2], CancelledError)
        asked[0].cancel()
        self.failureResultOf(asked[0], CancelledError)
        self.ask()
        self.assertEqual(len(self.asked), 3)

    def test_0_is_no_bound(self) -> None:
        self.assertIs(limited(self.clock, self.fetch, 0), self.fetch)
        self.assertIsInstance(limited(self.clock, self.fetch, 3), Limit)
