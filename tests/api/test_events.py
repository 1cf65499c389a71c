"""Server-sent events over real connections."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from tests.api.support import (
    BOOT,
    HOSTILE,
    SocketCase,
    Wire,
    counted,
    failed,
    filled_board,
    good,
    stream,
)
from tests.waiting import until
from tvmon.api import events, feed, listener
from tvmon.api.feed import Feed
from tvmon.api.listener import EVERY_SECONDS, Listener


class Event(NamedTuple):
    """One event as a client reads it."""

    id: int
    type: str
    data: Any


def read(text: bytes) -> list[Event]:
    """The events of an event stream, comments left out."""
    found = []
    for block in text.decode("utf-8").split("\n\n")[:-1]:
        lines = [line.partition(": ") for line in block.split("\n")]
        fields = {name: value for name, _, value in lines if name}
        if "data" in fields:
            boot, _, revision = fields["id"].rpartition("-")
            assert boot == BOOT, block
            found.append(Event(int(revision), fields["event"], json.loads(fields["data"])))
    return found


def dechunked(heard: bytes) -> bytes:
    """The body so far of a chunked answer."""
    body, rest = b"", heard.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length or len(rest) < length + 2:
            break
        body, rest = body + rest[:length], rest[length + 2 :]
    return body


class EventCase(SocketCase):
    """Clients that listen."""

    streams = tuple(stream(number) for number in range(3))

    async def listen(self, *headers: str, path: str = "/events") -> Wire:
        wire = await self.send(path, *headers)
        await self.hear(wire, b"event: hello")
        return wire

    def events(self, wire: Wire) -> list[Event]:
        return read(dechunked(wire.heard))

    def hellos(self, wire: Wire) -> list[str]:
        return [event.data["follows"] for event in self.events(wire) if event.type == "hello"]

    def told(self, wire: Wire) -> list[tuple[str, int]]:
        """What came after the hello: (type, stream)."""
        return [
            (event.type, event.data["mms_stream_id"])
            for event in self.events(wire)
            if event.type != "hello"
        ]

    async def until_told(self, wire: Wire, *told: tuple[str, int]) -> None:
        await until(lambda: self.told(wire) == [*told], why=f"{told} in {wire.heard[-500:]!r}")

    def gone(self, wire: Wire) -> None:
        wire.tcp.abortConnection()


class EventTests(EventCase):
    """What is told, and when."""

    async def test_the_head_and_the_hello(self) -> None:
        wire = await self.listen()
        head = wire.heard.partition(b"\r\n\r\n")[0].decode()
        for line in (
            "HTTP/1.1 200 OK",
            "Content-Type: text/event-stream; charset=utf-8",
            "Cache-Control: no-store",
            "X-Accel-Buffering: no",
            "X-Content-Type-Options: nosniff",
        ):
            self.assertIn(line, head)
        self.assertTrue(dechunked(wire.heard).startswith(b"retry: 2000\n\n"))
        revision = self.board.revision
        self.assertEqual(
            self.events(wire),
            [
                Event(
                    revision,
                    "hello",
                    {
                        "boot": BOOT,
                        "revision": revision,
                        "streams": 3,
                        "time": "2026-09-21T14:13:23Z",
                        "follows": "changes",
                    },
                )
            ],
        )

    async def test_changes_are_told_as_they_happen(self) -> None:
        wire = await self.listen()
        self.board.note(1001, failed(6))
        await self.until_told(wire, ("sample", 1001))
        event = self.events(wire)[-1]
        entry = self.board.get(1001)
        assert entry is not None
        self.assertEqual((event.id, event.data), (entry.revision, entry.as_dict()))
        self.board.drop(1001)
        self.board.put(stream(7))
        await self.until_told(wire, ("sample", 1001), ("gone", 1001), ("sample", 1007))

    async def test_the_first_change_is_told_at_once_and_the_rest_after_a_second(self) -> None:
        wire = await self.listen()
        began = self.reactor.seconds()
        self.board.note(1000, failed(6))
        await self.until_told(wire, ("sample", 1000))
        self.assertLess(self.reactor.seconds() - began, 0.8)
        for n in range(50):
            self.board.note(1000, failed(7 + n))
            self.board.note(1001, failed(7 + n))
        await self.until_told(wire, ("sample", 1000), ("sample", 1000), ("sample", 1001))
        self.assertGreater(self.reactor.seconds() - began, 0.9 * EVERY_SECONDS)
        self.assertEqual(self.events(wire)[-1].id, self.board.revision)

    async def test_all_listeners_are_told_the_same(self) -> None:
        wires = [await self.listen() for _ in range(5)]
        self.board.note(1002, failed(6))
        for wire in wires:
            await self.until_told(wire, ("sample", 1002))

    async def test_names_of_any_kind_stay_within_one_event(self) -> None:
        wire = await self.listen()
        for number, name in enumerate(HOSTILE):
            self.board.put(stream(100 + number, name))
        await until(lambda: len(self.told(wire)) == len(HOSTILE))
        self.assertEqual(
            [event.data["unify_name"] for event in self.events(wire)[1:]],
            [name.encode("utf-8", "replace").decode() for name in HOSTILE],
        )

    async def test_comments_keep_the_line_alive(self) -> None:
        with patch.object(events, "KEEP_ALIVE_SECONDS", 0.05):
            wire = await self.listen()
            await until(lambda: wire.heard.count(b": keep-alive\n\n") >= 3)
        self.assertEqual(self.told(wire), [])

    async def test_no_timer_runs_while_nobody_listens(self) -> None:
        wire = await self.listen()
        self.board.note(1000, failed(6))
        await self.until_told(wire, ("sample", 1000))
        self.board.note(1000, failed(7))
        self.gone(wire)
        await until(lambda: not self.reactor.getDelayedCalls() or self.only_the_sites())
        self.board.note(1000, failed(8))
        self.assertTrue(self.only_the_sites())

    def only_the_sites(self) -> bool:
        """Whether no timer of the events is left."""
        return not any("vent" in repr(call.func) for call in self.reactor.getDelayedCalls())

    async def test_head_is_answered_and_ended(self) -> None:
        wire = await self.send("/events", "Connection: close", method="HEAD")
        await until(lambda: wire.lost)
        self.assertIn(b"text/event-stream", wire.heard)
        self.assertTrue(wire.heard.endswith(b"\r\n\r\n"))

    async def test_a_listener_waits_until_the_board_is_filled(self) -> None:
        self.world.filled = Deferred()
        wire = await self.send("/events")
        leaving = await self.send("/events")
        self.gone(leaving)
        await until(lambda: leaving.lost)
        self.assertEqual(wire.heard, b"")
        self.world.filled.callback(None)
        await self.hear(wire, b"event: hello")


class ResumeTests(EventCase):
    """``Last-Event-ID``."""

    async def resumed(self, last: str) -> Wire:
        return await self.listen(f"Last-Event-ID: {last}")

    async def test_what_was_missed_follows_and_nothing_else(self) -> None:
        before = self.board.revision
        self.board.note(1000, failed(6))
        self.board.note(1002, failed(6))
        self.board.drop(1001)
        self.board.note(1000, failed(7))
        for wire in (
            await self.resumed(f"{BOOT}-{before}"),
            await self.listen(path=f"/events?last_event_id={BOOT}-{before}"),
        ):
            await self.until_told(wire, ("sample", 1002), ("gone", 1001), ("sample", 1000))
            self.assertEqual(self.hellos(wire), ["missed"])
            self.assertEqual(self.events(wire)[0].id, before)
        now = await self.resumed(f"{BOOT}-{self.board.revision}")
        self.board.put(stream(5))
        await self.until_told(now, ("sample", 1005))

    async def test_the_header_counts_more_than_the_address(self) -> None:
        before = self.board.revision
        self.board.note(1000, failed(6))
        wire = await self.listen(
            f"Last-Event-ID: {BOOT}-{self.board.revision}",
            path=f"/events?last_event_id={BOOT}-{before}",
        )
        self.board.note(1001, failed(6))
        await self.until_told(wire, ("sample", 1001))

    async def test_an_id_that_is_not_known_is_answered_with_everything(self) -> None:
        revision = self.board.revision
        for last in (
            f"cafe-{revision}",
            f"{BOOT}-{revision + 1}",
            f"{BOOT}-{revision - 1}",
            f"{BOOT}-",
            f"{BOOT}-x",
            f"{BOOT}-²",
            f"{BOOT}--5",
            f"{BOOT}-" + "9" * 1000,
            "x",
        ):
            wire = await self.resumed(last)
            await self.until_told(wire, ("sample", 1000), ("sample", 1001), ("sample", 1002))
            self.assertEqual(self.hellos(wire), ["everything"])

    async def test_who_hears_of_too_many_that_are_gone_is_told_everything_anew(self) -> None:
        wire = await self.listen()
        with patch.object(feed, "GONE_KEPT", 1):
            self.board.drop(1000)
            self.board.drop(1001)
            await until(lambda: self.hellos(wire) == ["changes", "everything"])
            await until(lambda: ("sample", 1002) in self.told(wire))


class BoundTests(EventCase):
    """Clients that do not read, leave, or are too many."""

    streams = tuple(stream(number, "x" * 400) for number in range(1500))

    async def test_one_that_does_not_read_holds_little_and_then_hears_the_newest(self) -> None:
        wire = await self.listen(f"Last-Event-ID: {BOOT}-1")
        wire.tcp.pauseProducing()
        (client,) = self.listeners()
        for turn in range(20):
            for number in range(0, 1500, 3):
                self.board.note(1000 + number, failed(6 + turn))
            await until(lambda: client.stalled_since is not None)
        self.assertLess(self.waiting_bytes(), 300_000)
        wire.tcp.resumeProducing()
        await until(lambda: client.heard == self.board.revision, seconds=30)
        self.board.put(stream(9999, "a mark"))
        await until(lambda: b"a mark" in wire.heard[-100_000:], seconds=30)
        newest = {e.data["mms_stream_id"]: e.data for e in self.events(wire)[1:]}
        for entry in self.board.entries():
            self.assertEqual(newest[entry.stream.mms_stream_id], entry.as_dict())
        ids = [event.id for event in self.events(wire)]
        self.assertEqual(ids, sorted(ids))

    def listeners(self) -> list[Listener]:
        found: list[Listener] = [*self.the_events()._listeners]
        return found

    def the_events(self) -> events.Events:
        return self.api.root._rooms[b"events"]._app._instance  # type: ignore[attr-defined, no-any-return]

    def waiting_bytes(self) -> int:
        total = 0
        for each in self.reactor.getWriters():
            total += len(getattr(each, "dataBuffer", b"")) + getattr(each, "_tempDataLen", 0)
        return total

    async def test_one_that_reads_nothing_for_long_is_dropped_and_counted(self) -> None:
        with (
            patch.object(events, "STALLED_SECONDS", 0.2),
            patch.object(events, "KEEP_ALIVE_SECONDS", 0.05),
        ):
            other = await self.listen()
            wire = await self.listen(f"Last-Event-ID: {BOOT}-1")
            wire.tcp.pauseProducing()
            await until(lambda: len(self.listeners()) == 1)
            self.assertEqual(self.the_events()._dropped._value.get(), 1)
            self.assertEqual(self.the_events()._count._value.get(), 1)
            self.board.note(1000, failed(9))
            await self.until_told(other, ("sample", 1000))

    async def test_more_than_the_most_are_refused(self) -> None:
        self.the_events()._most_clients = 2
        first, _ = await self.listen(), await self.listen()
        refused = await self.send("/events", "Connection: close")
        await until(lambda: refused.lost)
        self.assertIn(b"HTTP/1.1 503", refused.heard)
        self.assertIn(b"Retry-After: 30", refused.heard)
        self.assertIn(b"as many clients listen as there may be: 2", refused.heard)
        self.gone(first)
        await until(lambda: len(self.listeners()) == 1)
        await self.listen()

    async def test_clients_that_leave_at_any_moment_leave_nothing_behind(self) -> None:
        for number in range(10):
            wire = await self.send("/events", f"Last-Event-ID: {BOOT}-1")
            if number % 2:
                await self.hear(wire, b"event: sample")
            self.board.note(1000 + number, failed(6))
            self.gone(wire)
        # Some may have gone before their request was read; five were told something.
        await until(lambda: not self.listeners() and counted(self.api, "events", "200") >= 5)
        self.assertEqual(self.the_events()._count._value.get(), 0)

    async def test_a_stop_ends_every_stream_in_good_form(self) -> None:
        wire = await self.listen()
        stalled = await self.listen(f"Last-Event-ID: {BOOT}-1")
        stalled.tcp.pauseProducing()
        await until(lambda: any(each.stalled_since is not None for each in self.listeners()))
        await self.api.stop()
        await until(lambda: wire.lost)
        self.assertTrue(wire.heard.endswith(b"\r\n0\r\n\r\n"))
        stalled.tcp.resumeProducing()
        await until(lambda: stalled.lost)

    def peer(self, client: Listener) -> int:
        transport: Any = client._request.transport
        port: int = transport.getPeer().port
        return port

    def listener_of(self, wire: Wire) -> Listener:
        """The server's side of a connection."""

        def peer(each: Listener) -> int:
            transport: Any = each._request.transport
            port: int = transport.getPeer().port
            return port

        return next(each for each in self.listeners() if peer(each) == wire.port)

    async def test_one_that_fails_is_cut_off_and_disturbs_no_other(self) -> None:
        broken, other = await self.listen(), await self.listen()
        wrong = self.listener_of(broken)
        with patch.object(wrong, "offer", side_effect=RuntimeError("broken")):
            self.board.note(1000, failed(6))
            await self.until_told(other, ("sample", 1000))
            await until(lambda: broken.lost)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_the_line_of_others_is_kept_alive_though_one_fails_at_it(self) -> None:
        with patch.object(events, "KEEP_ALIVE_SECONDS", 0.05):
            broken, other = await self.listen(), await self.listen()
            wrong = self.listener_of(broken)
            with patch.object(wrong, "comment", side_effect=RuntimeError("broken")):
                await until(lambda: broken.lost and other.heard.count(b": keep-alive") > 3)
        self.assertTrue(self.flushLoggedErrors(RuntimeError))


