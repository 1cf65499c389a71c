"""How long an answer took: what counts as its beginning, and who is told."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.fakes import stream
from tests.sampling.sampler_case import SamplerCase
from tests.sampling.talking import FRESH, FakeOverview
from tests.sampling.talking import stream as seen_stream
from tvmon.errors import BadAnswer, NoAnswer
from tvmon.sampling.asking import AUTH_SECONDS, Question, Terms
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.limit import limited
from tvmon.sampling.names import Addresses
from tvmon.sampling.talks import Shared
from tvmon.servers import Answer, Fetch, Request
from tvmon.streams import Measurement, Stream, Timing

URL = "http://media.example/stat"


class FetchTimingTests(SynchronousTestCase):
    """A fetch step by step, on a clock that the test drives."""

    def setUp(self) -> None:
        self.clock: Any = MemoryReactorClock()
        self.clock.advance(50.0)
        self.names: list[Deferred[Addresses]] = []
        self.fetcher = Fetcher(self.clock, body_bytes=1000, lookup=self.lookup)
        self.wire: Any = None

    def lookup(self, host: str) -> Deferred[Addresses]:
        self.names.append(Deferred())
        return self.names[-1]

    def ask(self, url: str = URL) -> Deferred[Answer]:
        return Deferred.fromCoroutine(self.fetcher.fetch(Request(url), 10.0))

    def connect(self) -> None:
        """The newest connection that is tried is made."""
        _, _, factory, _, _ = self.clock.tcpClients[-1]
        protocol = factory.buildProtocol(None)
        self.wire = StringTransportWithDisconnection()
        self.wire.protocol = protocol
        self.wire.abortConnection = self.wire.loseConnection
        protocol.makeConnection(self.wire)

    def comes(self, after: float, data: bytes) -> None:
        self.clock.advance(after)
        self.wire.protocol.dataReceived(data)

    def timing(self, asked: Deferred[Answer]) -> tuple[float, float]:
        timing = self.successResultOf(asked).timing
        assert timing is not None
        return round(timing.first_byte_ms, 6), round(timing.answer_ms, 6)

    def test_name_connection_head_and_body_are_in_it(self) -> None:
        asked = self.ask()
        self.clock.advance(0.1)
        self.names[0].callback(("192.0.2.1",))
        self.clock.advance(0.2)
        self.connect()
        self.comes(0.4, b"HT")
        self.comes(0.8, b"TP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n")
        self.comes(1.6, b"a")
        self.assertNoResult(asked)
        self.comes(0.5, b"b")
        self.assertEqual(self.timing(asked), (700.0, 3600.0))

    def test_a_connection_that_is_kept_begins_anew(self) -> None:
        first = self.ask()
        self.names[0].callback(("192.0.2.1",))
        self.connect()
        self.comes(3.0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.timing(first), (3000.0, 3000.0))
        self.clock.advance(1.0)
        second = self.ask()
        self.comes(0.25, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.timing(second), (250.0, 250.0))

    def test_an_idle_connection_that_was_closed_and_a_redirect_are_in_it(self) -> None:
        self.names_are_known()
        asked = self.ask()
        self.clock.advance(0.5)
        self.wire.loseConnection()
        self.connect()
        self.comes(0.5, b"HTTP/1.1 302 x\r\nContent-Length: 0\r\nLocation: /more\r\n\r\n")
        self.comes(0.5, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        self.comes(0.5, b"x")
        self.assertEqual(self.timing(asked), (1500.0, 2000.0))

    def names_are_known(self) -> None:
        """Ask once, so that there is an idle connection, too."""
        asked = self.ask()
        self.names[0].callback(("192.0.2.1",))
        self.connect()
        self.comes(0.0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.timing(asked), (0.0, 0.0))

    def test_a_turn_that_is_waited_for_is_not(self) -> None:
        fetch = limited(self.clock, self.fetcher.fetch, 1)
        first, second = (Deferred.fromCoroutine(fetch(Request(URL), 10.0)) for _ in range(2))
        self.names[0].callback(("192.0.2.1",))
        self.connect()
        self.comes(2.0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.timing(first), (2000.0, 2000.0))
        self.comes(0.5, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.timing(second), (500.0, 500.0))


QUICK, SLOW = Timing(1.0, 2.0), Timing(300.0, 400.0)


class SampleTimingTests(SamplerCase):
    """A poll has the timing of its last request, whatever came of it."""

    def sampled(self, *answers: Timing | Exception, ends: Exception | None = None) -> Timing | None:
        """That of a poll that is answered so, request for request, and ends so."""

        async def asks(of: Stream, fetch: Fetch) -> Measurement:
            for _ in answers:
                await fetch(Request(of.sample_interface))
            if ends is not None:
                raise ends
            return Measurement(total_gops=1)

        self.server.behaviours["a"] = asks
        self.fetch.waiting.add("/a")
        self.start(stream("a"))
        with capturedLogs():
            for answer in answers:
                waiting = self.fetch.asked[-1].answer
                if isinstance(answer, Exception):
                    waiting.errback(answer)
                else:
                    waiting.callback(Answer(500, "Oh", b"", timing=answer))
        (sample,) = self.notes.of("a")
        return sample.timing

    def test_of_one_request(self) -> None:
        self.assertEqual(self.sampled(QUICK), QUICK)

    def test_of_several_the_last(self) -> None:
        self.assertEqual(self.sampled(SLOW, QUICK), QUICK)

    def test_of_an_answer_that_cannot_be_used(self) -> None:
        self.assertEqual(self.sampled(QUICK, ends=BadAnswer("HTTP 500 Oh", "http")), QUICK)

    def test_of_no_answer(self) -> None:
        self.assertIsNone(self.sampled(NoAnswer("connection refused", "refused")))

    def test_of_no_answer_to_the_last_request(self) -> None:
        self.assertIsNone(self.sampled(QUICK, NoAnswer("connection refused", "refused")))

    def test_of_nothing_asked(self) -> None:
        self.assertIsNone(self.sampled(ends=BadAnswer("no login", "auth")))


class SharedTimingTests(SynchronousTestCase):
    """Those who share an answer share what it took."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.overview = FakeOverview()
        self.answers: list[Deferred[Answer]] = []

        async def fetch(request: Request, seconds: float) -> Answer:
            self.answers.append(Deferred())
            return await self.answers[-1]

        self.terms = Terms(self.clock, fetch, 2.4, 0.25)
        self.shared = Shared("edge", self.overview, self.terms, FRESH)

    def sample(self, key: str) -> tuple[Deferred[Any], Question[Any]]:
        question: Question[Any] = Question(self.terms)
        return question.ask(self.shared.sample(seen_stream(key), question)), question

    def polled(self, key: str, timing: Timing | None = None) -> Timing | None:
        """What a poll's timing is; where it is to be asked, it is answered so."""
        asked, question = self.sample(key)
        asked.addErrback(lambda failure: failure.trap(BadAnswer))
        if timing is not None:
            self.answers.pop().callback(Answer(200, "OK", b"", timing=timing))
        self.successResultOf(asked)
        return question.timing

    def test_all_who_wait_and_all_who_come_while_it_is_fresh(self) -> None:
        waiting, question = self.sample("b")
        self.assertEqual(self.polled("a", SLOW), SLOW)
        self.successResultOf(waiting)
        self.assertEqual(question.timing, SLOW)
        self.clock.advance(FRESH - 0.01)
        self.assertEqual(self.polled("b"), SLOW)
        self.clock.advance(0.01)
        self.assertEqual(self.polled("b", QUICK), QUICK)

    def test_a_failure(self) -> None:
        self.overview.result = BadAnswer("HTTP 500 Oh", "http")
        with capturedLogs():
            self.assertEqual(self.polled("a", QUICK), QUICK)
            self.assertEqual(self.polled("b"), QUICK)

    def test_no_answer_has_none_though_one_was_there_before(self) -> None:
        self.polled("a", QUICK)
        self.clock.advance(FRESH)
        asked, question = self.sample("a")
        with capturedLogs():
            self.answers.pop().errback(NoAnswer("connection refused", "refused"))
        self.failureResultOf(asked, NoAnswer)
        self.assertIsNone(question.timing)

    def test_a_server_that_is_left_alone_is_not_asked(self) -> None:
        survey = self.overview.result
        self.overview.result = BadAnswer("HTTP 401", "auth")
        with capturedLogs():
            self.assertEqual(self.polled("a", QUICK), QUICK)
        self.clock.advance(FRESH)
        self.assertIsNone(self.polled("a"))
        self.overview.result = survey
        self.clock.advance(AUTH_SECONDS)
        self.assertEqual(self.polled("a", SLOW), SLOW)
