"""One fetch for many streams: shared while it is fresh, joined while it is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import lines
from tests.sampling.talking import FRESH, SECONDS, FakeOverview, stream, survey
from tvmon.errors import BadAnswer, NoAnswer, Trouble
from tvmon.sampling.asking import AUTH_SECONDS, Question, Terms
from tvmon.sampling.slices import SLICE_SECONDS
from tvmon.sampling.talks import UNSEEN_SECONDS, Direct, Shared, talking
from tvmon.servers import Answer, Drift, Fetch, Listing, Request, Survey
from tvmon.servers.steps import Steps, in_steps
from tvmon.streams import Measurement, Presence, Stream


class SharedTests(SynchronousTestCase):
    """The samplers of a server that tells of all its streams in one answer."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.overview = FakeOverview()
        self.answers: list[Deferred[Answer]] = []
        self.is_slow = False
        self.news = 0

        async def fetch(request: Request, seconds: float) -> Answer:
            answer: Deferred[Answer] = Deferred()
            self.answers.append(answer)
            if not self.is_slow:
                answer.callback(Answer(200, "OK", b""))
            return await answer

        def heard() -> None:
            self.news += 1

        terms = Terms(self.clock, fetch, SECONDS, 0.25)
        self.shared = Shared("edge", self.overview, terms, FRESH, heard)
        self.terms = terms

    def ask(self, of: Callable[[Question[Any]], Any]) -> tuple[Deferred[Any], Question[Any]]:
        question: Question[Any] = Question(self.terms)
        return question.ask(of(question)), question

    def sample(self, key: str) -> tuple[Deferred[Any], Question[Any]]:
        return self.ask(lambda question: self.shared.sample(stream(key), question))

    def sampled(self, key: str) -> Measurement | None:
        return self.successResultOf(self.sample(key)[0])  # type: ignore[no-any-return]

    def failed(self, key: str, kind: type[Exception] = Trouble) -> Any:
        return self.failureResultOf(self.sample(key)[0], kind).value

    def listed(self) -> Listing:
        asked, _ = self.ask(self.shared.list_streams)
        return self.successResultOf(asked)  # type: ignore[no-any-return]

    def answer(self) -> None:
        self.answers.pop().callback(Answer(200, "OK", b""))

    def test_many_streams_one_fetch(self) -> None:
        for key, count in (("a", 1), ("b", 2), ("a", 1)):
            measured = self.sampled(key)
            assert measured is not None
            self.assertEqual(measured.upstream_bytes_received, count)
            self.clock.advance(0.4)
        self.assertEqual(self.overview.surveys, 1)

    def test_a_long_answer_is_read_in_slices_and_a_stop_ends_that(self) -> None:
        read: list[int] = []

        def steps() -> Steps[Survey]:
            for number in range(100):
                read.append(number)
                self.clock.rightNow += SLICE_SECONDS / 4
                yield
            return survey({"a": 1})

        async def reading(fetch: Fetch) -> Survey:
            await fetch(Request("http://edge.example/stat"))
            return await in_steps(steps())

        self.overview.survey = reading  # type: ignore[method-assign]
        asked, _ = self.ask(lambda question: self.shared.sample(stream("a"), question))
        self.assertNoResult(asked)
        self.assertLess(len(read), 10)
        self.clock.pump([0] * 50)
        self.assertEqual(self.successResultOf(asked), Measurement(upstream_bytes_received=1))
        self.clock.advance(FRESH)
        read.clear()
        asked, question = self.ask(lambda question: self.shared.sample(stream("a"), question))
        question.stop()
        self.failureResultOf(asked)
        self.shared.stop()
        self.assertLess(len(read), 10)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_older_than_half_an_interval_is_asked_for_anew(self) -> None:
        self.sampled("a")
        self.clock.advance(FRESH - 0.01)
        self.sampled("b")
        self.assertEqual(self.overview.surveys, 1)
        self.clock.advance(0.01)
        self.sampled("a")
        self.assertEqual(self.overview.surveys, 2)

    def test_who_asked_last_time_asks_again_whatever_some_ms_decide(self) -> None:
        """Two samplers half an interval apart, of which none is ever quite on time."""
        self.sampled("a")
        for wait in (0.005, -0.005, 0.004, -0.007, -0.001, 0.0, -0.005):
            before = self.overview.surveys
            self.clock.advance(FRESH + wait)
            self.sampled("b" if before % 2 else "a")
            self.assertEqual(self.overview.surveys, before + 1)
        self.clock.advance(FRESH - 0.2)
        self.sampled("a")
        self.assertEqual(self.overview.surveys, before + 1, "it is fresh, whoever asked")
        self.clock.advance(0.15)
        self.sampled("a")
        self.assertEqual(self.overview.surveys, before + 1, "it shared the last one")

    def test_the_moment_of_a_sample_is_that_of_the_answer(self) -> None:
        self.sampled("a")
        self.clock.advance(1.0)
        _, question = self.sample("b")
        self.assertEqual(question.answered_at, 100.0)

    def test_one_under_way_is_joined(self) -> None:
        self.is_slow = True
        first, _ = self.sample("a")
        self.clock.advance(1.0)
        second, _ = self.sample("b")
        listing, _ = self.ask(self.shared.list_streams)
        self.assertEqual(len(self.answers), 1)
        self.answer()
        self.assertEqual(self.successResultOf(first).upstream_bytes_received, 1)
        self.assertEqual(self.successResultOf(second).upstream_bytes_received, 2)
        self.assertEqual(len(self.successResultOf(listing).streams), 2)

    def test_who_stops_waiting_takes_nothing_from_the_others(self) -> None:
        self.is_slow = True
        first, question = self.sample("a")
        second, _ = self.sample("b")
        question.stop()
        self.failureResultOf(first)
        self.answer()
        self.assertEqual(self.successResultOf(second).upstream_bytes_received, 2)

    def test_a_server_that_hangs_fails_each_at_its_deadline_and_is_asked_once(self) -> None:
        self.is_slow = True
        first, _ = self.sample("a")
        self.clock.advance(1.0)
        second, _ = self.sample("b")
        with capturedLogs() as said:
            self.clock.advance(SECONDS + 0.25 - 1.0)
        for waiting in (first, second):
            self.assertIn("no answer", str(self.failureResultOf(waiting, NoAnswer).value))
        self.assertEqual(self.overview.surveys, 1)
        self.assertEqual(lines(said), ["edge: polls fail: no answer within 2.4 s"])

    def test_a_failure_is_shared_and_said_once_until_it_is_over(self) -> None:
        self.overview.result = BadAnswer("HTTP 500 Internal Server Error", "http")
        with capturedLogs() as said:
            for _ in range(6):
                self.assertEqual(self.failed("a").reason, "HTTP 500 Internal Server Error")
                self.assertEqual(self.failed("b").outcome, "http")
                self.clock.advance(FRESH)
            self.overview.result = survey({"a": 1})
            self.sampled("a")
        self.assertEqual(self.overview.surveys, 7)
        self.assertEqual(
            lines(said),
            [
                "edge: polls fail: HTTP 500 Internal Server Error",
                "edge: polls are good again, after 6 failed ones in 9 s",
            ],
        )

    def test_a_refused_password_is_asked_with_again_after_minutes(self) -> None:
        self.overview.result = BadAnswer("HTTP 401: the user or the password is refused", "auth")
        with capturedLogs() as said:
            for _ in range(99):
                trouble = self.failed("a")
                self.assertEqual(trouble.outcome, "auth")
                self.assertIn("asked again every 5 min", trouble.reason)
                self.clock.advance(3.0)
            self.assertEqual(self.overview.surveys, 1)
            self.clock.advance(AUTH_SECONDS - 297.0)
            self.failed("a")
        self.assertEqual(self.overview.surveys, 2)
        self.assertEqual(len(lines(said)), 1)

    def test_a_module_that_breaks_is_an_internal_error_shown_once(self) -> None:
        self.overview.result = ZeroDivisionError("oh")
        with capturedLogs() as said:
            trouble = self.failed("a")
            self.clock.advance(FRESH)
            self.failed("b")
        self.assertEqual(
            (trouble.reason, trouble.outcome), ("internal error: ZeroDivisionError", "internal")
        )
        self.assertEqual(len(lines(said)), 2)
        self.assertIn("Traceback", lines(said)[1])

    def test_a_module_that_gives_something_else(self) -> None:
        self.overview.result = {"a": 1}
        with capturedLogs():
            self.assertEqual(self.failed("a").reason, "internal error: TypeError")

    def test_a_stream_that_is_not_there_is_published_by_nobody(self) -> None:
        measured = self.sampled("gone")
        assert measured is not None
        self.assertIs(measured.presence, Presence.ABSENT)

    def test_one_that_a_part_of_the_server_may_have_says_nothing_new_for_a_while(self) -> None:
        self.sampled("a")
        self.overview.result = survey({"b": 3}, {"a": "worker 7 did not answer"})
        self.clock.advance(FRESH)
        self.assertIsNone(self.sampled("a"))
        self.clock.advance(UNSEEN_SECONDS)
        measured = self.sampled("a")
        assert measured is not None
        self.assertIs(measured.presence, Presence.UNSEEN)
        self.assertEqual(measured.remarks, ("worker 7 did not answer",))

    def test_a_stream_that_the_last_listing_did_not_have_is_news(self) -> None:
        self.assertEqual(len(self.listed().streams), 2)
        self.clock.advance(FRESH)
        self.sampled("a")
        self.assertEqual(self.news, 0)
        self.overview.result = survey({"a": 1, "c": 1})
        self.clock.advance(FRESH)
        self.sampled("a")
        self.assertEqual(self.news, 1)

    def test_many_who_waited_go_on_in_slices(self) -> None:
        self.is_slow = True
        asked = [self.sample("a")[0] for _ in range(50)]
        done: list[float] = []
        for one in asked:
            one.addCallback(
                lambda _: (
                    done.append(0.0),
                    setattr(self.clock, "rightNow", self.clock.rightNow + 0.004),
                )
            )
        self.answer()
        self.assertEqual(len(done), 3)
        self.clock.pump([0.0] * 30)
        self.assertEqual(len(done), 50)

    def test_a_stop_aborts_what_is_under_way_in_silence(self) -> None:
        self.is_slow = True
        with capturedLogs() as said:
            waiting, question = self.sample("a")
            question.stop()
            self.shared.stop()
        self.failureResultOf(waiting)
        self.assertEqual(lines(said), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class TalkingTests(SynchronousTestCase):
    """Which of the two conversations it is."""

    def test_who_surveys_is_shared_and_who_does_not_is_not(self) -> None:
        class Talk:
            drift = Drift()

            async def list_streams(self, fetch: Fetch) -> Listing:
                return Listing(())

            async def sample(self, of: Stream, fetch: Fetch) -> Measurement:
                return Measurement()

        async def fetch(request: Request, seconds: float) -> Answer:
            return Answer(200, "OK", b"")

        terms = Terms(Clock(), fetch, SECONDS, 0.25)
        self.assertIsInstance(talking("x", Talk(), terms, FRESH), Direct)
        self.assertIsInstance(talking("x", FakeOverview(), terms, FRESH), Shared)
