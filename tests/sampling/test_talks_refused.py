"""A media server that refuses who we are, and is left alone for a while."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import lines
from tests.sampling.talking import SECONDS, stream
from tvmon.errors import BadAnswer
from tvmon.sampling.asking import AUTH_SECONDS, Question, Terms
from tvmon.sampling.talks import Direct
from tvmon.servers import Answer, Drift, Fetch, Listing, Request
from tvmon.streams import Measurement, Stream


class GuardedTalk:
    """Lets some streams be seen by who is let in at all."""

    def __init__(self) -> None:
        self.drift = Drift()
        self.allowed: set[str] = set()
        self.asked: list[str] = []

    async def list_streams(self, fetch: Fetch) -> Listing:
        self.asked.append("the listing")
        return Listing(())

    async def sample(self, of: Stream, fetch: Fetch) -> Measurement:
        self.asked.append(of.key)
        if of.key not in self.allowed:
            raise BadAnswer("HTTP 401: the user or the password is refused", "auth")
        return Measurement()


class RefusedTests(SynchronousTestCase):
    """A server that is asked for each stream by itself, and refuses who we are."""

    def setUp(self) -> None:
        self.clock, self.talk = Clock(), GuardedTalk()
        self.direct = Direct("cdn", self.talk, self.clock)

        async def fetch(request: Request, seconds: float) -> Answer:
            return Answer(200, "OK", b"")

        self.terms = Terms(self.clock, fetch, SECONDS, 0.25)

    def ask(self, key: str) -> str:
        """Why there is no sample of a stream; empty where there is one."""
        question: Question[Any] = Question(self.terms)
        asking = (
            self.direct.sample(stream(key), question) if key else self.direct.list_streams(question)
        )
        failures: list[str] = []
        question.ask(asking).addErrback(lambda failure: failures.append(str(failure.value)))
        return "".join(failures)

    def test_a_wrong_password_is_tried_once_in_five_minutes_for_all_of_them(self) -> None:
        with capturedLogs() as said:
            for _ in range(99):
                for key in ("a", "b", ""):
                    self.assertIn("asked again every 5 min", self.ask(key))
                self.clock.advance(3.0)
            self.assertEqual(self.talk.asked, ["a"])
            self.clock.advance(AUTH_SECONDS - 297.0)
            self.ask("b")
        self.assertEqual(self.talk.asked, ["a", "b"])
        self.assertEqual(len(lines(said)), 1)

    def test_one_stream_that_we_may_not_see_disturbs_no_other(self) -> None:
        self.talk.allowed = {"a"}
        self.assertEqual(self.ask("a"), "")
        for _ in range(5):
            self.assertIn("refused", self.ask("b"))
            self.assertEqual(self.ask("a"), "")
        self.assertEqual(self.talk.asked, ["a", "b", *["a"] * 5])

    def test_who_is_let_in_at_last_goes_on(self) -> None:
        self.ask("a")
        self.talk.allowed = {"a", "b"}
        self.assertNotEqual(self.ask("b"), "")
        self.clock.advance(AUTH_SECONDS)
        self.assertEqual((self.ask("a"), self.ask("b"), self.ask("")), ("", "", ""))
