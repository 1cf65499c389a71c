"""Large bodies: made in slices, once, kept while they are good, and sent as they are read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

from twisted.internet.task import TaskStopped

from tests.api.support import MemoryCase, SocketCase, Wire, counted, good, stream
from tests.waiting import until
from tvmon.api import bodies, slices
from tvmon.api.bodies import Bodies


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
        room = Bodies(self.clock, slices.Slices(self.clock), self.board)
        with patch.object(bodies, "KEPT_BYTES", 1000):
            for number in range(30):
                getting = room._get(number, lambda: iter([b"x" * 300]), keep=True)
                self.clock.advance(0)
                self.successResultOf(getting)
            self.assertEqual(list(room._kept), [27, 28, 29])
            self.assertEqual(room.held_bytes, 900)
            self.board.put(stream(9999))
            getting = room._get(1, lambda: iter([b"y"]), keep=True)
            self.clock.advance(0)
            self.successResultOf(getting)
        self.assertEqual(list(room._kept), [1], "what tells of an older board is let go")

    def test_beyond_the_bound_no_new_answer_is_made(self) -> None:
        with patch.object(bodies, "HELD_BYTES", 1000):
            self.assertEqual(self.get("/samples").code, 200)
            refused = self.get("/samples/0-1////")
        self.assertEqual((refused.code, refused.header("Retry-After")), (503, "10"))
        self.assertEqual(self.get("/samples/0-1////").code, 200)

    def test_the_rest_waits_while_many_are_made(self) -> None:
        begun: list[int] = []
        room = Bodies(self.clock, slices.Slices(self.clock), self.board)

        def chunks(number: int) -> bodies.Chunks:
            begun.append(number)
            return iter([b"x"])

        getting = [
            room._get(number, partial(chunks, number), keep=False)
            for number in range(bodies.MOST_IN_THE_MAKING + 3)
        ]
        self.assertEqual(begun, [*range(bodies.MOST_IN_THE_MAKING)])
        self.board.put(stream(9999))
        while not getting[-1].called:
            self.clock.advance(0)
        self.assertEqual(len(begun), len(getting))
        self.assertEqual(self.successResultOf(getting[-1]).revision, self.board.revision)
        for each in getting[:-1]:
            self.successResultOf(each)

    def test_a_stop_ends_those_that_wait_too(self) -> None:
        work = slices.Slices(self.clock)
        room = Bodies(self.clock, work, self.board)
        getting = [
            room._get(number, lambda: iter([b"x"]), keep=False)
            for number in range(bodies.MOST_IN_THE_MAKING + 3)
        ]
        work.stop()
        for each in getting:
            self.failureResultOf(each, TaskStopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])


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
        with patch.object(bodies, "SENDING_SECONDS", 0.2):
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
