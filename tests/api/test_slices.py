"""Large bodies: made in slices, once, kept while they are good, and sent as they are read."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import MemoryCase, SocketCase, Wire, counted, good, stream
from tests.waiting import until
from tvmon.api import slices
from tvmon.api.slices import SLICE_SECONDS, Bodies


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
        task = slices.slices(clock).cooperate(work)
        turns = 0
        while clock.due:
            began = clock.rightNow
            clock.due.pop()()
            self.assertLessEqual(clock.rightNow - began, SLICE_SECONDS + 0.005)
            turns += 1
        self.assertEqual(done, [*range(100)])
        self.assertGreater(turns, 8)
        self.successResultOf(task.whenDone())


class SharingTests(MemoryCase):
    """The same answer for all who ask at the same time."""

    streams = tuple(stream(number) for number in range(500))

    def test_all_who_ask_meanwhile_get_the_one_that_is_being_made(self) -> None:
        made = []
        entries = self.board.entries

        class Counting:
            def __iter__(self) -> Iterator[Any]:
                made.append(1)
                return iter(entries())

        self.board.entries = Counting  # type: ignore[method-assign] # counts its readers
        asked = [self.ask("/samples") for _ in range(5)]
        self.agent.flush()
        self.board.note(1000, good(6, 600_000))
        asked += [self.ask("/samples") for _ in range(5)]
        answers = [self.end(each) for each in asked]
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(len({answer.header("ETag") for answer in answers}), 1)
        self.assertEqual(made, [1])
        self.assertNotEqual(self.get("/samples").header("ETag"), answers[0].header("ETag"))

    def test_who_leaves_meanwhile_takes_it_from_nobody(self) -> None:
        leaving, staying = self.ask("/samples"), self.ask("/samples")
        self.agent.flush()
        leaving.cancel()
        self.failureResultOf(leaving)
        self.assertEqual(self.end(staying).json["total_samples"], 500)
        alone = self.ask("/samples/0-0////1")
        self.agent.flush()
        alone.cancel()
        self.failureResultOf(alone)
        for _ in range(5):
            self.turn()

    def test_a_failure_is_logged_even_where_all_have_left(self) -> None:
        self.board.entries = lambda: [None]  # type: ignore[list-item,method-assign] # no entry
        asked = self.ask("/samples")
        self.agent.flush()
        asked.cancel()
        self.failureResultOf(asked)
        for _ in range(5):
            self.turn()
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_what_is_kept_is_bounded(self) -> None:
        bodies = Bodies(self.clock, slices.slices(self.clock))
        with patch.object(slices, "KEPT_BYTES", 1000):
            for number in range(30):
                getting = bodies._get(number, 1, lambda: iter([b"x" * 300]), keep=True)
                self.clock.advance(0)
                self.successResultOf(getting)
            self.assertEqual(list(bodies._kept), [27, 28, 29])
            self.assertEqual(bodies.held_bytes, 900)
            getting = bodies._get(1, 2, lambda: iter([b"y"]), keep=True)
            self.clock.advance(0)
            self.successResultOf(getting)
        self.assertEqual(list(bodies._kept), [1], "what tells of an older board is let go")

    def test_beyond_the_bound_no_new_answer_is_made(self) -> None:
        with patch.object(slices, "HELD_BYTES", 1000):
            self.assertEqual(self.get("/samples").code, 200)
            refused = self.get("/samples/0-1////")
        self.assertEqual((refused.code, refused.header("Retry-After")), (503, "10"))
        self.assertEqual(self.get("/samples/0-1////").code, 200)


class ReadingTests(SocketCase):
    """Over a real connection: slow readers, and such as leave."""

    streams = tuple(stream(number) for number in range(3000))

    def body(self, wire: Wire) -> bytes:
        return wire.heard.partition(b"\r\n\r\n")[2]

    async def test_a_slow_reader_gets_all_of_it_and_holds_one_copy(self) -> None:
        slow = await self.send("/samples")
        slow.tcp.pauseProducing()
        others = [await self.send("/samples") for _ in range(3)]
        for other in others:
            await until(lambda other=other: other.heard.endswith(b"]}"))
        held = self.held()
        self.assertLess(held, 1_200_000, "what is written to a connection but not yet sent")
        slow.tcp.resumeProducing()
        await until(lambda: slow.heard.endswith(b"]}"))
        self.assertEqual(self.body(slow), self.body(others[0]))

    def held(self) -> int:
        """Bytes that wait in the server's connections."""
        total = 0
        for each in self.reactor.getWriters():
            total += len(getattr(each, "dataBuffer", b"")) + getattr(each, "_tempDataLen", 0)
        return total

    async def test_a_reader_that_is_too_slow_is_cut_off(self) -> None:
        with patch.object(slices, "SENDING_SECONDS", 0.2):
            slow = await self.send("/samples")
            slow.tcp.pauseProducing()
            await until(lambda: counted(self.api, "samples", "499"))
            slow.tcp.resumeProducing()
            await until(lambda: slow.lost)
        self.assertLess(len(self.body(slow)), 3_000_000)

    async def test_one_that_leaves_in_the_middle_leaves_nothing_behind(self) -> None:
        for _ in range(5):
            wire = await self.send("/samples", "Accept-Encoding: gzip")
            await self.hear(wire, b"HTTP/1.1 200")
            wire.tcp.abortConnection()
            await until(lambda wire=wire: wire.lost)
            early = await self.send("/samples")
            early.tcp.abortConnection()
        answer = await self.send("/samples", "Accept-Encoding: gzip", "Connection: close")
        await until(lambda: answer.lost)
        self.assertTrue(gzip.decompress(self.body(answer)).endswith(b"]}"))

    async def test_two_answers_on_one_connection_come_in_order(self) -> None:
        wire = await self.send("/samples")
        wire.tcp.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        await self.hear(wire, b'{"healthy":true}')
        self.assertLess(wire.heard.index(b"total_samples"), wire.heard.index(b"healthy"))