class Request(DummyRequest):
    """A request that writes to memory."""

    def __init__(self) -> None:
        super().__init__([b"events"])
        self.transport = None


class ListenerTests(SynchronousTestCase):
    """One client, step by step."""

    def setUp(self) -> None:
        self.board = filled_board(stream(number) for number in range(3))
        self.clock = Clock()
        self.clock.advance(100)
        self.request = Request()
        self.calls: list[None] = []
        self.listener = Listener(
            self.request,  # type: ignore[arg-type] # all that is used of one
            feed=Feed(self.board, lambda: None),
            board=self.board,
            clock=self.clock,
            boot=BOOT,
            heard=0,
            waiting=lambda: self.calls.append(None),
        )

    def take(self) -> list[tuple[str, int]]:
        text = b"".join(self.request.written)
        self.request.written.clear()
        return [(event.type, event.data["mms_stream_id"]) for event in read(text)]

    def offer(self) -> None:
        self.clock.advance(EVERY_SECONDS)
        self.listener.offer(self.clock.seconds())

    def test_news_come_in_the_order_of_their_revisions(self) -> None:
        self.board.note(1000, failed(6))
        self.offer()
        self.assertEqual(self.take(), [("sample", 1001), ("sample", 1002), ("sample", 1000)])
        self.assertFalse(self.listener.waits)

    def test_at_most_once_a_second(self) -> None:
        self.offer()
        self.take()
        self.board.note(1000, failed(6))
        self.assertTrue(self.listener.waits)
        self.listener.offer(self.clock.seconds() + 0.5)
        self.assertEqual(self.take(), [])
        self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_a_slow_one_is_told_of_a_stream_as_it_is_when_its_turn_comes_and_not_again(
        self,
    ) -> None:
        with patch.object(listener, "STEP", 1):
            self.stall_after_one()
            self.board.note(1001, failed(6))
            self.board.note(1002, failed(6))
            self.listener.resumeProducing()
            self.assertEqual(self.take(), [("sample", 1001), ("sample", 1002)])
            self.assertTrue(self.listener.waits)
            self.assertEqual(self.calls, [None], "it says so, as no change may follow")
            self.board.note(1002, failed(7))
            self.offer()
            self.assertEqual(self.take(), [("sample", 1002)], "1001 has been told already")
            self.assertEqual(self.listener.heard, self.board.revision)

    def stall_after_one(self) -> None:
        """Let it be told of the first stream, and read no further."""

        def write(text: bytes, write: Any = self.request.write) -> None:
            write(text)
            self.listener.pauseProducing()

        with patch.object(self.request, "write", write):
            self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_a_stream_that_went_or_came_while_it_was_slow(self) -> None:
        with patch.object(listener, "STEP", 1):
            self.stall_after_one()
            self.board.drop(1001)
            self.board.drop(1002)
            self.board.put(stream(2))
            self.listener.resumeProducing()
            # 1002 is told as it is now; that it was away in between follows with the next news.
            self.assertEqual(self.take(), [("sample", 1002)])
            self.offer()
            self.assertEqual(self.take(), [("gone", 1001)])
            self.board.drop(1002)
            self.offer()
            self.assertEqual(self.take(), [("gone", 1002)])

    def test_comments_are_for_those_who_read(self) -> None:
        self.listener.comment()
        self.listener.pauseProducing()
        self.listener.comment()
        self.assertEqual(self.request.written, [b": keep-alive\n\n"])

    def test_good_and_failed_samples_are_events_alike(self) -> None:
        self.offer()
        self.take()
        self.board.note(1000, good(6))
        self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])
