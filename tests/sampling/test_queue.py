"""Many requests to one server at a time: who gets a connection of his own, and who waits."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.sampling.wires import Held, Wire
from tvmon.errors import NoAnswer
from tvmon.sampling.queue import AT_ONCE, MORE_AT_ONCE, PATIENCE_SECONDS
from tvmon.servers import Answer, Request

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


class QueueTests(SynchronousTestCase):
    """All on a clock and on wires that the test holds."""

    def setUp(self) -> None:
        self.held = Held()
        self.asked: list[Deferred[Answer]] = []

    def tearDown(self) -> None:
        """Those that were left without an answer."""
        for asking in self.asked:
            asking.addErrback(lambda failure: failure.trap(NoAnswer))
        self.held.clock.advance(60.0)

    def ask(self, count: int, **more: Any) -> list[Deferred[Answer]]:
        asked = [self.held.ask(**more) for _ in range(count)]
        self.asked += asked
        return asked

    def answer(self, wire: Wire, data: bytes = GOOD) -> None:
        wire.protocol.dataReceived(data)

    def turn(self, seconds: float = 0.0) -> None:
        self.held.clock.advance(seconds)
        self.held.connect()

    def good(self, asked: list[Deferred[Answer]]) -> int:
        """How many have their answer."""
        return sum(asking.called for asking in asked)

    def test_beyond_some_a_request_waits_for_a_connection_that_comes_back(self) -> None:
        for answer in (GOOD, CHUNKED):
            self.held = Held()
            asked = self.ask(3 * AT_ONCE)
            self.assertEqual(len(self.held.wires), AT_ONCE)
            while self.good(asked) < len(asked):
                before = self.good(asked)
                for wire in self.held.wires:
                    if wire.value():
                        wire.clear()
                        self.answer(wire, answer)
                self.assertEqual(self.good(asked), before + AT_ONCE)
                self.turn()
            self.assertEqual(len(self.held.wires), AT_ONCE)
            self.assertEqual(self.held.fetcher.figures.reused, 2 * AT_ONCE)
            self.assertEqual(self.held.fetcher.figures.awaited, 2 * AT_ONCE)
            self.assertEqual({self.successResultOf(asking).body for asking in asked}, {b"hello"})

    def test_where_none_comes_back_more_are_opened_some_at_a_time(self) -> None:
        self.ask(AT_ONCE + 3 * MORE_AT_ONCE)
        opened = []
        for _ in range(4):
            opened.append(len(self.held.wires) - AT_ONCE)
            self.turn(PATIENCE_SECONDS + 0.001)
        self.assertEqual(opened, [0, MORE_AT_ONCE, 2 * MORE_AT_ONCE, 3 * MORE_AT_ONCE])

    def test_a_server_that_closes_each_time_is_asked_on(self) -> None:
        asked = self.ask(AT_ONCE + 10)
        for wire in self.held.wires[:10]:
            self.answer(wire, CLOSED)
            self.turn()
        self.assertEqual(len(self.held.wires), AT_ONCE + 10)
        for wire in self.held.wires[10:]:
            self.answer(wire, CLOSED)
        self.assertEqual(self.good(asked), len(asked))

    def test_one_that_waits_has_its_deadline_and_says_what_it_waits_for(self) -> None:
        self.ask(AT_ONCE)
        fetch = self.held.fetcher.fetch(Request("http://media.example/stat"), 0.03)
        hasty = Deferred.fromCoroutine(fetch)
        self.turn(0.04)
        trouble = self.failureResultOf(hasty).value
        self.assertEqual(trouble.reason, "no answer within 0.03 s (waiting for a connection)")
        self.assertEqual(trouble.outcome, "timeout")

    def test_what_it_waited_is_not_the_servers_time(self) -> None:
        asked = self.ask(AT_ONCE + 1)
        self.held.clock.advance(0.03)
        self.answer(self.held.wires[0])
        self.held.clock.advance(0.0)
        self.held.clock.advance(0.2)
        self.answer(self.held.wires[0])
        timing = self.successResultOf(asked[-1]).timing
        assert timing is not None
        self.assertAlmostEqual(timing.answer_ms, 200.0)

    def test_a_fresh_one_does_not_wait(self) -> None:
        self.ask(AT_ONCE)
        self.ask(1, fresh=True)
        self.assertEqual(len(self.held.wires), AT_ONCE + 1)

    def test_a_stop_ends_those_who_wait(self) -> None:
        asked = self.ask(AT_ONCE + 5)
        closing = Deferred.fromCoroutine(self.held.fetcher.close())
        self.held.clock.advance(0.0)
        self.successResultOf(closing)
        for asking in asked:
            self.assertEqual(self.failureResultOf(asking).value.reason, "tvmon is stopping")
        self.assertEqual(self.held.clock.getDelayedCalls(), [])

    def test_nothing_is_kept_of_a_server_that_nobody_asks(self) -> None:
        asked = self.held.ask()
        self.answer(self.held.wire, CLOSED)
        self.held.clock.advance(0.0)
        self.successResultOf(asked)
        self.assertEqual(self.held.fetcher._connections._queues, {})
